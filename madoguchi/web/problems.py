"""Refusals and failures as answers: a JSON problem for programs, a Japanese page for people, never a trace."""

from __future__ import annotations

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from madoguchi.web.context import web_of
from madoguchi.web.pages import page
from madoguchi.web.sentences import ProblemText

log = structlog.get_logger()


class Problem(Exception):
    """A request that is refused; `code` names its sentences in sentences.yml."""

    def __init__(self, code: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}


async def answer_problem(request: Request, error: Exception) -> Response:
    """Answer a request that an endpoint refused."""
    assert isinstance(error, Problem)
    return render(request, error.code, error.headers)


async def answer_http_exception(request: Request, error: Exception) -> Response:
    """Answer what the framework itself refuses: no such page, no such method."""
    assert isinstance(error, HTTPException)
    known = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}
    return render(request, known.get(error.status_code, "bad_request"), dict(error.headers or {}))


def render(request: Request, code: str, headers: dict[str, str] | None = None) -> Response:
    """Return the answer for a problem's code, in the form the client can read."""
    text = web_of(request).sentences.problems[code]
    if _wants_page(request):
        return page(request, "problem.html", {"problem": text}, status=text.status, headers=headers)
    return JSONResponse(
        _body(code, text),
        status_code=text.status,
        headers=headers,
        media_type="application/problem+json",
    )


def _body(code: str, text: ProblemText) -> dict[str, object]:
    return {"type": f"urn:madoguchi:problem:{code}", "title": text.title, "status": text.status, "detail": text.detail}


def _wants_page(request: Request) -> bool:
    path = request.scope["path"]
    doors = ("/chat", "/webhooks", "/static", "/healthz", "/readyz", "/metrics")
    if path.startswith(doors) and not path.startswith("/chat/pages/"):
        return False
    return "text/html" in request.headers.get("accept", "")
