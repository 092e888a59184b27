"""The talk to keep: as a page to print, and as a text file."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from madoguchi.services import conversations
from madoguchi.services.talk import MessageView
from madoguchi.web.asking import visit_of
from madoguchi.web.context import web_of
from madoguchi.web.pages import page

PATH = "/chat/pages/talk"
MOST = 2000


async def get_talk(request: Request) -> Response:
    """GET /chat/pages/talk: the whole talk on one page."""
    messages = await _messages(request)
    return page(request, "window/talk.html", {"messages": messages, "now": web_of(request).desk.clock()})


async def get_text(request: Request) -> Response:
    """GET /chat/pages/talk.txt: the whole talk as a file."""
    web = web_of(request)
    messages = await _messages(request)
    text = web.pages.get_template("window/talk.txt").render(messages=messages, now=web.desk.clock())
    headers = {"Content-Disposition": 'attachment; filename="madoguchi-talk.txt"'}
    # Windows' own editor knows UTF-8 by its mark.
    return Response("\ufeff" + text, media_type="text/plain; charset=utf-8", headers=headers)


async def _messages(request: Request) -> list[dict[str, Any]]:
    web, visit = web_of(request), await visit_of(request)
    found: list[MessageView] = list(
        await web.services.run(conversations.messages_since, web.desk, visit.conversation_id, limit=MOST)
    )
    return [_line(message) for message in found]


def _line(message: MessageView) -> dict[str, Any]:
    card = message.content.get("card") or {}
    return {
        "author": message.author,
        "name": message.content.get("name"),
        "at": message.at,
        "text": message.text,
        "photo": message.content.get("photo"),
        "steps": card.get("steps") or [],
        "items": card.get("items") or [],
    }


routes = [Route(PATH, get_talk, methods=["GET"]), Route(f"{PATH}.txt", get_text, methods=["GET"])]
