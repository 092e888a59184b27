"""What the warehouse says about a return: its parcel was scanned in, and what was found inside."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints
from pydantic.dataclasses import dataclass as checked
from sqlalchemy import select
from sqlalchemy.orm import Session

from madoguchi.policy import effects as e
from madoguchi.policy.decisions import Approved, Decision
from madoguchi.policy.plans import Plan
from madoguchi.policy.requests import Request, RequestKind
from madoguchi.policy.vocabulary import InspectionResult, RefundMethod
from madoguchi.services import describing, letters
from madoguchi.services.desk import Desk
from madoguchi.services.settling import NOTHING, UNKNOWN, locked_order, settle, told
from madoguchi.services.views import Money
from madoguchi.services.words import STRICT, WAREHOUSE
from madoguchi.store import Order, ReturnAuthorization

type Rma = Annotated[str, StringConstraints(min_length=1, max_length=32)]


@checked(frozen=True, config=STRICT)
class ParcelScanned:
    """warehouse.parcel_scanned: the parcel of this return is here."""

    rma: Rma


@checked(frozen=True, config=STRICT)
class Inspected:
    """warehouse.inspected: the parcel of this return was opened."""

    rma: Rma
    result: InspectionResult


def parcel_scanned(session: Session, desk: Desk, key: str, event: ParcelScanned) -> str:
    """Scanned in: the refund goes that moment (rule 17)."""
    found = _locked(session, event.rma)
    return told(_receive(session, desk, key, *found)) if found else UNKNOWN


def inspected(session: Session, desk: Desk, key: str, event: Inspected) -> str:
    """Inspected: noted, and a human where it is not as expected (rule 18).

    An inspection that comes before its scan says that the parcel is here, so the scan is made good first.
    """
    found = _locked(session, event.rma)
    if found is None:
        return UNKNOWN
    authorization, order = found
    if authorization.state == "inspected":
        return NOTHING
    if authorization.state == "open":
        _receive(session, desk, f"{key}:scan", authorization, order)
    authorization.inspection = event.result.value
    session.flush()
    request = Request(RequestKind.INSPECTED, authorization_id=str(authorization.id))
    return told(settle(session, desk, request, authorization.case, order, key=key, actor=WAREHOUSE))


def _receive(session: Session, desk: Desk, key: str, authorization: ReturnAuthorization, order: Order) -> Decision:
    request = Request(RequestKind.PARCEL_SCANNED, authorization_id=str(authorization.id))
    decision = settle(session, desk, request, authorization.case, order, key=key, actor=WAREHOUSE)
    if isinstance(decision, Approved) and decision.plan.refund_amount:
        _write(session, desk, key, authorization, order, decision.plan)
    return decision


def _write(
    session: Session, desk: Desk, key: str, authorization: ReturnAuthorization, order: Order, plan: Plan
) -> None:
    """Tell the customer that the parcel is here, how much goes back, and both clocks."""
    terms = desk.terms.at(order.placed_at)
    named = tuple(effect for effect in plan.effects if isinstance(effect, e.Refund))
    lines = {part.line_id for effect in named for part in effect.lines}
    titles = [line.title for line in order.lines if str(line.id) in lines] or [order.lines[0].title]
    gift = sum(split.amount for split in plan.splits if split.method is RefundMethod.GIFT_BALANCE)
    letters.write(
        session,
        f"{key}:letter",
        "parcel_received",
        order.customer_id,
        desk.clock(),
        {
            "rma": authorization.number,
            "article": titles[0],
            "amount": Money(plan.refund_amount, plan.currency),
            "gift": Money(gift, plan.currency) if gift else None,
            **describing.clock_values(terms, desk.clock()),
        },
        order_number=order.number,
        zone=terms.calendar.zone,
    )


def _locked(session: Session, rma: str) -> tuple[ReturnAuthorization, Order] | None:
    authorization = session.scalar(select(ReturnAuthorization).where(ReturnAuthorization.number == rma))
    order = locked_order(session, authorization.order_number) if authorization is not None else None
    if authorization is None or order is None:
        return None
    session.refresh(authorization)
    return authorization, order
