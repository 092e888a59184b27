"""A customer's data: handed out whole, erased everywhere, not kept too long; and the audit that none can rewrite."""

from __future__ import annotations

import json
import os
import random
import re
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from madoguchi.services import acting, audit, callbacks, handling, privacy
from madoguchi.services.planning import Act
from madoguchi.store import AuditRow, Conversation, Customer, LedgerEntry, Message, Notice, Payment, Refund, Score
from tests.integration.desk.builders import ORDER, World, conversation

SECRETS = (
    "山田",
    "花子",
    "ヤマダ",
    "k101@example.jp",
    "+819000000001",
    "浴室のひみつ",
    "お礼のひみつ",
    "電話のひみつ",
    "手紙のひみつ",
)
GUARDS = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'"
TAMPERINGS = 1000 if os.environ.get("MADOGUCHI_PROVE") else 60


@pytest.fixture
def known(world: World) -> str:
    """A customer who has said and got a lot; gives their conversation."""
    name = conversation(world, "浴室のひみつですが、返金してください", order_number=ORDER)
    desk, sato = world.desk, world.person("sato")
    callbacks.book(desk, name, None, None)
    handling.take(desk, sato, name)
    handling.note(desk, sato, name, "n", "電話のひみつ 山田様")
    act = Act("refund", ORDER, amount=500, reason="山田 花子様のご事情")
    shown = acting.preview(desk, sato, name, act)
    assert isinstance(shown, acting.Preview)
    acting.do(desk, sato, name, "k", act, shown.fingerprint)
    with desk.store.writing() as session:
        session.add(
            Notice(
                key="n",
                customer_id=101,
                order_number=ORDER,
                sender="shop",
                kind="shipped",
                subject="山田 花子様",
                body="手紙のひみつ",
                at=world.clock(),
            )
        )
        talk = session.get_one(Conversation, name)
        talk.summary = {"said": ["浴室のひみつ"], "note": {}}
        case = session.query(privacy.Case).filter_by(conversation_id=name).one()
        session.add(Score(case_id=case.id, value=9, words="お礼のひみつ", given_at=world.clock()))
    return name


def everything(world: World) -> str:
    """Return all that the database file's tables hold, as one text."""
    world.desk.store.engine.dispose()
    found = []
    with sqlite3.connect(str(world.desk.store.url.database)) as raw:
        for (table,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            if not table.startswith("search"):
                found += [f"{table}: {row}" for row in raw.execute(f'SELECT * FROM "{table}"')]  # noqa: S608
    return "\n".join(re.sub(r"\\+u([0-9a-f]{4})", lambda match: chr(int(match[1], 16)), line) for line in found)


def test_the_export_holds_what_the_customer_said_and_got(world: World, known: str) -> None:
    found = privacy.export(world.desk, "outside:command", "K-101")
    assert found is not None
    assert found["customers"][0]["name"] == "山田 花子"
    assert "浴室のひみつ" in found["messages"][0]["text"]
    assert len(found["messages"]) == 1  # the agents' notes are theirs
    assert {row["number"] for row in found["orders"]} >= {ORDER}
    assert (found["refunds"][0]["amount"], found["notices"][0]["body"]) == (500, "手紙のひみつ")
    assert privacy.export(world.desk, "outside:command", "K-999") is None


def test_the_export_holds_nobody_else(world: World, known: str) -> None:
    conversation(world, "川上の話", customer=102)
    found = privacy.export(world.desk, "outside:command", "K-101")
    assert "川上" not in str(found)


def test_erased_is_erased_in_every_table_and_the_books_stay(world: World, known: str) -> None:
    before = everything(world)
    assert all(secret in before for secret in SECRETS)
    with world.desk.store.reading() as session:
        books = [(row.key, row.amount) for row in session.scalars(select(LedgerEntry))]
        paid = [(row.id, row.captured, row.refunded) for row in session.scalars(select(Payment))]
    erased = privacy.erase(world.desk, "outside:command", "K-101")
    assert erased is not None
    after = everything(world)
    assert [secret for secret in SECRETS if secret in after] == []
    with world.desk.store.reading() as session:
        assert [(row.key, row.amount) for row in session.scalars(select(LedgerEntry))] == books
        assert [(row.id, row.captured, row.refunded) for row in session.scalars(select(Payment))] == paid
        assert session.scalars(select(Refund.amount)).all() == [500]
        assert session.get_one(Customer, 102).name == "川上 次郎"


def test_erasing_twice_changes_nothing_more(world: World, known: str) -> None:
    privacy.erase(world.desk, "outside:command", "K-101")
    again = privacy.erase(world.desk, "outside:command", "K-101")
    assert again is not None
    assert (again.counts["messages"], again.counts["customers"]) == (0, 0)


def test_the_engines_memory_is_erased_too(world: World, known: str, tmp_path: Path) -> None:
    path = tmp_path / "engine.db"
    with sqlite3.connect(path) as raw:
        raw.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, sender_id TEXT, data TEXT)")
        raw.executemany("INSERT INTO events (sender_id, data) VALUES (?, ?)", [(known, "a"), (known, "b"), ("x", "c")])
    erased = privacy.erase(world.desk, "outside:command", "K-101", tracker_url=f"sqlite:///{path}")
    assert erased is not None
    assert erased.counts["engine"] == 2
    with sqlite3.connect(path) as raw:
        assert raw.execute("SELECT sender_id FROM events").fetchall() == [("x",)]


def test_old_talks_lose_their_words_and_young_or_open_ones_keep_them(world: World) -> None:
    old, still_open = conversation(world, "古い話", owner="closed"), conversation(world, "続く話")
    world.clock.forward(days=731)
    young = conversation(world, "新しい話", owner="closed")
    assert privacy.retain(world.desk).conversations == 1
    assert privacy.retain(world.desk).conversations == 0
    with world.desk.store.reading() as session:
        words = dict(session.execute(select(Message.conversation_id, Message.text)).all())
    assert words == {old: "", still_open: "続く話", young: "新しい話"}


class TestTheAudit:
    def filled(self, world: World, rows: int = 30) -> Path:
        """Write some rows and anchor the last; gives the database's file."""
        with world.desk.store.writing() as session:
            for number in range(rows):
                audit.note(session, world.clock(), "staff:1", "acted", f"intent:{number}", {"amount": number})
        return Path(str(world.desk.store.url.database))

    def test_a_whole_audit_is_whole(self, world: World, tmp_path: Path) -> None:
        self.filled(world)
        anchors = tmp_path / "anchors.jsonl"
        assert audit.anchor(world.desk, anchors) == 30
        self.filled(world, 5)
        verdict = audit.check(world.desk, anchors)
        assert (verdict.whole, verdict.rows) == (True, 35)

    def test_every_edit_cut_and_rebuilt_chain_is_found(self, world: World, tmp_path: Path) -> None:
        path, anchors = self.filled(world), tmp_path / "anchors.jsonl"
        audit.anchor(world.desk, anchors)
        world.desk.store.engine.dispose()
        whole, dice = _dump(path), random.Random(31)
        ways = (_edit, _cut_one, _cut_the_end, _swap, _rebuild)
        for number in range(TAMPERINGS):
            way = ways[number % len(ways)]
            with sqlite3.connect(path) as raw:
                for (trigger,) in raw.execute(
                    "SELECT name FROM sqlite_master WHERE type='trigger' AND tbl_name='audit'"
                ):
                    raw.execute(f"DROP TRIGGER {trigger}")
                way(raw, dice)
            verdict = audit.check(world.desk, anchors)
            assert not verdict.whole, way.__name__
            world.desk.store.engine.dispose()
            with sqlite3.connect(path) as raw:
                raw.execute("DELETE FROM audit")
                raw.executemany("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?)", whole)
            raw.close()
        assert audit.check(world.desk, anchors).whole

    def test_the_database_refuses_to_rewrite_it(self, world: World) -> None:
        self.filled(world, 1)
        for statement in (update(AuditRow).values(actor="nobody"), delete(AuditRow)):
            with world.desk.store.writing() as session, pytest.raises(IntegrityError, match="append-only"):
                session.execute(statement)


def _dump(path: Path) -> list[tuple[object, ...]]:
    with sqlite3.connect(path) as raw:
        return raw.execute("SELECT * FROM audit ORDER BY id").fetchall()


def _edit(raw: sqlite3.Connection, dice: random.Random) -> None:
    column, value = dice.choice([("actor", "staff:9"), ("action", "noted"), ("subject", "intent:x"), ("detail", "{}")])
    raw.execute(f"UPDATE audit SET {column} = ? WHERE id = ?", (value, dice.randint(2, 30)))  # noqa: S608


def _cut_one(raw: sqlite3.Connection, dice: random.Random) -> None:
    raw.execute("DELETE FROM audit WHERE id = ?", (dice.randint(1, 29),))


def _cut_the_end(raw: sqlite3.Connection, dice: random.Random) -> None:
    raw.execute("DELETE FROM audit WHERE id > ?", (dice.randint(1, 29),))


def _swap(raw: sqlite3.Connection, dice: random.Random) -> None:
    first, second = dice.sample(range(1, 31), 2)
    raw.execute("UPDATE audit SET id = 99 WHERE id = ?", (first,))
    raw.execute("UPDATE audit SET id = ? WHERE id = ?", (first, second))
    raw.execute("UPDATE audit SET id = ? WHERE id = 99", (second,))


def _rebuild(raw: sqlite3.Connection, dice: random.Random) -> None:
    """Edit one row and hash the whole rest anew, so that the chain is whole in itself."""
    changed = dice.randint(1, 30)
    previous = audit.GENESIS
    rows = raw.execute("SELECT id, at, actor, action, subject, detail FROM audit ORDER BY id").fetchall()
    for number, at, actor, action, subject, detail in rows:
        row = AuditRow(
            at=datetime.fromisoformat(at).replace(tzinfo=UTC),
            actor="staff:9" if number == changed else actor,
            action=action,
            subject=subject,
            detail=json.loads(detail),
            previous_hash=previous,
        )
        previous = audit._hash(row)
        values = (row.actor, row.previous_hash, previous, number)
        raw.execute("UPDATE audit SET actor = ?, previous_hash = ?, hash = ? WHERE id = ?", values)
