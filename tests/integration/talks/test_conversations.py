"""Conversations in the store: claims, leases, the fence, and what many programs at once may not break."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from madoguchi.services import conversations
from madoguchi.services.desk import Desk
from madoguchi.services.handoffs import Promise
from madoguchi.services.talk import (
    ClaimedTurn,
    Offered,
    Refusal,
    Reply,
    Sent,
    Stored,
    Understood,
)
from madoguchi.store import Conversation, Message, Order, OrderLine, Product, Variant
from tests.integration.talks.conftest import NOW, Clock, answer, at_once, claim, owned, race, say, store, texts

SORRY = "申し訳ございません。"


def sorry(_promise: Promise) -> Reply:
    return Reply(SORRY)


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
