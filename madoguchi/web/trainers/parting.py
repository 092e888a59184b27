"""A message with two wishes: parted where the trainer's cursor stands, and both parts taught with one decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.requests import Request
from starlette.responses import Response

from madoguchi.services.agents import May, Person
from madoguchi.training import deciding, messages, parting
from madoguchi.training.lessons import Refused
from madoguchi.training.notation import Said
from madoguchi.web.context import web_of
from madoguchi.web.desk.doors import Door, lists, number
from madoguchi.web.desk.rendering import go
from madoguchi.web.trainers.messages import intents_known, looked_at, onward, show_pile
from madoguchi.web.trainers.rendering import marks_of, show
from madoguchi.web.trainers.room import room_of

_Part = tuple[str, Said]
"""The intent and the text of a part."""


async def parts_page(request: Request, person: Person) -> Response:
    """POST /desk/train/m/{pile}/parts: the message in two, each with the model's guess; nothing is decided yet."""
    given = await lists(request)
    said, kept = _said(given), given.get("keep", ())
    start, end = number(_last(given, "at")), number(_last(given, "to"))
    parted = None if start is None else parting.part(said, start, end)
    if parted is None:
        intent = _last(given, "intent") or None
        return await show_pile(request, person, said=said, intent=intent, kept=kept, notice="nowhere", status=409)
    found = await room_of(request).look([parted.first.text, parted.second.text])
    guessed = [each.ranking[0].name or "" if each.ranking else "" for each in found or ()]
    parts = list(zip(guessed or ("", ""), (parted.first, parted.second), strict=True))
    return await _parts(request, parts, kept)


async def part_pile(request: Request, person: Person) -> Response:
    """POST /desk/train/m/{pile}/part: make an example of each part and settle the pile."""
    web, given, pile = web_of(request), await lists(request), request.path_params["pile"]
    parts = [(_last(given, f"intent{n}"), _said(given, n)) for n in ("1", "2")]
    corpus, kept = await room_of(request).corpus(), given.get("keep", ())
    done = await web.services.run(deciding.part, web.desk, person, corpus, pile, parts, frozenset(kept))
    if done is None:
        return go(request, "/desk/train?did=late")
    if isinstance(done, Refused):
        return await _parts(request, parts, kept, refused=done)
    return await onward(request, "part")


async def _parts(
    request: Request, parts: Sequence[_Part], kept: Sequence[str], *, refused: Refused | None = None
) -> Response:
    web = web_of(request)
    pile = await web.services.run(messages.one, web.desk, request.path_params["pile"])
    if pile is None:
        return go(request, "/desk/train?did=late")
    heard, intents = await looked_at(request, pile.first), await intents_known(request)
    values = {
        "pile": pile,
        "heard": heard,
        "parts_shown": [(said, intent if intent in intents else None) for intent, said in parts],
        "intents": sorted(intents),
        "kept": kept,
        "refused": refused,
        "at_fault": _at_fault(parts, refused),
    }
    return await show(request, "parts.html", values, status=409 if refused else 200)


def _at_fault(parts: Sequence[_Part], refused: Refused | None) -> int:
    """Return which part was refused, counted from 1; 0 for none."""
    told = (refused.wanted.intent, refused.wanted.said) if refused else None
    return next((n for n, part in enumerate(parts, start=1) if part == told), 0)


def _said(given: Mapping[str, list[str]], n: str = "") -> Said:
    text = _last(given, f"text{n}").replace("\r\n", "\n")
    return Said(text, marks_of(text, _last(given, f"marks{n}")))


def _last(given: Mapping[str, list[str]], name: str) -> str:
    return (given.get(name) or [""])[-1]


doors = (
    Door("/train/m/{pile}/parts", parts_page, May.TEACH, "POST"),
    Door("/train/m/{pile}/part", part_pile, May.TEACH, "POST"),
)
