"""The inbox of messages: what the desk was unsure about, one decision for all that are alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from madoguchi.services.agents import May, Person
from madoguchi.training import deciding, lessons, messages
from madoguchi.training.lessons import Refused
from madoguchi.training.messages import Heard, Reason
from madoguchi.training.notation import Said
from madoguchi.web.context import web_of
from madoguchi.web.desk.doors import Door, fields, lists, missing, number
from madoguchi.web.desk.rendering import go
from madoguchi.web.trainers.rendering import marks_of, show
from madoguchi.web.trainers.room import room_of

LAST_PAGE = 999


async def messages_page(request: Request, _person: Person) -> Response:
    """GET /desk/train: the messages that wait for a trainer, the most pressing first."""
    web, query = web_of(request), request.query_params
    room_of(request)
    reason = Reason(query["why"]) if query.get("why") in set(Reason) else None
    page = min(number(query.get("page")) or 0, LAST_PAGE)
    values: dict[str, Any] = {
        "listed": await web.services.run(messages.listed, web.desk, reason, query.get("intent") or None, page),
        "counts": await web.services.run(messages.counts, web.desk),
        "reason": reason,
        "reasons": tuple(Reason),
        "page": page,
    }
    return await show(request, "messages.html", values)


async def pile_page(request: Request, person: Person) -> Response:
    """GET /desk/train/m/{pile}: one pile, and what would be written."""
    return await show_pile(request, person)


async def teach_pile(request: Request, person: Person) -> Response:
    """POST /desk/train/m/{pile}/teach: make an example of the pile."""
    web, given, pile = web_of(request), await lists(request), request.path_params["pile"]
    text = _last(given, "text").replace("\r\n", "\n")
    said, intent = Said(text, marks_of(text, _last(given, "marks"))), _last(given, "intent")
    corpus = await room_of(request).corpus()
    kept = given.get("keep", ())
    done = await web.services.run(deciding.decide, web.desk, person, corpus, pile, intent, said, frozenset(kept))
    if done is None:
        return go(request, "/desk/train?did=late")
    if isinstance(done, Refused):
        return await show_pile(request, person, refused=done, said=said, intent=intent, kept=kept, status=409)
    return await onward(request, "teach")


async def dismiss_pile(request: Request, person: Person) -> Response:
    """POST /desk/train/m/{pile}/dismiss: settle the pile without an example."""
    web = web_of(request)
    done = await web.services.run(deciding.dismiss, web.desk, person, request.path_params["pile"])
    return await onward(request, "dismiss" if done else "late")


async def split_pile(request: Request, person: Person) -> Response:
    """POST /desk/train/m/{pile}/split: put the chosen messages into a pile of their own."""
    web, given = web_of(request), await lists(request)
    chosen = [each for each in (number(row) for row in given.get("message", ())) if each is not None]
    new = await web.services.run(deciding.split, web.desk, person, request.path_params["pile"], chosen)
    if new is None:
        return go(request, f"/desk/train/m/{request.path_params['pile']}")
    return go(request, f"/desk/train/m/{new}?did=split")


async def undo(request: Request, person: Person) -> Response:
    """POST /desk/train/undo: take back the last thing this person did here."""
    web, given = web_of(request), await fields(request)
    done = await web.services.run(lessons.undo, web.desk, person)
    back = given.get("back", "")
    address = back if back.startswith("/desk/train") and "\\" not in back and "?" not in back else "/desk/train"
    return go(request, f"{address}?{urlencode({'did': 'undone' if done else 'nothing'})}")


async def look(request: Request, _person: Person) -> Response:
    """POST /desk/train/look: what the model in service, GiNZA and the examples say about a text being written."""
    given, room = await fields(request), room_of(request)
    n = given.get("n", "")  # which of the writers asks, where a page has several
    text = given.get(f"text{n}", "").replace("\r\n", "\n")[: lessons.LONGEST].strip()
    if not text:
        return await show(request, "_look.html", {"text": ""})
    found = await room.look([text])
    corpus = await room.corpus()
    nearest = await web_of(request).services.run(corpus.nearest, text, 6)
    intent = given.get(f"intent{n}", "")
    old = given.get("old", "")
    twins = [each for each in corpus.twins(text) if each.written != old]
    values = {
        "text": text,
        "found": found[0] if found else None,
        "nearest": nearest,
        "twins": twins,
        "conflict": any(each.intent != intent for each in twins) if intent else False,
    }
    return await show(request, "_look.html", values)


async def show_pile(
    request: Request,
    person: Person,
    *,
    refused: Refused | None = None,
    said: Said | None = None,
    intent: str | None = None,
    kept: Sequence[str] = (),
    notice: str = "",
    status: int = 200,
) -> Response:
    """Show one pile: as it came, or with what the trainer has entered and why it was not taken."""
    web, room = web_of(request), room_of(request)
    pile = await web.services.run(messages.one, web.desk, request.path_params["pile"])
    if pile is None:
        return go(request, "/desk/train?did=late") if status == 200 else missing(request)
    heard = await looked_at(request, pile.first)
    corpus = await room.corpus()
    keep = kept or request.query_params.getlist("keep")
    masked = heard.masked(frozenset(keep))
    values = {
        "pile": pile,
        "heard": heard,
        "members": await web.services.run(messages.members, web.desk, pile.id),
        "masked": masked,
        "said": said or masked.said,
        "chosen": intent or (heard.intent if heard.intent in corpus.by_intent else None),
        "intents": sorted(await intents_known(request)),
        "kept": keep,
        "refused": refused,
        "notice": notice or request.query_params.get("did", ""),
    }
    return await show(request, "pile.html", values, status=status)


async def looked_at(request: Request, heard: Heard) -> Heard:
    """Have the engine look for names now, where nobody has yet: without that nothing can be taught."""
    if heard.names is not None:
        return heard
    web = web_of(request)
    found = await room_of(request).look([heard.text], names=True)
    if not found:
        return heard
    await web.services.run(messages.keep, web.desk, {heard.message_id: found[0]})
    fresh = await web.services.run(messages.one, web.desk, request.path_params["pile"])
    return fresh.first if fresh else heard


async def intents_known(request: Request) -> set[str]:
    """Return the intents that have examples, and those that trainers have defined."""
    web, corpus = web_of(request), await room_of(request).corpus()

    def known() -> set[str]:
        with web.desk.store.reading() as session:
            return lessons.known_intents(session, corpus)

    return await web.services.run(known)


async def onward(request: Request, did: str) -> Response:
    """Go on to the next pile, so that a trainer's hands stay on the keys."""
    web = web_of(request)
    listed = await web.services.run(messages.listed, web.desk)
    where = f"/desk/train/m/{listed.piles[0].id}" if listed.piles else "/desk/train"
    return go(request, f"{where}?did={did}")


def _last(given: dict[str, list[str]], name: str) -> str:
    return (given.get(name) or [""])[-1]


doors = (
    Door("/train", messages_page, May.TEACH),
    Door("/train/m/{pile}", pile_page, May.TEACH),
    Door("/train/m/{pile}/teach", teach_pile, May.TEACH, "POST"),
    Door("/train/m/{pile}/dismiss", dismiss_pile, May.TEACH, "POST"),
    Door("/train/m/{pile}/split", split_pile, May.TEACH, "POST"),
    Door("/train/undo", undo, May.TEACH, "POST"),
    Door("/train/look", look, May.TEACH, "POST"),
)
