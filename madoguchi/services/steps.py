"""The steps a case goes through, by what was agreed: a return, a cancellation, a question to a seller, a membership."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from madoguchi.store import Case, GuaranteeClaim, Inquiry, Membership, Order, Refund, ReturnAuthorization

ACCEPTED, REFUNDED, ARRIVED_MONEY, TOLD = "accepted", "refunded", "settled", "told"
DONE, NOW, TODO, STOPPED = "done", "now", "todo", "stopped"
FLOWS: dict[str, tuple[str, ...]] = {
    "return": (ACCEPTED, "sent_back", "parcel_arrived", REFUNDED, ARRIVED_MONEY),
    "refuse_parcel": (ACCEPTED, "refused_at_door", "parcel_arrived", REFUNDED, ARRIVED_MONEY),
    "seller": (ACCEPTED, "seller_answer", REFUNDED, ARRIVED_MONEY),
    "conflict": (ACCEPTED, "seller_answer", TOLD),
    "cancel_request": (ACCEPTED, "warehouse_answer", REFUNDED, ARRIVED_MONEY),
    "cancel": (ACCEPTED, "canceled", REFUNDED, ARRIVED_MONEY),
    "membership": (ACCEPTED, "left", REFUNDED, ARRIVED_MONEY),
    "refund": (ACCEPTED, REFUNDED, ARRIVED_MONEY),
    "closed": (ACCEPTED, TOLD),
}
"""Which steps each kind of case has, in order."""


@dataclass(frozen=True)
class Step:
    """One step: `state` is done, now, todo, or stopped where a human looks at it; `at` when it was done."""

    code: str
    state: str
    at: datetime | None = None


@dataclass(frozen=True)
class Rows:
    """What the store holds about one case; what was taken back is not among it."""

    case: Case
    order: Order | None
    membership: Membership | None
    authorization: ReturnAuthorization | None
    refunds: Sequence[Refund]
    inquiry: Inquiry | None
    claim: GuaranteeClaim | None

    @classmethod
    def of(cls, session: Session, case: Case) -> Rows:
        """Read them."""
        returns = select(ReturnAuthorization).where(
            ReturnAuthorization.case_id == case.id, ReturnAuthorization.state.in_(("open", "received", "inspected"))
        )
        refunds = select(Refund).where(Refund.case_id == case.id, Refund.state != "voided")
        claims = select(GuaranteeClaim).where(
            GuaranteeClaim.order_number == case.order_number, GuaranteeClaim.state == "granted"
        )
        claim = session.scalar(claims.limit(1)) if case.order_number is not None else None
        # The guarantee's own case goes on with the question that another case had put to the seller.
        asked = Inquiry.order_number == case.order_number if claim is not None else Inquiry.case_id == case.id
        inquiries = select(Inquiry).where(asked, Inquiry.state != "replaced")
        return cls(
            case=case,
            order=case.order,
            membership=session.get(Membership, case.membership_id) if case.membership_id is not None else None,
            authorization=session.scalar(returns.order_by(ReturnAuthorization.id.desc()).limit(1)),
            refunds=session.scalars(refunds.options(joinedload(Refund.payment)).order_by(Refund.id)).all(),
            inquiry=session.scalar(inquiries.order_by(Inquiry.id.desc()).limit(1)),
            claim=claim,
        )


def kind_of(rows: Rows) -> str | None:
    """Return which flow the case follows; None where there is nothing to show."""
    if rows.claim is not None and rows.claim.case_id != rows.case.id:
        return None  # the guarantee's own case tells of it
    if rows.authorization is not None:
        return "refuse_parcel" if rows.authorization.route == "refuse_at_door" else "return"
    if rows.inquiry is not None:
        return "seller" if rows.refunds or rows.claim else "conflict"
    if rows.membership is not None and rows.refunds:
        return "membership"
    if rows.order is not None and rows.case.kind == "cancel":
        if rows.order.cancel_request is not None:
            return "cancel_request"
        if rows.refunds or rows.order.canceled_at is not None:
            return "cancel"
    if rows.refunds or rows.claim:
        return "refund"
    return "closed" if rows.case.state == "closed" and rows.case.closed_at is not None else None


def of(kind: str, rows: Rows) -> tuple[Step, ...]:
    """Return the flow's steps, each done, to come, or the one the case is at."""
    done = {
        ACCEPTED: _accepted(rows),
        "canceled": _canceled(rows),
        "left": rows.refunds[0].created_at if rows.refunds else None,
        "seller_answer": _answered(rows),
        TOLD: rows.case.closed_at,
        REFUNDED: _sent(rows),
        ARRIVED_MONEY: _settled(rows),
    }
    arrived = rows.authorization.received_at if rows.authorization else None
    done |= {"sent_back": arrived, "refused_at_door": arrived, "parcel_arrived": arrived}
    found: list[Step] = []
    for code in FLOWS[kind]:
        before = all(step.state == DONE for step in found)
        at = done.get(code)
        found.append(Step(code, DONE, at) if at is not None and before else Step(code, NOW if before else TODO))
    return tuple(_stopped(step, rows) for step in found)


def _stopped(step: Step, rows: Rows) -> Step:
    failed = any(refund.state == "failed" for refund in rows.refunds)
    return replace(step, state=STOPPED) if step.code == REFUNDED and step.state == NOW and failed else step


def _accepted(rows: Rows) -> datetime:
    if rows.authorization is not None:
        return rows.authorization.created_at
    if rows.inquiry is not None:
        return rows.inquiry.asked_at
    request = rows.order.cancel_request if rows.order is not None else None
    if request is not None:
        return datetime.fromisoformat(request["at"])
    return min((refund.created_at for refund in rows.refunds), default=rows.case.opened_at)


def _canceled(rows: Rows) -> datetime | None:
    """When it was canceled; a part of an order bears no time of its own, but its refund does."""
    if rows.order is not None and rows.order.canceled_at is not None:
        return rows.order.canceled_at
    return min((refund.created_at for refund in rows.refunds), default=None)


def _answered(rows: Rows) -> datetime | None:
    """When the seller's part was over: by an answer, or by the guarantee that stood in for one."""
    if rows.inquiry is None or rows.inquiry.state == "open":
        return None
    return rows.inquiry.answered_at or (rows.claim.granted_at if rows.claim else rows.inquiry.deadline)


def _sent(rows: Rows) -> datetime | None:
    if rows.claim is not None and not rows.refunds:
        return rows.claim.granted_at
    times = [refund.sent_at for refund in rows.refunds if refund.state in ("sent", "settled")]
    known = [at for at in times if at is not None]
    return max(known) if known and len(known) == len(rows.refunds) else None


def _settled(rows: Rows) -> datetime | None:
    if rows.claim is not None and not rows.refunds:
        return rows.claim.granted_at
    known = [refund.settled_at for refund in rows.refunds if refund.settled_at is not None]
    return max(known) if known and len(known) == len(rows.refunds) else None
