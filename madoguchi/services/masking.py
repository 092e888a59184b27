"""Personal data as it is shown before somebody asks for it: enough to tell people apart, too little to use."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, MutableMapping
from typing import Any

_GAP = r"[-\s.・()]{0,3}"
_PHONE = re.compile(rf"(?<![\d-])(?:\+81{_GAP}(?:\(0\))?|\(?0)\d{{1,4}}{_GAP}\d{{1,4}}{_GAP}\d{{3,4}}(?![\d-])")
_DASHES = re.compile(r"(?<=\d)(\s?)[‐-―−ー─━](\s?)(?=\d)")
_UNSEEN = re.compile(r"(?<=\d)[\u200b-\u200f\u2060\ufeff\u00ad]+(?=\d)")
_MAIL = re.compile(r"[\w.!#$%&'*+=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)+")
_LONG_NUMBER = re.compile(r"(?<![\d-])\d(?:[ -]{0,3}\d){11,39}(?![\d-])")
_ORDER_NUMBER = re.compile(r"(?<![\d-])(\d{3}[ -]\d{7}[ -]\d{7}|\d{17})(?![\d-])")
_HIDDEN = "●"
_OUR_NAMES = frozenset({"event", "level", "timestamp", "request", "turn", "conversation"})


def name(text: str) -> str:
    """Return 山田 花子 as 山●●●: the first character and how long it is."""
    bare = text.replace(" ", "").replace("\u3000", "")
    return bare[:1] + _HIDDEN * max(1, min(len(bare) - 1, 4))


def phone(text: str | None) -> str:
    """Return a number with its last four digits only."""
    return f"{_HIDDEN * 3}-{_HIDDEN * 4}-{text[-4:]}" if text else ""


def mail(text: str) -> str:
    """Return an address with the first letter of its name and its domain."""
    local, _, domain = text.partition("@")
    return f"{local[:1]}{_HIDDEN * 3}@{domain}"


def words(text: str) -> str:
    """Return a text in which phone, My Number and card numbers and mail addresses are hidden, in any width.

    Only for eyes that need no contact data (trainers, logs): what is hidden cannot be had back from the result.
    """
    return _outside_of_orders(text, _contacts)


def cards(text: str) -> str:
    """Return a text in which card and My Numbers are hidden; they are of no use to anybody at the desk."""
    return _outside_of_orders(text, _numbers)


def log_line(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide in a log line whatever got into it; a processor for structlog. What we name things by ourselves stays."""
    for name, value in line.items():
        if isinstance(value, str) and name not in _OUR_NAMES:
            line[name] = words(value)
    return line


def _outside_of_orders(text: str, hide: Callable[[str], str]) -> str:
    """Hide in all but the order numbers, which look like much else and are nobody's secret."""
    plain = _plain(text)
    # What stands between two order numbers is at the even places, the numbers themselves at the odd ones.
    parts = _ORDER_NUMBER.split(plain)
    hidden = "".join(part if place % 2 else hide(part) for place, part in enumerate(parts))
    return text if hidden == plain else hidden


def _contacts(text: str) -> str:
    hidden = _MAIL.sub(lambda match: mail(match[0]), _numbers(text))
    return _PHONE.sub(lambda match: phone(match[0]), hidden)


def _numbers(text: str) -> str:
    return _LONG_NUMBER.sub(lambda match: _number(match[0]), text)


def _plain(text: str) -> str:
    return _DASHES.sub(r"\1-\2", _UNSEEN.sub("", unicodedata.normalize("NFKC", text)))


def _number(written: str) -> str:
    """Hide the groups of a long number that together are a card's or somebody's My Number."""
    groups = re.split(r"([ -]+)", written)
    for start in range(0, len(groups), 2):
        for end in range(len(groups), start, -2):
            digits = "".join(groups[start:end:2])
            if _is_card(digits) or _is_my_number(digits):
                shown = f"{_HIDDEN * 4}-{digits[-4:]}" if _is_card(digits) else _HIDDEN * 12
                before, after = "".join(groups[:start]), "".join(groups[end:])
                return before + shown + (after and _number(after))
    return written


def _is_card(digits: str) -> bool:
    if not 13 <= len(digits) <= 19:
        return False
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(digits))]
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0


def _is_my_number(digits: str) -> bool:
    """Say whether twelve digits end in the check digit of the ministry's ordinance (平成26年総務省令第85号)."""
    if len(digits) != 12:
        return False
    weighed = (int(digit) * (place + 2 if place < 6 else place - 4) for place, digit in enumerate(digits[10::-1]))
    rest = sum(weighed) % 11
    return int(digits[11]) == (0 if rest <= 1 else 11 - rest)
