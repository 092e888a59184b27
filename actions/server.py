"""The action server: the engine's signed door to the actions, and the outermost one for whatever goes wrong behind it.

POST /webhook   what rasa-sdk's own server takes, with `Authorization: Bearer <secret>`
GET  /healthz   200 once the actions are loaded

However an action fails, the customer hears within the deadline what is true: that nobody can say yet whether it was
done, that a human looks, and that nothing happens twice.
"""

from __future__ import annotations

import hmac
import json
import time
import traceback
from pathlib import Path
from typing import Any

import anyio
import structlog
from anyio import to_thread
from rasa_sdk.executor import ActionExecutor
from rasa_sdk.interfaces import ActionNotFoundException
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from actions import words
from actions.base import DeskAction
from actions.forms import ResolutionForm
from actions.handoffs import BookCall, Complaint, HandOver, TwoMeanings
from actions.questions import AnswerQuestion, Greet, ResendMail, TakeScore
from actions.replies import Phrasebook, phrases
from actions.slots import STANDING
from madoguchi.bootstrap import Settings, build_desk, configure_log, loaded
from madoguchi.services import handoffs
from madoguchi.services.desk import Desk

ACTIONS: tuple[type[DeskAction], ...] = (
    ResolutionForm,
    AnswerQuestion,
    Greet,
    ResendMail,
    TakeScore,
    HandOver,
    Complaint,
    TwoMeanings,
    BookCall,
)
DEADLINE_S = 4.0
"""Seconds an action may take; below the five the web program waits for a turn."""
HANDOFF_DEADLINE_S = 0.8
"""Seconds that calling a human may take after that."""
LARGEST_BODY = 16 * 1024 * 1024
"""Bytes; a tracker of a long conversation fits, a bomb does not."""

log = structlog.get_logger("madoguchi.actions")


def build() -> Starlette:
    """Build the program from the environment's settings."""
    settings = Settings()
    configure_log()
    words.load()
    built = app(build_desk(settings), Phrasebook(), settings.secret_for("actions"))
    loaded()
    return built


def app(desk: Desk, book: Phrasebook, secret: str, *, deadline_s: float = DEADLINE_S) -> Starlette:
    """Return the program for one desk."""
    door = Door(desk, book, secret, deadline_s)
    routes = [Route("/webhook", door.webhook, methods=["POST"]), Route("/healthz", door.healthz)]
    return Starlette(routes=routes)


class Door:
    """Lets the engine in, runs its action within the deadline, and catches whatever comes out."""

    def __init__(
        self, desk: Desk, book: Phrasebook, secret: str, deadline_s: float, handoff_s: float = HANDOFF_DEADLINE_S
    ) -> None:
        self.desk = desk
        self.book = book
        self.expected = f"Bearer {secret}".encode()
        self.deadline_s = deadline_s
        self.handoff_s = handoff_s
        self.executor = ActionExecutor()
        for action in ACTIONS:
            self.executor.register_action(action(desk, book))

    async def healthz(self, _request: Request) -> Response:
        """Say that the actions are there."""
        return JSONResponse({"actions": sorted(self.executor.actions)})

    async def webhook(self, request: Request) -> Response:
        """Run one action."""
        given = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(given, self.expected):
            return JSONResponse({"error": "unauthorized"}, status_code=401)
        body = await _read(request)
        if body is None:
            return JSONResponse({"error": "too_large"}, status_code=413)
        try:
            call = json.loads(body)
            conversation, name = str(call["sender_id"]), str(call["next_action"])
        except (ValueError, KeyError, TypeError, RecursionError):
            return JSONResponse({"error": "json"}, status_code=400)
        with structlog.contextvars.bound_contextvars(turn=_turn_of(call), conversation=conversation, action=name):
            return JSONResponse(await self._run(call, conversation, name))

    async def _run(self, call: dict[str, Any], conversation: str, name: str) -> dict[str, Any]:
        call.setdefault("domain", {})
        began = time.perf_counter()
        try:
            with anyio.fail_after(self.deadline_s):
                done = await self.executor.run(call)
        except ActionNotFoundException:
            raise  # domain.yml names an action that does not exist: the tests and `rasa data validate` find it
        except Exception as failure:  # noqa: BLE001 - the outermost door: an apology and a log line, whatever it was
            log.error("action_failed", **told(failure))
            return await self._hurt(conversation)
        log.info("action_run", ms=round((time.perf_counter() - began) * 1000, 1))
        return done.model_dump() if done is not None else {"events": [], "responses": []}

    async def _hurt(self, conversation: str) -> dict[str, Any]:
        """Say sorry and what is true, and call a human; the form is left so that nothing is agreed to by accident."""
        said = [{"text": self.book.text("agent_desk_hurt", {})}]
        try:
            with anyio.fail_after(self.handoff_s):
                promise = await to_thread.run_sync(
                    handoffs.hand_over, self.desk, conversation, "desk_hurt", {}, abandon_on_cancel=True
                )
            when = "in_hours" if promise.in_hours else "out_of_hours"
            values = phrases({"answer_by": promise.answer_by}, self.book)
            said.append({"text": self.book.text(f"handed_over_{when}", values)})
        except Exception as failure:  # noqa: BLE001 - the store itself may be what is hurt; the apology stands
            log.error("handoff_failed", **told(failure))
        emptied = [{"event": "slot", "name": name, "value": None} for name in (*STANDING, "requested_slot")]
        return {"events": [{"event": "active_loop", "name": None}, *emptied], "responses": said}


def told(failure: BaseException) -> dict[str, Any]:
    """Return what a log may say of a failure: its kind and place, never its words, which may be a customer's."""
    frames = traceback.extract_tb(failure.__traceback__)
    at = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames[-6:]]
    return {"failure": type(failure).__name__, "at": at}


def _turn_of(call: dict[str, Any]) -> str:
    """Return the name this turn has in every program's log: the page made it, the engine carries it along."""
    tracker = call.get("tracker")
    latest = tracker.get("latest_message") if isinstance(tracker, dict) else None
    metadata = latest.get("metadata") if isinstance(latest, dict) else None
    turn = metadata.get("turn") if isinstance(metadata, dict) else None
    return turn if isinstance(turn, str) and len(turn) <= 64 else ""


async def _read(request: Request) -> bytes | None:
    """Return the body, or None as soon as it is larger than allowed."""
    read = bytearray()
    async for chunk in request.stream():
        read += chunk
        if len(read) > LARGEST_BODY:
            return None
    return bytes(read)
