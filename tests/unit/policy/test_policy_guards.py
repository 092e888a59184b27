"""Rules 20, 21 and 22, the order of the rules, and the change of the refund method."""

from dataclasses import replace

import pytest
from policy_builders import (
    NOW,
    TERMS,
    ask,
    authorization,
    card,
    cash,
    claims,
    days,
    delivered,
    effect,
    inquiry,
    kinds,
    line,
    marketplace,
    membership,
    order,
    plan_of,
    planned,
    sent,
    shipped,
)

from madoguchi.policy.decisions import (
    Approved,
    Decision,
    Declined,
    NeedsAgent,
    NeedsFact,
    Wait,
)
from madoguchi.policy.effects import ChangeRefundMethod, WithdrawAuthorization
from madoguchi.policy.facts import Facts
from madoguchi.policy.requests import RequestKind
from madoguchi.policy.terms import ReviewTerms
from madoguchi.policy.vocabulary import (
    AgentReason,
    AuthorizationState,
    Condition,
    DeclineReason,
    Offer,
    OrderState,
    RefundMethod,
)

CLAIMS = [RequestKind.DEFECT, RequestKind.WRONG_SIZE, RequestKind.WRONG_ITEM, RequestKind.NOT_DELIVERED]


def reason(decision: Decision) -> object:
    """The reason of a decision that has one."""
    assert isinstance(decision, Declined | NeedsAgent | Wait), decision
    return decision.reason


class TestRule20LargeRefund:
    """a refund over ¥200,000 for anything already shipped: a human."""

    @pytest.mark.parametrize("kind", CLAIMS)
    def test_200_000_is_decided(self, kind: RequestKind) -> None:
        assert plan_of(ask(kind, delivered(line(price=200_000)))).refund_amount == 200_000

    @pytest.mark.parametrize("kind", CLAIMS)
    def test_200_001_is_for_a_human(self, kind: RequestKind) -> None:
        decision = ask(kind, delivered(line(price=200_001)))
        assert reason(decision) is AgentReason.REFUND_OVER_LIMIT
        assert decision.receipt.number == 20
        assert decision.receipt.would_change == {"refund": "<= 200000"}

    def test_the_refund_counts_not_the_price(self) -> None:
        dear = delivered(line(price=300_000))
        half = ask(RequestKind.CHANGE_OF_MIND, dear, condition=Condition.OPENED)
        assert plan_of(half).refund_amount == 150_000
        assert reason(ask(RequestKind.CHANGE_OF_MIND, dear, condition=Condition.UNOPENED)) is (
            AgentReason.REFUND_OVER_LIMIT
        )

    def test_the_postage_counts(self) -> None:
        decision = ask(RequestKind.DEFECT, delivered(line(price=200_000), shipping_fee=1))
        assert reason(decision) is AgentReason.REFUND_OVER_LIMIT

    def test_a_parcel_on_its_way_is_shipped(self) -> None:
        assert reason(ask(RequestKind.CANCEL, shipped(line(price=200_001)))) is AgentReason.REFUND_OVER_LIMIT

    def test_what_has_not_left_has_no_limit(self) -> None:
        assert isinstance(ask(RequestKind.CANCEL, order(line(price=200_001))), Approved)


class TestRule20ThirdClaim:
    """the third claim within 90 days, approved ones, this one counted: a human."""

    @pytest.mark.parametrize("kind", CLAIMS)
    def test_the_third_is_for_a_human(self, kind: RequestKind) -> None:
        decision = ask(kind, delivered(), facts={"claims": claims(10, 20)})
        assert reason(decision) is AgentReason.REPEATED_CLAIMS
        assert decision.receipt.facts["claims"] == 3

    @pytest.mark.parametrize("kind", CLAIMS)
    def test_the_second_is_decided(self, kind: RequestKind) -> None:
        assert isinstance(ask(kind, delivered(), facts={"claims": claims(10)}), Approved)

    def test_90_days_ago_still_counts_and_91_no_more(self) -> None:
        assert isinstance(ask(RequestKind.DEFECT, delivered(), facts={"claims": claims(10, 90)}), NeedsAgent)
        assert isinstance(ask(RequestKind.DEFECT, delivered(), facts={"claims": claims(10, 91)}), Approved)

    @pytest.mark.parametrize("kind", [RequestKind.CHANGE_OF_MIND, RequestKind.CANCEL])
    def test_a_change_of_mind_is_no_claim(self, kind: RequestKind) -> None:
        many = {"claims": claims(1, 2, 3, 4)}
        assert isinstance(ask(kind, delivered(), facts=many, condition=Condition.UNOPENED), Approved)

    def test_a_parcel_not_due_yet_is_no_missing_parcel(self) -> None:
        assert isinstance(ask(RequestKind.NOT_DELIVERED, shipped(), facts={"claims": claims(1, 2)}), Wait)

    def test_terms_may_not_count_at_all(self) -> None:
        terms = TERMS.model_copy(update={"review": ReviewTerms(claims=None)})
        many = {"claims": claims(1, 2, 3, 4)}
        assert isinstance(ask(RequestKind.DEFECT, delivered(), terms=terms, facts=many), Approved)


class TestRule20FactsMissing:
    """facts missing: a human."""

    @pytest.mark.parametrize("kind", [k for k in RequestKind if k is not RequestKind.WITHDRAW])
    def test_nothing_is_decided_out_of_nothing(self, kind: RequestKind) -> None:
        assert reason(ask(kind, Facts())) is AgentReason.FACTS_MISSING

    def test_delivered_but_nobody_knows_when(self) -> None:
        decision = ask(RequestKind.DEFECT, replace(delivered(), delivered_at=None))
        assert reason(decision) is AgentReason.FACTS_MISSING
        assert decision.receipt.facts["missing"] == ["delivered_at"]

    @pytest.mark.parametrize("gap", [{"lines": ()}, {"payments": ()}, {"currency": "USD"}])
    def test_an_order_without_lines_or_payments_or_in_other_money(self, gap: dict[str, object]) -> None:
        decision = ask(RequestKind.CANCEL, replace(order(), **gap))  # type: ignore[arg-type]
        assert reason(decision) is AgentReason.FACTS_MISSING


class TestRule21Withdrawal:
    """withdrawal: a request or an unused authorization, yes; a performed cancellation, no, reorder offered."""

    def test_a_request_to_cancel_is_taken_back_with_its_planned_refund(self) -> None:
        asked = order(state=OrderState.CANCEL_REQUESTED)
        plan = plan_of(ask(RequestKind.WITHDRAW, Facts(asked, refunds=(planned(),))))
        assert kinds(plan) == ["withdraw_cancellation", "void_refund"]

    def test_the_question_to_the_seller_ends_with_it(self) -> None:
        asked = marketplace(state=OrderState.CANCEL_REQUESTED)
        plan = plan_of(ask(RequestKind.WITHDRAW, Facts(asked, inquiry=inquiry())))
        assert kinds(plan) == ["withdraw_cancellation", "close_seller_inquiry"]

    def test_an_unused_authorization_is_taken_back(self) -> None:
        plan = plan_of(ask(RequestKind.WITHDRAW, Facts(delivered(), authorizations=(authorization(),))))
        assert effect(plan, WithdrawAuthorization).authorization_id == "rma-1"

    def test_a_parcel_that_came_is_not_taken_back(self) -> None:
        here = authorization(state=AuthorizationState.RECEIVED, scanned_at=NOW)
        decision = ask(RequestKind.WITHDRAW, Facts(delivered(), authorizations=(here,)))
        assert reason(decision) is DeclineReason.PARCEL_ALREADY_RECEIVED

    def test_a_performed_cancellation_stays_and_a_reorder_is_offered(self) -> None:
        decision = ask(RequestKind.WITHDRAW, order(line(canceled=1), state=OrderState.CANCELED))
        assert isinstance(decision, Declined)
        assert (decision.reason, decision.receipt.number) == (DeclineReason.CANCELLATION_PERFORMED, 21)
        assert decision.offers == (Offer.REORDER_SAME, Offer.HUMAN)

    def test_where_nothing_was_asked_nothing_is_taken_back(self) -> None:
        assert reason(ask(RequestKind.WITHDRAW, order())) is DeclineReason.NOTHING_TO_WITHDRAW

    def test_a_coming_end_of_a_membership_is_taken_back(self) -> None:
        leaving = membership(ends_at=NOW + days(25))
        assert kinds(plan_of(ask(RequestKind.WITHDRAW, Facts(memberships=(leaving,))))) == ["keep_membership"]

    def test_an_ended_membership_stays_ended(self) -> None:
        decision = ask(RequestKind.WITHDRAW, Facts(memberships=(membership(ended_at=NOW),)))
        assert reason(decision) is DeclineReason.MEMBERSHIP_ALREADY_ENDED


class TestRule22NeverTwice:
    """anything already refunded: never twice, the remainder only, and told when and where the first one went."""

    canceled = order(
        line(canceled=1, refunded=5_000), state=OrderState.CANCELED, payments=(card(5_000, refunded=5_000),)
    )

    @pytest.mark.parametrize("kind", [RequestKind.CANCEL, RequestKind.REFUND_AGAIN, RequestKind.DEFECT])
    def test_nothing_left_is_declined_with_the_first_refund_told(self, kind: RequestKind) -> None:
        decision = ask(kind, Facts(self.canceled, refunds=(sent(5_000),)))
        assert reason(decision) is DeclineReason.ALREADY_REFUNDED
        assert decision.receipt.number == 22
        assert decision.receipt.facts["earlier_refunds"] == [
            {"id": "refund-0", "amount": 5_000, "method": "original_payment", "sent_at": (NOW - days(5)).isoformat()}
        ]

    def test_the_remainder_only_before_shipment(self) -> None:
        rest = order(
            line("lamp", canceled=1, refunded=5_000), line("desk", 20_000), payments=(card(25_000, refunded=5_000),)
        )
        assert plan_of(ask(RequestKind.REFUND_AGAIN, rest)).refund_amount == 20_000

    def test_the_remainder_only_after_delivery(self) -> None:
        rest = delivered(line("lamp", returned=1, refunded=5_000), line("desk", 20_000),
                         payments=(card(25_000, refunded=5_000),))  # fmt: skip
        plan = plan_of(ask(RequestKind.REFUND_AGAIN, rest, condition=Condition.UNOPENED))
        assert (plan.refund_amount, plan.shop_pays_return) == (20_000, False)

    def test_half_was_paid_for_an_opened_article_and_the_other_half_is_not_owed(self) -> None:
        half = delivered(line(returned=1, refunded=2_500), payments=(card(5_000, refunded=2_500),))
        assert reason(ask(RequestKind.REFUND_AGAIN, half)) is DeclineReason.ALREADY_REFUNDED

    def test_what_a_goodwill_refund_left_is_the_most_that_comes_back(self) -> None:
        eased = delivered(line(refunded=1_000), payments=(card(5_000, refunded=1_000),))
        assert plan_of(ask(RequestKind.DEFECT, eased)).refund_amount == 4_000

    def test_a_missing_parcel_is_not_paid_twice(self) -> None:
        lost = delivered(line(refunded=5_000), payments=(card(5_000, refunded=5_000),))
        assert reason(ask(RequestKind.NOT_DELIVERED, lost)) is DeclineReason.ALREADY_REFUNDED
        assert reason(ask(RequestKind.DEFECT, lost)) is DeclineReason.ALREADY_REFUNDED

    def test_a_canceled_order_that_was_not_paid_back_in_full_gets_the_rest(self) -> None:
        short = replace(self.canceled, payments=(card(5_000, refunded=3_000),))
        assert plan_of(ask(RequestKind.REFUND_AGAIN, short)).refund_amount == 2_000

    def test_a_canceled_order_that_was_never_paid_is_simply_canceled(self) -> None:
        unpaid = replace(self.canceled, payments=(cash(0),))
        assert reason(ask(RequestKind.CANCEL, unpaid)) is DeclineReason.ALREADY_CANCELED

    def test_one_open_return_per_unit(self) -> None:
        known = Facts(delivered(), authorizations=(authorization(),))
        assert reason(ask(RequestKind.DEFECT, known)) is DeclineReason.RETURN_ALREADY_OPEN

    def test_the_other_units_of_the_line_may_still_be_returned(self) -> None:
        two = delivered(line(quantity=2), payments=(card(10_000, reserved=5_000),))
        plan = plan_of(ask(RequestKind.DEFECT, Facts(two, authorizations=(authorization(),))))
        assert plan.refund_amount == 5_000


class TestOrderOfRules:
    """Rule 22, then 20, then 13, then the rest by number: the first verdict wins."""

    def test_refunded_already_comes_before_the_third_claim(self) -> None:
        lost = delivered(line(refunded=5_000), payments=(card(5_000, refunded=5_000),))
        assert ask(RequestKind.DEFECT, lost, facts={"claims": claims(1, 2)}).receipt.number == 22

    def test_the_third_claim_comes_before_frozen_money(self) -> None:
        frozen = replace(delivered(), frozen=True)
        assert ask(RequestKind.DEFECT, frozen, facts={"claims": claims(1, 2)}).receipt.number == 20

    def test_frozen_money_comes_before_all_else(self) -> None:
        frozen = replace(delivered(), frozen=True)
        assert ask(RequestKind.DEFECT, frozen).receipt.number == 13

    def test_the_third_claim_comes_before_the_window(self) -> None:
        assert ask(RequestKind.DEFECT, delivered(ago=40), facts={"claims": claims(1, 2)}).receipt.number == 20

    def test_the_window_comes_before_final_sale(self) -> None:
        assert ask(RequestKind.WRONG_SIZE, delivered(line(category="food"), ago=40)).receipt.number == 7


class TestRefundMethodMayBeChanged:
    """The method may be changed until the refund is sent."""

    held = Facts(delivered(), authorizations=(authorization(),))

    def test_while_the_parcel_is_on_its_way(self) -> None:
        plan = plan_of(ask(RequestKind.CHANGE_REFUND_METHOD, self.held, refund_method=RefundMethod.GIFT_BALANCE))
        assert effect(plan, ChangeRefundMethod) == ChangeRefundMethod(("rma-1",), (), RefundMethod.GIFT_BALANCE)

    def test_while_the_refund_is_only_planned(self) -> None:
        known = Facts(order(state=OrderState.CANCEL_REQUESTED), refunds=(planned(),))
        plan = plan_of(ask(RequestKind.CHANGE_REFUND_METHOD, known, refund_method=RefundMethod.GIFT_BALANCE))
        assert effect(plan, ChangeRefundMethod).refund_ids == ("refund-1",)

    def test_not_once_it_was_sent(self) -> None:
        known = Facts(TestRule22NeverTwice.canceled, refunds=(sent(5_000),))
        decision = ask(RequestKind.CHANGE_REFUND_METHOD, known, refund_method=RefundMethod.GIFT_BALANCE)
        assert reason(decision) is DeclineReason.REFUND_ALREADY_SENT

    def test_never_to_another_card(self) -> None:
        decision = ask(RequestKind.CHANGE_REFUND_METHOD, self.held, refund_method=RefundMethod.OTHER_CARD)
        assert reason(decision) is DeclineReason.REFUND_METHOD_NOT_ALLOWED

    def test_the_new_method_is_asked_for(self) -> None:
        assert isinstance(ask(RequestKind.CHANGE_REFUND_METHOD, self.held), NeedsFact)
