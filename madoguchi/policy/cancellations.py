"""Before and around shipment: cancel at once (1), ask the warehouse (2), refuse the parcel at the door (3)."""

from madoguchi.policy.amounts import without_planned
from madoguchi.policy.case import Case, because, rule
from madoguchi.policy.decisions import Approved, Decision, Declined, NeedsFact, Wait
from madoguchi.policy.effects import (
    CancelLines,
    Effect,
    ReleaseRefund,
    RequestCancellation,
    RestoreStock,
    Split,
    VoidRefund,
)
from madoguchi.policy.facts import LineQuantity
from madoguchi.policy.money import method_offers, refund
from madoguchi.policy.requests import RequestKind
from madoguchi.policy.settling import authorize, shop_at_fault, thaw
from madoguchi.policy.vocabulary import (
    DeclineReason,
    Fact,
    LineKind,
    Offer,
    OrderState,
    Payer,
    RefundTiming,
    ReturnRoute,
    WaitReason,
)

CANCELS = frozenset(
    {
        RequestKind.CANCEL,
        RequestKind.SELLER_STOCKOUT,
        RequestKind.CHANGE_OF_MIND,
        RequestKind.WRONG_SIZE,
    }
)
"""What ends an order that has not left: rule 1 takes any reason."""


@rule(1)
def only_as_the_terms_allow(case: Case) -> Decision | None:
    """Shops may accept whole orders, some reasons and unchanged orders only."""
    if case.kind is not RequestKind.CANCEL or case.order.state is OrderState.CANCEL_REQUESTED:
        return None
    terms, reason, state = case.terms.cancellations, case.request.cancel_reason, case.order.state
    gone = state in (OrderState.SHIPPED, OrderState.DELIVERED) and not terms.shipped_becomes_return
    preparing = state is OrderState.PREPARING and not terms.while_preparing
    if gone or preparing or (case.order.changed and not terms.after_change):
        return _declined(DeclineReason.NOT_CANCELABLE, {"state": "placed"}, changed=case.order.changed)
    if not (case.whole_order or terms.single_lines):
        return _declined(DeclineReason.WHOLE_ORDER_ONLY, {"lines": "all"})
    if not terms.accepted_reasons:
        return None
    if reason is None:
        return NeedsFact(Fact.CANCEL_REASON, terms.accepted_reasons, because())
    if reason in terms.accepted_reasons:
        return None
    accepted = {"cancel_reason": " | ".join(terms.accepted_reasons)}
    return _declined(DeclineReason.CANCEL_REASON_NOT_ACCEPTED, accepted, cancel_reason=reason)


@rule(1)
def cancel_before_shipment(case: Case) -> Decision | None:
    """Own stock, placed, any reason: cancel now, refund now; with the whole order the shipping fee too."""
    if case.kind not in CANCELS or case.marketplace or case.order.state is not OrderState.PLACED:
        return None
    return cancel_now(case)


def cancel_now(case: Case) -> Decision:
    """The units meant are canceled, their stock is back, and their money is sent."""
    money = refund(case, case.prices, _fee(case), RefundTiming.NOW)
    if not isinstance(money, tuple):
        return money
    plan = case.plan(
        CancelLines(case.units, case.whole_order),
        *_restocked(case, case.units),
        *money,
        offers=method_offers(case, money),
    )
    return Approved(plan, because({"state": "preparing"}, whole_order=case.whole_order, shipping=_fee(case)))


@rule(2)
def ask_the_warehouse(case: Case) -> Decision | None:
    """Own stock, preparing: cancellation requested; the warehouse's word settles it."""
    if case.kind not in CANCELS or case.marketplace:
        return None
    if case.order.state is OrderState.CANCEL_REQUESTED:
        receipt = because({"state": "canceled | shipped"})
        return Wait(None, WaitReason.CANCELLATION_REQUESTED, receipt=receipt)
    if case.order.state is not OrderState.PREPARING:
        return None
    return request_cancellation(case, RefundTiming.PLANNED)


def request_cancellation(case: Case, when: RefundTiming, *more: Effect) -> Decision:
    """A cancellation that waits for somebody's word, its refund planned and not sent; `more` follows it."""
    money = refund(case, case.prices, _fee(case), when)
    if not isinstance(money, tuple):
        return money
    plan = case.plan(
        RequestCancellation(case.units, case.whole_order),
        *money,
        *more,
        offers=method_offers(case, money),
    )
    return Approved(plan, because({"state": "placed"}, whole_order=case.whole_order, shipping=_fee(case)))


@rule(2)
def warehouse_canceled(case: Case) -> Decision | None:
    """The warehouse's word, canceled: refund now."""
    if case.kind is not RequestKind.WAREHOUSE_CANCELED:
        return None
    if case.order.state in (OrderState.CANCELED, OrderState.SHIPPED, OrderState.DELIVERED):
        canceled = case.order.state is OrderState.CANCELED
        reason = DeclineReason.ALREADY_CANCELED if canceled else DeclineReason.NOT_CANCELABLE
        return _declined(reason, {"state": "cancel_requested"})
    return cancel_and_release(case)


def cancel_and_release(case: Case) -> Decision:
    """Cancel for good and send what was planned, or, where nothing was, refund what is left."""
    units = _planned_units(case) or case.units
    money = _release(case) if case.planned else refund(case, case.prices, _fee(case), RefundTiming.NOW)
    if not isinstance(money, tuple):
        return money
    canceled: tuple[Effect, ...] = ()
    if units:
        canceled = (CancelLines(units, _all_of(case, units)), *_restocked(case, units))
    return Approved(case.plan(*thaw(case), *canceled, *money), because(planned=[each.id for each in case.planned]))


@rule(2)
def warehouse_shipped_after_all(case: Case) -> Decision | None:
    """The warehouse's word, shipped after all: return authorization, shop pays."""
    if case.kind is not RequestKind.WAREHOUSE_SHIPPED:
        return None
    if case.order.state is not OrderState.CANCEL_REQUESTED:
        return Approved(case.plan(), because({"state": "cancel_requested"}))
    return return_at_our_cost(case)


def return_at_our_cost(case: Case) -> Decision:
    """What should have been canceled was shipped: the plan for money is dropped, the parcel may come back free."""
    payments = without_planned(case.order.payments, case.facts.refunds)
    prices, shipping = shop_at_fault(case, case.units or _canceled_units(case), case.planned)
    authorized = authorize(case, prices, shipping, Payer.SHOP, payments=payments)
    if not isinstance(authorized, tuple):
        return authorized
    voided = (VoidRefund(tuple(each.id for each in case.planned)),) if case.planned else ()
    return Approved(case.plan(*thaw(case), *voided, *authorized), because(shipping=shipping))


@rule(3)
def refuse_at_the_door(case: Case) -> Decision | None:
    """Shipped, not delivered: refuse the parcel at the door, or return it after arrival; authorized at once."""
    if case.kind not in CANCELS or case.order.state is not OrderState.SHIPPED or case.arrived:
        return None
    if not case.terms.cancellations.shipped_becomes_return:
        return _declined(DeclineReason.NOT_CANCELABLE, {"state": "placed"})
    authorized = authorize(case, case.prices, 0, Payer.SHOP, route=ReturnRoute.REFUSE_AT_DOOR)
    if not isinstance(authorized, tuple):
        return authorized
    offers = (Offer.RETURN_AFTER_ARRIVAL, *method_offers(case, authorized))
    return Approved(case.plan(*authorized, offers=offers), because({"state": "placed | delivered"}))


def _fee(case: Case) -> int:
    """The shipping fee that comes back with the whole order."""
    order = case.order
    returned = any(line.returned or case.held(line) for line in order.lines)
    if not case.whole_order or returned or not case.terms.cancellations.refund_shipping_fee:
        return 0
    return max(0, order.shipping_fee - order.shipping_refunded)


def _restocked(case: Case, units: tuple[LineQuantity, ...]) -> tuple[RestoreStock, ...]:
    stocked = tuple(unit for unit in units if case.line(unit.line_id).kind is LineKind.ARTICLE)
    return (RestoreStock(stocked),) if stocked else ()


def _planned_units(case: Case) -> tuple[LineQuantity, ...]:
    units: dict[str, int] = {}
    for each in (line for planned in case.planned for line in planned.lines):
        # A refund split over two payments may be two rows that name the same units.
        units[each.line_id] = max(units.get(each.line_id, 0), each.quantity)
    left = {line_id: min(count, case.open_units(case.line(line_id))) for line_id, count in units.items()}
    return tuple(LineQuantity(line_id, count) for line_id, count in left.items() if count > 0)


def _all_of(case: Case, units: tuple[LineQuantity, ...]) -> bool:
    meant = {unit.line_id: unit.quantity for unit in units}
    return all(case.open_units(line) == meant.get(line.id, 0) for line in case.order.lines)


def _canceled_units(case: Case) -> tuple[LineQuantity, ...]:
    """Units that count as canceled although they were shipped."""
    return tuple(LineQuantity(line.id, line.canceled) for line in case.order.lines if line.canceled)


def _release(case: Case) -> tuple[ReleaseRefund]:
    splits = tuple(Split(each.payment_id, each.amount, each.method) for each in case.planned)
    return (ReleaseRefund(tuple(each.id for each in case.planned), splits),)


def _declined(reason: DeclineReason, change: dict[str, str], **facts: str | bool | None) -> Declined:
    return Declined(reason, (Offer.HUMAN,), because(change, **facts))
