"""Rules 16 to 19: parcels that are not there, and return parcels."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from policy_builders import (
    NOW,
    TOKYO,
    ask,
    authorization,
    card,
    cash,
    day,
    days,
    delivered,
    effect,
    gift,
    kinds,
    line,
    marketplace,
    order,
    plan_of,
    shipped,
)

from madoguchi.policy.decisions import Approved, Declined, NeedsAgent, Wait
from madoguchi.policy.effects import MarkInspected, Refund, SetTimer
from madoguchi.policy.facts import Facts, ShipmentFacts
from madoguchi.policy.requests import LineQuantity, RequestKind
from madoguchi.policy.vocabulary import (
    AgentReason,
    AuthorizationState,
    DeclineReason,
    InspectionResult,
    Offer,
    OrderState,
    RefundMethod,
    RefundTiming,
    ReturnRoute,
    TimerKind,
    WaitReason,
)

MISSING = RequestKind.NOT_DELIVERED
SCANNED = RequestKind.PARCEL_SCANNED


class TestRule16NotThere:
    """marked delivered, not there, or 3 days past the promised day: wait with the date told, then refund or reorder."""

    def test_marked_delivered_it_waits_until_3_days_after_and_sets_a_timer(self) -> None:
        decision = ask(MISSING, delivered(ago=1))
        until = datetime(2026, 6, 12, tzinfo=TOKYO)
        assert isinstance(decision, Wait)
        assert (decision.until, decision.reason) == (until, WaitReason.PARCEL_MAY_STILL_COME)
        assert effect(decision.plan, SetTimer) == SetTimer(TimerKind.MISSING_PARCEL, until)

    @pytest.mark.parametrize(("ago", "approved"), [(2, False), (3, True)])
    def test_after_3_days_it_is_refunded_or_ordered_again(self, ago: int, approved: bool) -> None:
        assert isinstance(ask(MISSING, delivered(ago=ago)), Approved) is approved

    def test_on_the_day_that_was_told_the_answer_is_there(self) -> None:
        told = ask(MISSING, delivered(ago=1))
        assert isinstance(told, Wait)
        assert told.until is not None
        late = replace(delivered(ago=1))
        assert isinstance(ask(MISSING, late, now=told.until - timedelta(seconds=1)), Wait)
        assert isinstance(ask(MISSING, late, now=told.until), Approved)

    @pytest.mark.parametrize(("promised", "approved"), [("2026-06-08", False), ("2026-06-07", True)])
    def test_3_days_past_the_promised_day_it_counts_as_missing(self, promised: str, approved: bool) -> None:
        decision = ask(MISSING, shipped(promised_on=day(promised)))
        assert isinstance(decision, Approved) is approved

    def test_before_that_the_day_is_told(self) -> None:
        decision = ask(MISSING, shipped(promised_on=day("2026-06-10")))
        assert isinstance(decision, Wait)
        assert (decision.until, decision.reason) == (datetime(2026, 6, 13, tzinfo=TOKYO), WaitReason.NOT_DUE_YET)

    def test_everything_comes_back_and_a_reorder_is_offered(self) -> None:
        plan = plan_of(ask(MISSING, delivered(ago=4, shipping_fee=500)))
        assert kinds(plan) == ["refund", "offer_reorder"]
        assert (plan.refund_amount, plan.timing) == (5_500, RefundTiming.NOW)
        assert Offer.REORDER_SAME in plan.offers

    def test_late_but_never_shipped_it_is_canceled(self) -> None:
        late = day("2026-06-01")
        assert kinds(plan_of(ask(MISSING, order(promised_on=late))))[0] == "cancel_lines"
        preparing = order(state=OrderState.PREPARING, promised_on=late)
        assert kinds(plan_of(ask(MISSING, preparing)))[0] == "request_cancellation"
        assert "open_seller_inquiry" in kinds(plan_of(ask(MISSING, marketplace(promised_on=late))))

    def test_while_a_cancellation_is_asked_for_its_answer_is_waited_for(self) -> None:
        asked = order(state=OrderState.CANCEL_REQUESTED, promised_on=day("2026-06-01"))
        assert isinstance(ask(MISSING, asked), Wait)

    def test_without_a_promised_day_a_human_looks(self) -> None:
        decision = ask(MISSING, shipped(promised_on=None))
        assert isinstance(decision, NeedsAgent)
        assert decision.reason is AgentReason.FACTS_MISSING

    @pytest.mark.parametrize("promised", [None, day("2026-06-01")])
    def test_an_order_canceled_without_its_units_is_nothing_to_wait_for(self, promised: date | None) -> None:
        decision = ask(MISSING, order(state=OrderState.CANCELED, promised_on=promised))
        assert isinstance(decision, NeedsAgent)
        assert decision.reason is AgentReason.NO_RULE

    @pytest.mark.parametrize(
        ("state", "route", "human"),
        [
            (AuthorizationState.OPEN, ReturnRoute.SEND_BACK, True),
            (AuthorizationState.RECEIVED, ReturnRoute.SEND_BACK, True),
            (AuthorizationState.INSPECTED, ReturnRoute.SEND_BACK, True),
            (AuthorizationState.EXPIRED, ReturnRoute.SEND_BACK, False),
            (AuthorizationState.WITHDRAWN, ReturnRoute.SEND_BACK, False),
            (AuthorizationState.OPEN, ReturnRoute.REFUSE_AT_DOOR, False),
        ],
    )
    def test_where_something_of_the_parcel_is_sent_back_it_did_come_and_a_human_looks(
        self, state: AuthorizationState, route: ReturnRoute, human: bool
    ) -> None:
        returned = authorization(state=state, route=route)
        decision = ask(MISSING, delivered(line(), line("desk", 9_000)), facts={"authorizations": (returned,)})
        assert isinstance(decision, NeedsAgent if human else Approved)
        assert not human or decision.reason is AgentReason.SAID_TO_HAVE_ARRIVED

    def test_another_parcel_of_the_order_may_still_be_missing(self) -> None:
        parcels = (ShipmentFacts("one", ("lamp",), delivered_at=NOW), ShipmentFacts("two", ("desk",)))
        lines = (line(), line("desk", 9_000))
        late = shipped(*lines, shipments=parcels, promised_on=day("2026-06-01"))
        returned = {"authorizations": (authorization(),)}
        assert isinstance(ask(MISSING, late, facts=returned, lines=(LineQuantity("desk", 1),)), Approved)
        assert isinstance(ask(MISSING, late, facts=returned), Approved)
        once = replace(late, shipments=(replace(parcels[0], line_ids=("lamp", "desk")),))
        assert isinstance(ask(MISSING, once, facts=returned), NeedsAgent)


class TestRule17ParcelScannedIn:
    """return parcel scanned in: gift balance credited that moment; card sent that moment."""

    held = card(5_000, reserved=5_000)

    def test_the_promised_refund_is_sent_to_the_card(self) -> None:
        known = Facts(delivered(payments=(self.held,)), authorizations=(authorization(),))
        plan = plan_of(ask(SCANNED, known, authorization_id="rma-1"))
        assert kinds(plan) == ["receive_parcel", "refund"]
        money = effect(plan, Refund)
        assert (money.when, money.splits[0].amount, money.authorization_id) == (RefundTiming.NOW, 5_000, "rma-1")
        assert money.splits[0].method is RefundMethod.ORIGINAL_PAYMENT

    def test_the_method_chosen_with_the_authorization_is_kept(self) -> None:
        chosen = authorization(method=RefundMethod.GIFT_BALANCE)
        plan = plan_of(ask(SCANNED, Facts(delivered(payments=(self.held,)), authorizations=(chosen,))))
        assert plan.splits[0].method is RefundMethod.GIFT_BALANCE

    def test_half_was_promised_so_half_is_sent(self) -> None:
        known = Facts(delivered(payments=(card(5_000, reserved=2_500),)), authorizations=(authorization(2_500),))
        assert plan_of(ask(SCANNED, known)).refund_amount == 2_500

    def test_never_more_than_what_is_left_of_the_payment(self) -> None:
        known = Facts(delivered(payments=(card(5_000, refunded=1_000),)), authorizations=(authorization(),))
        assert plan_of(ask(SCANNED, known)).refund_amount == 4_000

    def test_what_a_human_promised_over_the_limit_is_paid_at_the_scan(self) -> None:
        dear = delivered(payments=(card(300_000),))
        assert plan_of(ask(SCANNED, Facts(dear, authorizations=(authorization(300_000),)))).refund_amount == 300_000

    @pytest.mark.parametrize("state", [AuthorizationState.RECEIVED, AuthorizationState.INSPECTED])
    def test_a_second_scan_pays_nothing(self, state: AuthorizationState) -> None:
        here = authorization(state=state, scanned_at=NOW - days(1))
        decision = ask(SCANNED, Facts(delivered(), authorizations=(here,)))
        assert isinstance(decision, Declined)
        assert (decision.reason, decision.receipt.number) == (DeclineReason.PARCEL_ALREADY_RECEIVED, 22)

    def test_an_inspection_reported_before_the_scan_does_not_lose_the_refund(self) -> None:
        early = authorization(state=AuthorizationState.INSPECTED, inspection=InspectionResult.AS_EXPECTED)
        assert plan_of(ask(SCANNED, Facts(delivered(), authorizations=(early,)))).refund_amount == 5_000

    @pytest.mark.parametrize("state", [AuthorizationState.EXPIRED, AuthorizationState.WITHDRAWN])
    def test_a_parcel_nobody_expects_is_for_a_human(self, state: AuthorizationState) -> None:
        decision = ask(SCANNED, Facts(delivered(), authorizations=(authorization(state=state),)))
        assert isinstance(decision, NeedsAgent)
        assert decision.reason is AgentReason.PARCEL_WITHOUT_AUTHORIZATION

    def test_frozen_money_stays_where_it_is_though_the_parcel_is_noted(self) -> None:
        known = Facts(replace(delivered(), frozen=True), authorizations=(authorization(),))
        decision = ask(SCANNED, known)
        assert isinstance(decision, NeedsAgent)
        assert kinds(decision.plan) == ["receive_parcel"]

    def test_paid_in_cash_without_a_known_way_back_a_human_asks(self) -> None:
        known = Facts(delivered(payments=(cash(5_000),)), authorizations=(authorization(),))
        decision = ask(SCANNED, known)
        assert isinstance(decision, NeedsAgent)
        assert decision.reason is AgentReason.FACTS_MISSING

    def test_a_split_payment_is_refunded_to_the_card_first(self) -> None:
        both = delivered(payments=(gift(2_000), card(3_000)))
        plan = plan_of(ask(SCANNED, Facts(both, authorizations=(authorization(4_000),))))
        assert [(split.payment_id, split.amount) for split in plan.splits] == [("card", 3_000), ("gift", 1_000)]


class TestRule18Inspection:
    """inspection finds it used, damaged by the customer or another article: a human; nothing is taken back."""

    @pytest.mark.parametrize(
        "found", [InspectionResult.USED, InspectionResult.DAMAGED_BY_CUSTOMER, InspectionResult.OTHER_ARTICLE]
    )
    def test_a_human_decides_and_no_money_moves(self, found: InspectionResult) -> None:
        here = authorization(state=AuthorizationState.RECEIVED, scanned_at=NOW, inspection=found)
        decision = ask(RequestKind.INSPECTED, Facts(delivered(), authorizations=(here,)))
        assert isinstance(decision, NeedsAgent)
        assert (decision.reason, decision.receipt.number) == (AgentReason.INSPECTION_DISAGREES, 18)
        assert decision.plan.effects == (MarkInspected("rma-1", found),)

    def test_as_expected_it_is_sold_again(self) -> None:
        found = InspectionResult.AS_EXPECTED
        here = authorization(state=AuthorizationState.RECEIVED, scanned_at=NOW, inspection=found)
        plan = plan_of(ask(RequestKind.INSPECTED, Facts(delivered(), authorizations=(here,))))
        assert kinds(plan) == ["mark_inspected", "restore_stock"]


class TestRule19ReturnNotHere:
    """return parcel not here after 14 days: reminder; after 30 days the authorization expires."""

    @staticmethod
    def of_age(age: timedelta, reminded_at: datetime | None = None) -> Facts:
        """An open authorization of this age."""
        return Facts(delivered(), authorizations=(authorization(age=age, reminded_at=reminded_at),))

    def test_before_14_days_there_is_nothing_to_do(self) -> None:
        decision = ask(RequestKind.RETURN_OVERDUE, self.of_age(days(14) - timedelta(minutes=1)))
        assert isinstance(decision, Wait)
        assert decision.until == NOW + timedelta(minutes=1)

    def test_at_14_days_the_customer_is_reminded(self) -> None:
        assert kinds(plan_of(ask(RequestKind.RETURN_OVERDUE, self.of_age(days(14))))) == ["send_reminder"]

    def test_once(self) -> None:
        decision = ask(RequestKind.RETURN_OVERDUE, self.of_age(days(20), reminded_at=NOW - days(6)))
        assert isinstance(decision, Wait)
        assert (decision.reason, decision.until) == (WaitReason.REMINDED, NOW + days(10))

    def test_a_minute_before_30_days_it_still_stands(self) -> None:
        almost = self.of_age(days(30) - timedelta(minutes=1), reminded_at=NOW - days(16))
        assert isinstance(ask(RequestKind.RETURN_OVERDUE, almost), Wait)

    def test_at_30_days_it_expires_and_a_new_one_can_be_asked_for(self) -> None:
        plan = plan_of(ask(RequestKind.RETURN_OVERDUE, self.of_age(days(30), reminded_at=NOW - days(16))))
        assert kinds(plan) == ["expire_authorization"]
        assert plan.offers == (Offer.NEW_AUTHORIZATION,)

    def test_a_new_authorization_is_given_after_it_expired(self) -> None:
        expired = Facts(delivered(ago=29), authorizations=(authorization(state=AuthorizationState.EXPIRED),))
        assert isinstance(ask(RequestKind.DEFECT, expired), Approved)

    def test_what_arrived_meanwhile_does_not_expire(self) -> None:
        here = Facts(delivered(), authorizations=(authorization(age=days(31), state=AuthorizationState.RECEIVED),))
        assert isinstance(ask(RequestKind.RETURN_OVERDUE, here), Declined)
