"""The double-entry ledger: every yen that moves is one entry between two accounts, under a key of its own."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from madoguchi.store import LedgerEntry

SALES = "sales"
PAYABLE = "payable:refunds"  # promised and released, not yet with the processor
GUARANTEE = "cost:guarantee"


def cash(method: str) -> str:
    """Return the account of the money that comes and goes by one method of payment."""
    return f"cash:{method}"


def post(
    session: Session, key: str, *, debit: str, credit: str, amount: int, currency: str, reason: str, at: datetime
) -> None:
    """Move `amount` from `credit` to `debit`; the key can be used once."""
    session.add(
        LedgerEntry(key=key, debit=debit, credit=credit, amount=amount, currency=currency, reason=reason, booked_at=at)
    )
    session.flush()
