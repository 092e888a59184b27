"""Events from outside: warehouse, carrier, seller and processor tell the desk what happened, each under an id.

One transaction an event: its id is taken, what it says is done by the policy's word, and the outcome is kept
beside it. The same id again gives the same outcome and does nothing; an event that comes late, twice under two
ids, or before the one it follows, changes only what is still true.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from madoguchi.services import outbox
from madoguchi.services.arrivals import Inspected, ParcelScanned, inspected, parcel_scanned
from madoguchi.services.desk import Desk
from madoguchi.services.settlements import RefundFailed, RefundSettled, refund_failed, refund_settled
from madoguchi.services.signing_out import SignedOut, signed_out
from madoguchi.services.words import (
    Canceled,
    Delivered,
    SellerAnswered,
    Shipped,
    carrier_delivered,
    seller_answered,
    warehouse_canceled,
    warehouse_shipped,
)
from madoguchi.store import IncomingEvent

type Handler = Callable[[Session, Desk, str, Any], str]

KINDS: dict[str, tuple[TypeAdapter[Any], Handler]] = {
    "warehouse.canceled": (TypeAdapter(Canceled), warehouse_canceled),
    "warehouse.shipped": (TypeAdapter(Shipped), warehouse_shipped),
    "warehouse.parcel_scanned": (TypeAdapter(ParcelScanned), parcel_scanned),
    "warehouse.inspected": (TypeAdapter(Inspected), inspected),
    "carrier.delivered": (TypeAdapter(Delivered), carrier_delivered),
    "seller.answer": (TypeAdapter(SellerAnswered), seller_answered),
    "shop.signed_out": (TypeAdapter(SignedOut), signed_out),
    "processor.refund_settled": (TypeAdapter(RefundSettled), refund_settled),
    "processor.refund_failed": (TypeAdapter(RefundFailed), refund_failed),
}
ID_LENGTH = 80


@dataclass(frozen=True)
class Applied:
    """What became of an event; `duplicate` where the same one had been taken in before.

    Outcomes: done, nothing_to_do, unknown_subject, declined:<reason>, human:<reason>, wait:<reason>.
    """

    outcome: str
    duplicate: bool = False


@dataclass(frozen=True)
class Rejected:
    """The event says nothing that can be understood: unknown_kind, bad_id, bad_payload, changed_content."""

    reason: str


def apply(desk: Desk, event_id: str, kind: str, payload: dict[str, Any]) -> Applied | Rejected:
    """Take in one event; `event_id` is the sender's own name for it, kept so that it is never done twice."""
    if kind not in KINDS:
        return Rejected("unknown_kind")
    if not 0 < len(event_id) <= ID_LENGTH:
        return Rejected("bad_id")
    adapter, handle = KINDS[kind]
    try:
        told = adapter.validate_python(payload)
    except ValidationError:
        return Rejected("bad_payload")
    calls: list[str] = []
    try:
        outcome = _apply(desk, event_id, kind, payload, lambda s, key: handle(s, desk, key, told), calls)
    except IntegrityError:
        # On PostgreSQL a rival with the same id may have committed in between; its outcome is ours.
        known = _known(desk, event_id, kind, payload)
        if known is None:
            raise
        return known
    outbox.send_these(desk, calls)
    return outcome


def key_of(event_id: str) -> str:
    """Return the key under which an event's effects are performed."""
    return f"event:{event_id}"


def _apply(
    desk: Desk,
    event_id: str,
    kind: str,
    payload: dict[str, Any],
    handle: Callable[[Session, str], str],
    calls: list[str],
) -> Applied | Rejected:
    """Do what the event says in one transaction, and add the keys of the calls to the outside that it leaves."""
    with desk.store.writing() as session:
        row = session.get(IncomingEvent, event_id)
        if row is not None:
            return _again(row, kind, payload)
        row = IncomingEvent(id=event_id, kind=kind, payload=payload, outcome="taken", received_at=desk.clock())
        session.add(row)
        session.flush()
        before = outbox.newest(session)
        row.outcome = handle(session, key_of(event_id))
        session.flush()
        calls += outbox.keys_after(session, before)
        return Applied(row.outcome)


def _known(desk: Desk, event_id: str, kind: str, payload: dict[str, Any]) -> Applied | Rejected | None:
    with desk.store.reading() as session:
        row = session.get(IncomingEvent, event_id)
        return None if row is None else _again(row, kind, payload)


def _again(row: IncomingEvent, kind: str, payload: dict[str, Any]) -> Applied | Rejected:
    if (row.kind, row.payload) != (kind, payload):
        return Rejected("changed_content")
    return Applied(row.outcome, duplicate=True)
