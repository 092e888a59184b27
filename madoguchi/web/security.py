"""Middleware at the door: headers for browsers, a cap on bodies, foreign pages kept out, one log line a request.

Of requests that are refused alike one a second has its line, with the number of those before it that had none: a
flood must take no time from others, and fill no disk.
"""

from __future__ import annotations

import math
import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from madoguchi.web.problems import render

log = structlog.get_logger()

MAX_BODY = 64 * 1024
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
REFUSED = frozenset({401, 429})
LOG_REFUSED_EVERY_S = 1.0
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Door:
    """The outermost door: request id, security headers, the log line, and an apology for what nobody caught.

    The log has the path without its query, and of an error its kind and place, never its words: those may hold
    what a customer wrote.
    """

    def __init__(self, app: ASGIApp, *, https: bool, seen: Callable[[str, int, float], None]) -> None:
        self.app = app
        self.seen = seen
        self.headers = HEADERS | ({"Strict-Transport-Security": "max-age=31536000"} if https else {})
        self._refused = {status: _Refused() for status in REFUSED}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope).get("x-request-id"))
        status = 0
        began = time.perf_counter()

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._dress(MutableHeaders(scope=message), scope["path"], request_id)
            await send(message)

        with structlog.contextvars.bound_contextvars(request=request_id):
            try:
                await self.app(scope, receive, send_with_headers)
            except Exception as error:  # noqa: BLE001 - the outermost door
                log.error("request_failed", path=scope["path"], error=type(error).__name__, at=_place_of(error))
                if not status:
                    await render(Request(scope), "server_error")(scope, receive, send_with_headers)
            took = time.perf_counter() - began
            self.seen(scope["path"], status, took)
            unlogged = self._refused[status].unlogged(began) if status in REFUSED else 0
            if unlogged is not None:
                words = {"method": scope["method"], "path": scope["path"], "status": status}
                log.info("request", **words, ms=round(took * 1000, 1), **({"unlogged": unlogged} if unlogged else {}))

    def _dress(self, headers: MutableHeaders, path: str, request_id: str) -> None:
        for name, value in self.headers.items():
            headers.setdefault(name, value)
        headers["X-Request-ID"] = request_id
        if path.startswith("/static/"):
            # The chat window is embedded by pages of other origins; there is nothing secret in these files.
            headers["Cross-Origin-Resource-Policy"] = "cross-origin"
            headers.setdefault("Access-Control-Allow-Origin", "*")
            headers.setdefault("Cache-Control", "no-cache")
        else:
            headers["Cross-Origin-Resource-Policy"] = "same-origin"
            headers.setdefault("Cache-Control", "no-store")


@dataclass
class _Refused:
    """When a refusal was logged last, and how many there were since."""

    at: float = -math.inf
    since: int = 0

    def unlogged(self, now: float) -> int | None:
        """Return how many went unlogged before this one; None where this one goes so too."""
        if now - self.at < LOG_REFUSED_EVERY_S:
            self.since += 1
            return None
        unlogged, self.at, self.since = self.since, now, 0
        return unlogged


class BodyCap:
    """Refuses a body of more than 64 KB, by its announced length or by what really comes; `larger` names exceptions."""

    def __init__(self, app: ASGIApp, *, limit: int = MAX_BODY, larger: Mapping[str, int] | None = None) -> None:
        self.app = app
        self.limit = limit
        self.larger = larger or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self.larger.get(scope["path"], self.limit)
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isascii() or not announced.isdigit():
            await render(Request(scope), "bad_request")(scope, receive, send)
            return
        if int(announced) > limit:
            await render(Request(scope), "too_large")(scope, receive, send)
            return
        came = 0

        async def receive_capped() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > limit:
                raise HTTPException(413)
            return message

        await self.app(scope, receive_capped, send)


class SameSite:
    """Refuses writes that another site's page makes its visitor's browser send.

    A browser says where a request comes from in Sec-Fetch-Site, older ones in Origin only; a program that is no
    browser sends neither and carries nobody's cookies. The shop's own origins may use the chat, nothing else.
    """

    def __init__(self, app: ASGIApp, *, shop_origins: frozenset[str]) -> None:
        self.app = app
        self.shop_origins = shop_origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS or self._welcome(scope):
            await self.app(scope, receive, send)
            return
        await render(Request(scope), "foreign_origin")(scope, receive, send)

    def _welcome(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if origin is not None and origin in self.shop_origins:
            return bool(scope["path"].startswith("/chat"))
        if site is not None:
            return site in ("same-origin", "none")
        return origin is None or urlsplit(origin).netloc == headers.get("host")


def _request_id(given: str | None) -> str:
    return given if given is not None and _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _place_of(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}"
