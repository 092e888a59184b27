"""Renders the trainers' pages: the desk's filters and words, those of this room, and the number of drafts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from ruamel.yaml import YAML
from starlette.requests import Request
from starlette.responses import HTMLResponse

from madoguchi.training import lessons
from madoguchi.training.notation import Mark, Said
from madoguchi.web.context import web_of
from madoguchi.web.desk.rendering import render
from madoguchi.web.desk.rendering import words as desk_words
from madoguchi.web.sentences import TEMPLATES


@cache
def words() -> dict[str, Any]:
    """Return this room's words for codes, by section."""
    return dict(YAML(typ="safe").load(TEMPLATES / "trainers" / "words.yml"))


def told(code: Any, section: str) -> str:
    """Return the word for a code; the code itself where there is none."""
    return str(words()[section].get(str(code), code))


def intent_word(name: str | None) -> str:
    """Return what an intent is called on the pages."""
    return str(desk_words()["intents"].get(name, name or "なし"))


def percent(value: float | None) -> str:
    """Return 0.913 as 91%."""
    return "" if value is None else f"{value * 100:.0f}%"


def parts(said: Said) -> list[tuple[str, str | None]]:
    """Return a text in pieces, each with its entity or None."""
    found: list[tuple[str, str | None]] = []
    at = 0
    for mark in sorted(said.marks, key=lambda each: each.start):
        found += [(said.text[at : mark.start], None), (said.text[mark.start : mark.end], mark.entity)]
        at = mark.end
    return [each for each in (*found, (said.text[at:], None)) if each[0]]


def marks_json(marks: Iterable[Mark]) -> str:
    """Return marks as the page's script reads them."""
    return json.dumps([[each.start, each.end, each.entity, each.value] for each in marks], ensure_ascii=False)


def marks_of(text: str, given: str) -> tuple[Mark, ...]:
    """Read marks as the page's script writes them; what makes no sense is left out."""
    try:
        rows = json.loads(given or "[]")
    except ValueError:
        return ()
    found: list[Mark] = []
    for row in sorted((each for each in rows if _is_mark(each)), key=lambda each: int(each[0])) if rows else ():
        start, end, entity, value = row
        if (found[-1].end if found else 0) <= start < end <= len(text):
            found.append(Mark(start, end, entity, value or None))
    return tuple(found)


def _is_mark(row: Any) -> bool:
    shaped = isinstance(row, list) and len(row) == 4 and all(isinstance(each, int) for each in row[:2])
    return shaped and isinstance(row[2], str) and row[2] in words()["entities"] and isinstance(row[3], str | None)


async def show(
    request: Request, template: str, values: Mapping[str, Any] | None = None, *, status: int = 200
) -> HTMLResponse:
    """Render a page or a piece of one from `templates/trainers`."""
    web = web_of(request)
    helpers = {
        "told": told,
        "intent_word": intent_word,
        "percent": percent,
        "parts": parts,
        "marks_json": marks_json,
        "room_words": words(),
        "notice": request.query_params.get("did", ""),
        "drafts": await web.services.run(lessons.count, web.desk),
    }
    return HTMLResponse(render(request, f"trainers/{template}", helpers | dict(values or {})), status_code=status)
