"""The shop's word that a customer's sessions are over: signed out everywhere, or their password was changed."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from madoguchi.services.desk import Desk
from madoguchi.store import Customer, CustomerSession


@dataclass(frozen=True)
class SignedOut:
    """The customer, by the shop's own id."""

    customer: str


def signed_out(session: Session, desk: Desk, _key: str, event: SignedOut) -> str:
    """End every session of the customer; open streams notice within a second."""
    customer_id = session.scalar(select(Customer.id).where(Customer.reference == event.customer))
    if customer_id is None:
        return "unknown_subject"
    ended = session.execute(
        update(CustomerSession)
        .where(CustomerSession.customer_id == customer_id, CustomerSession.ended_at.is_(None))
        .values(ended_at=desk.clock())
    )
    assert isinstance(ended, CursorResult)
    return "done" if ended.rowcount else "nothing_to_do"
