"""Who may come in: the session's cookie, the permission each route asks for, and where the others are sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import cast
from urllib.parse import quote

from sqlalchemy.exc import NoResultFound
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from madoguchi.services import agents
from madoguchi.services.agents import May, Person
from madoguchi.web.context import Web, web_of
from madoguchi.web.desk.rendering import go, is_piece, show

COOKIE = "madoguchi_staff"
COOKIE_PATH = "/desk"
LARGEST_ID = 2**63 - 1
"""What a database's number can be; an address may hold a longer one."""
CHANGE_PASSWORD = "/desk/password"

type Page = Callable[[Request, Person], Awaitable[Response]]


@dataclass(frozen=True)
class Door:
    """One route of the desk and the permission it asks for; `methods` are GET unless it says otherwise."""

    path: str
    page: Page
    may: May
    method: str = "GET"

    def route(self) -> Route:
        """Return the guarded route."""
        return Route(self.path, guarded(self.page, self.may), methods=[self.method], name=self.page.__name__)


def guarded(page: Page, may: May) -> Callable[[Request], Awaitable[Response]]:
    """Let only people in who are signed in and may do this; everybody else learns nothing about what is there."""

    async def enter(request: Request) -> Response:
        person = await person_of(request)
        if person is None:
            return go(request, f"/desk/login?next={quote(_way_back(request), safe='')}")
        request.state.person = person
        if person.must_change and request.url.path != CHANGE_PASSWORD:
            return go(request, CHANGE_PASSWORD)
        if not person.may(may):
            return show(request, "message.html", {"kind": "forbidden"}, status=403)
        if any(isinstance(value, int) and value > LARGEST_ID for value in request.path_params.values()):
            return missing(request)
        try:
            return await page(request, person)
        except NoResultFound:
            # The address names a conversation or an account that is not there, or is not there any more.
            return missing(request)

    return enter


async def person_of(request: Request) -> Person | None:
    """Return who is signed in."""
    web = web_of(request)
    return await web.services.run(agents.person_of, web.desk, request.cookies.get(COOKIE))


def with_session(web: Web, response: Response, secret: str) -> Response:
    """Give the browser its session; no page's script can read it, no other site's page can send it."""
    response.set_cookie(
        COOKIE,
        secret,
        max_age=int(agents.SESSION.total_seconds()),
        path=COOKIE_PATH,
        secure=web.settings.web_url.startswith("https://"),
        httponly=True,
        samesite="strict",
    )
    return response


def without_session(response: Response) -> Response:
    """Take the session out of the browser."""
    response.delete_cookie(COOKIE, path=COOKIE_PATH)
    return response


def safe_next(address: str | None) -> str:
    """Return a page of the desk to go on to; anything else is the inbox."""
    if address and address.startswith("/desk") and "\\" not in address and not address.startswith("//"):
        return address
    return "/desk"


def missing(request: Request) -> Response:
    """Say that there is no such thing."""
    return show(request, "message.html", {"kind": "missing"}, status=404)


async def fields(request: Request) -> dict[str, str]:
    """Return the fields of a form; of several of the same name the last."""
    form = await request.form(max_files=0, max_fields=200)
    return {name: value for name, value in form.multi_items() if isinstance(value, str)}


async def lists(request: Request) -> dict[str, list[str]]:
    """Return the fields of a form, every value of each."""
    form = await request.form(max_files=0, max_fields=200)
    found: dict[str, list[str]] = {}
    for name, value in form.multi_items():
        found.setdefault(name, []).append(cast(str, value))
    return found


def number(text: str | None) -> int | None:
    """Return a whole number that a form or address holds; None for anything else."""
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def _way_back(request: Request) -> str:
    if request.method != "GET" or is_piece(request):
        return "/desk"
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")
