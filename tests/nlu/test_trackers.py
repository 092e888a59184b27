"""The engine's own tracker store against Rasa's: the same rows, the same trackers."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Runs in the engine's environment, which has Rasa but no pytest; prints what is to be compared.
PLAY = """
import asyncio, json, sys
from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, BotUttered, SessionStarted, UserUttered
from engine.trackers import DeskTrackerStore

def said(tracker):
    return [] if tracker is None else [e.text for e in tracker.events if isinstance(e, (UserUttered, BotUttered))]

def rows(store):
    with store.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(
            "SELECT sender_id, type_name, timestamp, intent_name, action_name, data FROM events ORDER BY id")]

async def turn(store, words, at, start=False, save=True):
    tracker = await store.get_or_create_tracker("talk", append_action_listen=False)
    if start:
        tracker.update(ActionExecuted("action_session_start", timestamp=at))
        tracker.update(SessionStarted(timestamp=at))
    tracker.update(UserUttered(words, {"name": "greet"}, timestamp=at + 1))
    tracker.update(BotUttered(words + "!", timestamp=at + 2))
    tracker.update(ActionExecuted("action_listen", timestamp=at + 3))
    if save:
        await store.save(tracker)
    return tracker

async def main(folder):
    domain, seen = Domain.empty(), {}
    ours = DeskTrackerStore(domain=domain, db=folder + "/ours.db")
    theirs = SQLTrackerStore(domain=domain, db=folder + "/theirs.db")
    for store in (ours, theirs):
        await turn(store, "a", 100, start=True)
        await turn(store, "b", 200)
        await turn(store, "c", 300, start=True)
        await turn(store, "d", 400)
    seen["same_rows"] = rows(ours) == rows(theirs)
    seen["rows"] = len(rows(ours))
    seen["same_talk"] = said(await ours.retrieve("talk")) == said(await theirs.retrieve("talk"))
    await turn(ours, "e", 500)
    await turn(ours, "f", 600)
    fresh = DeskTrackerStore(domain=domain, db=folder + "/ours.db")
    seen["after_a_restart"] = said(await fresh.retrieve("talk"))
    await turn(ours, "g", 700)
    await turn(ours, "lost", 800, save=False)
    seen["after_a_broken_turn"] = said(await ours.retrieve("talk"))
    await turn(ours, "h", 900)
    await turn(fresh, "elsewhere", 1000)
    seen["after_another_wrote"] = said(await ours.retrieve("talk"))[-2:]
    with ours.engine.connect() as connection:
        seen["pragmas"] = [connection.execute(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
    await turn(ours, "i", 1100)
    seen["taken_up"] = ours._held["talk"] is await ours.retrieve("talk")
    await turn(ours, "j", 1200)
    ours.domain = Domain.empty()
    seen["after_another_domain"] = list(ours._held)
    await turn(ours, "k", 1300)
    with ours.engine.connect() as connection:
        connection.execute("DELETE FROM events WHERE sender_id = 'talk'")
    seen["after_erasure"] = (await ours.retrieve("talk")) is None
    print(json.dumps(seen))

asyncio.run(main(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """Play both stores once, in the engine's environment."""
    environment = {**os.environ, "PYTHONWARNINGS": "ignore", "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [ROOT / "engine/.venv/bin/python", "-c", PLAY, str(tmp_path_factory.mktemp("trackers"))],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-2000:]
    return dict(json.loads(run.stdout.splitlines()[-1]))


def test_it_writes_what_rasas_own_writes(seen: dict[str, object]) -> None:
    assert seen["same_rows"] is True
    assert seen["rows"] == 16


def test_it_gives_back_what_rasas_own_gives_also_when_the_talk_began_anew(seen: dict[str, object]) -> None:
    assert seen["same_talk"] is True


def test_what_was_said_is_there_after_a_restart(seen: dict[str, object]) -> None:
    assert seen["after_a_restart"] == ["c", "c!", "d", "d!", "e", "e!", "f", "f!"]


def test_a_turn_that_broke_off_leaves_nothing_behind(seen: dict[str, object]) -> None:
    assert seen["after_a_broken_turn"] == ["c", "c!", "d", "d!", "e", "e!", "f", "f!", "g", "g!"]


def test_what_changed_behind_its_back_is_read_again(seen: dict[str, object]) -> None:
    assert seen["after_another_wrote"] == ["elsewhere", "elsewhere!"]
    assert seen["after_erasure"] is True


def test_the_tracker_of_a_turn_is_taken_up_by_the_next_one(seen: dict[str, object]) -> None:
    assert seen["taken_up"] is True
    assert seen["after_another_domain"] == []


def test_a_turn_survives_the_end_of_any_program(seen: dict[str, object]) -> None:
    assert seen["pragmas"] == ["wal", 1]
