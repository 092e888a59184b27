"""Phone calls from the window: the free slots, booking one of them, and taking it back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from madoguchi.services import callbacks
from madoguchi.services.callbacks import Full, NeedsPhone, Standing
from madoguchi.web.asking import json_of, limit, live_of, visit_of
from madoguchi.web.context import web_of
from madoguchi.web.dates import moment
from madoguchi.web.limits import CALLS
from madoguchi.web.problems import Problem
from madoguchi.web.sentences import Sentences

PATH = "/chat/calls"
LONGEST_NUMBER = 40


async def get_calls(request: Request) -> Response:
    """GET /chat/calls: what can be booked, and what is."""
    web, visit = web_of(request), await visit_of(request)
    found = await web.services.run(callbacks.standing, web.desk, visit.conversation_id)
    return JSONResponse(_shown(found, web.sentences))


async def post_call(request: Request) -> Response:
    """POST /chat/calls: book a call in one of the slots, in place of an earlier one."""
    web, visit = web_of(request), await visit_of(request)
    limit(request, CALLS, "calls", visit.conversation_id)
    body = await json_of(request)
    slot, phone = _slot(body.get("at")), body.get("phone")
    if phone is not None and (not isinstance(phone, str) or len(phone) > LONGEST_NUMBER or not _callable(phone)):
        raise Problem("bad_phone")
    booked = await web.services.run(callbacks.book, web.desk, visit.conversation_id, slot, phone)
    if isinstance(booked, NeedsPhone):
        raise Problem("bad_phone")
    if isinstance(booked, Full):
        raise Problem("slot_taken")
    live_of(request).announce(visit.conversation_id)
    return await get_calls(request)


async def delete_call(request: Request) -> Response:
    """DELETE /chat/calls: take the booked call back."""
    web, visit = web_of(request), await visit_of(request)
    if not await web.services.run(callbacks.cancel, web.desk, visit.conversation_id):
        raise Problem("no_call")
    return await get_calls(request)


def _slot(given: Any) -> datetime:
    try:
        slot = datetime.fromisoformat(given)
    except (TypeError, ValueError):
        raise Problem("bad_slot") from None
    if slot.tzinfo is None:
        raise Problem("bad_slot")
    return slot


def _callable(phone: str) -> bool:
    return callbacks.number_of(phone) is not None


def _shown(found: Standing, sentences: Sentences) -> dict[str, Any]:
    booked = found.booked
    return {
        "slots": [{"at": slot.isoformat(), "label": moment(slot, sentences)} for slot in found.slots],
        "booked": {"label": moment(booked.slot_at, sentences), "phone": booked.phone_end} if booked else None,
        "phone": found.phone_end,
    }


routes = [
    Route(PATH, get_calls, methods=["GET"]),
    Route(PATH, post_call, methods=["POST"]),
    Route(PATH, delete_call, methods=["DELETE"]),
]
