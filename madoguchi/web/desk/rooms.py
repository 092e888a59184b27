"""The other rooms of the desk: calls, canned replies, accounts and the audit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from madoguchi.services import agents, audit, calling, canned, inbox
from madoguchi.services.agents import May, Person, Refused, Role
from madoguchi.services.calling import Result
from madoguchi.web.context import web_of
from madoguchi.web.desk.doors import Door, fields, number
from madoguchi.web.desk.live import live_of, stream
from madoguchi.web.desk.rendering import go, render, show


async def calls_page(request: Request, person: Person) -> Response:
    """GET /desk/calls: the queue of booked calls."""
    return await _calls(request, person)


async def calls_events(request: Request, person: Person) -> Response:
    """GET /desk/calls/events: the queue as it changes."""
    web = web_of(request)

    async def pieces() -> Mapping[str, str]:
        values = {"calls": await web.services.run(calling.queue, web.desk), "view": None}
        counts = {"counts": await web.services.run(inbox.counts, web.desk, person), "view": None}
        return {"calls": render(request, "_calls.html", values), "counts": render(request, "_counts.html", counts)}

    return stream(request, pieces)


async def call(request: Request, person: Person) -> Response:
    """POST /desk/calls/{call}: claim a call, leave it, or note what came of it."""
    web, given, which = web_of(request), await fields(request), request.path_params["call"]
    refused = None
    if given.get("do") == "claim":
        refused = await web.services.run(calling.claim, web.desk, person, which)
    elif given.get("do") == "leave":
        await web.services.run(calling.give_up, web.desk, person, which)
    elif given.get("result") in set(Result):
        words, result = given.get("words", ""), Result(given["result"])
        refused = await web.services.run(calling.record, web.desk, person, which, result, words)
    live_of(request).announce()
    return await _calls(request, person, refused)


async def canned_page(request: Request, person: Person) -> Response:
    """GET /desk/canned: the canned replies."""
    return await _canned(request, person)


async def save_canned(request: Request, person: Person) -> Response:
    """POST /desk/canned: add one, change one or take one away."""
    web, given = web_of(request), await fields(request)
    which = number(given.get("id"))
    if given.get("do") == "retire" and which is not None:
        await web.services.run(canned.retire, web.desk, person, which)
        return go(request, "/desk/canned")
    title, body = given.get("title", ""), given.get("body", "")
    if await web.services.run(canned.save, web.desk, person, which, title, body):
        return go(request, "/desk/canned")
    return await _canned(request, person, "canned", {"title": title, "body": body, "id": which}, status=422)


async def accounts_page(request: Request, person: Person) -> Response:
    """GET /desk/accounts: who works here."""
    return await _accounts(request, person)


async def add_account(request: Request, person: Person) -> Response:
    """POST /desk/accounts: add somebody."""
    web, given = web_of(request), await fields(request)
    role = Role(given["role"]) if given.get("role") in set(Role) else Role.AGENT
    added = await web.services.run(
        agents.add,
        web.desk,
        person.actor,
        given.get("login", "")[:60],
        given.get("name", "")[:60],
        role,
        given.get("password", "")[:200],
    )
    return await _accounts(request, person, added if isinstance(added, Refused) else None)


async def change_account(request: Request, person: Person) -> Response:
    """POST /desk/accounts/{account}: another role, closed, opened, or a new password."""
    web, given, which = web_of(request), await fields(request), request.path_params["account"]
    if given.get("password"):
        refused = await web.services.run(agents.reset_password, web.desk, person.actor, which, given["password"][:200])
    else:
        role = Role(given["role"]) if given.get("role") in set(Role) else Role.AGENT
        active = given.get("active") == "1"
        refused = await web.services.run(agents.change_account, web.desk, person.actor, which, role=role, active=active)
    return await _accounts(request, person, refused)


async def audit_page(request: Request, person: Person) -> Response:
    """GET /desk/audit?before=&subject=: who did what when, and whether the chain is whole."""
    web, query = web_of(request), request.query_params
    rows = await web.services.run(
        audit.rows, web.desk, before=number(query.get("before")), subject=query.get("subject", "")[:80]
    )
    broken = await web.services.run(audit.broken, web.desk) if query.get("check") == "1" else None
    names = {f"staff:{each.id}": each.name for each in await web.services.run(agents.everybody, web.desk)}
    counts = await web.services.run(inbox.counts, web.desk, person)
    values = {"rows": rows, "broken": broken, "names": names, "counts": counts, "view": None}
    return show(request, "audit.html", values | {"subject": query.get("subject", "")})


async def _calls(request: Request, person: Person, refused: object = None) -> Response:
    web = web_of(request)
    values = {
        "calls": await web.services.run(calling.queue, web.desk),
        "counts": await web.services.run(inbox.counts, web.desk, person),
        "refused": refused,
        "view": None,
    }
    return show(request, "calls.html", values, status=409 if refused else 200)


async def _canned(
    request: Request,
    person: Person,
    refused: str | None = None,
    entered: Mapping[str, Any] | None = None,
    status: int = 200,
) -> Response:
    web = web_of(request)
    values = {
        "canned": await web.services.run(canned.find, web.desk),
        "counts": await web.services.run(inbox.counts, web.desk, person),
        "refused": refused,
        "entered": entered or {"title": "", "body": "", "id": None},
        "view": None,
    }
    return show(request, "canned.html", values, status=status)


async def _accounts(request: Request, person: Person, refused: Refused | None = None) -> Response:
    web = web_of(request)
    values = {
        "people": await web.services.run(agents.everybody, web.desk),
        "counts": await web.services.run(inbox.counts, web.desk, person),
        "roles": tuple(Role),
        "refused": refused.value if refused else None,
        "view": None,
    }
    return show(request, "accounts.html", values, status=422 if refused else 200)


doors = (
    Door("/calls", calls_page, May.HANDLE),
    Door("/calls/events", calls_events, May.HANDLE),
    Door("/calls/{call:int}", call, May.HANDLE, "POST"),
    Door("/canned", canned_page, May.MANAGE),
    Door("/canned", save_canned, May.MANAGE, "POST"),
    Door("/accounts", accounts_page, May.ADMINISTER),
    Door("/accounts", add_account, May.ADMINISTER, "POST"),
    Door("/accounts/{account:int}", change_account, May.ADMINISTER, "POST"),
    Door("/audit", audit_page, May.ADMINISTER),
)
