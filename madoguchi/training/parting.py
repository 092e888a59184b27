"""Parts one message with two wishes into two texts, each with the marks that lie wholly in it.

Customers say two things in one breath (返品したいのと、会員もやめたいです). As one example it would teach either
intent the other's words, so each wish becomes an example of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from madoguchi.training.notation import Mark, Said

_JOINTS = " \t\r\n　、，,"
"""What joins two wishes and belongs to neither: it goes where a text was parted."""


@dataclass(frozen=True)
class Parted:
    """The two texts a message was parted into."""

    first: Said
    second: Said


def part(said: Said, start: int, end: int | None = None) -> Parted | None:
    """Part a text before the character `start`; what lies up to `end` (のと、) joins the wishes and is left out.

    A span that begins or ends with the text is one of the wishes itself: there the text is parted at its other end.
    Returns None where one of the two would be empty.
    """
    end = start if end is None else end
    if not 0 <= start <= end <= len(said.text):
        return None
    start, end = (end, end) if start == 0 else (start, start) if end == len(said.text) else (start, end)
    first, second = _cut(said, 0, start), _cut(said, end, len(said.text))
    return Parted(first, second) if first.text and second.text else None


def _cut(said: Said, start: int, end: int) -> Said:
    """Return what lies between two places, without the joints at its ends."""
    while start < end and said.text[start] in _JOINTS:
        start += 1
    while start < end and said.text[end - 1] in _JOINTS:
        end -= 1
    return Said(said.text[start:end], tuple(_within(said.marks, start, end)))


def _within(marks: Iterable[Mark], start: int, end: int) -> Iterable[Mark]:
    for mark in marks:
        if start <= mark.start and mark.end <= end:
            yield replace(mark, start=mark.start - start, end=mark.end - start)
