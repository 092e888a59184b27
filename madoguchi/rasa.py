"""The only caller of the engine: one signed request for each turn of a conversation."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from pydantic import TypeAdapter, ValidationError

DEADLINE_S = 5.0
CONNECT_DEADLINE_S = 2.0
SWAP_DEADLINE_S = 60.0


class EngineUnreachable(Exception):
    """The engine could not be reached; it surely has not seen the message."""


class EngineFailed(Exception):
    """The engine may have seen the message, but gave no usable answer in time; the message says what happened."""


@dataclass(frozen=True)
class Button:
    """An answer the customer can press; its payload is for the engine only."""

    title: str
    payload: str


@dataclass(frozen=True)
class BotReply:
    """One reply of the bot, as a response of the domain or an action made it."""

    text: str | None = None
    buttons: tuple[Button, ...] = ()
    image: str | None = None
    custom: dict[str, Any] | None = None


@dataclass(frozen=True)
class Turn:
    """What the engine made of one message. `failed` says that an action broke and the customer needs a human."""

    message: str
    replies: tuple[BotReply, ...] = ()
    intent: str | None = None
    confidence: float | None = None
    entities: tuple[dict[str, Any], ...] = ()
    model: str | None = None
    failed: bool = False
    took: Mapping[str, float] = field(default_factory=dict)
    """Seconds the engine spent on the stages `understand` and `actions`; empty for a turn that it told again."""


@dataclass(frozen=True)
class Token:
    """A word as GiNZA cuts it, with its part of speech; the offsets point into what was typed."""

    text: str
    start: int
    end: int
    pos: str
    tag: str = ""
    norm: str = ""
    reading: str = ""


@dataclass(frozen=True)
class _Intent:
    name: str | None = None
    confidence: float | None = None


@dataclass(frozen=True)
class _Name:
    start: int
    end: int
    kind: str


@dataclass(frozen=True)
class Inspected:
    """What the model in service makes of a text; `names` are persons and places, None unless they were asked for."""

    intent: _Intent | None = None
    ranking: tuple[_Intent, ...] = ()
    entities: tuple[dict[str, Any], ...] = ()
    tokens: tuple[Token, ...] = ()
    names: tuple[_Name, ...] | None = None


@dataclass(frozen=True)
class _Inspection:
    texts: tuple[Inspected, ...]
    model: str | None = None


@dataclass(frozen=True)
class _Answer:
    """The body of the engine's answer; a `null` in it means the same as nothing."""

    message: str
    replies: tuple[BotReply, ...] | None = None
    intent: _Intent | None = None
    entities: tuple[dict[str, Any], ...] | None = None
    model: str | None = None
    failed: bool = False
    took: dict[str, float] | None = None
    active_loop: Any = field(default=None, repr=False)


_ANSWER = TypeAdapter(_Answer)
_INSPECTION = TypeAdapter(_Inspection)
INSPECT_DEADLINE_S = 60.0


class Engine:
    """The engine behind one address; `secret` signs every request."""

    def __init__(
        self,
        url: str,
        secret: str,
        *,
        deadline_s: float = DEADLINE_S,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._secret = secret.encode()
        self._deadline_s = deadline_s
        # The transport is asked directly: cookies, redirects and proxies of a whole client are no part of a turn.
        self._transport = transport or httpx.AsyncHTTPTransport(trust_env=False)
        self._url = httpx.URL(url)

    async def turn(
        self,
        conversation: str,
        message_id: str,
        *,
        text: str | None = None,
        payload: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Turn:
        """Run one turn with what was typed (`text`) or pressed (`payload`).

        Raises EngineUnreachable or EngineFailed, at the latest after the deadline.
        """
        what = {"payload": payload} if payload is not None else {"text": text or ""}
        body = {"conversation": conversation, "message": message_id, **what, "metadata": dict(metadata or {})}
        try:
            async with asyncio.timeout(self._deadline_s):
                response = await self._post("/webhooks/desk/turn", body)
        except TimeoutError:
            raise EngineFailed(f"no answer in {self._deadline_s:g} s") from None
        return _read(response, message_id)

    async def inspect(self, texts: Sequence[str], *, names: bool = False) -> tuple[Inspected, ...]:
        """Return what the model makes of up to 50 texts; no turn runs. `names` asks GiNZA for persons and places.

        Raises EngineUnreachable or EngineFailed.
        """
        try:
            async with asyncio.timeout(INSPECT_DEADLINE_S):
                response = await self._post(
                    "/webhooks/desk/inspect", {"texts": list(texts), "names": names}, INSPECT_DEADLINE_S
                )
        except TimeoutError:
            raise EngineFailed(f"no answer in {INSPECT_DEADLINE_S:g} s") from None
        if response.status_code != 200:
            raise EngineFailed(f"status {response.status_code}")
        try:
            found = _INSPECTION.validate_json(response.content).texts
        except ValidationError as error:
            raise EngineFailed(f"an answer of another form: {error.error_count()} errors") from None
        if len(found) != len(texts):
            raise EngineFailed("an answer about other texts")
        return found

    async def put_into_service(self, model: str) -> float:
        """Let the engine change to a model file of models/ while turns go on; return how many seconds it took.

        Raises EngineUnreachable, or EngineFailed with the engine's code: then the old model serves on.
        """
        response = await self._post("/webhooks/desk/model", {"model": model}, SWAP_DEADLINE_S)
        if response.status_code != 200:
            raise EngineFailed(_code(response))
        return float(response.json()["seconds"])

    async def model(self) -> str | None:
        """Return the name of the model that the engine runs; None where it does not answer."""
        try:
            response = await self._send(httpx.Request("GET", self._url.join("/webhooks/desk/health")), 2)
            return str(response.json()["model"]) if response.status_code == 200 else None
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return None

    async def healthy(self) -> bool:
        """Say whether the engine answers and has its model."""
        try:
            async with asyncio.timeout(2):
                response = await self._send(httpx.Request("GET", self._url.join("/webhooks/desk/health")))
        except (httpx.HTTPError, TimeoutError):
            return False
        return response.status_code == 200

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    async def _post(self, path: str, body: Mapping[str, Any], deadline_s: float | None = None) -> httpx.Response:
        content = json.dumps(body, ensure_ascii=False).encode()
        try:
            request = httpx.Request("POST", self._url.join(path), content=content, headers=self._headers(content))
            return await self._send(request, deadline_s)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise EngineUnreachable(type(error).__name__) from None
        except httpx.HTTPError as error:
            raise EngineFailed(type(error).__name__) from None

    async def _send(self, request: httpx.Request, deadline_s: float | None = None) -> httpx.Response:
        timeout = httpx.Timeout(deadline_s or self._deadline_s, connect=CONNECT_DEADLINE_S)
        request.extensions = {"timeout": timeout.as_dict()}
        response = await self._transport.handle_async_request(request)
        try:
            await response.aread()
        finally:
            await response.aclose()
        return response

    def _headers(self, content: bytes) -> dict[str, str]:
        timestamp = str(int(time.time()))
        signature = hmac.new(self._secret, f"{timestamp}.".encode() + content, hashlib.sha256).hexdigest()
        return {
            "Content-Type": "application/json",
            "X-Madoguchi-Timestamp": timestamp,
            "X-Madoguchi-Signature": signature,
        }


def _code(response: httpx.Response) -> str:
    try:
        return str(response.json()["error"])
    except (ValueError, KeyError, TypeError):
        return f"status_{response.status_code}"


def _read(response: httpx.Response, message_id: str) -> Turn:
    if response.status_code == 503:
        raise EngineUnreachable("it is not ready yet")
    if response.status_code != 200:
        raise EngineFailed(f"status {response.status_code}")
    try:
        answer = _ANSWER.validate_json(response.content)
    except ValidationError as error:
        raise EngineFailed(f"an answer of another form: {error.error_count()} errors") from None
    if answer.message != message_id:
        raise EngineFailed("an answer to another message")
    intent = answer.intent or _Intent()
    return Turn(
        message=answer.message,
        replies=answer.replies or (),
        intent=intent.name,
        confidence=intent.confidence,
        entities=answer.entities or (),
        model=answer.model,
        failed=answer.failed,
        took=answer.took or {},
    )
