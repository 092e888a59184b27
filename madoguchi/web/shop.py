"""The demo shop: sign in as one of the named customers, their order history with the chat beside it, the warehouse.

These pages play the shop that embeds the window; a real shop has its own. Only `MADOGUCHI_DEMO` shows them.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from functools import partial
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from madoguchi.demo import NAMED
from madoguchi.services import returns
from madoguchi.services.events import Applied
from madoguchi.web import tokens
from madoguchi.web.asking import form_of
from madoguchi.web.context import web_of
from madoguchi.web.pages import page
from madoguchi.web.problems import Problem
from madoguchi.web.progress import card
from madoguchi.web.purchases import customer_named, history, open_returns

COOKIE = "demo_shop"
SIGNED_IN_FOR = timedelta(hours=12)


async def front(request: Request) -> Response:
    """GET /: who would you like to be?"""
    return page(request, "front.html", {"named": NAMED, "signed_in": await _signed_in(request)})


async def sign_in(request: Request) -> Response:
    """POST /shop/sign-in: the demo shop's own sign-in, with no password on purpose."""
    web, reference = web_of(request), (await form_of(request)).get("customer", "")
    if await web.services.run(customer_named, web.desk, reference) is None:
        raise Problem("unknown_customer")
    response = RedirectResponse("/orders", status_code=303)
    response.set_cookie(COOKIE, _pass(request, reference), httponly=True, samesite="lax", secure=_https(request))
    return response


async def sign_out(_request: Request) -> Response:
    """POST /shop/sign-out: forget who is signed in at the shop; the page has ended the chat's session before."""
    response = RedirectResponse("/", status_code=303)
    response.delete_cookie(COOKIE)
    return response


async def token(request: Request) -> Response:
    """POST /shop/token: what a shop's server gives its page for the signed-in customer: a fresh sign-in token."""
    web, reference = web_of(request), _reference(request)
    if reference is None:
        return JSONResponse({"token": None})
    secret = web.settings.secret_for("shop_token")
    return JSONResponse({"token": tokens.make_token(reference, secret, web.desk.clock())})


async def orders(request: Request) -> Response:
    """GET /orders: the customer's orders and memberships, with the chat beside them."""
    web, reference = web_of(request), _reference(request)
    found = None if reference is None else await web.services.run(history, web.desk, reference)
    if found is None:
        return RedirectResponse("/", status_code=303)
    values = {
        "history": found,
        "words": web.sentences,
        "signed_in": found.name,
        "card": partial(card, sentences=web.sentences),
    }
    response = page(request, "orders.html", values)
    response.set_cookie(COOKIE, _pass(request, found.reference), httponly=True, samesite="lax", secure=_https(request))
    return response


async def warehouse(request: Request) -> Response:
    """GET /shop/warehouse: the shop-keeper's page of parcels that are expected back."""
    web = web_of(request)
    expected = await web.services.run(open_returns, web.desk)
    values = {
        "returns": [(parcel, uuid.uuid4().hex) for parcel in expected],
        "scanned": request.query_params.get("scanned"),
        "recorded": request.query_params.get("recorded") == "yes",
        "words": web.sentences,
        "signed_in": await _signed_in(request),
    }
    return page(request, "warehouse.html", values)


async def scan(request: Request) -> Response:
    """POST /shop/warehouse/scan: what the warehouse's scanner does; the event's id makes a second press harmless."""
    web, form = web_of(request), await form_of(request)
    number, event_id = form.get("number", ""), form.get("event", "")
    if not number or not event_id or len(number) > 32 or len(event_id) > 64:
        raise Problem("bad_request")
    applied = await web.services.run(returns.receive_parcel, web.desk, number, f"shop-page:{event_id}")
    recorded = isinstance(applied, Applied) and applied.outcome != "unknown_subject"
    query = urlencode({"scanned": number, "recorded": "yes" if recorded else "no"})
    return RedirectResponse(f"/shop/warehouse?{query}", status_code=303)


async def _signed_in(request: Request) -> str | None:
    web, reference = web_of(request), _reference(request)
    return None if reference is None else await web.services.run(customer_named, web.desk, reference)


def _pass(request: Request, reference: str) -> str:
    web = web_of(request)
    return tokens.make_token(reference, web.settings.secret_for("demo_shop"), web.desk.clock(), SIGNED_IN_FOR)


def _reference(request: Request) -> str | None:
    web, cookie = web_of(request), request.cookies.get(COOKIE)
    secret, now = web.settings.secret_for("demo_shop"), web.desk.clock()
    claim = tokens.read_token(cookie or "", secret, now, SIGNED_IN_FOR)
    return None if claim is None else claim.reference


def _https(request: Request) -> bool:
    return web_of(request).settings.web_url.startswith("https://")


routes = [
    Route("/", front),
    Route("/orders", orders),
    Route("/shop/sign-in", sign_in, methods=["POST"]),
    Route("/shop/sign-out", sign_out, methods=["POST"]),
    Route("/shop/token", token, methods=["POST"]),
    Route("/shop/warehouse", warehouse),
    Route("/shop/warehouse/scan", scan, methods=["POST"]),
]
