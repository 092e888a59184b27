"""Where a bank transfer goes: the sealed account of its case, opened for the one call that needs it."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from madoguchi.payments import Payee
from madoguchi.services.desk import Desk
from madoguchi.store import BankAccount, Refund


def of(desk: Desk, session: Session, refund: Refund) -> Payee | None:
    """Return the account of a refund's case; None while none was given. Raises sealing.CannotOpen."""
    given = select(BankAccount).where(BankAccount.case_id == refund.case_id, BankAccount.sealed != "")
    row = session.scalar(given.order_by(BankAccount.id.desc()).limit(1))
    if row is None or desk.seal is None:
        return None
    return Payee(**desk.seal.open(owner(row.customer_id), row.sealed))


def owner(customer_id: int) -> str:
    """Return the name under which a customer's account is sealed."""
    return f"customer:{customer_id}"
