"""The pages of a report: the confusion matrix to click into, and every message whose answer changed."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from madoguchi.services.agents import May, Person
from madoguchi.training import lookback, registry, reports
from madoguchi.web.context import web_of
from madoguchi.web.desk.doors import Door, missing
from madoguchi.web.trainers.model_words import show
from madoguchi.web.trainers.place import place_of


async def confusion_page(request: Request, _person: Person) -> Response:
    """GET /desk/train/models/{model}/confusion?meant=&said=: the matrix, and the messages of one place in it."""
    web, place = web_of(request), place_of(request)
    known = await web.services.run(registry.find, web.desk, place, request.path_params["model"])
    report = await web.services.run(reports.read, place, known.name) if known else None
    if known is None or report is None:
        return missing(request)
    names, counts = reports.confusion(report)
    meant, said = request.query_params.get("meant"), request.query_params.get("said")
    values = {
        "model": known,
        "names": names,
        "counts": counts,
        "meant": meant,
        "said": said,
        "messages": reports.in_cell(report, meant, said) if meant and said else [],
    }
    return await show(request, "confusion.html", values)


async def changes_page(request: Request, _person: Person) -> Response:
    """GET /desk/train/models/{model}/changes: what the candidate answers otherwise than the model in service."""
    web, place = web_of(request), place_of(request)
    known = await web.services.run(registry.find, web.desk, place, request.path_params["model"])
    if known is None:
        return missing(request)
    now = await web.services.run(reports.read, place, known.name)
    current = await web.services.run(registry.in_service, web.desk)
    before = await web.services.run(reports.read, place, current) if current else None
    values = {
        "model": known,
        "current": current,
        "heldout": reports.changes(before, now) if before and now else None,
        "real": await web.services.run(lookback.changes, web.desk, known.name),
        "asked": await web.services.run(lookback.count, web.desk, known.name),
    }
    return await show(request, "changes.html", values)


doors = (
    Door("/train/models/{model}/confusion", confusion_page, May.TEACH),
    Door("/train/models/{model}/changes", changes_page, May.TEACH),
)
