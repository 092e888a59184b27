"""The examples by intent: counted, searched, added one by one or a hundred at a time, edited, moved, deleted."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from madoguchi.services.agents import May, Person
from madoguchi.training import lessons, notation, readiness
from madoguchi.training.corpus import Corpus, Example
from madoguchi.training.lessons import Kind, Taught, Wanted
from madoguchi.training.notation import Said, Unwritable
from madoguchi.web.context import web_of
from madoguchi.web.desk.doors import Door, fields, lists, missing, number
from madoguchi.web.desk.rendering import go
from madoguchi.web.trainers.rendering import marks_of, show
from madoguchi.web.trainers.room import room_of

PAGE = 100
MOST_FOUND = 100
MOST_PASTED = 500


async def intents_page(request: Request, _person: Person) -> Response:
    """GET /desk/train/examples: every intent with its count, or what a search found."""
    corpus, q = await room_of(request).corpus(), request.query_params.get("q", "").strip()[:200]
    web = web_of(request)
    found = list(islice(corpus.find(q), MOST_FOUND + 1)) if q else []
    values = {
        "corpus": corpus,
        "counts": {name: len(each) for name, each in sorted(corpus.by_intent.items())},
        "new": await web.services.run(lessons.new_intents, web.desk),
        "q": q,
        "found": found[:MOST_FOUND],
        "more": len(found) > MOST_FOUND,
        "intents": await _intents(request, corpus),
    }
    return await show(request, "examples.html", values)


async def intent_page(request: Request, _person: Person) -> Response:
    """GET /desk/train/examples/{intent}: its examples and its drafts."""
    return await _intent(request, request.path_params["intent"])


async def add(request: Request, person: Person) -> Response:
    """POST /desk/train/examples/{intent}/add: one example with its marks, or a line each of many."""
    given, intent = await fields(request), request.path_params["intent"]
    if "lines" in given:
        wishes = _pasted(given["lines"], intent, notated=given.get("notated") == "1")
    else:
        text = given.get("text", "").replace("\r\n", "\n")
        wishes = [Wanted(Kind.ADD, intent, Said(text, marks_of(text, given.get("marks", ""))))]
    taught = await _teach(request, person, wishes)
    if taught.refused:
        return await _intent(request, intent, report=taught, status=409)
    return go(request, f"/desk/train/examples/{intent}?did=teach")


async def example_page(request: Request, _person: Person) -> Response:
    """GET /desk/train/example/{example}: one example, to be edited."""
    return await _example(request)


async def edit(request: Request, person: Person) -> Response:
    """POST /desk/train/example/{example}: say it in another way, or under another intent."""
    corpus, given = await room_of(request).corpus(), await fields(request)
    example = corpus.by_id.get(request.path_params["example"])
    if example is None:
        return missing(request)
    text = given.get("text", "").replace("\r\n", "\n")
    said, intent = Said(text, marks_of(text, given.get("marks", ""))), given.get("intent") or example.intent
    kind = Kind.EDIT if intent == example.intent else Kind.MOVE
    taught = await _teach(request, person, [Wanted(kind, intent, said, (example.intent, example.written))])
    if taught.refused:
        return await _example(request, said=said, intent=intent, report=taught, status=409)
    return go(request, f"/desk/train/examples/{intent}?did=teach")


async def bulk(request: Request, person: Person) -> Response:
    """POST /desk/train/examples/bulk: move or delete the chosen examples."""
    corpus, given = await room_of(request).corpus(), await lists(request)
    chosen = [corpus.by_id[each] for each in given.get("example", ()) if each in corpus.by_id]
    target, act = (given.get("to") or [""])[-1], (given.get("act") or [""])[-1]
    wishes = [each for example in chosen for each in _bulk_wish(example, act, target)]
    taught = await _teach(request, person, wishes)
    back = (given.get("intent") or [""])[-1]
    where = f"/desk/train/examples/{back}" if back in corpus.by_intent else "/desk/train/examples"
    return go(request, f"{where}?did={'partly' if taught.refused else 'teach'}")


async def new_intent_page(request: Request, _person: Person) -> Response:
    """GET /desk/train/intents: define a new intent."""
    return await show(request, "new_intent.html", {"refused": False, "entered": {}})


async def define(request: Request, person: Person) -> Response:
    """POST /desk/train/intents: keep a new intent."""
    web, given, corpus = web_of(request), await fields(request), await room_of(request).corpus()
    said = [given.get(each, "").strip() for each in ("name", "label", "definition")]
    made = await web.services.run(lessons.define, web.desk, person, corpus, *said)
    if not made:
        return await show(request, "new_intent.html", {"refused": True, "entered": given}, status=422)
    return go(request, f"/desk/train/examples/{said[0]}")


async def _teach(request: Request, person: Person, wishes: Sequence[Wanted]) -> Taught:
    web, corpus = web_of(request), await room_of(request).corpus()
    return await web.services.run(lessons.teach, web.desk, person, corpus, wishes)


async def _intent(request: Request, intent: str, *, report: Taught | None = None, status: int = 200) -> Response:
    web, corpus = web_of(request), await room_of(request).corpus()
    new = {each.name: each for each in await web.services.run(lessons.new_intents, web.desk)}
    if intent not in corpus.by_intent and intent not in new:
        return missing(request)
    drafts = await web.services.run(lessons.drafts, web.desk)
    q, page = request.query_params.get("q", "").strip()[:200], number(request.query_params.get("page")) or 0
    found = list(corpus.find(q, intent)) if intent in corpus.by_intent else []
    leaving = {(each.old_intent, each.old_written) for each in drafts if each.old_written is not None}
    coming = [each for each in drafts if each.intent == intent and each.kind != Kind.DELETE]
    fresh = intent in new and intent not in corpus.by_intent
    values: dict[str, Any] = {
        "intent": intent,
        "definition": corpus.definitions.get(intent) or (new[intent].definition if intent in new else ""),
        "label": new[intent].label if intent in new else None,
        "total": len(corpus.by_intent.get(intent, ())),
        "found": found[page * PAGE : (page + 1) * PAGE],
        "more": len(found) > (page + 1) * PAGE,
        "page": page,
        "q": q,
        "coming": [(each, notation.read(each.written)) for each in coming],
        "leaving": leaving,
        "intents": await _intents(request, corpus),
        "needs": readiness.needs(room_of(request).folder, intent, len(coming)) if fresh else (),
        "report": report,
        "empty": Said(""),
    }
    return await show(request, "intent.html", values, status=status)


async def _example(
    request: Request,
    *,
    said: Said | None = None,
    intent: str | None = None,
    report: Taught | None = None,
    status: int = 200,
) -> Response:
    corpus = await room_of(request).corpus()
    example = corpus.by_id.get(request.path_params["example"])
    if example is None:
        return missing(request)
    values = {
        "example": example,
        "said": said or example.said,
        "chosen": intent or example.intent,
        "intents": await _intents(request, corpus),
        "report": report,
    }
    return await show(request, "example.html", values, status=status)


async def _intents(request: Request, corpus: Corpus) -> list[str]:
    web = web_of(request)
    new = await web.services.run(lessons.new_intents, web.desk)
    return sorted({*corpus.by_intent, *(each.name for each in new)})


def _pasted(lines: str, intent: str, *, notated: bool) -> list[Wanted]:
    """Return a wish for each line; a dash before it, as in the files, is none of its text."""
    wishes: list[Wanted] = []
    for line in lines.replace("\r\n", "\n").split("\n")[:MOST_PASTED]:
        text = line.strip().removeprefix("- ").strip()
        if not text:
            continue
        try:
            said = notation.read(text) if notated else Said(text)
        except Unwritable:
            said = Said(text)
        wishes.append(Wanted(Kind.ADD, intent, said))
    return wishes


def _bulk_wish(example: Example, act: str, target: str) -> list[Wanted]:
    old = (example.intent, example.written)
    if act == "delete":
        return [Wanted(Kind.DELETE, example.intent, example.said, old)]
    if act == "move" and target and target != example.intent:
        return [Wanted(Kind.MOVE, target, example.said, old)]
    return []


doors = (
    Door("/train/examples", intents_page, May.TEACH),
    Door("/train/examples/bulk", bulk, May.TEACH, "POST"),
    Door("/train/examples/{intent}", intent_page, May.TEACH),
    Door("/train/examples/{intent}/add", add, May.TEACH, "POST"),
    Door("/train/example/{example}", example_page, May.TEACH),
    Door("/train/example/{example}", edit, May.TEACH, "POST"),
    Door("/train/intents", new_intent_page, May.TEACH),
    Door("/train/intents", define, May.TEACH, "POST"),
)
