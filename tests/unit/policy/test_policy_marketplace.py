"""Rules 12 to 15: sellers, contradicting notices, the guarantee."""

from dataclasses import replace
from datetime import timedelta

import pytest
from policy_builders import (
    NOW,
    ask,
    card,
    effect,
    inquiry,
    kinds,
    line,
    marketplace,
    order,
    plan_of,
    planned,
)

from madoguchi.policy.decisions import Approved, Declined, NeedsAgent, Wait
from madoguchi.policy.effects import (
    AuthorizeReturn,
    FlagCase,
    GuaranteePayout,
    OpenSellerInquiry,
    SetTimer,
    VoidRefund,
)
from madoguchi.policy.facts import Facts
from madoguchi.policy.requests import RequestKind
from madoguchi.policy.vocabulary import (
    AgentReason,
    CaseFlag,
    DeclineReason,
    OrderState,
    Payer,
    RefundMethod,
    RefundTiming,
    SellerAnswer,
    TimerKind,
    WaitReason,
)

IN_48_HOURS = NOW + timedelta(hours=48)
REQUESTED = marketplace(state=OrderState.CANCEL_REQUESTED, payments=(card(5_000, reserved=5_000),))
FROZEN = replace(REQUESTED, frozen=True)
SHIPPED = marketplace(state=OrderState.SHIPPED)


def known(about: object, asked: timedelta = timedelta(hours=20), answer: SellerAnswer | None = None) -> Facts:
    """An order whose seller was asked, with its refund planned."""
    return Facts(about, inquiry=inquiry(asked, answer), refunds=(planned(),))  # type: ignore[arg-type]


class TestRule12SellerSoldOut:
    """the seller is sold out and asks the customer to cancel: cancellation requested, refund planned, 48 hours."""

    def test_the_refund_is_planned_and_not_sent(self) -> None:
        decision = ask(RequestKind.SELLER_STOCKOUT, marketplace(shipping_fee=500))
        plan = plan_of(decision)
        assert kinds(plan) == ["request_cancellation", "refund", "open_seller_inquiry", "set_timer"]
        assert (plan.refund_amount, plan.timing, plan.moves_money) == (5_500, RefundTiming.AFTER_SELLER, False)
        assert decision.receipt.number == 12

    def test_the_clock_is_48_hours(self) -> None:
        plan = plan_of(ask(RequestKind.SELLER_STOCKOUT, marketplace()))
        assert effect(plan, OpenSellerInquiry).deadline == IN_48_HOURS
        assert effect(plan, SetTimer) == SetTimer(TimerKind.SELLER_DEADLINE, IN_48_HOURS)

    def test_asked_already_the_deadline_is_shown(self) -> None:
        decision = ask(RequestKind.SELLER_STOCKOUT, known(REQUESTED))
        assert isinstance(decision, Wait)
        assert (decision.until, decision.reason) == (NOW + timedelta(hours=28), WaitReason.SELLER_ASKED)

    def test_food_that_has_not_left_the_seller_is_not_final_sale_yet(self) -> None:
        assert ask(RequestKind.CHANGE_OF_MIND, marketplace(line(category="food"))).receipt.number == 12

    def test_sold_out_of_the_shops_own_stock_is_a_plain_cancellation(self) -> None:
        assert ask(RequestKind.SELLER_STOCKOUT, order()).receipt.number == 1

    def test_the_seller_cancels_so_the_planned_refund_goes(self) -> None:
        plan = plan_of(ask(RequestKind.SELLER_ANSWER, known(REQUESTED, answer=SellerAnswer.CANCELED)))
        assert kinds(plan) == ["close_seller_inquiry", "cancel_lines", "restore_stock", "release_refund"]
        assert (plan.refund_amount, plan.moves_money) == (5_000, True)


class TestRule13NoticesContradict:
    """canceled, then "shipped": money frozen, seller asked anew, flagged; the seller's answer settles it."""

    def test_the_money_is_frozen_and_the_case_flagged(self) -> None:
        decision = ask(RequestKind.CONFLICTING_NOTICE, known(REQUESTED))
        plan = plan_of(decision)
        assert kinds(plan) == ["freeze_order", "open_seller_inquiry", "set_timer", "flag_case"]
        assert effect(plan, FlagCase).flag is CaseFlag.CONFLICTING_NOTICES
        assert (plan.moves_money, decision.receipt.number) == (False, 13)

    def test_a_new_clock_takes_the_place_of_the_old(self) -> None:
        asked = effect(plan_of(ask(RequestKind.CONFLICTING_NOTICE, known(REQUESTED))), OpenSellerInquiry)
        assert (asked.deadline, asked.replaces) == (IN_48_HOURS, "inquiry-1")

    def test_told_again_the_clock_does_not_start_anew(self) -> None:
        decision = ask(RequestKind.CONFLICTING_NOTICE, known(FROZEN))
        assert isinstance(decision, Wait)
        assert decision.until == NOW + timedelta(hours=28)

    def test_sold_out_but_shipped_is_a_contradiction_too(self) -> None:
        assert kinds(plan_of(ask(RequestKind.SELLER_STOCKOUT, SHIPPED)))[0] == "freeze_order"

    def test_a_canceled_order_that_ships_is_one_without_anybodys_word(self) -> None:
        canceled = marketplace(line(canceled=1), state=OrderState.CANCELED)
        assert kinds(plan_of(ask(RequestKind.WAREHOUSE_SHIPPED, canceled)))[0] == "freeze_order"

    @pytest.mark.parametrize("kind", [RequestKind.WAREHOUSE_SHIPPED, RequestKind.CONFLICTING_NOTICE])
    def test_where_there_is_no_seller_to_ask_a_human_looks(self, kind: RequestKind) -> None:
        decision = ask(kind, order(line(canceled=1), state=OrderState.CANCELED))
        assert isinstance(decision, NeedsAgent)
        assert decision.reason is AgentReason.MONEY_FROZEN
        assert kinds(decision.plan) == ["freeze_order", "flag_case"]

    @pytest.mark.parametrize(
        "kind", [RequestKind.CANCEL, RequestKind.DEFECT, RequestKind.REFUND_AGAIN, RequestKind.NOT_DELIVERED]
    )
    def test_nothing_else_moves_money_meanwhile(self, kind: RequestKind) -> None:
        held = replace(FROZEN, state=OrderState.SHIPPED, promised_on=NOW.date())
        decision = ask(kind, known(held))
        assert isinstance(decision, Wait)
        assert decision.reason is WaitReason.NOTICES_CONFLICT

    def test_not_even_the_remainder_of_a_canceled_order(self) -> None:
        held = replace(order(line(canceled=1), state=OrderState.CANCELED), frozen=True)
        assert isinstance(ask(RequestKind.REFUND_AGAIN, Facts(held, inquiry=inquiry())), Wait)

    def test_canceled_after_all_is_refunded(self) -> None:
        plan = plan_of(ask(RequestKind.SELLER_ANSWER, known(FROZEN, answer=SellerAnswer.CANCELED)))
        assert kinds(plan)[:2] == ["unfreeze_order", "close_seller_inquiry"]
        assert plan.refund_amount == 5_000

    def test_shipped_in_error_is_a_return_that_the_shop_pays(self) -> None:
        plan = plan_of(ask(RequestKind.SELLER_ANSWER, known(FROZEN, answer=SellerAnswer.SHIPPED_IN_ERROR)))
        assert kinds(plan)[:4] == ["unfreeze_order", "close_seller_inquiry", "void_refund", "authorize_return"]
        assert (effect(plan, AuthorizeReturn).payer, plan.refund_amount) == (Payer.SHOP, 5_000)
        assert not plan.moves_money

    def test_delivered_and_fine_voids_the_refund_and_closes_the_case(self) -> None:
        plan = plan_of(ask(RequestKind.SELLER_ANSWER, known(FROZEN, answer=SellerAnswer.DELIVERED_FINE)))
        assert effect(plan, VoidRefund).refund_ids == ("refund-1",)
        assert kinds(plan)[-1] == "close_case"
        assert plan.refund_amount == 0

    def test_the_customers_own_word_that_all_is_well_does_the_same(self) -> None:
        plan = plan_of(ask(RequestKind.ARRIVED_FINE, known(FROZEN)))
        assert kinds(plan) == [
            "void_refund", "withdraw_cancellation", "unfreeze_order", "close_seller_inquiry", "close_case",
        ]  # fmt: skip

    def test_an_answer_that_did_not_come_is_no_answer(self) -> None:
        decision = ask(RequestKind.SELLER_ANSWER, known(FROZEN))
        assert isinstance(decision, NeedsAgent)
        assert decision.reason is AgentReason.FACTS_MISSING


class TestRule14SellerSilent:
    """seller silent for 48 hours: guarantee to gift balance, up to ¥300,000; a later refund is blocked."""

    def test_47_hours_59_minutes_is_a_wait_with_the_deadline(self) -> None:
        asked = timedelta(hours=47, minutes=59)
        decision = ask(RequestKind.GUARANTEE, known(REQUESTED, asked))
        assert isinstance(decision, Wait)
        assert (decision.until, decision.receipt.number) == (NOW + timedelta(minutes=1), 14)

    def test_48_hours_pays_the_article_to_gift_balance(self) -> None:
        decision = ask(RequestKind.GUARANTEE, known(REQUESTED, timedelta(hours=48)))
        plan = plan_of(decision)
        assert kinds(plan) == ["void_refund", "guarantee_payout", "block_seller_refund", "close_seller_inquiry"]
        assert effect(plan, GuaranteePayout).amount == 5_000
        assert (plan.refund_amount, plan.timing, plan.moves_money) == (5_000, RefundTiming.NOW, True)

    def test_20_hours_is_a_wait(self) -> None:
        assert isinstance(ask(RequestKind.CANCEL, known(REQUESTED)), Wait)

    def test_the_customer_who_asks_to_cancel_again_after_48_hours_gets_the_guarantee(self) -> None:
        assert ask(RequestKind.SELLER_STOCKOUT, known(REQUESTED, timedelta(hours=49))).receipt.number == 14

    @pytest.mark.parametrize(("price", "paid"), [(299_999, 299_999), (300_000, 300_000), (300_001, 300_000)])
    def test_it_pays_up_to_the_limit(self, price: int, paid: int) -> None:
        dear = marketplace(line(price=price), state=OrderState.CANCEL_REQUESTED)
        about = Facts(dear, inquiry=inquiry(timedelta(hours=48)))
        assert plan_of(ask(RequestKind.GUARANTEE, about)).refund_amount == paid

    def test_the_postage_is_no_part_of_it(self) -> None:
        about = Facts(replace(REQUESTED, shipping_fee=500, payments=(card(5_500),)),
                      inquiry=inquiry(timedelta(hours=48)))  # fmt: skip
        assert plan_of(ask(RequestKind.GUARANTEE, about)).refund_amount == 5_000

    def test_a_human_first_if_the_money_is_frozen(self) -> None:
        decision = ask(RequestKind.GUARANTEE, known(FROZEN, timedelta(hours=48)))
        assert isinstance(decision, NeedsAgent)
        assert decision.reason is AgentReason.MONEY_FROZEN

    @pytest.mark.parametrize("wish", [RefundMethod.ORIGINAL_PAYMENT, RefundMethod.BANK_TRANSFER])
    def test_a_human_first_if_the_customer_does_not_want_gift_balance(self, wish: RefundMethod) -> None:
        decision = ask(RequestKind.GUARANTEE, known(REQUESTED, timedelta(hours=48)), refund_method=wish)
        assert isinstance(decision, NeedsAgent)
        assert decision.reason is AgentReason.GUARANTEE_OTHER_METHOD

    @pytest.mark.parametrize(("price", "human"), [(200_000, False), (200_001, True)])
    def test_a_human_first_if_rule_20_applies(self, price: int, human: bool) -> None:
        dear = marketplace(line(price=price), state=OrderState.SHIPPED)
        decision = ask(RequestKind.GUARANTEE, Facts(dear, inquiry=inquiry(timedelta(hours=48))))
        assert isinstance(decision, NeedsAgent) is human

    def test_a_later_refund_of_the_seller_is_blocked(self) -> None:
        paid = replace(REQUESTED, guarantee_paid=5_000)
        decision = ask(RequestKind.SELLER_ANSWER, known(paid, answer=SellerAnswer.CANCELED))
        assert isinstance(decision, Declined)
        assert decision.reason is DeclineReason.GUARANTEE_ALREADY_PAID

    def test_it_is_not_paid_twice(self) -> None:
        paid = replace(REQUESTED, guarantee_paid=5_000)
        decision = ask(RequestKind.GUARANTEE, known(paid, timedelta(hours=48)))
        assert isinstance(decision, Declined)
        assert (decision.reason, decision.receipt.number) == (DeclineReason.ALREADY_REFUNDED, 22)

    def test_the_shops_own_orders_have_none(self) -> None:
        decision = ask(RequestKind.GUARANTEE, order())
        assert isinstance(decision, Declined)
        assert decision.reason is DeclineReason.GUARANTEE_MARKETPLACE_ONLY

    def test_a_seller_nobody_asked_is_asked_first(self) -> None:
        assert kinds(plan_of(ask(RequestKind.GUARANTEE, SHIPPED))) == ["open_seller_inquiry", "set_timer"]


class TestRule15AnswerDoesNotSatisfy:
    """seller's answer does not satisfy: guarantee review by a human."""

    def test_a_human_reviews(self) -> None:
        decision = ask(RequestKind.DISSATISFIED_WITH_ANSWER, known(REQUESTED, answer=SellerAnswer.OTHER))
        assert isinstance(decision, NeedsAgent)
        assert (decision.reason, decision.receipt.number) == (AgentReason.GUARANTEE_REVIEW, 15)

    def test_an_answer_of_no_known_kind_goes_to_a_human(self) -> None:
        decision = ask(RequestKind.SELLER_ANSWER, known(REQUESTED, answer=SellerAnswer.OTHER))
        assert isinstance(decision, NeedsAgent)
        assert decision.reason is AgentReason.SELLER_ANSWER_UNCLEAR

    def test_an_answered_inquiry_is_no_silence(self) -> None:
        decision = ask(RequestKind.GUARANTEE, known(REQUESTED, timedelta(hours=60), SellerAnswer.OTHER))
        assert not isinstance(decision, Approved)
