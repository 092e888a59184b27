"""A message that comes in: stored, claimed where nothing waits before it, and told to whoever listens."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from madoguchi.services import conversations, incoming, sessions
from madoguchi.services.desk import Desk
from madoguchi.services.sessions import Opened, SignIn
from madoguchi.services.talk import Received, Reply, Sent, Understood
from madoguchi.store import Message
from tests.integration.talks.conftest import NOW, Clock, answer, claim, owned


class TestReceiving:
    @pytest.fixture
    def secret(self, desk: Desk) -> str:
        opened = sessions.sign_in(desk, SignIn("C-1", "token-1", NOW + timedelta(minutes=5)), None)
        assert isinstance(opened, Opened)
        return opened.secret

    def receive(self, desk: Desk, secret: str, text: str, **more: bool) -> Received:
        received = incoming.receive(desk, secret, Sent(str(uuid.uuid4()), text=text), **more)
        assert isinstance(received, Received)
        return received

    def test_a_message_is_claimed_as_it_comes_in(self, desk: Desk, secret: str) -> None:
        first = self.receive(desk, secret, "一")
        assert first.turn is not None
        assert (first.turn.text, first.turn.attempt, first.turn.more) == ("一", 1, False)
        assert conversations.next_turn(desk, first.conversation_id) is None, "its lease runs"
        assert [message.text for message in answer(desk, first.turn, "はい")] == ["はい"]

    def test_what_others_wait_before_is_not_claimed(self, desk: Desk, secret: str) -> None:
        self.receive(desk, secret, "一", at_once=False)
        second = self.receive(desk, secret, "二")
        assert second.turn is None
        assert claim(desk, second.conversation_id).text == "一"

    @pytest.mark.parametrize("owner", ["waiting", "agent"])
    def test_what_a_human_answers_is_not_claimed(self, desk: Desk, secret: str, owner: str) -> None:
        talk = self.receive(desk, secret, "一", at_once=False).conversation_id
        answer(desk, claim(desk, talk), "はい")
        owned(desk, talk, owner)
        assert self.receive(desk, secret, "二").turn is None

    def test_news_tell_what_stood_before_them(self, desk: Desk, secret: str) -> None:
        first = self.receive(desk, secret, "一")
        assert first.news is not None
        assert first.turn is not None
        said = conversations.store_replies(desk, first.turn, [Reply("はい"), Reply("では")], Understood("inform", 0.9))
        assert said is not None
        second = self.receive(desk, secret, "二")
        assert second.news is not None
        assert first.news.before == 0
        assert said.before == first.news.messages[-1].id
        assert second.news.before == said.messages[-1].id

    def test_without_a_running_session_nothing_is_stored(self, desk: Desk, secret: str, clock: Clock) -> None:
        assert incoming.receive(desk, "somebody-else", Sent("m1", text="一")) is None
        clock.now += timedelta(days=400)
        assert incoming.receive(desk, secret, Sent("m2", text="二")) is None
        with desk.store.reading() as session:
            assert session.query(Message).count() == 0
