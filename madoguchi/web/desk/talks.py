"""The page of one conversation: everything that happened, and what a human does about it."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from madoguchi.services import affected, agents, canned, handling, inbox, masking, photos, privacy, suggesting, timeline
from madoguchi.services.agents import May, Person, Role
from madoguchi.services.handling import Kept, NotYours, Stale, Taken, Unfit
from madoguchi.services.snoozing import Wake
from madoguchi.services.timeline import Talk
from madoguchi.web.context import web_of
from madoguchi.web.desk.doors import Door, fields, missing, number
from madoguchi.web.desk.live import live_of, stream
from madoguchi.web.desk.rendering import go, is_piece, render, show
from madoguchi.web.pages import TOKYO
from madoguchi.web.photos import answer

TYPING_S = 4
_typing: set[asyncio.Task[None]] = set()


async def talk_page(request: Request, person: Person) -> Response:
    """GET /desk/c/{id}: the whole page."""
    talk, web = await _talk(request), web_of(request)
    if talk is None:
        return missing(request)
    await web.services.run(affected.look, web.desk, person, _id(request))
    return await _page(request, person, talk)


async def talk_events(request: Request, person: Person) -> Response:
    """GET /desk/c/{id}/events: its pieces as they change."""

    async def pieces() -> Mapping[str, str]:
        talk, web = await _talk(request), web_of(request)
        if talk is None:
            return {}
        values = _values(talk) | {"counts": await web.services.run(inbox.counts, web.desk, person)}
        parts = {"timeline": "_timeline.html", "status": "_status.html", "side": "_side.html"}
        made = {name: render(request, template, values) for name, template in parts.items()}
        return made | {"counts": render(request, "_counts.html", values | {"view": None})}

    return stream(request, pieces)


async def take(request: Request, person: Person) -> Response:
    """POST /desk/c/{id}/take: take over; the second of two is told who was first."""
    web = web_of(request)
    taken = await web.services.run(handling.take, web.desk, person, _id(request))
    return await _after(request, person, taken)


async def reply(request: Request, person: Person) -> Response:
    """POST /desk/c/{id}/reply: answer, or write a note."""
    web, given, name = web_of(request), await fields(request), _id(request)
    text, client_id = given.get("text", ""), given.get("client_id") or str(uuid.uuid4())
    if given.get("kind") == "note":
        done: object = await web.services.run(handling.note, web.desk, person, name, client_id, text)
    elif canned.unfilled(text):
        done = Unfit("placeholder")
    else:
        seen = number(given.get("seen")) or 0
        done = await web.services.run(handling.reply, web.desk, person, name, client_id, text, seen)
    return await _after(request, person, done, text=text)


async def give_back(request: Request, person: Person) -> Response:
    """POST /desk/c/{id}/give-back: let the bot go on, with a note on where."""
    web, given = web_of(request), await fields(request)
    seen = number(given.get("seen")) or 0
    done = await web.services.run(handling.give_back, web.desk, person, _id(request), given.get("words", ""), seen)
    return await _after(request, person, done)


async def close(request: Request, person: Person) -> Response:
    """POST /desk/c/{id}/close: it needs nobody any more."""
    web, given = web_of(request), await fields(request)
    done = await web.services.run(handling.close, web.desk, person, _id(request), number(given.get("seen")) or 0)
    return await _after(request, person, done)


async def pass_on(request: Request, person: Person) -> Response:
    """POST /desk/c/{id}/pass-on: to a colleague, or back into the queue."""
    web, given = web_of(request), await fields(request)
    to = number(given.get("to"))
    done = await web.services.run(handling.pass_on, web.desk, person, _id(request), to)
    return await _after(request, person, done)


async def snooze(request: Request, person: Person) -> Response:
    """POST /desk/c/{id}/snooze: put aside until a time or an event."""
    web, given = web_of(request), await fields(request)
    event = Wake(given["event"]) if given.get("event") in set(Wake) else None
    until = _until(given, web.desk.clock())
    done = await web.services.run(handling.snooze, web.desk, person, _id(request), until, event)
    return await _after(request, person, done)


async def reveal(request: Request, person: Person) -> Response:
    """POST /desk/c/{id}/reveal: show the customer's contact; the asking is audited."""
    web = web_of(request)
    contact = await web.services.run(privacy.reveal, web.desk, person, _id(request))
    if contact is None:
        return missing(request)
    return show(request, "_contact.html", {"contact": contact})


async def wrong(request: Request, person: Person) -> Response:
    """POST /desk/messages/{message}/wrong: this message was understood wrongly."""
    web = web_of(request)
    done = await web.services.run(handling.report_intent, web.desk, person, request.path_params["message"])
    return show(request, "_reported.html") if done else missing(request)


async def typing(request: Request, person: Person) -> Response:
    """POST /desk/c/{id}/typing: show the customer for a moment that somebody writes."""
    talk = await _talk(request)
    if talk is None or talk.conversation.owner != "agent" or talk.conversation.agent != person.login:
        return Response(status_code=204)

    async def show_dots() -> None:
        with request.app.state.live.writing(talk.conversation.id):
            await asyncio.sleep(TYPING_S)

    task = asyncio.create_task(show_dots())
    _typing.add(task)
    task.add_done_callback(_typing.discard)
    return Response(status_code=204)


async def insert_canned(request: Request, person: Person) -> Response:
    """POST /desk/c/{id}/canned/{reply}: the draft with a canned reply put after it, its placeholders filled."""
    web, given, talk = web_of(request), await fields(request), await _talk(request)
    row = await web.services.run(canned.use, web.desk, request.path_params["reply"])
    if talk is None or row is None:
        return missing(request)
    text, unknown = canned.fill(row.body, _fillings(talk, person))
    draft = given.get("text", "").rstrip()
    return show(request, "_draft.html", {"text": f"{draft}\n\n{text}".lstrip(), "unknown": unknown})


async def photo(request: Request, _person: Person) -> Response:
    """GET /desk/c/{id}/photos/{photo}: a photo that was sent in this conversation, and in no other."""
    web = web_of(request)
    found = await web.services.run(photos.read, web.desk, request.path_params["photo"])
    if found is None or found.conversation_id != _id(request):
        return missing(request)
    return answer(found)


async def suggestion(request: Request, _person: Person) -> Response:
    """GET /desk/c/{id}/suggestion: what could be said next."""
    return show(request, "_suggestion.html", {"text": await _suggested(request, masked=True), "id": _id(request)})


async def insert_suggestion(request: Request, _person: Person) -> Response:
    """POST /desk/c/{id}/suggestion: the draft with the suggested sentence put after it."""
    given, text = await fields(request), await _suggested(request, masked=False)
    draft = given.get("text", "").rstrip()
    return show(request, "_draft.html", {"text": f"{draft}\n\n{text}".strip(), "unknown": (), "id": _id(request)})


async def _suggested(request: Request, *, masked: bool) -> str:
    """Return the suggested sentence; empty where there is nothing true to say. Only a draft names the customer."""
    web, talk = web_of(request), await _talk(request)
    found = await web.services.run(suggesting.suggest, web.desk, _id(request)) if talk is not None else None
    if talk is None or found is None:
        return ""
    name = talk.customer.name if talk.customer else ""
    name = masking.name(name) if masked and name else name
    said = render(request, "_suggestion.txt", {"suggestion": found, "customer": name})
    return re.sub(r"\n{3,}", "\n\n", said).strip()


async def find_canned(request: Request, _person: Person) -> Response:
    """GET /desk/c/{id}/canned?q=: the canned replies that fit."""
    web = web_of(request)
    found = await web.services.run(canned.find, web.desk, request.query_params.get("q", "")[:100])
    return show(request, "_canned.html", {"canned": found[:20], "id": _id(request)})


async def _page(
    request: Request, person: Person, talk: Talk, *, text: str = "", told: object = None, status: int = 200
) -> Response:
    web = web_of(request)
    values = _values(talk) | {
        "counts": await web.services.run(inbox.counts, web.desk, person),
        "canned": (await web.services.run(canned.find, web.desk))[:20],
        "text": text,
        "told": told,
    }
    return show(request, "talk.html", values, status=status)


async def _after(request: Request, person: Person, done: object, *, text: str = "") -> Response:
    """Show what became of it: the pieces of the page that can have changed, or why nothing was done."""
    live_of(request).announce()
    request.app.state.live.announce(_id(request))
    talk = await _talk(request)
    if talk is None:
        return missing(request)
    refused = isinstance(done, NotYours | Stale | Taken | Unfit)
    if not is_piece(request):
        if not refused:
            return go(request, f"/desk/c/{talk.conversation.id}")
        return await _page(request, person, talk, text=text, told=done, status=409)
    values = _values(talk) | {"text": text if refused else "", "told": done if refused else None, "unknown": ()}
    response = show(request, "_after.html", values, status=409 if refused else 200)
    if isinstance(done, Kept):
        response.headers["HX-Trigger"] = "replied"
    return response


def _values(talk: Talk) -> dict[str, Any]:
    return {
        "talk": talk,
        "id": talk.conversation.id,
        "client_id": str(uuid.uuid4()),
        "told": None,
        "text": "",
        "unknown": (),
    }


async def _talk(request: Request) -> Talk | None:
    web = web_of(request)
    return await web.services.run(timeline.read, web.desk, _id(request))


def _id(request: Request) -> str:
    return str(request.path_params["id"])


def _until(given: Mapping[str, str], now: datetime) -> datetime | None:
    """Return the moment a form names: so many minutes from now, or a day and time in Tokyo."""
    minutes = number(given.get("minutes"))
    if minutes:
        return now + timedelta(minutes=min(minutes, 60 * 24 * 60))
    try:
        return datetime.fromisoformat(given.get("until", "")).replace(tzinfo=TOKYO)
    except ValueError:
        return None


def _fillings(talk: Talk, person: Person) -> dict[str, str]:
    first = next((order for order in talk.orders if order.number in talk.case_orders), None)
    return {
        "customer": talk.customer.name if talk.customer else "",
        "order": first.number if first else "",
        "article": first.lines[0].title if first else "",
        "agent": person.name,
    }


async def colleagues(request: Request, person: Person) -> Response:
    """GET /desk/c/{id}/colleagues: who could take it."""
    web = web_of(request)
    people = [
        each
        for each in await web.services.run(agents.everybody, web.desk)
        if each.active and each.role != Role.TRAINER and each.id != person.id
    ]
    return show(request, "_colleagues.html", {"people": people, "id": _id(request)})


doors = (
    Door("/c/{id}", talk_page, May.LOOK),
    Door("/c/{id}/events", talk_events, May.LOOK),
    Door("/c/{id}/take", take, May.HANDLE, "POST"),
    Door("/c/{id}/reply", reply, May.HANDLE, "POST"),
    Door("/c/{id}/give-back", give_back, May.HANDLE, "POST"),
    Door("/c/{id}/close", close, May.HANDLE, "POST"),
    Door("/c/{id}/pass-on", pass_on, May.HANDLE, "POST"),
    Door("/c/{id}/snooze", snooze, May.HANDLE, "POST"),
    Door("/c/{id}/typing", typing, May.HANDLE, "POST"),
    Door("/c/{id}/reveal", reveal, May.REVEAL, "POST"),
    Door("/c/{id}/canned", find_canned, May.HANDLE),
    Door("/c/{id}/canned/{reply:int}", insert_canned, May.HANDLE, "POST"),
    Door("/c/{id}/photos/{photo}", photo, May.REVEAL),
    Door("/c/{id}/suggestion", suggestion, May.HANDLE),
    Door("/c/{id}/suggestion", insert_suggestion, May.HANDLE, "POST"),
    Door("/c/{id}/colleagues", colleagues, May.HANDLE),
    Door("/messages/{message:int}/wrong", wrong, May.MARK, "POST"),
)
