"""A real talk becomes a test: what was played is recorded, and the recording plays to the same end."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from bench.running import Stack
from madoguchi.bootstrap import build_desk
from madoguchi.services.agents import Person, Role
from madoguchi.store import Conversation
from madoguchi.training import recording
from tests.conversations.runner import FOLDER, Player, load

pytestmark = pytest.mark.stack
TRAINER = Person(1, "mori", "森", Role.TRAINER)


@pytest.mark.parametrize(
    "name",
    ["cancel_before_shipment", "amount_from_the_talk", "where_is_my_order", "half_pants_too_small", "call_me"],
)
def test_a_talk_is_recorded_and_played_again(stack: Stack, tmp_path: Path, name: str) -> None:
    desk = build_desk(stack.settings)
    first = Player(stack.url, stack.settings, desk, load(FOLDER / f"{name}.yml"))
    assert first.play() == []
    with desk.store.reading() as session:
        last = session.scalars(select(Conversation).order_by(Conversation.last_at.desc()).limit(1)).one()
    folder = tmp_path / "tests" / "conversations"
    folder.mkdir(parents=True)
    made = recording.record(desk, TRAINER, last.id, folder)
    assert made is not None
    assert made.path is not None
    again = Player(stack.url, stack.settings, desk, load(tmp_path / made.path))
    assert again.play() == [], made.text
    desk.store.close()
