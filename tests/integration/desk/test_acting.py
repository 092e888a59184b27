"""Acting for a customer: shown, then done once; exceptions with a reason; over the limit with a second person."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from madoguchi.policy.decisions import Declined, NeedsAgent
from madoguchi.policy.facts import LineQuantity
from madoguchi.policy.vocabulary import Condition, InspectionResult, SellerAnswer
from madoguchi.services import acting, handling
from madoguchi.services.acting import Changed, Performed, Preview, Refused, Waiting
from madoguchi.services.planning import Act, Missing, NoPlan
from madoguchi.store import (
    Approval,
    AuditRow,
    Decision,
    GuaranteeClaim,
    Inquiry,
    Intent,
    LedgerEntry,
    Order,
    OrderLine,
    Payment,
    Refund,
    ReturnAuthorization,
)
from tests.integration.desk.builders import (
    CAMERA_ORDER,
    OLD_ORDER,
    ORDER,
    SELLER_ORDER,
    World,
    conversation,
    inquiry,
    planned_refund,
)


@pytest.fixture
def talk(world: World) -> str:
    """A conversation that Sato has taken over."""
    name = conversation(world, "壊れていました", order_number=ORDER)
    handling.take(world.desk, world.person("sato"), name)
    return name


def taken(world: World, number: str, login: str = "sato") -> str:
    """Return a conversation about this order that somebody has taken over."""
    name = conversation(world, "お願いします", order_number=number)
    handling.take(world.desk, world.person(login), name)
    return name


def line_of(world: World, number: str) -> str:
    """Return the id of the order's first line."""
    with world.desk.store.reading() as session:
        return str(session.scalars(select(OrderLine.id).where(OrderLine.order_number == number)).first())


def shown(world: World, talk: str, act: Act, login: str = "sato") -> Preview:
    """Return the preview of an act, which must be possible."""
    found = acting.preview(world.desk, world.person(login), talk, act)
    assert isinstance(found, Preview), found
    return found


def done(world: World, talk: str, act: Act, key: str = "k1", login: str = "sato") -> object:
    """Look at an act and do it."""
    print_ = shown(world, talk, act, login).fingerprint
    return acting.do(world.desk, world.person(login), talk, key, act, print_)


def count(world: World, model: type) -> int:
    """Return how many rows a table has."""
    with world.desk.store.reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def refunded(world: World, number: str) -> int:
    """Return what was taken from the order's payment."""
    with world.desk.store.reading() as session:
        return session.scalars(select(Payment.refunded).where(Payment.order_number == number)).one()


DEFECT = Act("defect", ORDER, lines=(LineQuantity("1", 1),))


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


class TestExceptions:
    def test_the_policys_no_is_shown_with_its_reason_first(self, world: World) -> None:
        talk = taken(world, OLD_ORDER)
        found = acting.preview(world.desk, world.person("sato"), talk, Act("change_of_mind", OLD_ORDER))
        assert isinstance(found, NoPlan)
        assert isinstance(found.decision, Declined)
        assert (found.decision.reason.value, found.waivable) == ("window_ended", True)

    def test_over_the_policy_needs_a_written_reason(self, world: World) -> None:
        talk = taken(world, OLD_ORDER)
        act = Act("change_of_mind", OLD_ORDER, condition=Condition.UNOPENED, exception=True)
        plan = shown(world, talk, act)
        assert (plan.needs_reason, plan.amount) == (True, 12_000)
        assert acting.do(world.desk, world.person("sato"), talk, "k", act, plan.fingerprint) == Refused(
            "reason_missing"
        )
        assert count(world, ReturnAuthorization) == 0
        assert isinstance(done(world, talk, replace(act, reason="入院されていたため")), Performed)
        with world.desk.store.reading() as session:
            receipt = session.scalars(select(Decision).order_by(Decision.id.desc())).first()
            assert receipt is not None
            assert (receipt.receipt["rule"], receipt.receipt["facts"]["words"]) == ("exception", "入院されていたため")
            assert receipt.receipt["facts"]["over_rule"] == 7

    def test_used_articles_come_back_in_full_as_an_exception_only(self, world: World, talk: str) -> None:
        act = Act("wrong_size", ORDER, lines=(LineQuantity(line_of(world, ORDER), 1),), condition=Condition.WASHED)
        found = acting.preview(world.desk, world.person("sato"), talk, act)
        assert isinstance(found, NoPlan)
        assert isinstance(found.decision, NeedsAgent)
        assert shown(world, talk, replace(act, exception=True)).amount == 9_800

    def test_a_refund_never_passes_what_is_left(self, world: World, talk: str) -> None:
        act = Act("refund", ORDER, amount=19_601, reason="お詫び")
        assert acting.preview(world.desk, world.person("sato"), talk, act) == NoPlan("too_much")
        assert isinstance(done(world, talk, replace(act, amount=19_600)), Performed)
        again = acting.preview(world.desk, world.person("sato"), talk, replace(act, amount=1))
        assert again == NoPlan("nothing_left")

    def test_the_reason_is_not_in_the_audit_which_nobody_can_erase(self, world: World, talk: str) -> None:
        done(world, talk, Act("refund", ORDER, amount=100, reason="山田様のご事情"))
        with world.desk.store.reading() as session:
            details = json.dumps(session.scalars(select(AuditRow.detail)).all(), ensure_ascii=False)
        assert "山田" not in details


class TestTwoPeople:
    ACT = Act("refund", CAMERA_ORDER, amount=100_000, reason="配送中の事故")

    def asked(self, world: World) -> int:
        """Let Sato ask for more than one may decide alone."""
        talk = taken(world, CAMERA_ORDER)
        outcome = done(world, talk, self.ACT)
        assert isinstance(outcome, Waiting)
        return outcome.approval_id

    def test_nothing_moves_until_a_second_person_agrees(self, world: World) -> None:
        number = self.asked(world)
        assert (count(world, Refund), refunded(world, CAMERA_ORDER)) == (0, 0)
        outcome = acting.decide_approval(world.desk, world.person("tanaka"), number, agree=True, words="")
        assert isinstance(outcome, Performed)
        assert refunded(world, CAMERA_ORDER) == 100_000

    def test_never_by_who_asked_and_never_by_an_agent(self, world: World) -> None:
        talk = taken(world, CAMERA_ORDER, "tanaka")
        outcome = done(world, talk, replace(self.ACT, amount=240_000), login="tanaka")
        assert isinstance(outcome, Waiting)
        number = outcome.approval_id
        decide = acting.decide_approval
        assert decide(world.desk, world.person("tanaka"), number, agree=True, words="") == Refused("same_person")
        assert decide(world.desk, world.person("sato"), number, agree=True, words="") == Refused("not_allowed")
        assert refunded(world, CAMERA_ORDER) == 0
        assert isinstance(decide(world.desk, world.person("ito"), number, agree=True, words=""), Performed)

    def test_two_leads_at_once_agree_once(self, world: World) -> None:
        number, found = self.asked(world), []

        def agree(login: str) -> None:
            found.append(acting.decide_approval(world.desk, world.person(login), number, agree=True, words=""))

        threads = [threading.Thread(target=agree, args=(login,)) for login in ("tanaka", "ito")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(type(each).__name__ for each in found) == ["Performed", "Refused"]
        assert refunded(world, CAMERA_ORDER) == 100_000

    def test_refused_is_refused(self, world: World) -> None:
        number = self.asked(world)
        acting.decide_approval(world.desk, world.person("tanaka"), number, agree=False, words="証拠が必要")
        again = acting.decide_approval(world.desk, world.person("ito"), number, agree=True, words="")
        assert again == Refused("decided")
        assert refunded(world, CAMERA_ORDER) == 0

    def test_what_changed_in_between_is_told_and_not_done(self, world: World) -> None:
        number = self.asked(world)
        with world.desk.store.writing() as session:
            session.get_one(Order, CAMERA_ORDER).frozen_at = world.clock()
        outcome = acting.decide_approval(world.desk, world.person("tanaka"), number, agree=True, words="")
        assert isinstance(outcome, Changed)
        assert outcome.after == NoPlan("frozen")
        assert refunded(world, CAMERA_ORDER) == 0
        with world.desk.store.reading() as session:
            assert session.get_one(Approval, number).state == "outdated"

    def test_agreed_is_what_was_asked_for_and_not_what_it_has_become(self, world: World) -> None:
        talk = taken(world, CAMERA_ORDER)
        act = Act("defect", CAMERA_ORDER, exception=True, reason="初期不良")
        outcome = done(world, talk, act)
        assert isinstance(outcome, Waiting)
        done(world, talk, Act("refund", CAMERA_ORDER, amount=5_000, reason="お詫び"), key="meanwhile")
        decided = acting.decide_approval(world.desk, world.person("tanaka"), outcome.approval_id, agree=True, words="")
        assert isinstance(decided, Changed)
        assert isinstance(decided.after, Preview)
        assert (decided.after.amount, count(world, ReturnAuthorization)) == (243_000, 0)

    def test_the_database_itself_refuses_one_person_twice(self, world: World) -> None:
        number = self.asked(world)
        own = update(Approval).where(Approval.id == number).values(decided_by=Approval.asked_by)
        with world.desk.store.writing() as session, pytest.raises(IntegrityError, match="two_people"):
            session.execute(own)


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


class TestSellers:
    def test_a_contradiction_is_settled_by_the_sellers_word(self, world: World) -> None:
        talk = taken(world, SELLER_ORDER)
        inquiry(world, talk, SELLER_ORDER)
        with world.desk.store.writing() as session:
            order = session.get_one(Order, SELLER_ORDER)
            order.frozen_at, order.state = world.clock(), "cancel_requested"
        planned_refund(world, SELLER_ORDER, 9_800)
        act = Act("seller_answer", SELLER_ORDER, answer=SellerAnswer.CANCELED, text="在庫がありません")
        plan = shown(world, talk, act)
        assert {"unfreeze_order", "cancel_lines", "release_refund"} <= {step.code for step in plan.steps}
        assert isinstance(done(world, talk, act), Performed)
        with world.desk.store.reading() as session:
            order = session.get_one(Order, SELLER_ORDER)
            assert (order.state, order.frozen_at) == ("canceled", None)
            assert session.scalars(select(Inquiry.state)).one() == "answered"
            assert session.scalars(select(Refund.state)).one() in ("pending", "sent", "settled")

    def test_the_guarantee_is_granted_once_and_blocks_the_sellers_refund(self, world: World) -> None:
        talk = taken(world, SELLER_ORDER)
        inquiry(world, talk, SELLER_ORDER)
        act = Act("grant_guarantee", SELLER_ORDER, reason="出品者と連絡が取れない")
        assert shown(world, talk, act).amount == 9_800
        assert isinstance(done(world, talk, act), Performed)
        with world.desk.store.reading() as session:
            assert session.scalars(select(GuaranteeClaim.amount)).one() == 9_800
            assert session.get_one(Order, SELLER_ORDER).seller_refund_blocked
            paid = session.scalars(select(LedgerEntry).where(LedgerEntry.reason == "guarantee")).one()
            assert paid.amount == 9_800
        assert acting.preview(world.desk, world.person("sato"), talk, act) == NoPlan("guarantee_paid")

    def test_asking_the_seller_sets_a_clock(self, world: World) -> None:
        talk = taken(world, SELLER_ORDER)
        assert isinstance(done(world, talk, Act("ask_seller", SELLER_ORDER)), Performed)
        with world.desk.store.reading() as session:
            asked = session.scalars(select(Inquiry)).one()
            assert (asked.deadline - asked.asked_at).total_seconds() == 48 * 3600

    def test_the_shops_own_order_has_no_seller(self, world: World, talk: str) -> None:
        for kind in ("ask_seller", "grant_guarantee"):
            assert acting.preview(world.desk, world.person("sato"), talk, Act(kind, ORDER)) == NoPlan("no_seller")


class TestMoneyHeldBack:
    def test_frozen_money_moves_after_the_thaw_only(self, world: World, talk: str) -> None:
        assert isinstance(done(world, talk, Act("freeze", ORDER), key="f"), Performed)
        act = Act("refund", ORDER, amount=100, reason="お詫び")
        assert acting.preview(world.desk, world.person("sato"), talk, act) == NoPlan("frozen")
        assert isinstance(done(world, talk, Act("unfreeze", ORDER, reason="確認できた"), key="u"), Performed)
        assert isinstance(done(world, talk, act, key="r"), Performed)

    def test_a_planned_refund_is_sent_or_dropped(self, world: World, talk: str) -> None:
        first, second = planned_refund(world, ORDER, 500), planned_refund(world, OLD_ORDER, 700)
        done(world, talk, Act("release_refund", ORDER, reason="倉庫に確認済み"), key="a")
        done(world, talk, Act("void_refund", OLD_ORDER, reason="お客様のご希望"), key="b")
        with world.desk.store.reading() as session:
            assert session.get_one(Refund, first).state in ("pending", "sent", "settled")
            assert session.get_one(Refund, second).state == "voided"


class TestParcels:
    def test_a_parcel_entered_by_hand_is_refunded_as_if_it_was_scanned(self, world: World, talk: str) -> None:
        act = Act("defect", ORDER, lines=(LineQuantity(line_of(world, ORDER), 1),))
        outcome = done(world, talk, act)
        assert isinstance(outcome, Performed)
        scanned = Act("parcel_scanned", ORDER, rma=outcome.result["rma"])
        assert shown(world, talk, scanned).amount == 9_800
        assert isinstance(done(world, talk, scanned, key="s"), Performed)
        assert refunded(world, ORDER) == 9_800
        used = Act("inspected", ORDER, rma=outcome.result["rma"], result=InspectionResult.USED)
        assert isinstance(done(world, talk, used, key="i"), Performed)
        assert refunded(world, ORDER) == 9_800

    def test_a_return_of_another_order_is_not_found(self, world: World, talk: str) -> None:
        act = Act("defect", ORDER, lines=(LineQuantity(line_of(world, ORDER), 1),))
        outcome = done(world, talk, act)
        assert isinstance(outcome, Performed)
        elsewhere = Act("parcel_scanned", OLD_ORDER, rma=outcome.result["rma"])
        assert acting.preview(world.desk, world.person("sato"), talk, elsewhere) == Missing("rma")


def test_the_ledger_is_balanced_after_everything(world: World, talk: str) -> None:
    done(world, talk, Act("refund", ORDER, amount=1_234, reason="お詫び"))
    with world.desk.store.reading() as session:
        sent = session.scalars(select(LedgerEntry).where(LedgerEntry.debit == "payable:refunds")).all()
        owed = session.scalars(select(LedgerEntry).where(LedgerEntry.credit == "payable:refunds")).all()
    assert sum(row.amount for row in sent) == sum(row.amount for row in owed) == 1_234
