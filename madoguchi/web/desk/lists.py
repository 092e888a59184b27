"""The inbox: its lists and filters, the search, and their live pieces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from madoguchi.services import inbox, searching
from madoguchi.services.agents import May, Person
from madoguchi.services.filtering import Filters
from madoguchi.services.inbox import View
from madoguchi.web.context import web_of
from madoguchi.web.desk.doors import Door, number
from madoguchi.web.desk.live import stream
from madoguchi.web.desk.rendering import is_piece, render, show, words

LAST_PAGE = 99


async def inbox_page(request: Request, person: Person) -> Response:
    """GET /desk: one view of the inbox, or what a search found."""
    values = await _listed(request, person) | await _counted(request, person)
    return show(request, "_rows.html" if is_piece(request) else "inbox.html", values)


async def inbox_events(request: Request, person: Person) -> Response:
    """GET /desk/events: the list and the counts as they change."""

    async def pieces() -> Mapping[str, str]:
        counts = await _counted(request, person)
        made = {"counts": render(request, "_counts.html", counts | {"view": _view(request)})}
        if "list" in request.query_params and not request.query_params.get("q"):
            made["rows"] = render(request, "_rows.html", await _listed(request, person))
        return made

    return stream(request, pieces)


def filters_of(query: Mapping[str, str]) -> Filters:
    """Return the filters that an address asks for; what is not known is left out."""
    known = words()
    reason, intent, state = query.get("reason"), query.get("intent"), query.get("state")
    return Filters(
        reason=reason if reason in known["reasons"] else None,
        intent=intent if intent in known["intents"] else None,
        order_state=state if state in known["order_states"] else None,
        seller_waits=query.get("seller") == "1",
        frozen=query.get("frozen") == "1",
        flagged=query.get("flagged") == "1",
        amount_from=number(query.get("amount")),
    )


def _view(request: Request) -> View:
    wanted = request.query_params.get("view", "")
    return View(wanted) if wanted in set(View) else View.WAITING


async def _listed(request: Request, person: Person) -> dict[str, Any]:
    web, query, view = web_of(request), request.query_params, _view(request)
    asked = query.get("q", "").strip()[:200]
    filters, page = filters_of(query), min(number(query.get("page")) or 0, LAST_PAGE)
    if asked:
        found = await web.services.run(searching.find, web.desk, asked)
        rows, more, bounded = found.rows, found.more, False
    else:
        listed = await web.services.run(inbox.page, web.desk, person, view, filters, page)
        rows, more, bounded = listed.rows, listed.more, listed.bounded
    kept = {name: value for name, value in query.items() if name not in ("page", "list") and value}
    return {
        "rows": rows,
        "more": more,
        "bounded": bounded,
        "q": asked,
        "view": view,
        "filters": filters,
        "page": page,
        "query": urlencode(kept),
    }


async def _counted(request: Request, person: Person) -> dict[str, Any]:
    web = web_of(request)
    return {"counts": await web.services.run(inbox.counts, web.desk, person)}


doors = (Door("/", inbox_page, May.LOOK), Door("/events", inbox_events, May.LOOK))
