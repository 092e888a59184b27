"""Takeovers, answers and everything else a human does with a conversation."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from madoguchi.services import conversations, handling, inbox
from madoguchi.services.conversations import Reply, Understood
from madoguchi.services.handling import Kept, NotYours, Ok, Stale, Taken, Unfit
from madoguchi.services.inbox import Filters, View
from madoguchi.services.snoozing import Wake
from madoguchi.store import Conversation, Handling, Inquiry, Message
from tests.integration.desk.builders import SELLER_ORDER, World, conversation, inquiry, speak


def at_once(*calls: Callable[[], object]) -> list[object]:
    """Run calls in threads that begin together, and return what they gave."""
    start, found = threading.Barrier(len(calls)), [None] * len(calls)

    def run(number: int, call: Callable[[], object]) -> None:
        start.wait()
        found[number] = call()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def row(world: World, name: str) -> Conversation:
    """Return a conversation as it is in the store."""
    with world.desk.store.reading() as session:
        return session.get_one(Conversation, name)


def test_of_two_who_take_over_at_once_one_has_it_and_the_other_is_told(either: World) -> None:
    sato, suzuki = either.person("sato"), either.person("suzuki")
    for _ in range(10):
        name = conversation(either, "お願いします")
        outcomes = at_once(
            lambda name=name: handling.take(either.desk, sato, name),
            lambda name=name: handling.take(either.desk, suzuki, name),
        )
        assert sorted(type(each).__name__ for each in outcomes) == ["Ok", "Taken"]
        told = next(each for each in outcomes if isinstance(each, Taken))
        assert told.by == either.people[str(row(either, name).agent)].name


def test_taking_again_what_is_mine_changes_nothing(world: World) -> None:
    name, sato = conversation(world, "お願いします"), world.person("sato")
    assert handling.take(world.desk, sato, name) == Ok()
    assert handling.take(world.desk, sato, name) == Ok()
    with world.desk.store.reading() as session:
        assert len(session.scalars(select(Handling)).all()) == 1


def test_a_turn_that_was_running_when_a_human_took_over_says_nothing(world: World) -> None:
    name = conversation(world, "壊れています", owner="bot")
    turn = conversations.next_turn(world.desk, name)
    assert turn is not None
    handling.take(world.desk, world.person("sato"), name)
    assert conversations.store_replies(world.desk, turn, [Reply("自動応答です")], Understood()) is None
    assert "bot" not in authors(world, name)


def authors(world: World, name: str) -> list[str]:
    """Return who spoke, in order."""
    with world.desk.store.reading() as session:
        return list(session.scalars(select(Message.author).where(Message.conversation_id == name).order_by(Message.id)))


def test_the_same_reply_sent_twice_is_stored_once(world: World) -> None:
    name, sato = conversation(world, "お願いします"), world.person("sato")
    handling.take(world.desk, sato, name)
    seen = last(world, name)
    first = handling.reply(world.desk, sato, name, "one", "承りました", seen)
    assert handling.reply(world.desk, sato, name, "one", "承りました", seen) == first
    assert authors(world, name) == ["customer", "agent"]


def last(world: World, name: str) -> int:
    """Return the newest message's id."""
    with world.desk.store.reading() as session:
        return max(session.scalars(select(Message.id).where(Message.conversation_id == name)))


def test_a_reply_from_a_stale_page_is_not_sent(world: World) -> None:
    name, sato = conversation(world, "お願いします"), world.person("sato")
    handling.take(world.desk, sato, name)
    seen = last(world, name)
    newer = speak(world, name, "やっぱりいいです")
    assert handling.reply(world.desk, sato, name, "one", "返金します", seen) == Stale(newer)
    assert handling.close(world.desk, sato, name, seen) == Stale(newer)
    assert handling.give_back(world.desk, sato, name, "続き", seen) == Stale(newer)
    assert authors(world, name) == ["customer", "customer"]
    assert isinstance(handling.reply(world.desk, sato, name, "one", "承知しました", newer), Kept)


def test_only_who_has_it_answers(world: World) -> None:
    name = conversation(world, "お願いします")
    handling.take(world.desk, world.person("sato"), name)
    for other in ("suzuki", "tanaka", "kato"):
        outcome = handling.reply(world.desk, world.person(other), name, other, "横から", last(world, name))
        assert outcome == NotYours("佐藤")
    assert isinstance(handling.note(world.desk, world.person("suzuki"), name, "n", "気づいたこと"), Kept)


def test_notes_are_never_among_what_the_customer_sees(world: World) -> None:
    name = conversation(world, "お願いします")
    handling.note(world.desk, world.person("sato"), name, "n", "以前も同じ件あり")
    assert [each.author for each in conversations.messages_since(world.desk, name)] == ["customer"]


def test_given_back_the_bot_goes_on_with_the_next_message_only(world: World) -> None:
    name, sato = conversation(world, "これは人が答えた"), world.person("sato")
    handling.take(world.desk, sato, name)
    assert handling.give_back(world.desk, sato, name, "返品の受付から", last(world, name)) == Ok()
    assert conversations.next_turn(world.desk, name) is None
    speak(world, name, "返品します")
    turn = conversations.next_turn(world.desk, name)
    assert turn is not None
    assert turn.text == "返品します"


def test_a_customer_who_writes_again_reopens_what_was_closed(world: World) -> None:
    name, sato = conversation(world, "ありがとう"), world.person("sato")
    handling.take(world.desk, sato, name)
    assert handling.close(world.desk, sato, name, last(world, name)) == Ok()
    speak(world, name, "もう一つ")
    assert row(world, name).owner == "bot"


def test_passing_on_needs_the_owner_or_a_lead_and_a_person_who_handles(world: World) -> None:
    name, people = conversation(world, "お願いします"), world.people
    handling.take(world.desk, people["sato"], name)
    assert handling.pass_on(world.desk, people["suzuki"], name, people["suzuki"].id) == NotYours("佐藤")
    assert handling.pass_on(world.desk, people["tanaka"], name, people["mori"].id) == Unfit("receiver")
    assert handling.pass_on(world.desk, people["tanaka"], name, people["suzuki"].id) == Ok()
    assert row(world, name).agent == "suzuki"
    assert handling.pass_on(world.desk, people["suzuki"], name, None) == Ok()
    assert row(world, name).owner == "waiting"


def shown(world: World, view: View, login: str = "sato") -> list[str]:
    """Return the conversations of a view."""
    return [each.id for each in inbox.page(world.desk, world.person(login), view, Filters()).rows]


@pytest.mark.parametrize("waking", ["time", "customer", "seller"])
def test_what_is_put_aside_comes_back_by_time_word_or_event(world: World, waking: str) -> None:
    sato = world.person("sato")
    name = conversation(world, "待ちます", order_number=SELLER_ORDER)
    asked = inquiry(world, name, SELLER_ORDER)
    handling.take(world.desk, sato, name)
    until = world.clock() + timedelta(hours=2)
    assert handling.snooze(world.desk, sato, name, until, Wake.SELLER_ANSWERS) == Ok()
    assert (shown(world, View.MINE), shown(world, View.SNOOZED)) == ([], [name])
    world.clock.forward(minutes=5)
    if waking == "time":
        world.clock.forward(hours=2)
    elif waking == "customer":
        speak(world, name, "まだですか")
    else:
        with world.desk.store.writing() as session:
            session.get_one(Inquiry, asked).answered_at = world.clock()
    assert (shown(world, View.MINE), shown(world, View.SNOOZED)) == ([name], [])


def test_a_snooze_needs_a_moment_to_come_or_an_event(world: World) -> None:
    name, sato = conversation(world, "待ちます"), world.person("sato")
    handling.take(world.desk, sato, name)
    assert handling.snooze(world.desk, sato, name, None, None) == Unfit("time")
    assert handling.snooze(world.desk, sato, name, world.clock(), None) == Unfit("time")


def test_the_first_human_word_is_measured_once(world: World) -> None:
    name, sato = conversation(world, "お願いします"), world.person("sato")
    handling.take(world.desk, sato, name)
    world.clock.forward(minutes=3)
    for number in (1, 2):
        handling.reply(world.desk, sato, name, str(number), "はい", last(world, name))
        world.clock.forward(minutes=3)
    with world.desk.store.reading() as session:
        handled = session.scalars(select(Handling)).one()
        assert handled.waiting_since is not None
        assert handled.first_word_at is not None
        assert handled.first_word_at - handled.waiting_since == timedelta(minutes=3)
