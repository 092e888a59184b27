"""What the customers' endpoints ask of every request: a session, a body that is JSON, and no more than is fair."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any, cast
from urllib.parse import parse_qs

from starlette.requests import Request

from madoguchi.services import sessions
from madoguchi.services.sessions import Visit
from madoguchi.web.context import Web, web_of
from madoguchi.web.limits import Limits, Rate
from madoguchi.web.live import Live
from madoguchi.web.problems import Problem

COOKIE = "madoguchi_session"
COOKIE_PATH = "/chat"


def cookie_for(web: Web, secret: str) -> str:
    """Return what a session's cookie holds: its secret, and a mark that this desk has given it."""
    return f"{secret}.{_mark(web, secret)}"


def secret_of(request: Request) -> str | None:
    """Return the secret of the session the request comes with, if this desk ever gave it.

    Whether that session still runs, the store says; an invented one is refused without the store.
    """
    secret, _, mark = request.cookies.get(COOKIE, "").rpartition(".")
    genuine = secret.isascii() and hmac.compare_digest(mark.encode(), _mark(web_of(request), secret).encode())
    return secret if genuine else None


def _mark(web: Web, secret: str) -> str:
    return hmac.new(web.session_key, secret.encode(), hashlib.sha256).hexdigest()[:32]


async def visit_of(request: Request) -> Visit:
    """Return the running session the request comes with. Raises Problem where there is none."""
    web, secret = web_of(request), secret_of(request)
    visit = None if secret is None else await web.services.run(sessions.visit_of, web.desk, secret)
    if visit is None:
        raise Problem("no_session")
    return visit


def limit(request: Request, rate: Rate, kind: str, key: str) -> None:
    """Count one more of a kind against a key. Raises Problem where it is one too many."""
    limits = cast(Limits, request.app.state.limits)
    wait_s = limits.wait_s(rate, kind, key, time.monotonic())
    if wait_s is not None:
        raise Problem("too_many", retry_after_s=wait_s)


async def json_of(request: Request) -> dict[str, Any]:
    """Return the JSON object in the body; none at all is an empty one for a new session. Raises Problem."""
    content = await request.body()
    if not content and request.method == "POST" and request.url.path == "/chat/session":
        return {}
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Problem("not_json")
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        raise Problem("invalid_json") from None
    if not isinstance(body, dict):
        raise Problem("invalid_json")
    return body


async def form_of(request: Request) -> dict[str, str]:
    """Return the fields of a posted form, the first value of each. Raises Problem."""
    try:
        fields = parse_qs((await request.body()).decode(), max_num_fields=20, keep_blank_values=True)
    except ValueError:
        raise Problem("bad_request") from None
    return {name: values[0] for name, values in fields.items()}


def live_of(request: Request) -> Live:
    """Return the open event streams."""
    return cast(Live, request.app.state.live)
