"""Money: refunds, the double-entry ledger, and the outbox of calls to the outside.

A ledger entry moves one amount from one account to another in one row, so an unbalanced entry cannot be
written down at all. Rows of the ledger are never changed or deleted (`guards.py`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from madoguchi.store.base import Base, Id
from madoguchi.store.shop import Payment


class Refund(Base):
    """Money on its way back to a customer, from one payment to one destination.

    States: planned (promised, not yet released) → pending (released; the outbox has the call) → sent
    (the processor has it) → settled; or failed (a human looks at it), or voided (never to be sent).
    All but voided ones count against what was captured.
    """

    __tablename__ = "refunds"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(String(160), unique=True)
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"), index=True)
    authorization_id: Mapped[int | None] = mapped_column(ForeignKey("return_authorizations.id"), index=True)
    order_number: Mapped[str | None] = mapped_column(ForeignKey("orders.number"), index=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payments.id"), index=True)
    amount: Mapped[int]
    destination: Mapped[str] = mapped_column(String(24))  # original_payment | gift_balance | bank_transfer
    account_reference: Mapped[str | None] = mapped_column(ForeignKey("accounts.reference"))  # where it goes to
    charge_id: Mapped[int | None] = mapped_column(ForeignKey("membership_charges.id"), index=True)
    lines: Mapped[list[Any]] = mapped_column(default=list)  # units and amounts it pays for; first row of a split
    shipping: Mapped[int] = mapped_column(default=0)  # outbound postage within it; first row of a split
    reason: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(12))
    processor_reference: Mapped[str | None] = mapped_column(String(80))
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]

    payment: Mapped[Payment] = relationship()

    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("state IN ('planned', 'pending', 'sent', 'settled', 'failed', 'voided')", name="state"),
        CheckConstraint("destination IN ('original_payment', 'gift_balance', 'bank_transfer')", name="destination"),
    )


class LedgerEntry(Base):
    """One amount moved from the account `credit` to the account `debit`."""

    __tablename__ = "ledger"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(String(160), unique=True)
    debit: Mapped[str] = mapped_column(String(80), index=True)
    credit: Mapped[str] = mapped_column(String(80), index=True)
    amount: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3), default="JPY")
    reason: Mapped[str] = mapped_column(String(40))
    booked_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("debit <> credit", name="two_accounts"),
    )


class OutboxCall(Base):
    """A call to the outside that a committed transaction promised; the worker makes it until it is done."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(String(160), unique=True)
    kind: Mapped[str] = mapped_column(String(24))  # card_refund | bank_transfer | mail
    subject: Mapped[str] = mapped_column(String(80))  # the refund's or notice's id
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[str] = mapped_column(String(8), default="ready")  # ready | done | failed
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(String(200))

    __table_args__ = (
        CheckConstraint("state IN ('ready', 'done', 'failed')", name="state"),
        Index("ix_outbox_due", "state", "due_at"),
    )
