"""Personal data as it is shown before somebody asks for it: enough to tell people apart, too little to use."""

from __future__ import annotations

import re
import unicodedata

_PHONE = re.compile(r"(?<![\d-])(?:\+81[-\s]?|0)\d{1,4}[-\s]?\d{1,4}[-\s]?\d{3,4}(?![\d-])")
_DASHES = re.compile(r"(?<=\d)[‐-―−ー](?=\d)")
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_CARD = re.compile(r"(?<![\d-])\d(?:[ -]?\d){12,18}(?![\d-])")
_HIDDEN = "●"


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
    """Return a text in which phone numbers, mail addresses and card numbers are hidden, in any width.

    Only for eyes that need no contact data (trainers): what is hidden cannot be had back from the result.
    """
    plain = _plain(text)
    hidden = _CARD.sub(lambda match: _card(match[0]), plain)
    hidden = _MAIL.sub(lambda match: mail(match[0]), hidden)
    hidden = _PHONE.sub(lambda match: phone(match[0]), hidden)
    return text if hidden == plain else hidden


def cards(text: str) -> str:
    """Return a text in which card numbers are hidden; they are of no use to anybody at the desk."""
    plain = _plain(text)
    hidden = _CARD.sub(lambda match: _card(match[0]), plain)
    return text if hidden == plain else hidden


def _plain(text: str) -> str:
    return _DASHES.sub("-", unicodedata.normalize("NFKC", text))


def _card(digits: str) -> str:
    bare = re.sub(r"\D", "", digits)
    # An order number has 17 digits in groups of 3, 7 and 7, and no valid check digit by design of ours or by luck.
    if re.fullmatch(r"\d{3}-\d{7}-\d{7}", digits) or not _luhn(bare):
        return digits
    return f"{_HIDDEN * 4}-{bare[-4:]}"


def _luhn(digits: str) -> bool:
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(digits))]
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0
