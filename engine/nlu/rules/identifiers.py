"""Order numbers and phone numbers, in every way that people write and say digits."""

import re
from typing import Iterator

from engine.nlu.rules.numerals import as_digits
from engine.nlu.rules.span import Span

# The normaliser has turned dashes between ASCII digits into hyphens; these are the other ways to part
# the groups: a space, a dot, voice input's の and ハイフン, dashes between kanji digits.
_PART = r"[ \n]*(?:[-_./・、,のー‐‑‒–—―−─]|ハイフン|マイナス|だっしゅ|ダッシュ)?[ \n]*"
_ORDER = re.compile(rf"(?<![0-9])([0-9]{{3}}){_PART}([0-9]{{7}}){_PART}([0-9]{{7}})(?![0-9])")
_PHONE = re.compile(
    rf"(?<![0-9])(?:\+ ?81{_PART}\(?0?\)?|\(?0)"
    rf"([0-9]{{1,4}})\)?{_PART}\(?([0-9]{{1,4}})\)?{_PART}([0-9]{{3,4}})(?![0-9])(?!{_PART}[0-9])"
)
_MOBILE = re.compile(r"[5789]0[0-9]{8}\Z")
_LANDLINE = re.compile(r"[1-9][0-9]{8,9}\Z")
_FREE = re.compile(r"(?:120|570|990)[0-9]{6}\Z|800[0-9]{7}\Z")


def order_numbers(text: str) -> Iterator[Span]:
    """Find order numbers: 3, 7 and 7 digits."""
    for match in _ORDER.finditer(as_digits(text)):
        yield Span("order_number", match.start(), match.end(), "-".join(match.groups()))


def phone_numbers(text: str) -> Iterator[Span]:
    """Find Japanese phone numbers; the value is E.164."""
    for match in _PHONE.finditer(as_digits(text)):
        digits = "".join(match.groups())
        if any(pattern.match(digits) for pattern in (_MOBILE, _LANDLINE, _FREE)):
            yield Span("phone_number", match.start(), match.end(), f"+81{digits}")
