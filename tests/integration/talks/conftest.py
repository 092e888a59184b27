"""A desk over an empty store with one customer's talk, and the steps of a conversation, for the tests beside it."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from madoguchi.bootstrap import Settings, build_desk
from madoguchi.services import conversations, incoming
from madoguchi.services.desk import Desk
from madoguchi.services.talk import ClaimedTurn, MessageView, Refusal, Reply, Sent, Stored, Understood
from madoguchi.store import Conversation, Customer
from tests.integration.money.money_databases import fresh_store

NOW = datetime(2026, 3, 5, 3, 0, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that stands still until a test moves it."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def desk(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    """A desk over an empty store, on each of the two databases."""
    made = build_desk(Settings(database_url=f"sqlite:///{tmp_path}/unused.db", var=tmp_path, secret="a test"))
    store = fresh_store(request.param, tmp_path)
    with store.writing() as session:
        session.add(Customer(id=1, reference="C-1", name="試験 一子", email="c1@example.jp"))
    yield replace(made, store=store, clock=clock)
    store.close()


@pytest.fixture
def talk(desk: Desk) -> str:
    with desk.store.writing() as session:
        return conversations.open_conversation(session, 1, NOW).id


def store(desk: Desk, talk: str, sent: Sent) -> Stored | Refusal:
    with desk.store.writing() as session:
        received = incoming.add_message(session, conversations.locked(session, talk), sent, desk.clock())
    return received if isinstance(received, Refusal) else received.stored


def say(desk: Desk, talk: str, text: str) -> Stored:
    stored = store(desk, talk, Sent(str(uuid.uuid4()), text=text))
    assert isinstance(stored, Stored)
    return stored


def claim(desk: Desk, talk: str) -> ClaimedTurn:
    turn = conversations.next_turn(desk, talk)
    assert turn is not None
    return turn


def answer(desk: Desk, turn: ClaimedTurn, *texts: str) -> tuple[MessageView, ...]:
    news = conversations.store_replies(desk, turn, [Reply(text) for text in texts], Understood("inform", 0.9))
    return () if news is None else news.messages


def texts(desk: Desk, talk: str) -> list[str]:
    return [message.text for message in conversations.messages_since(desk, talk)]


def owned(desk: Desk, talk: str, owner: str) -> None:
    with desk.store.writing() as session:
        session.get_one(Conversation, talk).owner = owner


def at_once[T](count: int, action: Callable[[], T]) -> list[T]:
    """Do something in so many threads at the same moment."""
    start = threading.Barrier(count)

    def together() -> T:
        start.wait()
        return action()

    with ThreadPoolExecutor(count) as pool:
        return [each.result() for each in [pool.submit(together) for _ in range(count)]]


def race(*actions: Callable[[], None]) -> None:
    """Start different things at the same moment."""
    left = iter(actions)
    at_once(len(actions), lambda: next(left)())
