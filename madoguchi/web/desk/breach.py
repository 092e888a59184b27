"""The list of those affected: whose data an account touched in a span of time, as a page and as a file."""

from __future__ import annotations

from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from madoguchi.services import affected, agents, inbox
from madoguchi.services.affected import Breach
from madoguchi.services.agents import May, Person
from madoguchi.web.context import web_of
from madoguchi.web.desk.doors import Door, number
from madoguchi.web.desk.files import as_csv
from madoguchi.web.desk.rendering import show, word
from madoguchi.web.pages import TOKYO

SHOWN = 500


async def affected_page(request: Request, person: Person) -> Response:
    """GET /desk/affected?account=&from=&to=: the customers whose data was touched, each with what was done."""
    web = web_of(request)
    begins, ends = _span(request)
    values = {
        "found": await _found(request, begins, ends),
        "shown": SHOWN,
        "begins": begins,
        "ends": ends,
        "account": number(request.query_params.get("account")),
        "people": await web.services.run(agents.everybody, web.desk),
        "counts": await web.services.run(inbox.counts, web.desk, person),
        "query": request.url.query,
        "view": None,
    }
    return show(request, "affected.html", values)


async def affected_file(request: Request, _person: Person) -> Response:
    """GET /desk/affected.csv: the same, whole, by the shop's own ids of the customers."""
    begins, ends = _span(request)
    found = await _found(request, begins, ends)
    rows: list[dict[str, object]] = [
        {
            "customer": each.reference,
            "actions": " ".join(word(action, "actions") for action in each.actions),
            "times": each.times,
            "first": each.first_at.astimezone(TOKYO).isoformat(timespec="seconds"),
            "last": each.last_at.astimezone(TOKYO).isoformat(timespec="seconds"),
        }
        for each in found.customers
    ]
    rows += [{"customer": "", "actions": f"conversation:{name}"} for name in found.visitors]
    return as_csv(f"madoguchi-affected-{begins.date()}-{ends.date()}.csv", "customer actions times first last", rows)


async def _found(request: Request, begins: datetime, ends: datetime) -> Breach:
    web, account = web_of(request), number(request.query_params.get("account"))
    return await web.services.run(affected.of_span, web.desk, begins, ends, staff_id=account)


def _span(request: Request) -> tuple[datetime, datetime]:
    """Return the span that was asked for; without one, the last 24 hours."""
    now = web_of(request).desk.clock()
    begins, ends = (_moment(request.query_params.get(name)) for name in ("from", "to"))
    ends = ends or now + timedelta(minutes=1)
    return begins or ends - timedelta(days=1), ends


def _moment(text: str | None) -> datetime | None:
    """Return the moment of a form's field, which is written in the shop's time."""
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=TOKYO)


doors = (
    Door("/affected", affected_page, May.ADMINISTER),
    Door("/affected.csv", affected_file, May.ADMINISTER),
)
