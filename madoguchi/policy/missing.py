"""Which facts each kind of request cannot be decided without (rule 20)."""

from madoguchi.policy.case import Case
from madoguchi.policy.requests import RETURNS, RequestKind
from madoguchi.policy.vocabulary import OrderState

_MEMBERSHIP = frozenset({RequestKind.ACCIDENTAL_SIGNUP, RequestKind.LEAVE_MEMBERSHIP})
_PARCELS = frozenset({RequestKind.INSPECTED, RequestKind.RETURN_OVERDUE})
_WITHDRAWN = frozenset({RequestKind.WITHDRAW})


def missing_facts(case: Case) -> tuple[str, ...]:
    """The names of the facts this request needs and the store does not have."""
    if case.kind in _MEMBERSHIP:
        return _of_the_membership(case)
    if case.facts.order is None:
        return () if case.kind in _WITHDRAWN and case.facts.memberships else ("order",)
    return (*_of_the_order(case), *_of_the_kind(case))


def _of_the_membership(case: Case) -> tuple[str, ...]:
    memberships = case.facts.memberships
    if not memberships:
        return ("membership",)
    other = any(each.currency != case.terms.currency for each in memberships)
    return ("currency",) if other else ()


def _of_the_order(case: Case) -> tuple[str, ...]:
    order = case.order
    promised = [*(each.lines for each in case.facts.authorizations), *(each.lines for each in case.facts.refunds)]
    named = {part.line_id for lines in promised for part in lines}
    names = {
        "lines": not order.lines or not named <= {line.id for line in order.lines},
        "payments": not order.payments,
        "currency": order.currency != case.terms.currency,
    }
    return tuple(name for name, missing in names.items() if missing)


def _of_the_kind(case: Case) -> tuple[str, ...]:
    order, kind = case.order, case.kind
    timed = kind in RETURNS and case.terms.returns.window_days is not None
    delivered = order.state is OrderState.DELIVERED and order.delivered_at is None
    undated = not any(shipment.delivered_at for shipment in order.shipments)
    late = kind is RequestKind.NOT_DELIVERED
    open_state = order.state not in (OrderState.DELIVERED, OrderState.CANCELED)
    answered = case.facts.inquiry is not None and case.facts.inquiry.answer is not None
    authorization = case.authorization
    names = {
        "delivered_at": delivered and ((timed and undated) or late),
        "promised_on": late and open_state and not order.marked_delivered and order.promised_on is None,
        "answer": kind is RequestKind.SELLER_ANSWER and not answered,
        "authorization": kind in _PARCELS and authorization is None,
        "inspection": kind is RequestKind.INSPECTED and authorization is not None and authorization.inspection is None,
    }
    return tuple(name for name, missing in names.items() if missing)
