"""The suggested next sentence: what stands on the case, else what the policy offers; never what is not true."""

from __future__ import annotations

from datetime import timedelta

import pytest

from madoguchi.services import acting, handling, suggesting
from madoguchi.services.acting import Preview
from madoguchi.services.planning import Act
from madoguchi.store import Case, Order, Refund
from tests.integration.desk.builders import OLD_ORDER, ORDER, SELLER_ORDER, World, conversation, inquiry, planned_refund


def code_of(world: World, name: str) -> str | None:
    """Return where the case stands, as the suggestion says it."""
    found = suggesting.suggest(world.desk, name)
    return found.code if found else None


def of_kind(world: World, kind: str, number: str) -> str:
    """Return a conversation with a case of this kind."""
    name = conversation(world, "お願いします", order_number=number)
    with world.desk.store.writing() as session:
        session.query(Case).filter_by(conversation_id=name).one().kind = kind
    return name


def test_without_a_case_nothing_is_said(world: World) -> None:
    assert code_of(world, conversation(world, "こんにちは")) is None
    assert code_of(world, "no such conversation") is None


def test_a_fault_is_offered_its_return_with_an_apology(world: World) -> None:
    found = suggesting.suggest(world.desk, of_kind(world, "defect", ORDER))
    assert found is not None
    assert (found.code, found.sorry, found.article) == ("offer", True, "電気ケトル")
    step = next(step for step in found.steps if step.code == "authorize_return")
    assert step.values["payer"] == "shop"


@pytest.mark.parametrize(
    ("kind", "number", "code"),
    [
        ("change_of_mind", ORDER, "missing"),  # the condition changes the amount
        ("change_of_mind", OLD_ORDER, "unclear"),  # 45 days: the human says what can be done
        ("refund", ORDER, None),  # no wish of a customer's
    ],
)
def test_what_the_policy_says_today(world: World, kind: str, number: str, code: str | None) -> None:
    assert code_of(world, of_kind(world, kind, number)) == code


def test_what_stands_comes_before_what_could_be(world: World) -> None:
    desk, sato = world.desk, world.person("sato")
    name = of_kind(world, "defect", ORDER)
    handling.take(desk, sato, name)
    act = Act("defect", ORDER)
    shown = acting.preview(desk, sato, name, act)
    assert isinstance(shown, Preview)
    acting.do(desk, sato, name, "k", act, shown.fingerprint)
    assert code_of(world, name) == "return_open"


@pytest.mark.parametrize("state", ["planned", "pending", "sent", "settled", "failed"])
def test_a_refund_is_told_as_it_stands(world: World, state: str) -> None:
    name = of_kind(world, "defect", ORDER)
    refund = planned_refund(world, ORDER, 500)
    with world.desk.store.writing() as session:
        row, case = session.get_one(Refund, refund), session.query(Case).filter_by(conversation_id=name).one()
        row.state, row.case_id = state, case.id
    found = suggesting.suggest(world.desk, name)
    assert found is not None
    assert (found.code, str(found.values["label"])) == (f"refund_{state}", "VISA 下4桁 1234")


def test_frozen_money_and_a_question_to_the_seller_are_told(world: World) -> None:
    name = of_kind(world, "conflicting_notice", SELLER_ORDER)
    with world.desk.store.writing() as session:
        session.get_one(Order, SELLER_ORDER).frozen_at = world.clock()
    assert code_of(world, name) == "frozen"
    inquiry(world, name, SELLER_ORDER)
    found = suggesting.suggest(world.desk, name)
    assert found is not None
    assert (found.code, found.values["deadline"]) == ("seller_asked", world.clock() + timedelta(hours=48))
