"""The chat's HTTP interface: sessions, messages up by POST, messages down by GET or by server-sent events."""

from __future__ import annotations

import json
import re
import time
import unicodedata
from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

import structlog
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from madoguchi.services import incoming, progress, sessions
from madoguchi.services.sessions import Look, NotAdmitted, Opened, Visit
from madoguchi.services.talk import Head, MessageView, News, Refusal, Sent
from madoguchi.web.asking import COOKIE, COOKIE_PATH, cookie_for, json_of, limit, live_of, secret_of, visit_of
from madoguchi.web.context import Web, web_of
from madoguchi.web.limits import ATTEMPTS, MESSAGES, NEW_VISITORS, SIGN_INS
from madoguchi.web.metrics import metrics_of
from madoguchi.web.problems import Problem
from madoguchi.web.progress import card
from madoguchi.web.tokens import read_token
from madoguchi.web.turns import Turns

LONGEST_TEXT = 4000
KEEP_ALIVE_S = 15
OPENING = b":" + b" " * 2048 + b"\n\n"
"""A comment at the head of each stream: a proxy that gathers 2 KB before it sends anything on gets them at once."""
CHECK_SESSION_EVERY_S = 30
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


async def open_session(request: Request) -> Response:
    """POST /chat/session: exchange the shop's token for a session, or begin as a visitor without one."""
    web, body = web_of(request), await json_of(request)
    token, current = body.get("token"), secret_of(request)
    opened: Opened | NotAdmitted
    if token is None:
        if current is None or await web.services.run(sessions.visit_of, web.desk, current) is None:
            limit(request, NEW_VISITORS, "visitors", request.client.host if request.client else "")
        opened = await web.services.run(sessions.open_visit, web.desk, current)
    else:
        claim = read_token(str(token), web.settings.secret_for("shop_token"), web.desk.clock())
        if claim is None:
            raise Problem("token_refused")
        limit(request, SIGN_INS, "sign-ins", claim.reference)
        opened = await web.services.run(sessions.sign_in, web.desk, claim, current)
    if isinstance(opened, NotAdmitted):
        raise Problem("token_refused")
    return _with_cookie(web, opened)


async def close_session(request: Request) -> Response:
    """DELETE /chat/session: sign out; streams that are open end at once."""
    web, secret = web_of(request), secret_of(request)
    if secret:
        conversation_id = await web.services.run(sessions.sign_out, web.desk, secret)
        if conversation_id is not None:
            live_of(request).announce(conversation_id)
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, path=COOKIE_PATH)
    return response


async def get_messages(request: Request) -> Response:
    """GET /chat/messages?after=: what is new since a message, for the first look and for polling."""
    web, secret, after = web_of(request), secret_of(request), _position(request.query_params.get("after"))
    look = None if secret is None else await web.services.run(sessions.look, web.desk, secret, after)
    if look is None:
        raise Problem("no_session")
    return JSONResponse(
        {
            "messages": [shown(message) for message in look.messages],
            "owner": look.owner,
            "typing": live_of(request).is_writing(look.conversation_id),
            "cases": await _cases(web, look.conversation_id),
        }
    )


async def post_message(request: Request) -> Response:
    """POST /chat/messages: store a message under its client-made id, then have it answered."""
    began = time.perf_counter()
    web, live, turns, secret = web_of(request), live_of(request), _turns(request), secret_of(request)
    if secret is None:
        raise Problem("no_session")
    limit(request, ATTEMPTS, "attempts", secret)
    # Whose stream is open is known by name, for the limit; whether the session still runs, the store says below.
    name = live.conversation_of(secret) or (await visit_of(request)).conversation_id
    limit(request, MESSAGES, "messages", name)
    sent = _message(await json_of(request))
    structlog.contextvars.bind_contextvars(turn=sent.client_id)
    received = await web.services.run(incoming.receive, web.desk, secret, sent, at_once=turns.has_room_for(name))
    if received is None:
        raise Problem("no_session")
    if isinstance(received, Refusal):
        raise Problem(received.value)
    if received.news is not None:
        live.announce(received.conversation_id, received.news)
    turns.wake(received.conversation_id, received.turn)
    metrics_of(request).stage("accept", time.perf_counter() - began)
    return JSONResponse({"id": sent.client_id, "message": shown(received.stored.message)}, status_code=202)


async def get_events(request: Request) -> Response:
    """GET /chat/events: messages as they come, beginning after Last-Event-ID or ?after=."""
    visit = await visit_of(request)
    after = _position(request.headers.get("last-event-id") or request.query_params.get("after"))
    return EventSourceResponse(_events(request, visit, after), ping=KEEP_ALIVE_S, ping_message_factory=_sign_of_life)


async def _events(request: Request, visit: Visit, after: int) -> AsyncIterator[bytes]:
    """Give what is new, all of one look in one piece: each piece has the whole way through the server to go."""
    web, live, secret = web_of(request), live_of(request), secret_of(request) or ""
    state: dict[str, Any] = {"owner": None, "typing": None}
    cases: list[dict[str, Any]] = []
    yield OPENING
    with live.watching(visit.conversation_id, secret) as watch:
        while True:
            now, piece, looked = dict(state), b"", False
            fresh: Sequence[News | Look] | None = watch.take()
            if fresh is None:
                looked, look = True, await web.services.run(sessions.look, web.desk, secret, after)
                if look is None:
                    yield _event("end", {})
                    return
                fresh = (look,)
            for each in fresh:
                now["owner"] = each.owner
                for message in each.messages:
                    after = message.id
                    piece += _event("message", shown(message), after)
            if fresh:
                waited_s = watch.showed(Head(now["owner"], after))
                if waited_s is not None and piece:
                    metrics_of(request).stage("deliver", waited_s)
            now["typing"] = live.is_writing(visit.conversation_id)
            if now != state:
                state = now
                piece += _event("state", state)
            if piece:
                yield piece
            # The cards come after the words, and with every step of a case: `Live` finds it and has us look.
            if looked and (found := await _cases(web, visit.conversation_id)) != cases:
                cases = found
                yield _event("cases", cases)
            await watch.wait(CHECK_SESSION_EVERY_S)


def _event(name: str, data: Any, place: int | None = None) -> bytes:
    return ServerSentEvent(event=name, data=_dump(data), id=None if place is None else str(place)).encode()


async def _cases(web: Web, conversation_id: str) -> list[dict[str, Any]]:
    found = await web.services.run(progress.of_conversation, web.desk, conversation_id)
    return [card(each, web.sentences) for each in found]


def _sign_of_life() -> ServerSentEvent:
    """Make a real event, which a page can see, so that it notices a connection that died silently."""
    return ServerSentEvent(event="ping", data="{}")


def _with_cookie(web: Web, opened: Opened) -> Response:
    customer = None if opened.customer_name is None else {"name": opened.customer_name}
    response = JSONResponse({"conversation": opened.visit.conversation_id, "customer": customer})
    response.set_cookie(
        COOKIE,
        cookie_for(web, opened.secret),
        max_age=int((opened.visit.expires_at - web.desk.clock()).total_seconds()),
        path=COOKIE_PATH,
        secure=web.settings.web_url.startswith("https://"),
        httponly=True,
        samesite="lax",
    )
    return response


def _message(body: dict[str, Any]) -> Sent:
    client_id, text, token = body.get("id"), body.get("text"), body.get("choice")
    if not isinstance(client_id, str) or not UUID.fullmatch(client_id):
        raise Problem("bad_id")
    if token is not None:
        if text is not None or not isinstance(token, str):
            raise Problem("text_or_choice")
        if len(token) != 43 or not token.isascii():
            raise Problem("unknown_choice")
        return Sent(client_id, token=token)
    if not isinstance(text, str):
        raise Problem("text_or_choice")
    return Sent(client_id, text=_clean(text))


def _clean(text: str) -> str:
    text = text.replace("\r\n", "\n").strip()
    if not text:
        raise Problem("empty_text")
    if len(text) > LONGEST_TEXT:
        raise Problem("long_text")
    # Cc are the control characters, Cs halves of a surrogate pair, which no encoding can carry.
    if any(unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\t" for character in text):
        raise Problem("control_characters")
    return text


def _position(given: str | None) -> int:
    if given is None or given == "":
        return 0
    if not given.isascii() or not given.isdigit() or len(given) > 18:
        raise Problem("bad_position")
    return int(given)


def shown(message: MessageView) -> dict[str, Any]:
    """Return a message as the window takes it."""
    return {**vars(message), "at": message.at.isoformat()}


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _turns(request: Request) -> Turns:
    return cast(Turns, request.app.state.turns)


routes = [
    Route("/chat/session", open_session, methods=["POST"]),
    Route("/chat/session", close_session, methods=["DELETE"]),
    Route("/chat/messages", get_messages, methods=["GET"]),
    Route("/chat/messages", post_message, methods=["POST"]),
    Route("/chat/events", get_events, methods=["GET"]),
]
