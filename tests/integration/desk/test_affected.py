"""The list of those affected by a breach: from the audit, by account and span, complete and nobody else."""

from __future__ import annotations

from datetime import timedelta

import pytest

from madoguchi.services import acting, affected, callbacks, calling, handling, privacy
from madoguchi.services.planning import Act
from madoguchi.store import Conversation
from tests.integration.desk.builders import NOON, ORDER, World, conversation

HOUR = timedelta(hours=1)


def of(world: World, login: str | None = None) -> dict[str, tuple[str, ...]]:
    """Return the customers affected in the hour before and after noon, with what was done."""
    staff = world.person(login).id if login else None
    found = affected.of_span(world.desk, NOON - HOUR, NOON + HOUR, staff_id=staff)
    return {each.reference: each.actions for each in found.customers}


def test_looking_is_kept_once_a_day_and_counts(either: World) -> None:
    name = conversation(either, "お願いします")
    conversation(either, "見られていない", customer=102)
    for _ in range(3):
        affected.look(either.desk, either.person("sato"), name)
    assert of(either) == {"K-101": ("looked",)}
    assert affected.of_span(either.desk, NOON - HOUR, NOON + HOUR).customers[0].times == 1
    either.clock.forward(days=1)
    affected.look(either.desk, either.person("sato"), name)
    assert affected.of_span(either.desk, NOON, NOON + 26 * HOUR).customers[0].times == 2


def test_what_is_not_there_leaves_no_trace(world: World) -> None:
    affected.look(world.desk, world.person("sato"), "no such conversation")
    assert affected.of_span(world.desk, NOON - HOUR, NOON + HOUR) == affected.Breach((), ())


def test_each_way_of_touching_leads_to_its_customer(either: World) -> None:
    desk, sato = either.desk, either.person("sato")
    name = conversation(either, "お願いします", order_number=ORDER)
    callbacks.book(desk, name, None, None)  # the customer's own act counts for nobody
    handling.take(desk, sato, name)
    handling.note(desk, sato, name, "n", "メモ")
    privacy.reveal(desk, sato, name)
    calling.claim(desk, sato, calling.queue(desk)[0].booking.id)
    act = Act("refund", ORDER, amount=500, reason="お詫び")
    shown = acting.preview(desk, sato, name, act)
    assert isinstance(shown, acting.Preview)
    acting.do(desk, sato, name, "key", act, shown.fingerprint)
    with desk.store.reading() as session:
        said = session.query(affected.Message.id).filter_by(conversation_id=name, author="customer").scalar()
    handling.report_intent(desk, sato, said)
    done = {"taken", "noted", "revealed", "call_claimed", "acted", "intent_reported"}
    assert {reference: set(actions) for reference, actions in of(either).items()} == {"K-101": done}


@pytest.mark.parametrize(("login", "seen"), [("sato", {"K-101"}), ("suzuki", {"K-102"}), ("tanaka", set())])
def test_only_what_this_account_touched(world: World, login: str, seen: set[str]) -> None:
    affected.look(world.desk, world.person("sato"), conversation(world, "a"))
    affected.look(world.desk, world.person("suzuki"), conversation(world, "b", customer=102))
    assert set(of(world, login)) == seen
    assert set(of(world)) == {"K-101", "K-102"}


def test_only_what_lies_within_the_span(world: World) -> None:
    name = conversation(world, "お願いします")
    affected.look(world.desk, world.person("sato"), name)
    assert affected.of_span(world.desk, NOON - HOUR, NOON).customers == ()
    assert affected.of_span(world.desk, NOON + HOUR, NOON + 2 * HOUR).customers == ()
    assert len(affected.of_span(world.desk, NOON, NOON + HOUR).customers) == 1


def test_commands_count_and_visitors_are_named_by_their_conversation(world: World) -> None:
    privacy.export(world.desk, "outside:command", "K-102")
    visitor = conversation(world, "名前のない方", customer=None)
    affected.look(world.desk, world.person("sato"), visitor)
    found = affected.of_span(world.desk, NOON - HOUR, NOON + HOUR)
    assert [each.reference for each in found.customers] == ["K-102"]
    assert found.visitors == (visitor,)


def test_a_visitor_who_proved_an_order_is_a_customer(world: World) -> None:
    name = conversation(world, "お願いします", order_number=ORDER)
    with world.desk.store.writing() as session:
        session.get_one(Conversation, name).customer_id = None
    affected.look(world.desk, world.person("sato"), name)
    assert set(of(world)) == {"K-101"}


def test_the_list_holds_everybody_of_many(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(affected, "PART", 3)
    for number in range(20):
        affected.look(world.desk, world.person("sato"), conversation(world, "a", customer=101 + number % 2))
    found = affected.of_span(world.desk, NOON - HOUR, NOON + HOUR)
    assert [(each.reference, each.times) for each in found.customers] == [("K-101", 10), ("K-102", 10)]
