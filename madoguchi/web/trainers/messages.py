"""The inbox of messages: what the desk was unsure about, one decision for all that are alike."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from madoguchi.services.agents import May, Person
from madoguchi.web.desk.doors import Door
from madoguchi.web.trainers.rendering import show


async def messages_page(request: Request, _person: Person) -> Response:
    """GET /desk/train: the messages that wait for a trainer."""
    return show(request, "messages.html")


doors = (Door("/train", messages_page, May.TEACH),)
