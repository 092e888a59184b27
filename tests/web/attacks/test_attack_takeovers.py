"""A human takes over at any instant of the bot's turn: from then on no word of the bot's, and one owner."""

from __future__ import annotations

import asyncio
import random
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select

from madoguchi.services import handling
from madoguchi.services.handling import Ok
from madoguchi.store import Conversation, Message
from tests.web.attacks.tables import PROVE
from tests.web.conftest import eventually, say
from tests.web.desk.conftest import DeskSite

TAKEOVERS = 1_000 if PROVE else 60
pytestmark = pytest.mark.usefixtures("no_limits")


def test_no_word_of_the_bots_after_a_takeover_and_one_owner(desk_site: DeskSite) -> None:
    site, world, dice = desk_site.site, desk_site.world, random.Random(28)
    before_the_reply = 0

    async def slowly(asked: dict[str, Any]) -> dict[str, Any]:
        await asyncio.sleep(dice.uniform(0, 0.05))
        return {"replies": [{"text": "自動応答です"}, {"text": "二つ目です"}], "intent": {"name": "inform"}}

    site.engine.answer = slowly
    with ThreadPoolExecutor(2) as agents:
        for number in range(TAKEOVERS):
            client = site.visitor()
            name = client.post("/chat/session", json={}).json()["conversation"]
            for text in ("一つ目の質問", "二つ目の質問")[: 1 + number % 2]:
                say(client, text)
            time.sleep(dice.uniform(0, 0.08))
            rivals = [world.person("sato"), world.person("suzuki")]
            taken = list(agents.map(lambda rival, name=name: handling.take(world.desk, rival, name), rivals))
            with world.desk.store.reading() as session:
                last = session.scalar(select(func.max(Message.id)).where(Message.conversation_id == name))
            eventually(lambda name=name: not site.engine.at_work.get(name))
            say(client, "まだですか")
            time.sleep(0.02)
            with world.desk.store.reading() as session:
                talk = session.get_one(Conversation, name)
                late = (
                    session.query(Message).filter_by(conversation_id=name, author="bot").filter(Message.id > last).all()
                )
                before_the_reply += session.query(Message).filter_by(conversation_id=name, author="bot").count() == 0
            assert sum(isinstance(each, Ok) for each in taken) == 1, taken
            assert talk.owner == "agent"
            assert talk.agent == rivals[0 if isinstance(taken[0], Ok) else 1].login
            assert late == []
            client.close()
    assert 0 < before_the_reply < TAKEOVERS, "the takeovers have to come before and after the bot's word"
