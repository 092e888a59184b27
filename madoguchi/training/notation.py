"""Rasa's notation of an example: `[二つ](quantity)の[靴]{"entity": "product", "value": "靴"}`, read and written.

Rasa has no escape for a text that only looks like its notation, and it strips each end. A bracket annotated with
an empty list of entities (`[[][]`) is read back as the bracket alone, and so is a space (`[ ][]`): that is our
escape, understood by Rasa itself. What was written is read again at once, so that no text is ever changed silently.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# The same expression as Rasa's, which decides what a file means.
_ANNOTATION = re.compile(
    r"\[(?P<text>[^\]]+?)\](\((?P<entity>[^:)]+?)(?:\:(?P<value>[^)]+))?\)"
    r"|\{(?P<one>[^}]+?)\}|\[(?P<several>.*?)\])"
)
_SINGLE = re.compile(r"{(?P<one>[^}]+?)\}")
_STRIPPED = "\n\r "
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Unwritable(ValueError):
    """Rasa's notation cannot say this; the message is a sentence for programmers."""


@dataclass(frozen=True, order=True)
class Mark:
    """An entity in a text; `value` is what it means where that differs from the words."""

    start: int
    end: int
    entity: str
    value: str | None = None
    role: str | None = None
    group: str | None = None


@dataclass(frozen=True)
class Said:
    """A text with its entities."""

    text: str
    marks: tuple[Mark, ...] = ()


def read(annotated: str) -> Said:
    """Read what a file says, exactly as Rasa does; raises Unwritable where Rasa would refuse it."""
    annotated = annotated.strip(_STRIPPED)
    pieces: list[str] = []
    marks: list[Mark] = []
    length = at = 0
    for match in _ANNOTATION.finditer(annotated):
        between, words = annotated[at : match.start()], match["text"]
        start = length + len(between)
        pieces += [between, words]
        length, at = start + len(words), match.end()
        marks.extend(Mark(start, length, *each) for each in _entities(match))
    return Said("".join([*pieces, annotated[at:]]), tuple(marks))


def write(said: Said) -> str:
    """Return the text in Rasa's notation; raises Unwritable for overlapping marks or marks around a `]`."""
    if not said.text:
        raise Unwritable("An example needs a text.")
    marks = sorted(said.marks, key=lambda mark: (mark.start, mark.end))
    _check(said.text, marks)
    for escaped in (False, True):
        annotated = _written(said.text, marks, escaped=escaped)
        try:
            if read(annotated) == Said(said.text, tuple(marks)):
                return annotated
        except Unwritable:
            continue
    raise Unwritable("Rasa's notation has no way to say this text with these entities.")


def fits_a_line(annotated: str) -> bool:
    """Whether it can stand as `- …` in a block of lines; otherwise it has to be quoted."""
    return len(annotated.splitlines()) == 1 and all(_is_printable(char) for char in annotated)


def quoted(annotated: str) -> str:
    """Return a YAML scalar in double quotes that no reader takes for anything else."""
    said = json.dumps(annotated, ensure_ascii=False)
    return "".join(char if _is_printable(char) and char not in "\x85\u2028\u2029" else _escape(char) for char in said)


def _entities(match: re.Match[str]) -> list[tuple[str, str | None, str | None, str | None]]:
    if match["entity"]:
        return [(match["entity"], match["value"], None, None)]
    if match["one"]:
        return [_entity(match["one"])]
    return [_entity(each["one"]) for each in _SINGLE.finditer(match["several"])]


def _entity(body: str) -> tuple[str, str | None, str | None, str | None]:
    try:
        found: dict[str, Any] = json.loads(f"{{{body}}}")
    except ValueError:
        raise Unwritable(f"{{{body}}} is no entity.") from None
    if not isinstance(found.get("entity"), str):
        raise Unwritable(f"{{{body}}} names no entity.")
    return found["entity"], found.get("value"), found.get("role"), found.get("group")


def _check(text: str, marks: Sequence[Mark]) -> None:
    at = 0
    for mark in marks:
        if not at <= mark.start < mark.end <= len(text):
            raise Unwritable("Entities overlap or lie outside of the text.")
        at = mark.end


def _written(text: str, marks: Sequence[Mark], *, escaped: bool) -> str:
    pieces: list[str] = []
    at = 0
    for mark in marks:
        pieces += [_plain(text[at : mark.start], escaped), _annotated(text[mark.start : mark.end], mark)]
        at = mark.end
    pieces.append(_plain(text[at:], escaped))
    whole = "".join(pieces)
    inner = whole.strip(_STRIPPED)
    if whole == inner or not inner:
        return inner or _held(whole)
    lead = whole[: len(whole) - len(whole.lstrip(_STRIPPED))]
    return _held(lead) + whole[len(lead) : len(whole.rstrip(_STRIPPED))] + _held(whole[len(whole.rstrip(_STRIPPED)) :])


def _plain(text: str, escaped: bool) -> str:
    return text.replace("[", "[[][]") if escaped else text


def _held(space: str) -> str:
    """Keep white space at an end, which Rasa would strip."""
    return f"[{space}][]" if space else ""


def _annotated(words: str, mark: Mark) -> str:
    if _PLAIN_NAME.fullmatch(mark.entity) and mark.value is None and mark.role is None and mark.group is None:
        return f"[{words}]({mark.entity})"
    told = {"entity": mark.entity, "value": mark.value, "role": mark.role, "group": mark.group}
    body = json.dumps({name: value for name, value in told.items() if value is not None}, ensure_ascii=False)
    return f"[{words}]{body}"


def _is_printable(char: str) -> bool:
    """Whether YAML lets this stand as it is; what cannot be seen is better escaped than lost."""
    if char == "\t":
        return True
    code = ord(char)
    allowed = 0x20 <= code <= 0x7E or 0xA0 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000
    return allowed and char != "\ufeff" and unicodedata.category(char) not in ("Zl", "Zp")


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
