"""Conversations in the store: claims, leases, the fence, and what many programs at once may not break."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from madoguchi.bootstrap import Settings, build_desk
from madoguchi.services import conversations, incoming, sessions
from madoguchi.services.desk import Desk
from madoguchi.services.handoffs import Promise
from madoguchi.services.sessions import NotAdmitted, Opened, SignIn
from madoguchi.services.talk import (
    ClaimedTurn,
    MessageView,
    Offered,
    Received,
    Refusal,
    Reply,
    Sent,
    Stored,
    Understood,
)
from madoguchi.store import Conversation, Customer, Message, Order, OrderLine, Product, UsedToken, Variant
from tests.integration.money.money_databases import fresh_store

NOW = datetime(2026, 3, 5, 3, 0, tzinfo=UTC)
SORRY = "申し訳ございません。"


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


def sorry(_promise: Promise) -> Reply:
    return Reply(SORRY)


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


class TestClaiming:
    def test_messages_are_claimed_one_after_the_other(self, desk: Desk, talk: str) -> None:
        say(desk, talk, "一")
        say(desk, talk, "二")
        first = claim(desk, talk)
        assert first.text == "一"
        assert conversations.next_turn(desk, talk) is None
        answer(desk, first, "はい")
        assert claim(desk, talk).text == "二"

    def test_a_claim_whose_program_died_is_free_when_its_lease_ends(self, desk: Desk, talk: str, clock: Clock) -> None:
        say(desk, talk, "一")
        dead = claim(desk, talk)
        assert conversations.with_work(desk) == ()
        clock.now += conversations.LEASE - timedelta(seconds=1)
        assert conversations.next_turn(desk, talk) is None
        clock.now += timedelta(seconds=1)
        assert conversations.with_work(desk) == (talk,)
        again = claim(desk, talk)
        assert (again.message_id, again.attempt) == (dead.message_id, 2)

    def test_of_two_answers_to_one_message_only_the_first_is_stored(self, desk: Desk, talk: str, clock: Clock) -> None:
        say(desk, talk, "一")
        slow = claim(desk, talk)
        clock.now += conversations.LEASE
        answer(desk, claim(desk, talk), "二度目の答え")
        assert answer(desk, slow, "一度目の答え") == ()
        assert texts(desk, talk) == ["一", "二度目の答え"]

    def test_a_message_that_kills_its_programs_is_hopeless_at_the_fourth_time(
        self, desk: Desk, talk: str, clock: Clock
    ) -> None:
        say(desk, talk, "一")
        hopeless = []
        for _ in range(4):
            hopeless.append(claim(desk, talk).hopeless)
            clock.now += conversations.LEASE
        assert hopeless == [False, False, False, True]

    @pytest.mark.parametrize("owner", ["waiting", "agent", "closed"])
    def test_nothing_is_claimed_where_the_bot_is_not_the_owner(self, desk: Desk, talk: str, owner: str) -> None:
        say(desk, talk, "一")
        owned(desk, talk, owner)
        assert conversations.next_turn(desk, talk) is None
        assert conversations.with_work(desk) == ()

    def test_many_claim_and_one_gets_it(self, desk: Desk, talk: str) -> None:
        for _ in range(20):
            say(desk, talk, "一")
            turns = at_once(8, lambda: conversations.next_turn(desk, talk))
            (turn,) = [turn for turn in turns if turn is not None]
            answer(desk, turn, "はい")

    def test_the_customers_last_twenty_purchases_go_along(self, desk: Desk, talk: str) -> None:
        with desk.store.writing() as session:
            product = Product(reference="p", title="本", category="books")
            variant = Variant(reference="v", product=product, price=100, stock=1)
            for number in range(25):
                order = Order(
                    number=f"{number:03}", customer_id=1, state="placed", placed_at=NOW + timedelta(days=number)
                )
                order.lines = [OrderLine(variant=variant, title=f"{number}巻", unit_price=100, quantity=1)]
                session.add(order)
        say(desk, talk, "一")
        assert claim(desk, talk).purchases == tuple(f"{number}巻" for number in range(24, 4, -1))


class TestTheFence:
    @pytest.mark.parametrize("owner", ["agent", "closed"])
    def test_no_reply_is_stored_behind_it(self, desk: Desk, talk: str, owner: str) -> None:
        say(desk, talk, "一")
        turn = claim(desk, talk)
        owned(desk, talk, owner)
        assert answer(desk, turn, "遅い答え") == ()
        assert conversations.give_up(desk, turn, sorry) == ()
        assert texts(desk, talk) == ["一"]

    def test_nor_an_apology(self, desk: Desk, talk: str) -> None:
        say(desk, talk, "一")
        turn = claim(desk, talk)
        owned(desk, talk, "agent")
        assert conversations.give_up(desk, turn, sorry) == ()
        assert texts(desk, talk) == ["一"]

    def test_it_holds_whenever_the_human_comes(self, desk: Desk, talk: str) -> None:
        """The human takes over at any moment of a turn: what the bot says stands before it, or nowhere."""
        for _ in range(60):
            owned(desk, talk, "bot")
            say(desk, talk, "一")
            turn = claim(desk, talk)
            taken: list[int] = []

            def take_over(taken: list[int] = taken) -> None:
                with desk.store.writing() as session:
                    session.get_one(Conversation, talk).owner = "agent"
                    last = session.query(Message.id).order_by(Message.id.desc()).first()
                    assert last is not None
                    taken.append(last[0])

            def reply(turn: ClaimedTurn = turn) -> None:
                answer(desk, turn, "答え一", "答え二")

            race(take_over, reply)
            after = conversations.messages_since(desk, talk, taken[0])
            assert [message.author for message in after] == []


class TestFailing:
    def test_what_surely_did_not_run_does_not_count_as_an_attempt(self, desk: Desk, talk: str) -> None:
        say(desk, talk, "一")
        for _ in range(10):
            assert conversations.put_back(desk, claim(desk, talk), counted=False)
        assert claim(desk, talk).attempt == 1

    def test_three_attempts_are_enough(self, desk: Desk, talk: str) -> None:
        say(desk, talk, "一")
        assert [conversations.put_back(desk, claim(desk, talk), counted=True) for _ in range(3)] == [True, True, False]

    def test_patience_ends_however_little_was_tried(self, desk: Desk, talk: str, clock: Clock) -> None:
        say(desk, talk, "一")
        clock.now += conversations.PATIENCE + timedelta(seconds=1)
        assert not conversations.put_back(desk, claim(desk, talk), counted=False)

    def test_giving_up_says_sorry_once_and_calls_a_human_with_a_promise(self, desk: Desk, talk: str) -> None:
        say(desk, talk, "一")
        say(desk, talk, "二")
        turn = claim(desk, talk)
        conversations.give_up(desk, turn, sorry)
        conversations.give_up(desk, turn, sorry)
        assert texts(desk, talk) == ["一", "二", SORRY]
        with desk.store.reading() as session:
            row = session.get_one(Conversation, talk)
            assert (row.owner, row.handoff_reason) == ("waiting", "turn_failed")
            assert row.promised_at is not None
        assert conversations.next_turn(desk, talk) is None, "the second message waits for the human"


class TestClosedTalks:
    def test_a_new_message_opens_it_again_and_only_that_one_is_run(self, desk: Desk, talk: str) -> None:
        owned(desk, talk, "agent")
        say(desk, talk, "担当者への言葉")
        owned(desk, talk, "closed")
        say(desk, talk, "別の件です")
        turn = claim(desk, talk)
        assert turn.text == "別の件です"
        answer(desk, turn, "はい")
        assert conversations.next_turn(desk, talk) is None


class TestMessages:
    def test_the_same_id_many_times_at_once_is_one_message(self, desk: Desk, talk: str) -> None:
        name = str(uuid.uuid4())
        stored = at_once(8, lambda: store(desk, talk, Sent(name, text="一")))
        assert sorted(each.new for each in stored if isinstance(each, Stored)) == [False] * 7 + [True]
        assert texts(desk, talk) == ["一"]

    def test_a_button_pressed_many_times_at_once_is_one_press(self, desk: Desk, talk: str) -> None:
        say(desk, talk, "一")
        offered = Reply("どうぞ", {}, (Offered("t" * 43, "はい", "/affirm"),))
        conversations.store_replies(desk, claim(desk, talk), [offered], Understood())
        pressed = at_once(8, lambda: store(desk, talk, Sent(str(uuid.uuid4()), token="t" * 43)))
        assert sum(isinstance(each, Stored) for each in pressed) == 1
        assert sum(each is Refusal.SPENT for each in pressed) == 7

    def test_notes_of_agents_are_not_shown(self, desk: Desk, talk: str) -> None:
        with desk.store.writing() as session:
            session.add(Message(conversation_id=talk, client_id="n", author="note", text="内緒", created_at=NOW))
        assert texts(desk, talk) == []
        assert conversations.heads(desk, [talk])[talk].last_message_id == 0

    def test_the_newest_come_first_where_there_are_too_many(self, desk: Desk, talk: str) -> None:
        for number in range(12):
            say(desk, talk, str(number))
        newest = conversations.messages_since(desk, talk, limit=5)
        assert [message.text for message in newest] == ["7", "8", "9", "10", "11"]
        assert [m.text for m in conversations.messages_since(desk, talk, newest[1].id, limit=2)] == ["9", "10"]


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
