"""Parcels that are not there: marked delivered but missing, or past the promised day (16)."""

from datetime import date, timedelta

from madoguchi.policy.calendar import day_begins, local_day
from madoguchi.policy.cancellations import cancel_now, request_cancellation
from madoguchi.policy.case import Case, because, rule
from madoguchi.policy.decisions import Approved, Decision, NeedsAgent, Wait
from madoguchi.policy.effects import OfferReorder, SetTimer
from madoguchi.policy.money import method_offers, refund
from madoguchi.policy.requests import RequestKind
from madoguchi.policy.settling import ask_seller, shop_at_fault
from madoguchi.policy.vocabulary import (
    AgentReason,
    AuthorizationState,
    Offer,
    OrderState,
    RefundTiming,
    ReturnRoute,
    TimerKind,
    WaitReason,
)

_STANDING = frozenset({AuthorizationState.OPEN, AuthorizationState.RECEIVED, AuthorizationState.INSPECTED})


@rule(16)
def not_there(case: Case) -> Decision | None:
    """Marked delivered: wait until 3 days after, the date told; or 3 days past the promise: refund or reorder."""
    if case.kind is not RequestKind.NOT_DELIVERED or case.order.state is OrderState.CANCELED:
        return None
    if sent_back := _sent_back_from_the_same_parcel(case):
        receipt = because({"authorizations": "none of this parcel"}, authorizations=list(sent_back))
        return NeedsAgent(AgentReason.SAID_TO_HAVE_ARRIVED, receipt=receipt)
    if case.order.state is OrderState.CANCEL_REQUESTED:
        until = case.inquiry.deadline if case.inquiry else None
        asked = case.marketplace and case.inquiry is not None
        reason = WaitReason.SELLER_ASKED if asked else WaitReason.CANCELLATION_REQUESTED
        return Wait(until, reason, receipt=because({"state": "shipped"}))
    given_up_on = _given_up_on(case)
    marked = case.order.marked_delivered
    if case.today < given_up_on:
        due = day_begins(given_up_on, case.terms.calendar)
        reason = WaitReason.PARCEL_MAY_STILL_COME if marked else WaitReason.NOT_DUE_YET
        timer = case.plan(SetTimer(TimerKind.MISSING_PARCEL, due))
        receipt = because({"today": f">= {given_up_on}"}, marked_delivered=marked, until=given_up_on.isoformat())
        return Wait(due, reason, timer, receipt)
    return _missing(case, given_up_on)


def _sent_back_from_the_same_parcel(case: Case) -> tuple[str, ...]:
    """The authorizations that say the parcel came: what is sent back was in it."""
    parcels = [set(shipment.line_ids) for shipment in case.order.shipments]
    parcels = parcels or [{line.id for line in case.order.lines}]
    meant = {unit.line_id for unit in case.units}
    missing = set().union(*(parcel for parcel in parcels if parcel & meant))
    returns = (each for each in case.facts.authorizations if each.route is ReturnRoute.SEND_BACK)
    standing = (each for each in returns if each.state in _STANDING)
    return tuple(each.id for each in standing if missing & {part.line_id for part in each.lines})


def _given_up_on(case: Case) -> date:
    """The day from which the parcel counts as missing."""
    terms, order = case.terms.delivery, case.order
    if order.delivered_at is not None:
        marked_on = local_day(order.delivered_at, case.terms.calendar)
        return marked_on + timedelta(days=terms.marked_delivered_wait_days)
    if order.promised_on is None:
        raise LookupError("a promised day is checked for by rule 20")
    return order.promised_on + timedelta(days=terms.overdue_days)


def _missing(case: Case, given_up_on: date) -> Decision:
    if case.order.state is OrderState.PLACED and not case.marketplace:
        return cancel_now(case)
    if not case.shipped and case.marketplace:
        return request_cancellation(case, RefundTiming.AFTER_SELLER, *ask_seller(case))
    if not case.shipped:
        return request_cancellation(case, RefundTiming.PLANNED)
    prices, shipping = shop_at_fault(case, case.units)
    money = refund(case, prices, shipping, RefundTiming.NOW)
    if not isinstance(money, tuple):
        return money
    offers = (Offer.REORDER_SAME, *method_offers(case, money))
    plan = case.plan(*money, OfferReorder(case.units, Offer.REORDER_SAME), offers=offers)
    return Approved(plan, because({"today": f"< {given_up_on}"}, given_up_on=given_up_on.isoformat()))
