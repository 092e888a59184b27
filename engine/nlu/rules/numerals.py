"""Japanese numerals: 12, 十二, 一二, 百二十."""

from typing import Optional

KANJI_DIGITS = "〇零一二三四五六七八九"
NUMERAL = r"[0-9〇零一二三四五六七八九十百]"

_DIGITS = {"〇": 0, "零": 0, **{char: value for value, char in enumerate("一二三四五六七八九", start=1)}}
_UNITS = {"十": 10, "百": 100}
_TO_DIGITS = str.maketrans(KANJI_DIGITS, "00123456789")


def as_digits(text: str) -> str:
    """Return a text of the same length with its kanji digits written as 0-9."""
    return text.translate(_TO_DIGITS)


def number(text: str) -> Optional[int]:
    """Return the value of a numeral below 1,000 or of plain digits, None where it is neither."""
    if as_digits(text).isascii() and as_digits(text).isdigit():
        return int(as_digits(text))
    total = 0
    pending: Optional[int] = None
    for char in text:
        if char in _UNITS:
            total += (1 if pending is None else pending) * _UNITS[char]
            pending = None
        elif char in _DIGITS and pending is None:
            pending = _DIGITS[char]
        elif char.isascii() and char.isdigit():
            pending = (pending or 0) * 10 + int(char)
        else:
            return None
    return total + (pending or 0) if text else None
