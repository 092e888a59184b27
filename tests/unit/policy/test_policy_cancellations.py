"""Rules 1 to 3: before shipment, while the warehouse prepares, and on the way."""

import pytest
from policy_builders import (
    NOW,
    TERMS,
    ask,
    authorization,
    card,
    cash,
    days,
    delivered,
    effect,
    gift,
    kinds,
    line,
    marketplace,
    order,
    plan_of,
    planned,
    shipped,
)

from madoguchi.policy.decisions import Approved, Declined, NeedsAgent, Wait
from madoguchi.policy.effects import AuthorizeReturn, CancelLines, Refund, ReleaseRefund, RestoreStock, VoidRefund
from madoguchi.policy.facts import Facts, LineQuantity
from madoguchi.policy.requests import RequestKind
from madoguchi.policy.vocabulary import (
    AgentReason,
    Condition,
    DeclineReason,
    Offer,
    OrderState,
    Payer,
    RefundTiming,
    ReturnRoute,
    WaitReason,
)

ONE_LAMP = (LineQuantity("lamp", 1),)


class TestRule1OwnStockPlaced:
    """own stock, placed, any reason, whole order or some lines: cancel now; refund of the lines now."""

    def test_the_whole_order_is_canceled_and_its_shipping_fee_comes_back_too(self) -> None:
        decision = ask(RequestKind.CANCEL, order(shipping_fee=500))
        plan = plan_of(decision)
        assert kinds(plan) == ["cancel_lines", "restore_stock", "refund"]
        assert (plan.refund_amount, plan.timing, plan.moves_money) == (5_500, RefundTiming.NOW, True)
        assert effect(plan, CancelLines).whole_order
        assert decision.receipt.number == 1

    def test_one_line_of_three_is_canceled_and_the_shipping_fee_stays(self) -> None:
        three = order(line("lamp"), line("desk", 20_000), line("chair", 8_000), shipping_fee=500)
        plan = plan_of(ask(RequestKind.CANCEL, three, lines=ONE_LAMP))
        assert plan.refund_amount == 5_000
        assert effect(plan, CancelLines) == CancelLines(ONE_LAMP, whole_order=False)
        assert effect(plan, RestoreStock).lines == ONE_LAMP

    def test_the_last_line_left_brings_the_shipping_fee_back(self) -> None:
        rest = order(line("lamp"), line("desk", 20_000, canceled=1, refunded=20_000), shipping_fee=500,
                     payments=(card(25_500, refunded=20_000),))  # fmt: skip
        assert plan_of(ask(RequestKind.CANCEL, rest)).refund_amount == 5_500

    def test_one_unit_of_several_is_canceled(self) -> None:
        plan = plan_of(ask(RequestKind.CANCEL, order(line(quantity=3), shipping_fee=500), lines=ONE_LAMP))
        assert plan.refund_amount == 5_000

    def test_the_discount_is_apportioned_to_the_canceled_line(self) -> None:
        two = order(line("lamp", 3_000), line("desk", 7_000), discount=1_000)
        assert plan_of(ask(RequestKind.CANCEL, two, lines=ONE_LAMP)).refund_amount == 2_700
        assert plan_of(ask(RequestKind.CANCEL, two)).refund_amount == 9_000

    def test_an_order_not_paid_yet_is_canceled_without_a_refund(self) -> None:
        plan = plan_of(ask(RequestKind.CANCEL, order(payments=(cash(0),))))
        assert kinds(plan) == ["cancel_lines", "restore_stock"]

    @pytest.mark.parametrize("kind", [RequestKind.CHANGE_OF_MIND, RequestKind.SELLER_STOCKOUT, RequestKind.WRONG_SIZE])
    def test_any_reason_will_do(self, kind: RequestKind) -> None:
        decision = ask(kind, order())
        assert (plan_of(decision).refund_amount, decision.receipt.number) == (5_000, 1)

    def test_food_may_be_canceled_before_it_is_shipped(self) -> None:
        assert isinstance(ask(RequestKind.CANCEL, order(line(category="food"))), Approved)

    def test_an_order_over_the_limit_is_canceled_like_any_other_before_shipment(self) -> None:
        assert plan_of(ask(RequestKind.CANCEL, order(line(price=900_000)))).refund_amount == 900_000

    def test_a_marketplace_order_is_not_canceled_at_once(self) -> None:
        plan = plan_of(ask(RequestKind.CANCEL, marketplace()))
        assert kinds(plan)[0] == "request_cancellation"

    def test_a_line_that_is_not_in_the_order_is_refused(self) -> None:
        decision = ask(RequestKind.CANCEL, order(), lines=(LineQuantity("sofa", 1),))
        assert isinstance(decision, Declined)
        assert decision.reason is DeclineReason.LINES_NOT_IN_ORDER

    @pytest.mark.parametrize("quantity", [0, -1, 2])
    def test_more_or_less_than_was_bought_is_refused(self, quantity: int) -> None:
        decision = ask(RequestKind.CANCEL, order(), lines=(LineQuantity("lamp", quantity),))
        assert isinstance(decision, Declined)
        assert decision.reason is DeclineReason.LINES_NOT_IN_ORDER

    def test_a_fault_of_what_has_not_left_is_no_return(self) -> None:
        decision = ask(RequestKind.DEFECT, order())
        assert isinstance(decision, Declined)
        assert decision.reason is DeclineReason.NOT_SHIPPED_YET

    def test_a_split_payment_goes_back_to_each_method(self) -> None:
        both = order(line(price=5_000), payments=(gift(2_000), card(3_000)))
        splits = plan_of(ask(RequestKind.CANCEL, both)).splits
        assert [(split.payment_id, split.amount) for split in splits] == [("card", 3_000), ("gift", 2_000)]


class TestRule2OwnStockPreparing:
    """own stock, preparing: cancellation requested; the warehouse's word settles it."""

    preparing = order(state=OrderState.PREPARING, shipping_fee=500)
    requested = order(state=OrderState.CANCEL_REQUESTED, shipping_fee=500, payments=(card(5_500, reserved=5_500),),
                      shipping_refunded=500)  # fmt: skip

    def test_the_cancellation_is_requested_and_the_refund_planned(self) -> None:
        decision = ask(RequestKind.CANCEL, self.preparing)
        plan = plan_of(decision)
        assert kinds(plan) == ["request_cancellation", "refund"]
        assert (plan.refund_amount, plan.timing, plan.moves_money) == (5_500, RefundTiming.PLANNED, False)
        assert decision.receipt.number == 2

    def test_asking_twice_waits_for_the_warehouse(self) -> None:
        decision = ask(RequestKind.CANCEL, self.requested)
        assert isinstance(decision, Wait)
        assert (decision.until, decision.reason) == (None, WaitReason.CANCELLATION_REQUESTED)

    def test_the_warehouse_canceled_so_the_refund_goes_now(self) -> None:
        known = Facts(self.requested, refunds=(planned(5_500, shipping=500),))
        plan = plan_of(ask(RequestKind.WAREHOUSE_CANCELED, known))
        assert kinds(plan) == ["cancel_lines", "restore_stock", "release_refund"]
        assert effect(plan, ReleaseRefund).refund_ids == ("refund-1",)
        assert (plan.refund_amount, plan.moves_money) == (5_500, True)

    def test_the_warehouse_canceled_only_the_line_that_was_asked_for(self) -> None:
        two = order(line("lamp"), line("desk"), state=OrderState.CANCEL_REQUESTED)
        plan = plan_of(ask(RequestKind.WAREHOUSE_CANCELED, Facts(two, refunds=(planned(),))))
        assert effect(plan, CancelLines) == CancelLines(ONE_LAMP, whole_order=False)

    def test_the_warehouse_canceled_of_itself_so_everything_is_refunded(self) -> None:
        plan = plan_of(ask(RequestKind.WAREHOUSE_CANCELED, self.preparing))
        assert plan.refund_amount == 5_500
        assert effect(plan, Refund).when is RefundTiming.NOW

    def test_the_warehouses_word_twice_changes_nothing(self) -> None:
        decision = ask(RequestKind.WAREHOUSE_CANCELED, order(state=OrderState.CANCELED))
        assert isinstance(decision, Declined)
        assert decision.reason is DeclineReason.ALREADY_CANCELED

    def test_shipped_after_all_is_a_return_that_the_shop_pays(self) -> None:
        known = Facts(self.requested, refunds=(planned(5_500, shipping=500),))
        plan = plan_of(ask(RequestKind.WAREHOUSE_SHIPPED, known))
        assert kinds(plan) == ["void_refund", "authorize_return", "set_timer", "set_timer"]
        assert effect(plan, VoidRefund).refund_ids == ("refund-1",)
        assert effect(plan, AuthorizeReturn).payer is Payer.SHOP
        assert (plan.refund_amount, plan.timing) == (5_500, RefundTiming.ON_SCAN)

    def test_shipped_after_all_over_the_limit_goes_to_a_human(self) -> None:
        dear = order(line(price=200_001), state=OrderState.CANCEL_REQUESTED)
        decision = ask(RequestKind.WAREHOUSE_SHIPPED, dear)
        assert isinstance(decision, NeedsAgent)
        assert decision.reason is AgentReason.REFUND_OVER_LIMIT

    def test_a_shipment_nobody_asked_to_stop_needs_nothing(self) -> None:
        assert plan_of(ask(RequestKind.WAREHOUSE_SHIPPED, self.preparing)).effects == ()


class TestRule3ShippedNotDelivered:
    """shipped, not delivered: refuse the parcel at the door or return it after arrival; authorized at once."""

    def test_the_parcel_may_be_refused_at_the_door_for_the_article_price(self) -> None:
        decision = ask(RequestKind.CANCEL, shipped(shipping_fee=500))
        plan = plan_of(decision)
        authorized = effect(plan, AuthorizeReturn)
        assert (authorized.route, authorized.payer) == (ReturnRoute.REFUSE_AT_DOOR, Payer.SHOP)
        assert (plan.refund_amount, plan.timing, plan.shop_pays_return) == (5_000, RefundTiming.ON_SCAN, True)
        assert Offer.RETURN_AFTER_ARRIVAL in plan.offers
        assert decision.receipt.number == 3

    def test_no_money_moves_before_the_scan(self) -> None:
        plan = plan_of(ask(RequestKind.CANCEL, shipped()))
        assert not plan.moves_money
        assert "refund" not in kinds(plan)

    def test_a_change_of_mind_on_the_way_is_the_same(self) -> None:
        assert ask(RequestKind.CHANGE_OF_MIND, shipped()).receipt.number == 3

    def test_a_wish_to_cancel_what_was_delivered_is_a_return(self) -> None:
        decision = ask(RequestKind.CANCEL, delivered(), condition=Condition.UNOPENED)
        assert (decision.receipt.number, plan_of(decision).shop_pays_return) == (6, False)

    def test_whoever_tells_the_condition_has_it_already(self) -> None:
        decision = ask(RequestKind.CHANGE_OF_MIND, shipped(), condition=Condition.OPENED)
        assert (decision.receipt.number, plan_of(decision).refund_amount) == (6, 2_500)

    def test_the_door_was_missed_so_the_return_takes_its_place(self) -> None:
        first = plan_of(ask(RequestKind.CANCEL, shipped()))
        refusal = effect(first, AuthorizeReturn)
        held = authorization(route=refusal.route)
        arrived = delivered(ago=1, payments=(card(5_000, reserved=5_000),))
        plan = plan_of(ask(RequestKind.DEFECT, Facts(arrived, authorizations=(held,))))
        assert kinds(plan)[:2] == ["withdraw_authorization", "authorize_return"]
        assert plan.refund_amount == 5_000


def test_the_timers_of_an_authorization_are_14_and_30_days() -> None:
    plan = plan_of(ask(RequestKind.CANCEL, shipped()))
    dues = [each.due for each in plan.effects if each.type == "set_timer"]
    assert dues == [NOW + days(TERMS.parcels.reminder_days), NOW + days(TERMS.parcels.expiry_days)]
