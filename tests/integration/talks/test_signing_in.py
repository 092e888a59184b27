"""Signing in with a shop's token: once each, one session, one conversation."""

from __future__ import annotations

from datetime import timedelta

from madoguchi.services import sessions
from madoguchi.services.desk import Desk
from madoguchi.services.sessions import NotAdmitted, Opened, SignIn
from madoguchi.store import Customer, UsedToken
from tests.integration.talks.conftest import NOW, Clock, at_once


class TestSigningIn:
    def sign_in(self, desk: Desk, token: str = "token-one", who: str = "C-1") -> Opened | NotAdmitted:
        return sessions.sign_in(desk, SignIn(who, token, NOW + timedelta(minutes=5)), None)

    def test_a_token_exchanged_many_times_at_once_opens_one_session(self, desk: Desk) -> None:
        opened = at_once(8, lambda: self.sign_in(desk))
        assert sum(isinstance(each, Opened) for each in opened) == 1

    def test_two_windows_at_once_share_one_conversation(self, desk: Desk) -> None:
        names = iter([f"token-{number}" for number in range(8)])
        opened = at_once(8, lambda: self.sign_in(desk, next(names)))
        assert len({each.visit.conversation_id for each in opened if isinstance(each, Opened)}) == 1

    def test_an_erased_customer_is_nobody(self, desk: Desk) -> None:
        with desk.store.writing() as session:
            session.get_one(Customer, 1).erased_at = NOW
        assert isinstance(self.sign_in(desk), NotAdmitted)

    def test_a_refused_sign_in_still_uses_the_token_up(self, desk: Desk) -> None:
        assert isinstance(self.sign_in(desk, who="C-9"), NotAdmitted)
        assert isinstance(self.sign_in(desk), NotAdmitted)

    def test_used_tokens_are_forgotten_once_they_have_expired(self, desk: Desk, clock: Clock) -> None:
        self.sign_in(desk)
        clock.now += timedelta(minutes=10)
        sessions.sign_in(desk, SignIn("C-1", "token-two", clock.now + timedelta(minutes=5)), None)
        with desk.store.reading() as session:
            assert [row.jti for row in session.query(UsedToken)] == ["token-two"]
