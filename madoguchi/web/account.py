"""The bank-account form: a page of its own, never the conversation, behind a signed link that gives one account."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from madoguchi.services import accounts, payees
from madoguchi.services.accounts import NotGiven, Wanted
from madoguchi.services.sessions import Visit
from madoguchi.web.asking import form_of, limit, live_of, visit_of
from madoguchi.web.context import Web, web_of
from madoguchi.web.limits import CALLS
from madoguchi.web.pages import page
from madoguchi.web.problems import Problem

PATH = "/chat/pages/account"
AUDIENCE = "madoguchi-account"
LASTS = timedelta(minutes=30)


async def get_form(request: Request) -> Response:
    """GET /chat/pages/account?case=: the form, with a link's token made for this session and case."""
    web, visit = web_of(request), await visit_of(request)
    found = await _wanted(web, visit, request.query_params.get("case", ""))
    return _form(request, found, _sign(web, visit, found.case), {}, ())


async def post_form(request: Request) -> Response:
    """POST /chat/pages/account: take the account; what is wrong in it is said beside its field."""
    web, visit = web_of(request), await visit_of(request)
    limit(request, CALLS, "accounts", visit.conversation_id)
    fields = await form_of(request)
    claims = _read(web, visit, fields.get("token", ""))
    payee = payees.payee_of(fields)
    if isinstance(payee, tuple):
        found = await _wanted(web, visit, claims["sub"])
        return _form(request, found, fields["token"], fields, payee)
    ends = datetime.fromtimestamp(claims["exp"], UTC)
    given = await web.services.run(
        accounts.give, web.desk, visit.conversation_id, claims["sub"], payee, link=claims["jti"], ends=ends
    )
    if isinstance(given, NotGiven):
        raise Problem(given.value)
    live_of(request).announce(visit.conversation_id)
    return RedirectResponse(f"{PATH}/done?end={payee.end}", status_code=303)


async def get_done(request: Request) -> Response:
    """GET /chat/pages/account/done: say that it is kept, by its last digits."""
    await visit_of(request)
    end = request.query_params.get("end", "")
    if not (len(end) == 3 and end.isascii() and end.isdigit()):
        raise Problem("not_found")
    return page(request, "window/account_done.html", {"end": end})


async def _wanted(web: Web, visit: Visit, case: str) -> Wanted:
    found = await web.services.run(accounts.wanted, web.desk, visit.conversation_id, case[:64])
    if found is None:
        raise Problem(NotGiven.NOT_WANTED.value)
    return found


def _form(request: Request, found: Wanted, token: str, fields: dict[str, str], wrong: tuple[str, ...]) -> Response:
    values: dict[str, Any] = {"wanted": found, "token": token, "fields": fields, "wrong": wrong}
    return page(request, "window/account.html", values, status=422 if wrong else 200)


def _sign(web: Web, visit: Visit, case: str) -> str:
    claims = {
        "sub": case,
        "cid": visit.conversation_id,
        "aud": AUDIENCE,
        "exp": int((web.desk.clock() + LASTS).timestamp()),
        "jti": uuid.uuid4().hex,
    }
    return jwt.encode(claims, web.settings.secret_for("account_form"), algorithm="HS256")


def _read(web: Web, visit: Visit, token: str) -> dict[str, Any]:
    """Return what a link's token says. Raises Problem for one that is forged, another's, or too old."""
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            web.settings.secret_for("account_form"),
            algorithms=["HS256"],
            audience=AUDIENCE,
            options={"require": ["sub", "cid", "exp", "jti"], "verify_exp": False},
        )
    except jwt.InvalidTokenError:
        raise Problem(NotGiven.LINK_USED.value) from None
    if claims["cid"] != visit.conversation_id or claims["exp"] <= web.desk.clock().timestamp():
        raise Problem(NotGiven.LINK_USED.value)
    return claims


routes = [
    Route(PATH, get_form, methods=["GET"]),
    Route(PATH, post_form, methods=["POST"]),
    Route(f"{PATH}/done", get_done, methods=["GET"]),
]
