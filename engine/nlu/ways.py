"""Whether a way of paying that a message names is the way the money comes back: a line drawn through its context.

A card pays, is billed, is lost and is the way back, in more turns of phrase than patterns can list. What stands
before and behind the name, and what else the message speaks of, is weighed; the weights are learned.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Mapping, Sequence

from engine.nlu.rules.span import Span

_FILE = "ways.json"
_BEFORE, _BEHIND, _LONGEST = 12, 16, 3  # letters of context, and of one stretch of them
_MARK = r"[、。!?,]"
_MONEY_BACK = re.compile(
    r"返金|返[しっるす]|戻|払い戻|かえ[しっ]|もど[しっ]|振り?込|入金|受け取|補償|全額|お金|反映|計上"
)
_PAYING = re.compile(r"買|購入|払[いっ](?!戻)|決済|請求|引き?落|課金|使|登録|ゲーム|明細|番号|チャージ|会員")


@dataclass(frozen=True)
class WayBack:
    """The weights of the features; what has none says nothing."""

    weights: Mapping[str, float]
    bias: float

    def chance(self, context: Mapping[str, float]) -> float:
        """Return how likely the name with these features is the way back, from 0 to 1."""
        margin = self.bias + sum(self.weights.get(name, 0.0) * value for name, value in context.items())
        return 1 / (1 + math.exp(-margin))

    def save(self, directory: Path) -> None:
        """Write the weights as JSON: nothing in it can run."""
        content = {"weights": dict(self.weights), "bias": self.bias}
        (directory / _FILE).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> WayBack | None:
        """Read what `save` wrote; None where nothing was."""
        if not (directory / _FILE).exists():
            return None
        return cls(**json.loads((directory / _FILE).read_text(encoding="utf-8")))


def contexts(text: str, names: Sequence[Span]) -> List[Dict[str, float]]:
    """Return the features of each name in a normalised text."""
    whole = {f"anywhere {pair}": 0.5 for pair in _stretches(text, 2)}
    whole.update({f"says {found}": 1.0 for found in (*_MONEY_BACK.findall(text), *_PAYING.findall(text))})
    if _MONEY_BACK.search(text):
        whole["says that money comes back"] = 2.0
    if len({name.value for name in names}) > 1:
        whole["two ways"] = 2.0  # side by side they are a choice
    return [{**whole, **_around(text, name)} for name in names]


def _around(text: str, name: Span) -> Dict[str, float]:
    before, behind = text[max(0, name.start - _BEFORE) : name.start], text[name.end : name.end + _BEHIND]
    features = {f"way {name.value}": 1.0, f"name {text[name.start : name.end]}": 0.5}
    if name.end - name.start >= len(text) - 8:
        features["alone"] = 2.0
    clause = _clause(text, name)
    features["clause of money back"] = 1.5 * bool(_MONEY_BACK.search(clause))
    features["clause of paying"] = 1.5 * bool(_PAYING.search(clause))
    for length in range(1, _LONGEST + 1):
        features.update({f"before {stretch}": 1.0 for stretch in _stretches(before, length)})
        features.update({f"behind {stretch}": 1.0 for stretch in _stretches(behind, length)})
        features[f"just before {before[-length:]}"] = 1.5
        features[f"just behind {behind[:length]}"] = 1.5
    return features


def _clause(text: str, name: Span) -> str:
    """Return what stands around a name up to the next marks."""
    return re.split(_MARK, text[: name.start])[-1] + re.split(_MARK, text[name.end :])[0]


def _stretches(text: str, length: int) -> List[str]:
    return [text[start : start + length] for start in range(len(text) - length + 1)]
