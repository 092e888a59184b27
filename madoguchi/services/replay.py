"""Policy replay: what other terms would have decided on the requests of the past, and the yen between.

Each request is decided twice on the facts as they were at that moment, by the terms of then and by the new ones,
so that every difference comes from the terms alone. The facts of then are today's rows without what was written
at that moment, by the decision itself, or later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.orm import Session

from madoguchi.policy import facts as f
from madoguchi.policy.decide import decide
from madoguchi.policy.decisions import Approved, Decision
from madoguchi.policy.requests import EVENTS, RequestKind
from madoguchi.policy.terms import Terms
from madoguchi.policy.vocabulary import AuthorizationState, OrderState, RefundState
from madoguchi.services import deciding, facts
from madoguchi.services.desk import Desk
from madoguchi.services.settling import told
from madoguchi.store import Case, Intent, Membership, Order, Refund
from madoguchi.store import Decision as DecisionRow

_WISHES = frozenset(kind.value for kind in RequestKind if kind not in EVENTS)


@dataclass(frozen=True)
class Verdict:
    """A decision in short: its outcome with its reason, and the money it grants in minor units."""

    outcome: str
    amount: int


@dataclass(frozen=True)
class Replayed:
    """One request of the past with what was decided on it and what the new terms say."""

    decided_at: datetime
    order_number: str | None
    kind: str
    before: Verdict
    after: Verdict
    currency: str

    @property
    def changed(self) -> bool:
        """Whether the new terms decide otherwise."""
        return self.before != self.after


def count(desk: Desk, since: datetime) -> int:
    """Return how many requests `replay` goes through."""
    with desk.store.reading() as session:
        return session.scalar(select(func.count()).select_from(_wishes(since).subquery())) or 0


def replay(desk: Desk, new: Terms, since: datetime, on: Callable[[], None] = lambda: None) -> Iterator[Replayed]:
    """Yield every request decided since then, one decision a case, oldest first."""
    with desk.store.reading() as session:
        ids = session.scalars(_wishes(since)).all()
    for number in ids:
        with desk.store.reading() as session:
            row = session.get_one(DecisionRow, number)
            found = _replayed(session, desk, new, row)
        on()
        if found is not None:
            yield found


def _wishes(since: datetime) -> Select[int]:
    # A wish that was granted is asked about again later ("already open"): the grant is its decision.
    granted = func.max(case((DecisionRow.outcome == "approved", DecisionRow.id)))
    latest = (
        select(func.coalesce(granted, func.max(DecisionRow.id)))
        .where(DecisionRow.case_id.is_not(None), DecisionRow.outcome != "needs_fact")
        .where(DecisionRow.request["kind"].as_string().in_(_WISHES))
        .group_by(DecisionRow.case_id)
    )
    return (
        select(DecisionRow.id)
        .where(DecisionRow.id.in_(latest), DecisionRow.decided_at >= since)
        .order_by(DecisionRow.id)
    )


def _replayed(session: Session, desk: Desk, new: Terms, row: DecisionRow) -> Replayed | None:
    trouble, request, then = session.get_one(Case, row.case_id), deciding.request_from(row.request), row.decided_at
    if trouble.order_number is not None:
        order = session.get_one(Order, trouble.order_number)
        seen = _order_then(session, order, row)
        placed_at, currency = order.placed_at, order.currency
    elif trouble.membership_id is not None:
        membership = session.get_one(Membership, trouble.membership_id)
        seen = _membership_then(session, membership, then)
        placed_at, currency = membership.joined_at, new.currency
    else:
        return None
    before = decide(request, seen, desk.terms.at(placed_at), then)
    after = decide(request, seen, new, then)
    return Replayed(then, row.order_number, request.kind.value, _verdict(before), _verdict(after), currency)


def _verdict(decision: Decision) -> Verdict:
    amount = decision.plan.refund_amount if isinstance(decision, Approved) else 0
    return Verdict("approved" if isinstance(decision, Approved) else told(decision), amount)


def _order_then(session: Session, order: Order, row: DecisionRow) -> f.Facts:
    """Return the facts of an order at the moment of a decision."""
    then, now = row.decided_at, facts.of_order(session, order, row.decided_at)
    if now.order is None:
        return now
    refunds = tuple(_refund_then(each, then) for each in now.refunds if _written(session, each, then))
    authorizations = tuple(_authorization_then(each, then) for each in now.authorizations if each.created_at < then)
    inquiry = now.inquiry if now.inquiry is not None and now.inquiry.asked_at < then else None
    if inquiry is not None and inquiry.answered_at is not None and inquiry.answered_at >= then:
        inquiry = replace(inquiry, answer=None, answered_at=None)
    lines = tuple(_line_then(session, order, line, refunds, authorizations, then) for line in now.order.lines)
    return replace(
        now,
        order=replace(
            now.order,
            state=OrderState(row.receipt.get("facts", {}).get("state", now.order.state)),
            shipped_at=_until(now.order.shipped_at, then),
            delivered_at=_until(now.order.delivered_at, then),
            frozen=order.frozen_at is not None and order.frozen_at < then,
            lines=lines,
            payments=tuple(_payment_then(each, refunds, authorizations) for each in now.order.payments),
            shipping_refunded=sum(r.shipping for r in refunds)
            + sum(a.shipping for a in authorizations if a.state is AuthorizationState.OPEN),
        ),
        refunds=refunds,
        authorizations=authorizations,
        inquiry=inquiry,
        claims=f.ClaimHistory(tuple(at for at in now.claims.approved_at if at < then)),
    )


def _membership_then(session: Session, membership: Membership, then: datetime) -> f.Facts:
    now = facts.of_membership(session, membership, then)
    refunds = tuple(_refund_then(each, then) for each in now.refunds if _written(session, each, then))
    used = membership.used_at is not None and membership.used_at <= then
    known = tuple(
        replace(
            each,
            ended_at=each.ended_at if each.ended_at is not None and each.ended_at < then else None,
            ends_at=None,
            used=used,
            used_this_period=used and each.used_this_period,
            charges=tuple(
                replace(charge, payment=_payment_then(charge.payment, refunds, ()))
                for charge in each.charges
                if charge.charged_at <= then
            ),
        )
        for each in now.memberships
    )
    return replace(now, memberships=known, refunds=refunds)


def _written(session: Session, refund: f.RefundFacts, then: datetime) -> bool:
    return session.get_one(Refund, int(refund.id)).created_at < then


def _refund_then(refund: f.RefundFacts, then: datetime) -> f.RefundFacts:
    sent = refund.sent_at is not None and refund.sent_at < then
    return refund if sent else replace(refund, state=RefundState.PLANNED, sent_at=None)


def _authorization_then(authorization: f.AuthorizationFacts, then: datetime) -> f.AuthorizationFacts:
    arrived = authorization.scanned_at is not None and authorization.scanned_at < then
    return authorization if arrived else replace(authorization, state=AuthorizationState.OPEN, scanned_at=None)


def _payment_then(
    payment: f.PaymentFacts, refunds: tuple[f.RefundFacts, ...], authorizations: tuple[f.AuthorizationFacts, ...]
) -> f.PaymentFacts:
    own = [refund for refund in refunds if refund.payment_id == payment.id]
    planned = sum(refund.amount for refund in own if refund.state is RefundState.PLANNED)
    promised = sum(each.amount for each in authorizations if each.state is AuthorizationState.OPEN)
    back = sum(refund.amount for refund in own) - planned
    return replace(payment, refunded=back, reserved=min(payment.captured - back, planned + promised))


def _line_then(
    session: Session,
    order: Order,
    line: f.LineFacts,
    refunds: tuple[f.RefundFacts, ...],
    authorizations: tuple[f.AuthorizationFacts, ...],
    then: datetime,
) -> f.LineFacts:
    back = [part for refund in refunds for part in refund.lines if part.line_id == line.id]
    arrived = (each for each in authorizations if each.state is not AuthorizationState.OPEN)
    returned = sum(part.quantity for each in arrived for part in each.lines if part.line_id == line.id)
    later = (
        0 if order.canceled_at is not None and order.canceled_at < then else _canceled_later(session, order, line, then)
    )
    return replace(
        line, canceled=max(0, line.canceled - later), returned=returned, refunded=sum(part.amount for part in back)
    )


def _canceled_later(session: Session, order: Order, line: f.LineFacts, then: datetime) -> int:
    """Return how many units were canceled after that moment: all of them with the order, or those agreed to."""
    if order.canceled_at is not None and order.canceled_at >= then:
        agreed = _agreed(session, order, Intent.confirmed_at < then)
        return line.canceled - _units(agreed, line.id)
    return _units(_agreed(session, order, Intent.confirmed_at >= then), line.id)


def _agreed(session: Session, order: Order, when: ColumnElement[bool]) -> list[Intent]:
    of_order = select(Intent).join(Case).where(Case.order_number == order.number, when)
    return list(session.scalars(of_order.where(Intent.recovery_point.not_in(("proposed", "dropped")))))


def _units(intents: list[Intent], line_id: str) -> int:
    effects = [effect for intent in intents for effect in intent.plan["effects"] if effect["type"] == "cancel_lines"]
    return sum(part["quantity"] for effect in effects for part in effect["lines"] if part["line_id"] == line_id)


def _until(moment: datetime | None, then: datetime) -> datetime | None:
    return moment if moment is not None and moment <= then else None
