"""Talking to a candidate before any customer does, and making a test of a real talk."""

from __future__ import annotations

from typing import cast

from starlette.requests import Request
from starlette.responses import Response

from madoguchi.services.agents import May, Person
from madoguchi.training import recording, registry
from madoguchi.training.trial import Trial, TrialFailed
from madoguchi.web.context import web_of
from madoguchi.web.desk.doors import Door, fields, missing
from madoguchi.web.pages import TOKYO
from madoguchi.web.trainers.model_words import refusal, show
from madoguchi.web.trainers.place import place_of
from madoguchi.web.trainers.room import room_of

LONGEST = 1000
MOST_TEXTS = 50


async def trial_page(request: Request, _person: Person) -> Response:
    """GET /desk/train/models/{model}/talk: the box."""
    return await _trial(request)


async def say_to_model(request: Request, _person: Person) -> Response:
    """POST /desk/train/models/{model}/talk: what the candidate makes of a message."""
    given = await fields(request)
    return await _trial(request, given.get("text", "")[:LONGEST])


async def record_talk(request: Request, person: Person) -> Response:
    """POST /desk/train/talks/{conversation}: make a conversation test of a real talk."""
    web = web_of(request)
    folder = place_of(request).root / recording.FOLDER
    name = request.path_params["conversation"]
    named = await _named(request, await web.services.run(recording.said, web.desk, name))
    made = await web.services.run(recording.record, web.desk, person, name, folder, named)
    if made is None:
        return missing(request)
    return await show(request, "recorded.html", {"made": made, "seen": named is not None})


async def _named(request: Request, texts: list[str]) -> recording.Named | None:
    """Return the persons and places that GiNZA sees in a talk; None where the engine cannot be asked."""
    persons, places = set[str](), set[str]()
    for at in range(0, len(texts), MOST_TEXTS):
        part = texts[at : at + MOST_TEXTS]
        found = await room_of(request).look(part, names=True)
        if found is None:
            return None
        for text, each in zip(part, found, strict=True):
            for name in each.names or ():
                (persons if name.kind == "person" else places).add(text[name.start : name.end])
    return recording.Named(tuple(sorted(persons)), tuple(sorted(places)))


def trial_of(request: Request) -> Trial:
    """Return the one trial of this program, made at its first use."""
    state = request.app.state
    if not hasattr(state, "model_trial"):
        state.model_trial = Trial(place_of(request))
    return cast(Trial, state.model_trial)


async def _trial(request: Request, text: str = "") -> Response:
    web, place = web_of(request), place_of(request)
    known = await web.services.run(registry.find, web.desk, place, request.path_params["model"])
    if known is None:
        return missing(request)
    answer, refused = None, refusal(known.fault) if known.fault else None
    if text.strip() and refused is None:
        day = web.desk.clock().astimezone(TOKYO).date().isoformat()
        try:
            answer = await trial_of(request).understand(known.name, text, day)
        except TrialFailed:
            refused = refusal("trial_away")
    values = {"model": known, "text": text, "answer": answer, "refused": refused}
    return await show(request, "trial.html", values, status=503 if refused else 200)


doors = (
    Door("/train/models/{model}/talk", trial_page, May.TEACH),
    Door("/train/models/{model}/talk", say_to_model, May.TEACH, "POST"),
    Door("/train/talks/{conversation}", record_talk, May.TEACH, "POST"),
)
