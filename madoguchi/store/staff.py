"""The staff's side: accounts and sessions, what people did with conversations, approvals, and saved figures."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from madoguchi.store.base import Base, Id
from madoguchi.store.cases import AuditRow, Case, Inquiry
from madoguchi.store.conversations import Conversation, Message
from madoguchi.store.money import Refund
from madoguchi.store.shop import Order, Payment


class Staff(Base):
    """A person who works at the desk. An account is never deleted, so that the audit stays readable."""

    __tablename__ = "staff"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    login: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(60))  # what colleagues and customers read
    role: Mapped[str] = mapped_column(String(8))  # agent | lead | trainer | admin
    password_hash: Mapped[str] = mapped_column(String(200))
    must_change: Mapped[bool] = mapped_column(default=True)  # the password was given by somebody else
    totp_secret: Mapped[str | None] = mapped_column(String(64))
    totp_used: Mapped[int] = mapped_column(default=0)  # the last time step whose code was accepted
    failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (CheckConstraint("role IN ('agent', 'lead', 'trainer', 'admin')", name="role"),)


class StaffSession(Base):
    """A signed-in browser; the cookie holds the secret, the row its hash."""

    __tablename__ = "staff_sessions"

    secret_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    opened_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    staff: Mapped[Staff] = relationship()


class Handling(Base):
    """One time that a human dealt with a conversation, from the handoff to giving it up."""

    __tablename__ = "handlings"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"), index=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    reason: Mapped[str | None] = mapped_column(String(60))  # of the handoff; None where nobody had called
    waiting_since: Mapped[datetime | None]
    promised_at: Mapped[datetime | None]
    taken_at: Mapped[datetime] = mapped_column(index=True)
    first_word_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ending: Mapped[str | None] = mapped_column(String(12))  # closed | given_back | passed_on | reopened

    staff: Mapped[Staff] = relationship()

    __table_args__ = (
        Index(
            "uq_handlings_one_running",
            "conversation_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )


class Snooze(Base):
    """A conversation put aside until a time, or until something happens to it."""

    __tablename__ = "snoozes"

    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"), primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    until: Mapped[datetime | None]
    event: Mapped[str | None] = mapped_column(String(16))  # seller_answers | parcel_arrives | refund_arrives
    last_message_id: Mapped[int]  # a later one of the customer's always wakes it
    set_at: Mapped[datetime]


class CannedReply(Base):
    """A reply that is written often; {…} in its text are placeholders."""

    __tablename__ = "canned_replies"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    title: Mapped[str] = mapped_column(String(80), unique=True)
    body: Mapped[str] = mapped_column(Text)
    used: Mapped[int] = mapped_column(default=0)
    retired: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}


class Approval(Base):
    """An act over what one person may decide alone: asked for by one, decided by another, performed once."""

    __tablename__ = "approvals"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    intent_key: Mapped[str] = mapped_column(ForeignKey("intents.key"), unique=True)
    conversation_id: Mapped[str | None] = mapped_column(ForeignKey("conversations.id"), index=True)
    asked_by: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    reason: Mapped[str] = mapped_column(Text)
    amount: Mapped[int]
    state: Mapped[str] = mapped_column(String(10), default="waiting", index=True)
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    words: Mapped[str | None] = mapped_column(Text)
    asked_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'performed', 'refused', 'outdated')", name="state"),
        CheckConstraint("decided_by IS NULL OR decided_by <> asked_by", name="two_people"),
    )


class IntentReport(Base):
    """An agent's word that a message was understood wrongly; the trainers see it."""

    __tablename__ = "intent_reports"

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    intent: Mapped[str | None] = mapped_column(String(60))  # as it was understood
    at: Mapped[datetime]
    settled_at: Mapped[datetime | None]  # a trainer has dealt with it


class CallClaim(Base):
    """Who makes a booked call."""

    __tablename__ = "call_claims"

    callback_id: Mapped[int] = mapped_column(ForeignKey("callbacks.id"), primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    claimed_at: Mapped[datetime]

    staff: Mapped[Staff] = relationship()


class CallAttempt(Base):
    """One call that was made, and what came of it."""

    __tablename__ = "call_attempts"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    callback_id: Mapped[int] = mapped_column(ForeignKey("callbacks.id"), index=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    result: Mapped[str] = mapped_column(String(12))  # reached | no_answer | wrong_number
    words: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime]

    __table_args__ = (CheckConstraint("result IN ('reached', 'no_answer', 'wrong_number')", name="result"),)


class SavedFigures(Base):
    """The figures of one day that is over, counted once."""

    __tablename__ = "saved_figures"

    day: Mapped[date] = mapped_column(primary_key=True)
    figures: Mapped[dict[str, Any]]
    counted_at: Mapped[datetime]


# What the desk's lists and figures look for, in tables that others describe.
Index("ix_conversations_owner_promised", Conversation.owner, Conversation.promised_at, Conversation.id)
Index(
    "ix_conversations_reason",
    Conversation.owner,
    Conversation.handoff_reason,
    Conversation.last_at,
    Conversation.id,
)
Index("ix_conversations_agent", Conversation.agent, Conversation.owner, Conversation.last_at)
Index("ix_conversations_opened_at", Conversation.opened_at)
Index("ix_conversations_last_at", Conversation.last_at)
Index("ix_conversations_flagged", Conversation.flagged, Conversation.owner, Conversation.last_at, Conversation.id)
Index(
    "ix_cases_flagged",
    Case.conversation_id,
    Case.state,
    sqlite_where=text("flagged = 1"),
    postgresql_where=text("flagged"),
)
Index("ix_messages_intent", Message.intent, Message.conversation_id)
Index("ix_orders_state", Order.state, Order.number)
Index(
    "ix_orders_frozen",
    Order.number,
    sqlite_where=Order.frozen_at.is_not(None),
    postgresql_where=Order.frozen_at.is_not(None),
)
Index("ix_payments_captured", Payment.captured, Payment.order_number)
Index(
    "ix_inquiries_open", Inquiry.case_id, sqlite_where=text("state = 'open'"), postgresql_where=text("state = 'open'")
)
Index("ix_refunds_created_at", Refund.created_at)
Index("ix_inquiries_answered_at", Inquiry.answered_at)
Index("ix_audit_at", AuditRow.at)
