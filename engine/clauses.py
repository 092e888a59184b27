"""Several things said in one message: each part of it is understood by itself, beside the whole.

    ケトルは返品、ライトはキャンセルで          →  ケトルは返品 | ライトはキャンセルで
    返品したいです。それと会員も解約したい       →  返品したいです | それと会員も解約したい

A message is cut where a sentence ends, before a word that adds something, between two topics side by side, between
two acts named one after the other, and between money back and the same article again. The parts only tell what else
may be meant; the actions decide what follows.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Dict, Iterator, List, Pattern, Tuple

from rasa.core.channels.channel import UserMessage
from rasa.engine.runner.interface import GraphRunner
from rasa.engine.storage.storage import ModelMetadata

from engine.understanding import typed_message, understand

MOST = 6
"""Parts that are looked at; whoever says more than that is heard as a whole."""
SHORTEST = 2
_ADDS = "(?:それと|それから|それに|そして|あと|ついでに|もう一つ|もうひとつ|もう一点|別件|加えて|さらに|また|一緒に)"
_ACT = "(?:返品|返却|キャンセル|取り?消し?|解約|退会|交換|再注文)"
_COMMA = re.compile("[、,]")
_CUTS = (
    re.compile(r"[。.!?\n]+"),
    re.compile(rf"[、,\s]+(?={_ADDS})|(?<=[いすてでねた])(?:のと)?(?=(?:それと|それから|あと|ついでに))"),
    re.compile(rf"{_ACT}(?P<cut>(?:と|で|して|し)[、,]?)(?=[^、。,.!?\n]{{1,40}}{_ACT})"),
    re.compile(rf"(?:返金|{_ACT})して(?P<cut>[、,])(?=(?:同じ|おなじ|新しい|代わり|もう一|もう1))"),
)
_TOPIC = re.compile(r"\s*[^、。,.!?\n]{1,30}?(?:は|も|を)[^、。,.!?\n]{1,40}\s*\Z")
_ADDED = re.compile(rf"[\s、,]*{_ADDS}")
_LEFT_OPEN = re.compile(rf"{_ACT}(?:で|を)?\s*\Z")

Span = Tuple[int, int]


def spans(text: str) -> List[Span]:
    """Return where the parts of a message stand; one span for a message that says one thing."""
    folded = "".join(map(_same_length, text))
    found: List[Span] = [(0, len(folded))]
    for cut in _CUTS:
        found = [part for whole in found for part in _between(cut, folded, whole)]
    found = [part for whole in found for part in _topics(folded, whole)]
    return [(start, end) for start, end in found if len(folded[start:end].strip()) >= SHORTEST]


def understand_parts(message: UserMessage, runner: GraphRunner, metadata: ModelMetadata) -> List[Dict[str, Any]]:
    """Return the parts of a message with their intents and entities; nothing where there is but one."""
    text = message.text or ""
    found = spans(text)
    if not 1 < len(found) <= MOST:
        return []
    return [_part(text[start:end], message.metadata, runner, metadata) for start, end in found]


def _part(text: str, context: Any, runner: GraphRunner, metadata: ModelMetadata) -> Dict[str, Any]:
    # ケトルは返品、… leaves open what the end of the message says: that it is wished for.
    whole = f"{text}したいです" if _LEFT_OPEN.search(text) else text
    parsed = understand(typed_message(whole, context), runner, metadata)
    return {
        "text": text,
        "intent": parsed["intent"].get("name"),
        "confidence": parsed["intent"].get("confidence"),
        "entities": [{key: each[key] for key in ("entity", "value")} for each in parsed["entities"]],
        "added": bool(_ADDED.match(text)),
    }


def _topics(text: str, whole: Span) -> List[Span]:
    """Cut a part at its commas where each piece has a topic of its own, else leave it whole."""
    pieces = list(_between(_COMMA, text, whole))
    alike = len(pieces) > 1 and all(_TOPIC.match(text[start:end]) for start, end in pieces)
    return pieces if alike else [whole]


def _between(cut: Pattern[str], text: str, whole: Span) -> Iterator[Span]:
    start = whole[0]
    for match in cut.finditer(text, *whole):
        place = "cut" if "cut" in cut.groupindex else 0
        yield start, match.start(place)
        start = match.end(place)
    yield start, whole[1]


def _same_length(sign: str) -> str:
    """Fold the width of a character where that keeps its place."""
    folded = unicodedata.normalize("NFKC", sign)
    return folded if len(folded) == 1 else sign
