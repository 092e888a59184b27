"""Training: begin one, watch it, stop it, and read what the earlier ones said."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from madoguchi.services.agents import May, Person
from madoguchi.training import jobs
from madoguchi.web.context import web_of
from madoguchi.web.desk.doors import Door, fields, missing
from madoguchi.web.desk.rendering import go
from madoguchi.web.trainers.model_words import refusal, show
from madoguchi.web.trainers.place import place_of

RUNS = "/desk/train/runs"


async def runs_page(request: Request, _person: Person) -> Response:
    """GET /desk/train/runs: the training that runs and those before it."""
    return await _runs(request)


async def run_now(request: Request, _person: Person) -> Response:
    """GET /desk/train/runs/now: the piece of the page that changes while a training runs."""
    return await show(request, "_run.html", await _values(request))


async def begin_run(request: Request, person: Person) -> Response:
    """POST /desk/train/runs: ask for a training."""
    web, given = web_of(request), await fields(request)
    asked = await web.services.run(jobs.ask, web.desk, person, "train", note=given.get("note", "").strip())
    if isinstance(asked, jobs.Busy):
        return await _runs(request, refusal("busy"))
    return go(request, RUNS)


async def cancel_run(request: Request, person: Person) -> Response:
    """POST /desk/train/runs/{job}/cancel: stop a training."""
    web = web_of(request)
    await web.services.run(jobs.cancel, web.desk, person, request.path_params["job"])
    return go(request, RUNS)


async def run_log(request: Request, _person: Person) -> Response:
    """GET /desk/train/runs/{job}/log: everything that a training said."""
    job = request.path_params["job"]
    path = jobs.log_file(place_of(request), job)
    if not path.is_file():
        return missing(request)
    return PlainTextResponse(path.read_text(encoding="utf-8", errors="replace"))


async def _runs(request: Request, refused: str | None = None) -> Response:
    values = await _values(request)
    return await show(request, "runs.html", {**values, "refused": refused}, status=409 if refused else 200)


async def _values(request: Request) -> dict[str, Any]:
    web = web_of(request)
    recent = await web.services.run(jobs.recent, web.desk)
    current = next((each for each in recent if each.slot is not None), None)
    return {"current": current, "jobs": recent}


doors = (
    Door("/train/runs", runs_page, May.TEACH),
    Door("/train/runs", begin_run, May.TEACH, "POST"),
    Door("/train/runs/now", run_now, May.TEACH),
    Door("/train/runs/{job:int}/cancel", cancel_run, May.TEACH, "POST"),
    Door("/train/runs/{job:int}/log", run_log, May.TEACH),
)
