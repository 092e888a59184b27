"""Beyond the policy: exceptions with a written reason, and over the limit with a second person."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from madoguchi.policy.decisions import Declined, NeedsAgent
from madoguchi.policy.facts import LineQuantity
from madoguchi.policy.vocabulary import Condition
from madoguchi.services import acting
from madoguchi.services.acting import Changed, Performed, Preview, Refused, Waiting
from madoguchi.services.planning import Act, NoPlan
from madoguchi.store import Approval, AuditRow, Decision, Order, Refund, ReturnAuthorization
from tests.integration.desk.acts import count, done, line_of, refunded, shown
from tests.integration.desk.builders import CAMERA_ORDER, OLD_ORDER, ORDER, World, taken


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
        talk = taken(world, CAMERA_ORDER, login="tanaka")
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
