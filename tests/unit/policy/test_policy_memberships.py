"""Rules 9 to 11: memberships joined by mistake, and memberships left knowingly."""

import pytest
from policy_builders import NOW, ask, days, effect, kinds, membership, plan_of

from madoguchi.policy.decisions import Approved, Declined, NeedsAgent, NeedsFact
from madoguchi.policy.effects import EndMembership, Refund
from madoguchi.policy.facts import ChargeFacts, Facts, PaymentFacts
from madoguchi.policy.requests import RequestKind
from madoguchi.policy.vocabulary import (
    AgentReason,
    DeclineReason,
    Fact,
    Offer,
    PaymentMethod,
    RefundMethod,
    RefundTiming,
)

MISTAKE = RequestKind.ACCIDENTAL_SIGNUP
LEAVE = RequestKind.LEAVE_MEMBERSHIP


class TestRule9JoinedByMistake:
    """joined by mistake up to 30 days ago, unused: ended now, latest charge refunded in full now."""

    def test_it_ends_now_with_a_full_refund_to_the_original_payment(self) -> None:
        decision = ask(MISTAKE, Facts(memberships=(membership(),)))
        plan = plan_of(decision)
        assert effect(plan, EndMembership) == EndMembership("trial", None)
        assert (plan.refund_amount, plan.timing, decision.receipt.number) == (600, RefundTiming.NOW, 9)
        assert plan.splits[0].method is RefundMethod.ORIGINAL_PAYMENT
        assert Offer.GIFT_BALANCE_INSTEAD in plan.offers  # the quicker way is named

    def test_gift_balance_is_the_customers_choice(self) -> None:
        wish = RefundMethod.GIFT_BALANCE
        plan = plan_of(ask(MISTAKE, Facts(memberships=(membership(),)), refund_method=wish))
        assert (plan.splits[0].method, plan.offers) == (wish, ())

    @pytest.mark.parametrize(("joined", "approved"), [(30, True), (31, False)])
    def test_the_window_is_30_days(self, joined: int, approved: bool) -> None:
        decision = ask(MISTAKE, Facts(memberships=(membership(joined=joined),)))
        assert isinstance(decision, Approved) is approved

    def test_after_the_window_a_human_decides(self) -> None:
        decision = ask(MISTAKE, Facts(memberships=(membership(joined=31),)))
        assert isinstance(decision, NeedsAgent)
        assert decision.reason is AgentReason.SIGNUP_WINDOW_ENDED

    def test_other_memberships_stay_untouched(self) -> None:
        both = Facts(memberships=(membership("prime", main=True), membership("trial")))
        plan = plan_of(ask(MISTAKE, both))
        assert [each.membership_id for each in plan.effects if isinstance(each, EndMembership)] == ["trial"]

    def test_of_several_extra_ones_the_one_meant_is_asked_for(self) -> None:
        three = Facts(memberships=(membership("prime", main=True), membership("music"), membership("film")))
        decision = ask(MISTAKE, three)
        assert isinstance(decision, NeedsFact)
        assert decision.fact is Fact.MEMBERSHIP
        assert effect(plan_of(ask(MISTAKE, three, membership_id="film")), EndMembership).membership_id == "film"

    def test_only_the_latest_charge_comes_back(self) -> None:
        twice = Facts(memberships=(membership(fees=(500, 600)),))
        plan = plan_of(ask(MISTAKE, twice))
        assert plan.refund_amount == 600
        assert effect(plan, Refund).charge_id == "charge-1"
        assert Offer.HUMAN_FOR_EARLIER_CHARGES in plan.offers

    def test_earlier_charges_are_for_a_human(self) -> None:
        twice = Facts(memberships=(membership(fees=(500, 600)),))
        decision = ask(MISTAKE, twice, earlier_charges=True)
        assert isinstance(decision, NeedsAgent)
        assert decision.reason is AgentReason.EARLIER_CHARGES

    def test_a_free_trial_ends_without_a_refund(self) -> None:
        assert kinds(plan_of(ask(MISTAKE, Facts(memberships=(membership(charges=()),))))) == ["end_membership"]

    def test_what_has_ended_and_was_refunded_is_not_refunded_again(self) -> None:
        paid_back = ChargeFacts("charge-0", NOW, PaymentFacts("pay-0", PaymentMethod.CARD, 600, refunded=600))
        ended = Facts(memberships=(membership(charges=(paid_back,), ended_at=NOW - days(1)),))
        decision = ask(MISTAKE, ended)
        assert isinstance(decision, Declined)
        assert (decision.reason, decision.receipt.number) == (DeclineReason.ALREADY_REFUNDED, 22)

    def test_a_bank_transfer_of_a_card_payment_is_refused(self) -> None:
        decision = ask(MISTAKE, Facts(memberships=(membership(),)), refund_method=RefundMethod.BANK_TRANSFER)
        assert isinstance(decision, Declined)
        assert decision.reason is DeclineReason.REFUND_METHOD_NOT_ALLOWED

    def test_without_a_membership_a_human_looks(self) -> None:
        decision = ask(MISTAKE, Facts())
        assert isinstance(decision, NeedsAgent)
        assert (decision.reason, decision.receipt.number) == (AgentReason.FACTS_MISSING, 20)


class TestRule10JoinedByMistakeButUsed:
    """the same, but used: a human."""

    def test_a_used_one_is_for_a_human(self) -> None:
        decision = ask(MISTAKE, Facts(memberships=(membership(used=True),)))
        assert isinstance(decision, NeedsAgent)
        assert (decision.reason, decision.receipt.number) == (AgentReason.MEMBERSHIP_USED, 10)


class TestRule11LeftKnowingly:
    """used in this period: ends at its end, no refund; unused: may also end at once with this period's fee."""

    def test_used_in_this_period_it_ends_at_its_end_without_a_refund(self) -> None:
        member = membership(used=True, used_this_period=True)
        decision = ask(LEAVE, Facts(memberships=(member,)))
        plan = plan_of(decision)
        assert effect(plan, EndMembership).at == member.period_ends_at
        assert (plan.refund_amount, decision.receipt.number) == (0, 11)

    def test_used_in_this_period_a_wish_for_at_once_changes_nothing(self) -> None:
        member = membership(used=True, used_this_period=True)
        plan = plan_of(ask(LEAVE, Facts(memberships=(member,)), end_at_once=True))
        assert (effect(plan, EndMembership).at, plan.refund_amount) == (member.period_ends_at, 0)

    def test_unused_in_this_period_the_customer_is_asked(self) -> None:
        decision = ask(LEAVE, Facts(memberships=(membership(used=True),)))
        assert isinstance(decision, NeedsFact)
        assert decision.fact is Fact.END_AT_ONCE

    def test_unused_it_may_end_at_once_with_this_periods_fee(self) -> None:
        member = membership(used=True, fees=(500, 600), joined=200)
        plan = plan_of(ask(LEAVE, Facts(memberships=(member,)), end_at_once=True))
        assert (effect(plan, EndMembership).at, plan.refund_amount) == (None, 600)

    def test_unused_it_may_also_run_to_its_end(self) -> None:
        member = membership()
        plan = plan_of(ask(LEAVE, Facts(memberships=(member,)), end_at_once=False))
        assert (effect(plan, EndMembership).at, plan.refund_amount) == (member.period_ends_at, 0)

    def test_of_two_the_one_meant_is_asked_for_and_never_guessed(self) -> None:
        both = Facts(memberships=(membership("prime", main=True), membership("trial")))
        decision = ask(LEAVE, both)
        assert isinstance(decision, NeedsFact)
        assert (decision.fact, decision.choices) == (Fact.MEMBERSHIP, ("prime", "trial"))
