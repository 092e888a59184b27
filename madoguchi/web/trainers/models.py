"""The models: which serves customers, what the gate says of a candidate, into service and back."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from madoguchi.services.agents import May, Person
from madoguchi.training import jobs, promotion, registry, reports
from madoguchi.training.promotion import Closed, InService
from madoguchi.web.context import web_of
from madoguchi.web.desk.doors import Door, fields, missing
from madoguchi.web.desk.rendering import go
from madoguchi.web.trainers.model_words import bare, refusal, show
from madoguchi.web.trainers.place import place_of

MODELS = "/desk/train/models"
COMPARED = 4


async def models_page(request: Request, _person: Person) -> Response:
    """GET /desk/train/models: every model with its scores, and which went into service when."""
    web, place = web_of(request), place_of(request)
    values = {
        "models": await web.services.run(registry.models, web.desk, place),
        "history": await web.services.run(registry.history, web.desk),
        "running": await web.engine.model(),
        "current": await web.services.run(registry.in_service, web.desk),
    }
    return await show(request, "models.html", values)


async def model_page(request: Request, _person: Person) -> Response:
    """GET /desk/train/models/{model}: the gate's verdict and the report."""
    return await _model(request)


async def promote_model(request: Request, person: Person) -> Response:
    """POST /desk/train/models/{model}/promote: put it into service, if the gate or an admin's reason lets it."""
    web, given = web_of(request), await fields(request)
    name, reason = request.path_params["model"], given.get("reason", "")
    outcome = await promotion.promote(web.desk, place_of(request), web.engine, person, name, reason)
    return await _told(request, outcome)


async def roll_back_model(request: Request, person: Person) -> Response:
    """POST /desk/train/models/{model}/rollback: go back to a model that has served before."""
    web, given = web_of(request), await fields(request)
    name, reason = request.path_params["model"], given.get("reason", "")
    outcome = await promotion.roll_back(web.desk, place_of(request), web.engine, person, name, reason)
    return await _told(request, outcome)


async def examine_model(request: Request, person: Person) -> Response:
    """POST /desk/train/models/{model}/examine: ask for an examination."""
    web = web_of(request)
    known = await web.services.run(registry.find, web.desk, place_of(request), request.path_params["model"])
    if known is None:
        return missing(request)
    asked = await web.services.run(jobs.ask, web.desk, person, "examine", name=known.name)
    if isinstance(asked, jobs.Busy):
        return await _model(request, refusal("busy"))
    return go(request, "/desk/train/runs")


async def beside_page(request: Request, _person: Person) -> Response:
    """GET /desk/train/beside?of=…&of=…: the scores of several models side by side."""
    web, place = web_of(request), place_of(request)
    known = await web.services.run(registry.models, web.desk, place)
    asked = request.query_params.getlist("of")
    chosen = [each for each in known if bare(each.name) in asked and each.examined][:COMPARED]
    found = [await web.services.run(reports.read, place, each.name) for each in chosen]
    rows = reports.beside(found) if chosen else []
    return await show(request, "beside.html", {"models": known, "chosen": chosen, "rows": rows})


async def _told(request: Request, outcome: promotion.Outcome) -> Response:
    if isinstance(outcome, InService):
        return go(request, MODELS)
    return await _model(request, refusal("reason") if isinstance(outcome, Closed) else refusal(outcome.code), outcome)


async def _model(request: Request, refused: str | None = None, outcome: promotion.Outcome | None = None) -> Response:
    web, place = web_of(request), place_of(request)
    known = await web.services.run(registry.find, web.desk, place, request.path_params["model"])
    if known is None:
        return missing(request)
    if isinstance(outcome, Closed):
        refused = None  # the verdict itself says why
    values: dict[str, Any] = {
        "model": known,
        "objections": await web.services.run(registry.objections, web.desk, place, known.name),
        "current": await web.services.run(registry.in_service, web.desk),
        "report": await web.services.run(reports.read, place, known.name),
        "refused": refused,
        "reports": reports,
    }
    before = values["current"]
    values["before"] = await web.services.run(reports.read, place, before) if before else None
    return await show(request, "model.html", values, status=409 if outcome is not None or refused else 200)


doors = (
    Door("/train/models", models_page, May.TEACH),
    Door("/train/beside", beside_page, May.TEACH),
    Door("/train/models/{model}", model_page, May.TEACH),
    Door("/train/models/{model}/promote", promote_model, May.TEACH, "POST"),
    Door("/train/models/{model}/rollback", roll_back_model, May.TEACH, "POST"),
    Door("/train/models/{model}/examine", examine_model, May.TEACH, "POST"),
)
