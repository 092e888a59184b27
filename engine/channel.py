"""The desk's door to the engine: signed requests, one answer a message.

POST /webhooks/desk/turn     {"conversation", "message", "text" or "payload", "metadata"?}
POST /webhooks/desk/inspect  {"texts": [...], "names"?}   see engine/inspect.py
POST /webhooks/desk/model    {"model"}                see engine/swap.py
GET  /webhooks/desk/health   {"model", "ready"}

The body is signed: `X-Madoguchi-Timestamp` holds unix seconds, `X-Madoguchi-Signature` the hex of
HMAC-SHA256 over "{timestamp}.{body}" under the shared secret.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import time
from collections import OrderedDict
from typing import Any, Awaitable, Callable, Dict, Optional, Tuple

from rasa.core.agent import Agent
from rasa.core.channels.channel import InputChannel, UserMessage
from rasa.shared.exceptions import RasaException
from sanic import Blueprint, Sanic
from sanic import response as http
from sanic.request import Request as HttpRequest
from sanic.response import HTTPResponse

from engine import inspect, patches, swap
from engine.turns import CHANNEL, Answer, Request, is_payload, run_turn

logger = logging.getLogger(__name__)

LARGEST_BODY = 64 * 1024
OLDEST_SECONDS = 300
_REMEMBERED_TURNS = 10_000
_LONGEST_ID = 200


class DeskInput(InputChannel):
    """Rasa's side of the desk's requests."""

    @classmethod
    def name(cls) -> str:
        """Return the name in the address: /webhooks/desk."""
        return CHANNEL

    @classmethod
    def from_credentials(cls, credentials: Optional[Dict[str, Any]]) -> "DeskInput":
        """Create the channel; without a secret nobody could be told from anybody."""
        secret = str((credentials or {}).get("secret") or "")
        if len(secret) < 16:
            raise RasaException("credentials.yml: engine.channel.DeskInput needs a secret of 16 characters or more.")
        return cls(secret)

    def __init__(self, secret: str) -> None:
        """Hold the secret and remember the turns that run or have run."""
        patches.apply()
        self._secret = secret.encode("utf-8")
        self._turns: "OrderedDict[Tuple[str, str], asyncio.Task[Answer]]" = OrderedDict()

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """Return the two routes."""
        desk = Blueprint("desk_input")

        @desk.listener("before_server_start")
        async def limit_bodies(app: Sanic, loop: Any) -> None:
            # Sanic refuses by the Content-Length, before it reads; its default is 100 MB.
            app.config.REQUEST_MAX_SIZE = LARGEST_BODY

        @desk.route("/health", methods=["GET"])
        async def health(request: HttpRequest) -> HTTPResponse:
            agent: Optional[Agent] = getattr(request.app.ctx, "agent", None)
            ready = _is_ready(agent)
            return http.json({"model": _model_name(agent), "ready": ready}, 200 if ready else 503)

        @desk.route("/turn", methods=["POST"])
        async def turn(request: HttpRequest) -> HTTPResponse:
            return await self._turn(request)

        inspect.register(desk, self._is_signed)
        swap.register(desk, self._is_signed)
        return desk

    async def _turn(self, http_request: HttpRequest) -> HTTPResponse:
        if len(http_request.body) > LARGEST_BODY:
            return _problem(413, "too_large")
        if not self._is_signed(http_request):
            return _problem(401, "unauthorized")
        agent: Optional[Agent] = getattr(http_request.app.ctx, "agent", None)
        if not _is_ready(agent):
            return _problem(503, "no_model")
        try:
            request = read_request(http_request.body)
        except ValueError as error:
            return _problem(400, str(error))
        if request.payload is not None and not is_payload(request.payload, agent.domain.intents):
            return _problem(400, "payload")
        try:
            # Shielded: a desk that hangs up must not leave half a turn behind.
            answer = await asyncio.shield(self._run_once(agent, request))
        except Exception:
            logger.exception("The turn of message %s could not be finished.", request.message)
            self._turns.pop((request.conversation, request.message), None)
            return _problem(503, "turn_not_saved")
        return http.json(answer.as_json(_model_name(agent)), ensure_ascii=False)

    def _run_once(self, agent: Agent, request: Request) -> "asyncio.Task[Answer]":
        """Return the turn of a message, begun only if it is new."""
        key = (request.conversation, request.message)
        task = self._turns.get(key)
        if task is None:
            task = asyncio.get_running_loop().create_task(run_turn(agent, request))
            self._turns[key] = task
            self._forget_oldest()
        return task

    def _forget_oldest(self) -> None:
        while len(self._turns) > _REMEMBERED_TURNS:
            self._turns.popitem(last=False)

    def _is_signed(self, request: HttpRequest) -> bool:
        timestamp = request.headers.get("X-Madoguchi-Timestamp", "")
        given = request.headers.get("X-Madoguchi-Signature", "")
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12 and given.isascii()):
            return False
        expected = sign(self._secret, timestamp, request.body)
        fresh = abs(time.time() - int(timestamp)) <= OLDEST_SECONDS
        return hmac.compare_digest(expected, given) and fresh


def sign(secret: bytes, timestamp: str, body: bytes) -> str:
    """Return the signature of a body at a time."""
    return hmac.new(secret, timestamp.encode("ascii") + b"." + body, hashlib.sha256).hexdigest()


def read_request(body: bytes) -> Request:
    """Read a request; raises ValueError with the name of the field that is wrong."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("json") from None
    if not isinstance(content, dict):
        raise ValueError("json")
    for name in ("conversation", "message"):
        value = content.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_ID or not value.isprintable():
            raise ValueError(name)
    metadata = content.get("metadata")
    if not isinstance(metadata, (dict, type(None))):
        raise ValueError("metadata")
    text, payload = content.get("text"), content.get("payload")
    if (text is None) == (payload is None):
        raise ValueError("text")
    if not isinstance(text if payload is None else payload, str):
        raise ValueError("text" if payload is None else "payload")
    return Request(content["conversation"], content["message"], text, payload, metadata or {})


def _is_ready(agent: Optional[Agent]) -> bool:
    return agent is not None and agent.is_ready()


def _model_name(agent: Optional[Agent]) -> Optional[str]:
    return agent.processor.model_filename if agent is not None and agent.processor else None


def _problem(status: int, code: str) -> HTTPResponse:
    return http.json({"error": code}, status=status)
