"""The work of the day: idle conversations closed, old words gone here and in the engine, the audit anchored."""

from __future__ import annotations

import json
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from madoguchi.bootstrap import Settings, tracker_url
from madoguchi.cli.run import _write_endpoints
from madoguchi.services import audit, handling, housekeeping, privacy, worker
from madoguchi.services.housekeeping import Household
from madoguchi.store import AuditRow, Callback, Conversation, Message, Notice
from tests.conftest import ROOT
from tests.integration.desk.builders import World, conversation, speak

IDLE, KEPT = timedelta(days=30), timedelta(days=730)


def household(folder: Path, tracker: str | None = None) -> Household:
    """Return the terms of a usual shop."""
    return Household(lambda: tracker, folder / audit.ANCHORS, IDLE, KEPT)


def owners(world: World) -> dict[str, str]:
    """Return who owns each conversation."""
    with world.desk.store.reading() as session:
        return dict(session.execute(select(Conversation.id, Conversation.owner)).all())


def answered(world: World, *names: str) -> None:
    """Let the bot have answered everything in these conversations."""
    with world.desk.store.writing() as session:
        for message in session.scalars(select(Message).where(Message.conversation_id.in_(names))):
            message.state = "answered"


def test_only_what_lies_idle_with_the_bot_is_closed_and_writing_reopens_it(either: World) -> None:
    idle, unanswered = (conversation(either, "はい", owner="bot") for _ in range(2))
    waiting = conversation(either, "お願いします")
    answered(either, idle, waiting)
    either.clock.forward(days=29)
    assert housekeeping.close_idle(either.desk, IDLE) == 0
    young = conversation(either, "はい", owner="bot")
    answered(either, young)
    either.clock.forward(days=2)
    assert housekeeping.close_idle(either.desk, IDLE) == 1
    assert owners(either) == {idle: "closed", unanswered: "bot", waiting: "waiting", young: "bot"}
    speak(either, idle, "もう一度お願いします")
    assert owners(either)[idle] == "bot"


def test_more_than_one_batch_is_closed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "BATCH", 2)
    names = [conversation(world, owner="bot") for _ in range(5)]
    world.clock.forward(days=31)
    assert housekeeping.close_idle(world.desk, IDLE) == 5
    assert set(owners(world).values()) == {"closed"}
    assert len(names) == 5


def test_the_day_is_done_once_a_day_by_whoever_comes_first(either: World, tmp_path: Path) -> None:
    home = household(tmp_path)
    assert [housekeeping.run_daily(either.desk, home) for _ in range(3)] == [1, 0, 0]
    either.clock.forward(hours=23)
    assert housekeeping.run_daily(either.desk, home) == 0
    either.clock.forward(hours=1)
    assert housekeeping.run_daily(either.desk, home) == 1
    assert len((tmp_path / audit.ANCHORS).read_text().splitlines()) == 2
    assert audit.check(either.desk, tmp_path / audit.ANCHORS).whole


def test_a_day_that_broke_off_is_taken_up_an_hour_later(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path)
    with monkeypatch.context() as broken:
        broken.setattr(privacy, "retain", lambda *_, **__: 1 / 0)
        assert worker.run_once(world.desk, home)[1]
    assert housekeeping.run_daily(world.desk, home) == 0
    world.clock.forward(hours=1)
    assert housekeeping.run_daily(world.desk, home) == 1


def test_a_talk_ends_idle_and_loses_its_words_here_and_in_the_engine(world: World, tmp_path: Path) -> None:
    name, engine = conversation(world, "むかしの話", owner="bot"), tmp_path / "engine.db"
    answered(world, name)
    with sqlite3.connect(engine) as raw:
        raw.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, sender_id TEXT, data TEXT)")
        raw.executemany("INSERT INTO events (sender_id, data) VALUES (?, ?)", [(name, "むかしの話"), ("x", "別の話")])
    home = household(tmp_path, f"sqlite:///{engine}")
    for days, words, kept in ((31, "むかしの話", 2), (700, "", 1)):
        world.clock.forward(days=days)
        assert housekeeping.run_daily(world.desk, home) == 1
        with world.desk.store.reading() as session:
            assert session.scalars(select(Message.text)).one() == words
        with sqlite3.connect(engine) as raw:
            assert raw.execute("SELECT count(*) FROM events").fetchone() == (kept,)


def test_while_the_engines_memory_cannot_be_reached_nothing_counts_as_erased(world: World, tmp_path: Path) -> None:
    conversation(world, "むかしの話", owner="closed")
    world.clock.forward(days=731)
    with pytest.raises(Exception, match="unable to open"):
        privacy.retain(world.desk, tracker_url=f"sqlite:///{tmp_path}/nowhere/engine.db")
    assert privacy.retain(world.desk).conversations == 1


def test_old_mails_and_calls_lose_their_words_too(world: World) -> None:
    now = world.clock()
    with world.desk.store.writing() as session:
        for number, at in enumerate((now, now + timedelta(days=400))):
            mail = {"sender": "shop", "kind": "shipped", "subject": "発送", "body": "山田様", "at": at}
            session.add(Notice(key=f"n{number}", customer_id=101, **mail))
            call = {"phone": "+819000000001", "slot_at": at, "state": "done", "outcome": "話した", "booked_at": at}
            session.add(Callback(key=f"c{number}", customer_id=101, **call))
    world.clock.forward(days=731)
    privacy.retain(world.desk)
    with world.desk.store.reading() as session:
        assert session.scalars(select(Notice.body).order_by(Notice.id)).all() == ["", "山田様"]
        assert session.scalars(select(Callback.phone).order_by(Callback.id)).all() == ["", "+819000000001"]


def test_the_worker_does_it_among_its_other_work(world: World, tmp_path: Path) -> None:
    handling.take(world.desk, world.person("sato"), conversation(world, "お願いします"))
    assert worker.run_once(world.desk, household(tmp_path)) == (1, False)
    record = json.loads((tmp_path / audit.ANCHORS).read_text())
    with world.desk.store.reading() as session:
        assert record["hash"] == session.scalars(select(AuditRow.hash).order_by(AuditRow.id.desc())).first()


class TestTheEnginesDatabase:
    def test_it_is_the_one_that_run_names_to_the_engine(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(ROOT)
        settings = Settings(var=tmp_path)
        _write_endpoints(settings)
        assert tracker_url(settings) is None  # the engine has not made it yet
        (tmp_path / "engine.db").touch()
        assert tracker_url(settings) == f"sqlite:///{tmp_path}/engine.db"

    @pytest.mark.parametrize(
        ("store", "wanted"),
        [
            ("{type: SQL, dialect: sqlite, db: somewhere.db}", "sqlite:///somewhere.db"),
            (
                "{type: SQL, dialect: postgresql, url: db.example, port: 5432, username: rasa,"
                " password: '${TRACKER_PASSWORD}', db: talks}",
                "postgresql://rasa:s3cret@db.example:5432/talks",
            ),
            ("{type: InMemory}", None),
            ("", None),
        ],
    )
    def test_it_follows_what_the_endpoints_say(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: str, wanted: str | None
    ) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("TRACKER_PASSWORD", "s3cret")
        (tmp_path / "somewhere.db").touch()
        (tmp_path / "endpoints.yml").write_text(f"tracker_store: {store}\n")
        assert tracker_url(Settings(var=tmp_path / "var")) == wanted
