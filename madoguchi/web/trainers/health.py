"""The health of the examples: what is wrong with them, each finding mended or let be with a click."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, cast

import structlog
from starlette.requests import Request
from starlette.responses import Response

from madoguchi.services import audit
from madoguchi.services.agents import May, Person
from madoguchi.services.desk import Desk
from madoguchi.training import aside, health, lessons
from madoguchi.training.aside import LetBe, Named
from madoguchi.training.corpus import Corpus
from madoguchi.training.health import CheckFailed
from madoguchi.training.lessons import Kind, Wanted
from madoguchi.training.notation import Said
from madoguchi.web.context import web_of
from madoguchi.web.desk.doors import Door, fields, lists, number
from madoguchi.web.desk.rendering import go
from madoguchi.web.trainers.rendering import show
from madoguchi.web.trainers.room import room_of

SIGNS = ("conflict", "twin", "near", "label", "thin", "swollen", "giveaway", "unpaired")
PAGE = 50

log = structlog.get_logger()


@dataclass
class Check:
    """The check that runs, and the findings of the examples as they were last."""

    share: float | None = None  # None while none runs
    failed: bool = False
    known: tuple[Corpus, object, dict[str, list[Named]]] | None = None
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


async def health_page(request: Request, _person: Person) -> Response:
    """GET /desk/train/health: the findings of one kind, and the counts of all."""
    room, check, query = room_of(request), _check_of(request), request.query_params
    corpus = await room.corpus()
    report = await web_of(request).services.run(health.kept, room.checks)
    accepted = await web_of(request).services.run(health.accepted, room.checks)
    found, let_be = await _standing(request, corpus, report)
    chosen = query["sign"] if query.get("sign") in SIGNS else next((each for each in SIGNS if found.get(each)), None)
    page = number(query.get("page")) or 0
    rows = found.get(chosen or "", [])
    values: dict[str, Any] = {
        "signs": SIGNS,
        "counts": {each: len(found.get(each, ())) for each in SIGNS},
        "chosen": chosen,
        "rows": list(islice(rows, page * PAGE, (page + 1) * PAGE)),
        "page": page,
        "more": len(rows) > (page + 1) * PAGE,
        "let_be": [each for each in let_be if each[0].finding.sign == chosen],
        "never": aside.NEVER,
        "report": report,
        "fresh": report is not None and report.get("digest") == health.digest(corpus),
        "stops": health.stops(corpus, report or {}, accepted),
        "accepted": accepted is not None,
        "running": check.share,
        "failed": check.failed,
    }
    return await show(request, "health.html", values)


async def run(request: Request, _person: Person) -> Response:
    """POST /desk/train/health/run: have the engine check the examples, in the background and one at a time."""
    check = _check_of(request)
    if check.share is None:
        check.share, check.failed = 0.0, False
        task = asyncio.create_task(_run(request, check))
        check.tasks.add(task)
        task.add_done_callback(check.tasks.discard)
    return go(request, "/desk/train/health?did=checking")


async def progress(request: Request, _person: Person) -> Response:
    """GET /desk/train/health/progress: how far the check is."""
    check = _check_of(request)
    if check.share is None:
        return go(request, "/desk/train/health")
    return await show(request, "_checking.html", {"running": check.share})


async def accept(request: Request, person: Person) -> Response:
    """POST /desk/train/health/accept: take the last check for what is normal from now on."""
    web, room = web_of(request), room_of(request)
    if await web.services.run(health.accept, room.checks):
        await web.services.run(_note, web.desk, person)
    return go(request, "/desk/train/health")


async def mend(request: Request, person: Person) -> Response:
    """POST /desk/train/health/mend: delete or move an example, or add the texts that are missing."""
    web, corpus, given = web_of(request), await room_of(request).corpus(), await lists(request)
    intent = (given.get("intent") or [""])[-1]
    wishes = [Wanted(Kind.ADD, intent, Said(text)) for text in given.get("text", ())]
    for example in (corpus.by_id[each] for each in given.get("example", ()) if each in corpus.by_id):
        old = (example.intent, example.written)
        if (given.get("act") or [""])[-1] == "move":
            wishes.append(Wanted(Kind.MOVE, intent, example.said, old))
        else:
            wishes.append(Wanted(Kind.DELETE, example.intent, example.said, old))
    taught = await web.services.run(lessons.teach, web.desk, person, corpus, wishes)
    sign = (given.get("sign") or [""])[-1]
    kept = f"&sign={sign}" if sign in SIGNS else ""
    did = "teach" if taught.lessons else "late"
    return go(request, f"/desk/train/health?did={did}{kept}")


async def set_aside(request: Request, person: Person) -> Response:
    """POST /desk/train/health/aside: let a finding be until what it is about changes."""
    web, given = web_of(request), await fields(request)
    found = (await _findings(request)).get(given.get("sign", ""), ())
    chosen = next((each for each in found if each.name == given.get("finding")), None)
    done = chosen is not None and await web.services.run(aside.set_aside, web.desk, person, chosen)
    return _back(request, given, "set_aside" if done else "late")


async def put_back(request: Request, person: Person) -> Response:
    """POST /desk/train/health/back: show a finding again that was let be."""
    web, given = web_of(request), await fields(request)
    done = await web.services.run(aside.put_back, web.desk, person, given.get("finding", ""))
    return _back(request, given, "put_back" if done else "late")


def _back(request: Request, given: Mapping[str, str], did: str) -> Response:
    kept = f"&sign={given['sign']}" if given.get("sign") in SIGNS else ""
    page = number(given.get("page")) or 0
    return go(request, f"/desk/train/health?did={did}{kept}" + (f"&page={page}" if page else ""))


async def _standing(
    request: Request, corpus: Corpus, report: dict[str, Any] | None
) -> tuple[dict[str, list[Named]], list[tuple[Named, LetBe]]]:
    """Return the findings of each sign that nobody let be, and those that somebody did."""
    web, found = web_of(request), await _findings_of(request, corpus, report)
    known = await web.services.run(aside.let_be, web.desk)
    standing = {sign: [each for each in rows if each.name not in known] for sign, rows in found.items()}
    let_be = [(each, known[each.name]) for rows in found.values() for each in rows if each.name in known]
    return standing, let_be


async def _findings(request: Request) -> dict[str, list[Named]]:
    room = room_of(request)
    report = await web_of(request).services.run(health.kept, room.checks)
    return await _findings_of(request, await room.corpus(), report)


async def _findings_of(request: Request, corpus: Corpus, report: dict[str, Any] | None) -> dict[str, list[Named]]:
    check = _check_of(request)
    stamp = report.get("digest") if report else None
    if check.known is None or check.known[0] is not corpus or check.known[1] != stamp:

        def work() -> dict[str, list[Named]]:
            signs = health.by_sign([*health.at_once(corpus), *health.by_model(corpus, report or {})])
            return {sign: list(aside.named(corpus, found)) for sign, found in signs.items()}

        check.known = (corpus, stamp, await web_of(request).services.run(work))
    return check.known[2]


async def _run(request: Request, check: Check) -> None:
    room, web = room_of(request), web_of(request)
    corpus = await room.corpus()

    def told(share: float) -> None:
        check.share = share

    try:
        await web.services.run(health.run, corpus, room.checks, told)
        if await web.services.run(health.accepted, room.checks) is None:
            await web.services.run(health.accept, room.checks)  # the first check is what later ones are compared with
    except (CheckFailed, OSError) as error:
        log.error("health_check_failed", error=type(error).__name__)
        check.failed = True
    finally:
        check.share = None


def _note(desk: Desk, person: Person) -> None:
    with desk.store.writing() as session:
        audit.note(session, desk.clock(), person.actor, "health_accepted", "examples")


def _check_of(request: Request) -> Check:
    state = request.app.state
    if not hasattr(state, "health_check"):
        state.health_check = Check()
    return cast(Check, state.health_check)


doors = (
    Door("/train/health", health_page, May.TEACH),
    Door("/train/health/run", run, May.TEACH, "POST"),
    Door("/train/health/progress", progress, May.TEACH),
    Door("/train/health/accept", accept, May.TEACH, "POST"),
    Door("/train/health/mend", mend, May.TEACH, "POST"),
    Door("/train/health/aside", set_aside, May.TEACH, "POST"),
    Door("/train/health/back", put_back, May.TEACH, "POST"),
)
