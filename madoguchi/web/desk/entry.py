"""Coming in and going out: signing in, one's own password and one-time codes."""

from __future__ import annotations

import segno
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from madoguchi.services import agents
from madoguchi.services.agents import May, Person, Refused
from madoguchi.web.context import web_of
from madoguchi.web.desk.doors import COOKIE, Door, fields, person_of, safe_next, with_session, without_session
from madoguchi.web.desk.rendering import go, show


async def login_page(request: Request) -> Response:
    """GET /desk/login: ask for name, password and code."""
    onward = safe_next(request.query_params.get("next"))
    if await person_of(request) is not None:
        return go(request, onward)
    web = web_of(request)
    ready = await web.services.run(agents.has_admin, web.desk)
    return show(request, "login.html", {"onward": onward, "refused": None, "login": "", "ready": ready})


async def login(request: Request) -> Response:
    """POST /desk/login: open a session, or say no without saying why."""
    web, given = web_of(request), await fields(request)
    onward, name = safe_next(given.get("next")), given.get("login", "")[:60]
    opened = await web.services.run(
        agents.sign_in, web.desk, name, given.get("password", "")[:200], given.get("code", "")[:10]
    )
    if isinstance(opened, Refused):
        values = {"onward": onward, "refused": opened.value, "login": name, "ready": True}
        return show(request, "login.html", values, status=403)
    return with_session(web, go(request, onward), opened.secret)


async def logout(request: Request, person: Person) -> Response:
    """POST /desk/logout: end this session."""
    web = web_of(request)
    await web.services.run(agents.sign_out, web.desk, person, request.cookies.get(COOKIE, ""))
    return without_session(go(request, "/desk/login"))


async def password_page(request: Request, _person: Person) -> Response:
    """GET /desk/password: one's own account."""
    return show(request, "me.html", {"refused": None, "done": None})


async def change_password(request: Request, person: Person) -> Response:
    """POST /desk/password: change it; every session ends but a new one for this browser."""
    web, given = web_of(request), await fields(request)
    new = given.get("new", "")[:200]
    if new != given.get("again", ""):
        return show(request, "me.html", {"refused": "mismatch", "done": None}, status=422)
    changed = await web.services.run(agents.change_password, web.desk, person, given.get("old", "")[:200], new)
    if isinstance(changed, Refused):
        return show(request, "me.html", {"refused": changed.value, "done": None}, status=422)
    request.state.person = changed.person
    return with_session(web, show(request, "me.html", {"refused": None, "done": "password"}), changed.secret)


async def code_page(request: Request, person: Person) -> Response:
    """GET /desk/code: a fresh secret for an authenticator app, as a picture and as text."""
    return _code(request, person, agents.new_code_secret(), None)


async def set_code(request: Request, person: Person) -> Response:
    """POST /desk/code: begin to ask for codes, once one is right."""
    web, given = web_of(request), await fields(request)
    secret = given.get("secret", "")[:64]
    if not secret.isalnum() or len(secret) != 32 or not secret.isascii() or set(secret) & set("0189"):
        secret = agents.new_code_secret()
    refused = await web.services.run(agents.set_code, web.desk, person, secret, given.get("code", "")[:10])
    if refused is not None:
        return _code(request, person, secret, refused.value)
    return show(request, "me.html", {"refused": None, "done": "code"})


def _code(request: Request, person: Person, secret: str, refused: str | None) -> Response:
    picture = segno.make(agents.code_address(person, secret)).svg_inline(scale=5, border=2, omitsize=True)
    values = {"secret": secret, "picture": Markup(picture), "refused": refused}
    return show(request, "code.html", values, status=422 if refused else 200)


routes = [Route("/login", login_page, methods=["GET"]), Route("/login", login, methods=["POST"])]
doors = (
    Door("/logout", logout, May.LOOK, "POST"),
    Door("/password", password_page, May.LOOK),
    Door("/password", change_password, May.LOOK, "POST"),
    Door("/code", code_page, May.LOOK),
    Door("/code", set_code, May.LOOK, "POST"),
)
