"""Acting for a customer within the policy: shown, then done once, and never by others or from a stale page."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from sqlalchemy import select

from madoguchi.policy.facts import LineQuantity
from madoguchi.policy.vocabulary import Condition
from madoguchi.services import acting, handling
from madoguchi.services.acting import Changed, Performed, Preview, Refused
from madoguchi.services.planning import Act, Missing
from madoguchi.store import AuditRow, Decision, Intent, LedgerEntry, Refund, ReturnAuthorization
from tests.integration.desk.acts import DEFECT, count, done, line_of, refunded, shown
from tests.integration.desk.builders import ORDER, World, conversation


class TestWithinThePolicy:
    def test_what_was_shown_is_what_is_done(self, world: World, talk: str) -> None:
        act = replace(DEFECT, lines=(LineQuantity(line_of(world, ORDER), 1),))
        plan = shown(world, talk, act)
        assert (plan.amount, plan.needs_reason, plan.needs_approval) == (9_800, False, False)
        outcome = done(world, talk, act)
        assert isinstance(outcome, Performed)
        assert outcome.steps == plan.steps
        with world.desk.store.reading() as session:
            authorization = session.scalars(select(ReturnAuthorization)).one()
            assert (authorization.refund_amount, authorization.payer) == (9_800, "shop")
            assert outcome.result["rma"] == authorization.number

    def test_looking_changes_nothing(self, world: World, talk: str) -> None:
        before = [count(world, model) for model in (Intent, Decision, AuditRow, Refund, ReturnAuthorization)]
        shown(world, talk, DEFECT)
        assert before == [count(world, model) for model in (Intent, Decision, AuditRow, Refund, ReturnAuthorization)]

    def test_one_more_fact_is_asked_for(self, world: World, talk: str) -> None:
        act = Act("change_of_mind", ORDER, lines=(LineQuantity(line_of(world, ORDER), 1),))
        assert acting.preview(world.desk, world.person("sato"), talk, act) == Missing("condition", tuple(Condition))

    def test_the_same_key_again_gives_the_same_answer_and_does_nothing(self, world: World, talk: str) -> None:
        act = Act("refund", ORDER, amount=1_000, reason="お詫び")
        first = done(world, talk, act)
        print_ = "whatever the page says by now"
        assert acting.do(world.desk, world.person("sato"), talk, "k1", act, print_) == first
        assert refunded(world, ORDER) == 1_000

    def test_the_same_key_for_another_act_is_refused(self, world: World, talk: str) -> None:
        act = Act("refund", ORDER, amount=1_000, reason="お詫び")
        done(world, talk, act)
        other = replace(act, amount=2_000)
        assert acting.do(world.desk, world.person("sato"), talk, "k1", other, "x") == Refused("key_used")
        assert refunded(world, ORDER) == 1_000

    def test_sixteen_clicks_at_once_are_one_refund(self, world: World, talk: str) -> None:
        act = Act("refund", ORDER, amount=1_000, reason="お詫び")
        print_ = shown(world, talk, act).fingerprint
        outcomes: list[object] = []

        def click() -> None:
            outcomes.append(acting.do(world.desk, world.person("sato"), talk, "k1", act, print_))

        threads = [threading.Thread(target=click) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(outcomes) == 16
        assert all(isinstance(each, Performed) for each in outcomes)
        assert (count(world, Refund), refunded(world, ORDER)) == (1, 1_000)

    def test_a_membership_is_ended_and_refunded_by_the_policy(self, world: World, talk: str) -> None:
        act = Act("leave_membership", membership_id=1, end_at_once=False)
        assert isinstance(done(world, talk, act), Performed)


class TestWhoMay:
    @pytest.mark.parametrize("login", ["suzuki", "tanaka", "kato"])
    def test_only_who_has_the_conversation(self, world: World, talk: str, login: str) -> None:
        act = Act("refund", ORDER, amount=100, reason="お詫び")
        assert acting.preview(world.desk, world.person(login), talk, act) == Refused("not_yours")
        assert acting.do(world.desk, world.person(login), talk, "k", act, "x") == Refused("not_yours")

    def test_a_trainer_may_not(self, world: World, talk: str) -> None:
        outcome = acting.preview(world.desk, world.person("mori"), talk, DEFECT)
        assert outcome == Refused("not_allowed")

    @pytest.mark.parametrize("number", ["250-9999999-9999999", ""])
    def test_not_an_order_of_somebody_else(self, world: World, number: str) -> None:
        name = conversation(world, "主人の注文です", customer=102)
        handling.take(world.desk, world.person("sato"), name)
        for asked in (number, ORDER):
            act = Act("refund", asked, amount=100, reason="お詫び")
            assert acting.preview(world.desk, world.person("sato"), name, act) == Refused("unknown")
        member = Act("leave_membership", membership_id=1)
        assert acting.preview(world.desk, world.person("sato"), name, member) == Refused("unknown")


class TestStalePages:
    def test_an_act_whose_plan_has_changed_is_not_done_and_the_new_one_is_shown(self, world: World, talk: str) -> None:
        act = Act("defect", ORDER, lines=(LineQuantity(line_of(world, ORDER), 2),))
        print_ = shown(world, talk, act).fingerprint
        done(world, talk, Act("refund", ORDER, amount=5_000, reason="お詫び"), key="other")
        outcome = acting.do(world.desk, world.person("sato"), talk, "k2", act, print_)
        assert isinstance(outcome, Changed)
        assert isinstance(outcome.after, Preview)
        assert outcome.after.amount == 19_600 - 5_000
        assert count(world, ReturnAuthorization) == 0


def test_the_ledger_is_balanced_after_everything(world: World, talk: str) -> None:
    done(world, talk, Act("refund", ORDER, amount=1_234, reason="お詫び"))
    with world.desk.store.reading() as session:
        sent = session.scalars(select(LedgerEntry).where(LedgerEntry.debit == "payable:refunds")).all()
        owed = session.scalars(select(LedgerEntry).where(LedgerEntry.credit == "payable:refunds")).all()
    assert sum(row.amount for row in sent) == sum(row.amount for row in owed) == 1_234
