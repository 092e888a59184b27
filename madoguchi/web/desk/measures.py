"""The figures: a page of plots with what they mean, and each of them as a file."""

from __future__ import annotations

from datetime import date, timedelta

from starlette.requests import Request
from starlette.responses import Response

from madoguchi.services import figure_tables, figures, inbox
from madoguchi.services.agents import May, Person
from madoguchi.web.context import web_of
from madoguchi.web.desk.doors import Door, missing, number
from madoguchi.web.desk.files import as_csv
from madoguchi.web.desk.rendering import show

SPANS = (1, 7, 30, 90)


async def figures_page(request: Request, person: Person) -> Response:
    """GET /desk/figures?days=: the figures of the last days, as plots, with what they mean."""
    web, days = web_of(request), _days(request)
    found, first, last = await _figures(request, days)
    counts = await web.services.run(inbox.counts, web.desk, person)
    values = {"figures": found, "first": first, "last": last, "days": days, "spans": SPANS, "counts": counts}
    return show(request, "figures.html", values | {"view": None})


async def figures_file(request: Request, _person: Person) -> Response:
    """GET /desk/figures.csv?days=&what=: one figure, or all of them day by day, as a file."""
    found, first, last = await _figures(request, _days(request))
    what = request.query_params.get("what", "days")
    table = figure_tables.table(found, what)
    if table is None:
        return missing(request)
    return as_csv(f"madoguchi-{what}-{first}-{last}.csv", " ".join(table.columns), table.rows)


def _days(request: Request) -> int:
    days = number(request.query_params.get("days")) or 7
    return days if days in SPANS else 7


async def _figures(request: Request, days: int) -> tuple[figures.Figures, date, date]:
    web = web_of(request)
    last = figures.today(web.desk)
    first = last - timedelta(days=days - 1)
    return await web.services.run(figures.of_days, web.desk, first, last), first, last


doors = (Door("/figures", figures_page, May.LOOK), Door("/figures.csv", figures_file, May.EXPORT))
