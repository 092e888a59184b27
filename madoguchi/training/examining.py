"""Examining a model before it may meet a customer: held-out messages, behaviour tests, and last week's real ones."""

from __future__ import annotations

import json
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select

from madoguchi.services.desk import Desk
from madoguchi.store import Lookback, Message, TrainedModel
from madoguchi.training import registry, reports, workshop
from madoguchi.training.gate import Check
from madoguchi.training.workshop import Place

LOOKED_BACK = timedelta(days=7)
MOST_LOOKED_BACK = 5000
_WORDS = 2000


class ExaminationFailed(Exception):
    """The model could not be examined; the engine's own words are in the log."""


@dataclass(frozen=True)
class Ears:
    """Who listens to an examination: each line, whether to stop, and how far it is (0 to 1, with the step's name)."""

    say: Callable[[str], None]
    stop: Callable[[], bool]
    progress: Callable[[float, str], None]


def examine(desk: Desk, place: Place, name: str, ears: Ears) -> None:
    """Examine a model and keep what was seen; raises workshop.Stopped or ExaminationFailed."""
    ears.progress(0.0, "heldout")
    report = _heldout(place, name, ears)
    ears.progress(0.4, "behaviour")
    checks = _behaviour(place, name, ears)
    ears.progress(0.8, "lookback")
    _keep(desk, name, report, checks)
    _look_back(desk, place, name, ears)


def _heldout(place: Place, name: str, ears: Ears) -> dict[str, Any]:
    folder = reports.folder(place, name)
    command = [*place.engine_python, "engine.evaluate", "--heldout", "--model", str(place.model(name))]
    # What it prints is the log that trainers read: the scores, but none of the messages, which nobody is to learn from.
    command += ["--scores", "--report", str(folder)]
    environment = workshop.engine_environment(place)
    code = workshop.run(command, place.root, ears.say, ears.stop, environment, behind=place.behind)
    report = reports.read(place, name)
    if code != 0 or report is None:
        raise ExaminationFailed
    return report


def _behaviour(place: Place, name: str, ears: Ears) -> list[Check]:
    """Run the behaviour tests in the model's own environment; a run that says nothing is a failed examination."""
    results = reports.folder(place, name) / "behaviour.xml"
    results.unlink(missing_ok=True)
    environment = {**workshop.engine_environment(place), "MADOGUCHI_NLU_MODEL": str(place.model(name))}
    command = [*place.behaviour_command, f"--junitxml={results}"]
    workshop.run(command, place.root, ears.say, ears.stop, environment, behind=place.behind)
    try:
        checks = read_checks(results)
    except (OSError, ElementTree.ParseError):
        checks = []
    if not checks:
        raise ExaminationFailed
    return checks


def read_checks(results: Path) -> list[Check]:
    """Return the tests of a JUnit file, those of one name as one; a test that was skipped has not passed."""
    found: dict[str, Check] = {}
    for case in ElementTree.parse(results).getroot().iter("testcase"):
        name = (case.get("name") or "").partition("[")[0]
        bad = next((each for each in case if each.tag in ("failure", "error", "skipped")), None)
        known = found.get(name)
        if known is None or (known.passed and bad is not None):
            words = "" if bad is None else (bad.get("message") or bad.text or "")[:_WORDS]
            found[name] = Check(name, bad is None, words)
    return list(found.values())


def _keep(desk: Desk, name: str, report: Mapping[str, Any], checks: Sequence[Check]) -> None:
    now = desk.clock()
    with desk.store.writing() as session:
        row = session.get_one(TrainedModel, name)
        row.scores = {key: report[key] for key in reports.SCORES}
        row.checks = [each.__dict__ for each in checks]
        row.examined_at = now


def _look_back(desk: Desk, place: Place, name: str, ears: Ears) -> None:
    """Ask the model and the one in service about last week's messages, and keep what each said."""
    before = registry.in_service(desk)
    messages = _recent(desk, desk.clock())
    if before is None or before == name or not messages or place.fault_of(before) is not None:
        return
    then, now = (_understand(place, each, messages, ears) for each in (before, name))
    rows = [
        Lookback(
            model=name,
            message_id=message["id"],
            intent=new["intent"]["name"],
            confidence=new["intent"]["confidence"],
            before=old["intent"]["name"],
            confidence_before=old["intent"]["confidence"],
        )
        for message, old, new in zip(messages, then, now, strict=True)
    ]
    with desk.store.writing() as session:
        session.execute(delete(Lookback).where(Lookback.model == name))
        # A message that was erased meanwhile is not looked back on.
        there = set(session.scalars(select(Message.id).where(Message.id.in_([row.message_id for row in rows]))))
        session.add_all(row for row in rows if row.message_id in there)


def _recent(desk: Desk, now: datetime) -> list[dict[str, Any]]:
    with desk.store.reading() as session:
        wanted = (
            select(Message.id, Message.text, Message.created_at)
            .where(Message.author == "customer", Message.choice.is_(None), Message.text != "")
            .where(Message.created_at >= now - LOOKED_BACK, Message.intent.is_not(None))
            .order_by(Message.id.desc())
            .limit(MOST_LOOKED_BACK)
        )
        return [
            {"id": each.id, "text": each.text, "day": each.created_at.date().isoformat()}
            for each in session.execute(wanted)
        ]


def _understand(place: Place, name: str, messages: Sequence[Mapping[str, Any]], ears: Ears) -> list[dict[str, Any]]:
    """Return what a model makes of the messages; they go through pipes, so that no copy of them stays on a disk."""
    if ears.stop():
        raise workshop.Stopped
    rows = "".join(json.dumps({"text": each["text"], "day": each["day"]}) + "\n" for each in messages)
    command = [*place.engine_python, "engine.parse", "--model", str(place.model(name))]
    environment, pipes = workshop.engine_environment(place), {"stdin": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    run = workshop.begin(command, place.root, environment, behind=place.behind, **pipes)
    told, _ = run.communicate(rows.encode())
    answers = [json.loads(row) for row in told.decode().split("\n") if row.startswith("{")]
    if run.returncode != 0 or len(answers) != len(messages):
        raise ExaminationFailed
    return answers
