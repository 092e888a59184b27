"""Long numbers say that they are there, not which they are: an order's digits must not sway what a message means."""

from __future__ import annotations

import re

ANY = "0000"
"""What stands for every long number."""
_LONG = re.compile(r"\d{4,}")


def masked(text: str) -> str:
    """Return the text with one and the same number in place of every long one."""
    return _LONG.sub(ANY, text)


def masked_in_place(text: str) -> str:
    """Return the text with zeros in place of the digits of long numbers: "…8はいつ" must not become 八杯 to Sudachi."""
    return _LONG.sub(lambda number: "0" * len(number.group()), text)


def is_long(text: str) -> bool:
    """Whether a text is a long number."""
    return _LONG.fullmatch(text) is not None
