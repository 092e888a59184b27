"""Every route of the desk, in one table; `web/app.py` mounts it at /desk."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from madoguchi.web.desk import acts, breach, entry, lists, measures, rooms, talks
from madoguchi.web.desk.doors import Door, missing, person_of
from madoguchi.web.desk.rendering import go

DOORS: tuple[Door, ...] = (
    *lists.doors,
    *talks.doors,
    *acts.doors,
    *rooms.doors,
    *measures.doors,
    *breach.doors,
    *entry.doors,
)


async def elsewhere(request: Request) -> Response:
    """Say that there is no such page, to people who are signed in; others are asked to."""
    person = await person_of(request)
    if person is None:
        return go(request, "/desk/login")
    request.state.person = person
    return missing(request)


routes: list[BaseRoute] = [
    *entry.routes,
    *(door.route() for door in DOORS),
    Route("/{rest:path}", elsewhere),
]
