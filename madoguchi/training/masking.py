"""Takes personal data out of a customer's message before it can become an example.

Rules find numbers and addresses, GiNZA finds persons and places; each is replaced by an invented stand-in of the same
shape, because a model learns from 山田と申します and nothing from ●●●. What the desk's own masks would still hide in
the result is hidden too. The pieces say what was replaced, so that a trainer sees what will be written.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from madoguchi.services import masking
from madoguchi.training.notation import Mark, Said

ORDER_NUMBER = "250-1234567-7654321"
PHONE = "090-0000-0000"
STAND_INS = {
    "order_number": ORDER_NUMBER,
    "phone_number": PHONE,
    "mail": "hanako@example.jp",
    "card": "0000-0000-0000-0000",
    "number": "0000000000",
    "postcode": "100-0001",
    "address": "東京都千代田区1-1-1",
    "person": "山田",
    "place": "東京",
}
_DASH = r"[‐-―−ー\-－]"
_SPACE = r"[\s　]"
_PREFECTURE = r"(?:北海道|東京都|(?:京都|大阪)府|[一-龥]{2,3}県)"
_TOWN = r"[一-龥ぁ-んァ-ヶヵヶ々]{1,10}?[市区町村郡]"
_BLOCK = rf"(?:[0-9０-９一二三四五六七八九十]+(?:丁目|番地?|号|の|{_DASH}))*[0-9０-９]+(?:号室?|番地?|丁目)?"
_ROOM = (
    r"(?:[\s　]?[一-龥ぁ-んァ-ヶーA-Za-z]{2,14}(?:荘|マンション|アパート|ハイツ|コーポ|ビル|棟)?"
    r"[\s　]?[0-9０-９]{2,4}号?室?)?"
)
_SURNAME_ENDS = r"(?=と申し|と言い|といい(?:ます|まして)|って言|と言う者|という者|名義|宛(?:て|に)?)"
_RULES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("mail", re.compile(r"[\w.+＋-]+[@＠][\w-]+(?:[.．][\w-]+)+")),
    (
        "order_number",
        re.compile(rf"(?<![0-9０-９])[0-9０-９]{{3}}{_DASH}?[0-9０-９]{{7}}{_DASH}?[0-9０-９]{{7}}(?![0-9０-９])"),
    ),
    ("card", re.compile(rf"(?<![0-9０-９])[0-9０-９](?:(?:{_SPACE}|{_DASH})?[0-9０-９]){{13,18}}(?![0-9０-９])")),
    (
        "phone_number",
        re.compile(
            rf"(?<![0-9０-９])(?:[+＋][8８][1１]{_SPACE}?{_DASH}?|[(（]?[0０])[0-9０-９]{{1,4}}[)）]?(?:{_SPACE}|{_DASH})?"
            rf"[0-9０-９]{{1,4}}(?:{_SPACE}|{_DASH})?[0-9０-９]{{3,4}}(?![0-9０-９])"
        ),
    ),
    (
        "postcode",
        re.compile(
            rf"〒{_SPACE}?[0-9０-９]{{3}}{_DASH}?[0-9０-９]{{4}}|(?<![0-9０-９-])[0-9０-９]{{3}}{_DASH}[0-9０-９]{{4}}(?![0-9０-９-])"
        ),
    ),
    ("address", re.compile(rf"{_PREFECTURE}(?:{_TOWN})+[一-龥ぁ-んァ-ヶ々]{{0,10}}?(?:{_BLOCK}{_ROOM})?")),
    (
        "address",
        re.compile(rf"(?:{_TOWN})+[一-龥ぁ-んァ-ヶ々]{{0,10}}?(?:[0-9０-９]+(?:丁目|番地?|{_DASH}))+{_BLOCK}{_ROOM}"),
    ),
    (
        "person",
        re.compile(rf"(?:(?<=[、。！!\s　])|^)[一-龥々]{{1,4}}(?:{_SPACE}?[一-龥々ぁ-んァ-ヶ]{{1,4}})?{_SURNAME_ENDS}"),
    ),
    (
        "person",
        re.compile(
            r"(?:(?<=[、。！!\s　])|^)(?:[一-龥々]{2,4}|[ァ-ヶー]{2,6})[\s　]"
            r"[一-龥々ぁ-んァ-ヶ]{1,4}(?=です|でございます)"
        ),
    ),
    (
        "person",
        re.compile(
            r"(?:(?<=名前は)|(?<=氏名は)|(?<=名義は)|(?<=名前：)|(?<=氏名：))[一-龥々ぁ-んァ-ヶー]{2,5}"
            r"(?:[\s　][一-龥々ぁ-んァ-ヶー]{1,4})?(?=です|で|、|。|$)"
        ),
    ),
    ("person", re.compile(r"[一-龥々]{1,3}(?=(?:様|さま|さん|氏)(?:宛|名義|方))")),
    # A long number is somebody's: a parcel's, an account's, My Number. Yen and sizes are short or carry their unit.
    ("number", re.compile(rf"(?<![0-9０-９.,，．])[0-9０-９](?:{_DASH}?[0-9０-９]){{5,}}(?![0-9０-９]*\s?[円¥])")),
)


@dataclass(frozen=True)
class Piece:
    """A part of the message: what was written, and what stands for it; `kind` is None where nothing changed."""

    typed: str
    written: str
    kind: str | None = None


@dataclass(frozen=True)
class Masked:
    """A message fit to become an example."""

    said: Said
    pieces: tuple[Piece, ...]

    @property
    def changed(self) -> bool:
        """Whether anything was replaced."""
        return any(piece.kind for piece in self.pieces)


@dataclass(frozen=True)
class _Found:
    start: int
    end: int
    kind: str


def mask(said: Said, names: Sequence[Sequence[Any]], kept: frozenset[str] = frozenset()) -> Masked:
    """Return the message without personal data; `names` are GiNZA's [start, end, kind], `kept` words that are none.

    A trainer may keep what GiNZA took for a name; what the rules find goes in any case.
    """
    found = [*_by_rules(said.text), *_by_ginza(said.text, names, kept)]
    pieces, shifts = _replaced(said.text, _without_overlap(found))
    text = "".join(piece.written for piece in pieces)
    # Where the desk's own masks changed a length, nobody can say any more where a mark stood.
    marks = () if any(piece.kind == "other" for piece in pieces) else tuple(_moved(said.marks, shifts))
    return Masked(Said(text, marks), tuple(pieces))


def is_clean(text: str) -> bool:
    """Whether the rules find nothing in a text that is not one of the stand-ins."""
    return all(text[each.start : each.end] in STAND_INS.values() for each in _by_rules(text))


def _by_rules(text: str) -> Iterator[_Found]:
    for kind, pattern in _RULES:
        for match in pattern.finditer(text):
            yield _Found(match.start(), match.end(), kind)


def _by_ginza(text: str, names: Sequence[Sequence[Any]], kept: frozenset[str]) -> Iterator[_Found]:
    for start, end, kind in names:
        within = isinstance(start, int) and isinstance(end, int) and 0 <= start < end <= len(text)
        if within and text[start:end] not in kept:
            yield _Found(start, end, str(kind))


def _without_overlap(found: Sequence[_Found]) -> list[_Found]:
    """Keep of those that overlap the first of the rules' order; GiNZA comes last."""
    chosen: list[_Found] = []
    for each in found:
        if all(each.end <= other.start or other.end <= each.start for other in chosen):
            chosen.append(each)
    return sorted(chosen, key=lambda each: each.start)


def _replaced(text: str, found: Sequence[_Found]) -> tuple[list[Piece], list[tuple[int, int, int]]]:
    """Return the pieces, and for each stand-in its old span and its new length."""
    pieces: list[Piece] = []
    shifts: list[tuple[int, int, int]] = []
    at = 0
    for each in found:
        pieces += _untouched(text[at : each.start])
        typed = text[each.start : each.end]
        stand_in = _digits_like(typed) if each.kind == "number" else STAND_INS[each.kind]
        pieces.append(Piece(typed, stand_in, each.kind))
        shifts.append((each.start, each.end, len(stand_in)))
        at = each.end
    return [*pieces, *_untouched(text[at:])], shifts


def _untouched(text: str) -> list[Piece]:
    """Return a part as it is, unless the desk's own masks would still hide something in it."""
    if not text:
        return []
    hidden = masking.words(text)
    return [Piece(text, text) if hidden == text else Piece(text, hidden, "other")]


def _digits_like(typed: str) -> str:
    return "".join("0" if unicodedata.category(char) == "Nd" else char for char in typed)


def _moved(marks: Sequence[Mark], shifts: Sequence[tuple[int, int, int]]) -> Iterator[Mark]:
    """Carry the marks over; one that a stand-in cuts through is dropped, one that it fills stands around it."""
    for mark in marks:
        start, end, cut = mark.start, mark.end, False
        for old_start, old_end, length in shifts:
            grown = length - (old_end - old_start)
            if old_end <= mark.start:
                start, end = start + grown, end + grown
            elif old_start < mark.end:
                inside = mark.start <= old_start and old_end <= mark.end
                cut, end = cut or not inside, end + grown
        if not cut:
            value = None if any(s < mark.end and mark.start < e for s, e, _ in shifts) else mark.value
            yield Mark(start, end, mark.entity, value, mark.role, mark.group)
