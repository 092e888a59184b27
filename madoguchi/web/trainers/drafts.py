"""The drafts: every change as it will stand in the files, thrown away or published."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from madoguchi.services.agents import May, Person
from madoguchi.store import Lesson
from madoguchi.training import lessons, notation, publishing
from madoguchi.training.publishing import Published
from madoguchi.web.context import web_of
from madoguchi.web.desk.doors import Door, fields
from madoguchi.web.desk.rendering import go
from madoguchi.web.trainers.rendering import show
from madoguchi.web.trainers.room import room_of


async def drafts_page(request: Request, person: Person) -> Response:
    """GET /desk/train/drafts: everybody's drafts."""
    return await _page(request, person)


async def discard(request: Request, person: Person) -> Response:
    """POST /desk/train/drafts/{lesson}/discard: throw one away."""
    web = web_of(request)
    done = await web.services.run(lessons.discard, web.desk, person, request.path_params["lesson"])
    return go(request, f"/desk/train/drafts?did={'discarded' if done else 'late'}")


async def publish(request: Request, person: Person) -> Response:
    """POST /desk/train/drafts/publish: write one's own drafts, or everybody's as an admin, into the files."""
    web, room, given = web_of(request), room_of(request), await fields(request)
    everybody = given.get("whose") == "everybody" and person.may(May.ADMINISTER)
    done = await web.services.run(publishing.publish, web.desk, person, room.shelf, room.lock, everybody=everybody)
    await room.corpus()
    return await _page(request, person, done)


async def _page(request: Request, person: Person, published: Published | None = None) -> Response:
    web = web_of(request)
    found = await web.services.run(lessons.drafts, web.desk)
    corpus = await room_of(request).corpus()
    values = {
        "rows": [(each, notation.read(each.written), _old(each)) for each in found],
        "mine": sum(each.staff_id == person.id for each in found),
        "names": await web.services.run(lessons.authors, web.desk, found),
        "published": published,
        "broken": corpus.broken,
    }
    return await show(request, "drafts.html", values, status=409 if published and published.held else 200)


def _old(lesson: Lesson) -> notation.Said | None:
    return notation.read(lesson.old_written) if lesson.old_written is not None else None


doors = (
    Door("/train/drafts", drafts_page, May.TEACH),
    Door("/train/drafts/publish", publish, May.TEACH, "POST"),
    Door("/train/drafts/{lesson:int}/discard", discard, May.TEACH, "POST"),
)
