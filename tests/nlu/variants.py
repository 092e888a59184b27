"""Mechanical variants of a message, none of which changes what the customer wants."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

# A word around these changes what is said: はい with an order number is a fact, not a yes.
_TALK = frozenset(
    ("affirm", "deny", "inform", "greet", "thank", "goodbye", "dont_know_order", "complain", "out_of_scope")
)
_HALF_KATAKANA = {unicodedata.normalize("NFKC", chr(code)): chr(code) for code in range(0xFF61, 0xFFA0)} | {
    unicodedata.normalize("NFKC", chr(code) + mark): chr(code) + mark for code in range(0xFF66, 0xFF9E) for mark in "ﾞﾟ"
}
_WIDE = {chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)} | {" ": "\u3000"}


@dataclass(frozen=True)
class Variant:
    """A message and the same one in another dress."""

    kind: str
    intent: str
    base: str
    text: str


def _half_width(text: str) -> str:
    return "".join(_HALF_KATAKANA.get(char, char) for char in text)


def _full_width(text: str) -> str:
    return "".join(_WIDE.get(char, char) for char in text)


def _spaced(text: str) -> str:
    """Put a space behind every particle-like kana, as learners and voice input do."""
    return "".join(
        f"{char} " if char in "はがをにで" and at not in (0, len(text) - 1) else char for at, char in enumerate(text)
    )


_ANY: dict[str, Callable[[str], str]] = {
    "half width": _half_width,
    "full width": _full_width,
    "spaces": _spaced,
    "emoji": lambda text: text + "😢",
    "two emoji": lambda text: f"🙏{text}✨",
    "laughter": lambda text: text.rstrip("。!！") + "ｗｗ",
    "full stop": lambda text: text.rstrip("。") if text.endswith("。") else text + "。",
    "exclamation": lambda text: text if text[-1] in "?？" else text.rstrip("。") + "!!",
    "line feed": lambda text: f"\n{text}\n",
    "invisible": lambda text: f"\u200b{text[: len(text) // 2]}\u2060{text[len(text) // 2 :]}\ufeff",
    "kaomoji": lambda text: text + "(T_T)",
}
_REQUEST: dict[str, Callable[[str], str]] = {
    "order number before": lambda text: f"注文番号250-1234567-7654321です。{text}",
    "order number behind": lambda text: f"{text.rstrip('。')}。注文番号は２５０－１２３４５６７－７６５４３２１です",
    "apology": lambda text: f"すみません、{text}",
    "greeting": lambda text: f"お世話になっております。{text}",
    "politeness": lambda text: f"{text.rstrip('。')}。よろしくお願いいたします。",
}


def variants(text: str, intent: str) -> Iterator[Variant]:
    """Yield every variant that differs from the text itself."""
    changes = _ANY if intent in _TALK else _ANY | _REQUEST
    for kind, change in changes.items():
        changed = change(text)
        if changed != text:
            yield Variant(kind, intent, text, changed)
