"""A courtesy with something behind it: "どうも。で、いつ届きますか" asks when it comes, and is no thanks.

Politeness around a request does not count. A classifier reads the whole message, though, and may hear the thanks only.
"""

from typing import Any, Dict, List

COURTESIES = frozenset(("greet", "thank", "goodbye"))
SURE = 0.5
"""How sure a part must be to count for more than the courtesy around it."""
_SLIGHT = COURTESIES | {None, "affirm", "deny", "inform", "nlu_fallback", "out_of_scope", "bot_challenge"}


def beyond_courtesy(parsed: Dict[str, Any], parts: List[Dict[str, Any]]) -> None:
    """Let a message that was taken for a courtesy be what its surest other part asks or wishes for."""
    if parsed["intent"].get("name") not in COURTESIES:
        return
    weighty = [part for part in parts if part["intent"] not in _SLIGHT and part["confidence"] >= SURE]
    if weighty:
        meant = max(weighty, key=lambda part: float(part["confidence"]))
        parsed["intent"] = {"name": meant["intent"], "confidence": meant["confidence"]}
