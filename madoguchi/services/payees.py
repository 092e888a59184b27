"""A Japanese bank account as a customer writes it, checked and brought into the form that banks exchange."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass

KINDS = ("ordinary", "checking")  # 普通, 当座
LONGEST_HOLDER = 30
"""As many half-width characters as a transfer's payee has."""
_DIGITS = {"bank": 4, "branch": 3, "number": 7}
_SMALL = str.maketrans("ァィゥェォッャュョヮヵヶヲ", "アイウエオツヤユヨワカケオ")
_DASHES = re.compile("[ー‐‑–—―−]")
_HALF = {unicodedata.normalize("NFKC", chr(code)): chr(code) for code in range(0xFF66, 0xFF9E)}
_HALF |= {"\u3099": "ﾞ", "\u309a": "ﾟ"}
_HOLDER = re.compile(r"[ｱ-ﾟA-Z0-9 ().,/｢｣-]{2,}")


@dataclass(frozen=True)
class Payee:
    """One account: codes of bank (4 digits) and branch (3), kind, number (7), and its holder in half-width kana."""

    bank: str
    branch: str
    kind: str
    number: str
    holder: str

    @property
    def end(self) -> str:
        """The last three digits of the number, all that is ever shown."""
        return self.number[-3:]

    def facts(self) -> dict[str, str]:
        """Return everything as it is sealed."""
        return asdict(self)


def payee_of(fields: Mapping[str, str]) -> Payee | tuple[str, ...]:
    """Return the account that a form says, or the names of the fields that say none."""
    read = {name: _digits(fields.get(name, ""), count) for name, count in _DIGITS.items()}
    read["kind"] = fields.get("kind", "") if fields.get("kind") in KINDS else None
    read["holder"] = holder_of(fields.get("holder", ""))
    known = {name: value for name, value in read.items() if value is not None}
    return Payee(**known) if len(known) == len(read) else tuple(name for name in read if name not in known)


def holder_of(text: str) -> str | None:
    """Return a holder's name in the characters of bank transfers: half-width kana, no small ones; None for kanji."""
    plain = unicodedata.normalize("NFKC", text).upper()
    kana = "".join(chr(ord(sign) + 0x60) if "ぁ" <= sign <= "ゖ" else sign for sign in plain).translate(_SMALL)
    apart = unicodedata.normalize("NFD", " ".join(_DASHES.sub("-", kana).split()))
    half = "".join(_HALF.get(sign, sign) for sign in apart).replace("「", "｢").replace("」", "｣")
    return half if _HOLDER.fullmatch(half) and len(half) <= LONGEST_HOLDER else None


def _digits(text: str, count: int) -> str | None:
    bare = re.sub(r"[\s-]", "", _DASHES.sub("-", unicodedata.normalize("NFKC", text)))
    return bare if re.fullmatch(rf"[0-9]{{{count}}}", bare) else None
