"""What warehouse, carrier and seller say about an order: canceled, shipped, delivered, an answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, ConfigDict, StringConstraints
from pydantic.dataclasses import dataclass as checked
from sqlalchemy import select
from sqlalchemy.orm import Session

from madoguchi.policy.decisions import Approved
from madoguchi.policy.requests import Request, RequestKind
from madoguchi.policy.vocabulary import SellerAnswer
from madoguchi.services import handoffs
from madoguchi.services.desk import Desk
from madoguchi.services.settling import NOTHING, UNKNOWN, case_of, contradicted, locked_order, settle, told
from madoguchi.store import Case, Inquiry, Order, Shipment

type Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]
type LongText = Annotated[str, StringConstraints(max_length=4000)]
STRICT = ConfigDict(extra="forbid")
WAREHOUSE, CARRIER, SELLER = "outside:warehouse", "outside:carrier", "outside:seller"


@checked(frozen=True, config=STRICT)
class Canceled:
    """warehouse.canceled: the order will not leave."""

    order: Text


@checked(frozen=True, config=STRICT)
class Shipped:
    """warehouse.shipped: a parcel of the order has left."""

    order: Text
    carrier: Annotated[str, StringConstraints(max_length=60)] = ""
    tracking: Annotated[str, StringConstraints(max_length=40)] = ""
    at: AwareDatetime | None = None


@checked(frozen=True, config=STRICT)
class Delivered:
    """carrier.delivered: the order's parcels are with the customer."""

    order: Text
    at: AwareDatetime | None = None


@checked(frozen=True, config=STRICT)
class SellerAnswered:
    """seller.answer: the seller's word on the question about the order."""

    order: Text
    answer: SellerAnswer
    text: LongText = ""


def warehouse_canceled(session: Session, desk: Desk, key: str, event: Canceled) -> str:
    """The warehouse's word, canceled: the refund goes (rule 2)."""
    order = locked_order(session, event.order)
    if order is None:
        return UNKNOWN
    request = Request(RequestKind.WAREHOUSE_CANCELED)
    case = case_of(session, order, request.kind, desk.clock())
    return told(settle(session, desk, request, case, order, key=key, actor=WAREHOUSE))


def warehouse_shipped(session: Session, desk: Desk, key: str, event: Shipped) -> str:
    """The warehouse's word, shipped: as planned, after all (rule 2), or against an earlier word (rule 13)."""
    order = locked_order(session, event.order)
    if order is None:
        return UNKNOWN
    at = _happened(event.at, desk.clock())
    new_parcel = _note_parcel(session, order, event, at)
    if order.state in ("shipped", "delivered"):
        order.shipped_at = min(order.shipped_at or at, at)
        return "done" if new_parcel else NOTHING
    return _left(session, desk, key, order, at, WAREHOUSE)


def carrier_delivered(session: Session, desk: Desk, key: str, event: Delivered) -> str:
    """The carrier's word, delivered; an order that never was reported as shipped has left all the same."""
    order = locked_order(session, event.order)
    if order is None:
        return UNKNOWN
    at = _happened(event.at, desk.clock())
    if order.state == "delivered":
        return NOTHING
    for parcel in order.shipments:
        parcel.delivered_at = parcel.delivered_at or max(at, parcel.shipped_at)
    outcome = "done" if order.state == "shipped" else _left(session, desk, key, order, at, CARRIER)
    if order.state == "shipped":
        order.state, order.delivered_at = "delivered", at
    return outcome


def seller_answered(session: Session, desk: Desk, key: str, event: SellerAnswered) -> str:
    """The seller's answer settles the open question; a late one goes to a human (rules 13 to 15)."""
    order = locked_order(session, event.order)
    inquiry = session.scalar(
        select(Inquiry).where(Inquiry.order_number == event.order).order_by(Inquiry.id.desc()).limit(1)
    )
    if order is None or inquiry is None:
        return UNKNOWN
    if inquiry.state != "open":
        return _late_answer(session, desk, inquiry, event)
    inquiry.answer, inquiry.answer_text, inquiry.answered_at = event.answer.value, event.text, desk.clock()
    session.flush()
    request, case = Request(RequestKind.SELLER_ANSWER), session.get_one(Case, inquiry.case_id)
    decision = settle(session, desk, request, case, order, key=key, actor=SELLER)
    if isinstance(decision, Approved) and event.answer is SellerAnswer.SHIPPED_IN_ERROR:
        _has_left(order, desk.clock())
    return told(decision)


def _late_answer(session: Session, desk: Desk, inquiry: Inquiry, event: SellerAnswered) -> str:
    """Keep what the seller said after the question was settled; no money follows it without a human."""
    if inquiry.answer == event.answer.value:
        return NOTHING
    inquiry.answer_text = f"{inquiry.answer_text or ''}\n{event.answer.value}: {event.text}".strip()
    handoffs.hand_over_case(session, desk, session.get_one(Case, inquiry.case_id), "seller_answered_late")
    return "human:seller_answered_late"


def _left(session: Session, desk: Desk, key: str, order: Order, at: datetime, actor: str) -> str:
    """Settle that an order left that was not known to have: plainly, after all, or in contradiction."""
    asked = order.state == "cancel_requested" and order.seller_id is not None
    if order.state == "canceled" or asked:
        return contradicted(session, desk, order, key=key, actor=actor)
    if order.state == "cancel_requested":
        request = Request(RequestKind.WAREHOUSE_SHIPPED)
        case = case_of(session, order, request.kind, desk.clock())
        decision = settle(session, desk, request, case, order, key=key, actor=actor)
        if not isinstance(decision, Approved):
            return told(decision)
    _has_left(order, at)
    return "done"


def _has_left(order: Order, at: datetime) -> None:
    order.shipped_at = order.shipped_at or at
    if order.state not in ("canceled", "delivered"):
        order.state, order.cancel_request = "shipped", None


def _happened(word: datetime | None, now: datetime) -> datetime:
    """Return when something happened by the sender's word, never in the future by our own clock."""
    return now if word is None else min(word, now)


def _note_parcel(session: Session, order: Order, event: Shipped, at: datetime) -> bool:
    if any(parcel.tracking == event.tracking for parcel in order.shipments):
        return False
    parcel = Shipment(carrier=event.carrier, tracking=event.tracking, shipped_at=at, delivered_at=order.delivered_at)
    order.shipments.append(parcel)
    session.flush()
    return True
