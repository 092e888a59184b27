"""Cases: one trouble of one customer, from the first message to closed, and all that belongs to it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from madoguchi.store.base import Base, Id
from madoguchi.store.shop import Customer, Order


class Case(Base):
    """One trouble of one customer."""

    __tablename__ = "cases"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    reference: Mapped[str] = mapped_column(String(32), unique=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    conversation_id: Mapped[str | None] = mapped_column(String(36), index=True)
    order_number: Mapped[str | None] = mapped_column(ForeignKey("orders.number"), index=True)
    membership_id: Mapped[int | None] = mapped_column(ForeignKey("memberships.id"), index=True)
    kind: Mapped[str] = mapped_column(String(32))  # a request kind of the policy
    state: Mapped[str] = mapped_column(String(12), default="open")  # open | with_agent | closed
    flagged: Mapped[bool] = mapped_column(default=False)  # on the agents' watch list
    outcome: Mapped[str | None] = mapped_column(String(60))
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    customer: Mapped[Customer] = relationship()
    order: Mapped[Order | None] = relationship()

    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (CheckConstraint("state IN ('open', 'with_agent', 'closed')", name="state"),)


class Intent(Base):
    """What a customer was offered and said yes to: the plan, its key, and how far it has been carried out."""

    __tablename__ = "intents"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    request: Mapped[dict[str, Any]]
    plan: Mapped[dict[str, Any]]
    receipt: Mapped[dict[str, Any]]
    fingerprint: Mapped[str] = mapped_column(String(64))
    recovery_point: Mapped[str] = mapped_column(String(12), default="proposed")
    result: Mapped[dict[str, Any] | None]
    proposed_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    case: Mapped[Case] = relationship()

    __table_args__ = (
        CheckConstraint(
            "recovery_point IN ('proposed', 'confirmed', 'canceled', 'refund_sent', 'reordered', 'finished',"
            " 'dropped')",
            name="recovery_point",
        ),
        Index("ix_intents_unfinished", "recovery_point", "confirmed_at"),
    )


class Effect(Base):
    """One effect that was performed; its key makes a second performance impossible."""

    __tablename__ = "effects"

    key: Mapped[str] = mapped_column(String(160), primary_key=True)  # "<intent's or event's key>:<number>:<kind>"
    kind: Mapped[str] = mapped_column(String(40))
    performed_at: Mapped[datetime]


class Decision(Base):
    """A decision receipt: what was decided, by which rule, on which facts, and what would have changed it."""

    __tablename__ = "decisions"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"), index=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))
    order_number: Mapped[str | None] = mapped_column(String(32), index=True)
    request: Mapped[dict[str, Any]]
    outcome: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(60))
    receipt: Mapped[dict[str, Any]]
    decided_at: Mapped[datetime] = mapped_column(index=True)

    case: Mapped[Case | None] = relationship()


class ReturnAuthorization(Base):
    """Leave to send articles back (RMA), with who pays and what will be refunded at the scan."""

    __tablename__ = "return_authorizations"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    number: Mapped[str] = mapped_column(String(32), unique=True)
    intent_key: Mapped[str | None] = mapped_column(ForeignKey("intents.key"), unique=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    order_number: Mapped[str] = mapped_column(ForeignKey("orders.number"), index=True)
    state: Mapped[str] = mapped_column(String(12), default="open")
    payer: Mapped[str] = mapped_column(String(8))
    route: Mapped[str] = mapped_column(String(16), default="send_back")  # send_back | refuse_at_door
    reason: Mapped[str] = mapped_column(String(40))
    lines: Mapped[list[Any]]  # units and the money that belongs to them
    splits: Mapped[list[Any]]  # what is promised from which payment
    shipping: Mapped[int] = mapped_column(default=0)  # outbound postage promised back with it
    method: Mapped[str | None] = mapped_column(String(24))  # the customer's wish
    account_reference: Mapped[str | None] = mapped_column(String(80))
    exchange: Mapped[bool] = mapped_column(default=False)
    refund_amount: Mapped[int]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    reminded_at: Mapped[datetime | None]
    received_at: Mapped[datetime | None]
    inspected_at: Mapped[datetime | None]
    inspection: Mapped[str | None] = mapped_column(String(24))  # a policy InspectionResult
    version: Mapped[int] = mapped_column(default=1)

    case: Mapped[Case] = relationship()
    order: Mapped[Order] = relationship()
    units: Mapped[list[ReturnUnit]] = relationship(back_populates="authorization", order_by="ReturnUnit.id")

    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (
        CheckConstraint("state IN ('open', 'received', 'inspected', 'expired', 'withdrawn')", name="state"),
        CheckConstraint("payer IN ('shop', 'customer', 'nobody')", name="payer"),
        CheckConstraint("refund_amount >= 0", name="refund_not_negative"),
    )


class ReturnUnit(Base):
    """One single article of a line under an authorization; at most one open return of it can exist."""

    __tablename__ = "return_units"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    authorization_id: Mapped[int] = mapped_column(ForeignKey("return_authorizations.id"), index=True)
    line_id: Mapped[int] = mapped_column(ForeignKey("order_lines.id"), index=True)
    unit: Mapped[int]  # 0 .. quantity - 1
    taken: Mapped[bool] = mapped_column(default=True)  # false once expired or withdrawn: free for another

    authorization: Mapped[ReturnAuthorization] = relationship(back_populates="units")

    __table_args__ = (
        CheckConstraint("unit >= 0", name="unit_not_negative"),
        Index(
            "uq_return_units_one_open",
            "line_id",
            "unit",
            unique=True,
            sqlite_where=text("taken"),
            postgresql_where=text("taken"),
        ),
    )


class Inquiry(Base):
    """A question to a marketplace seller, with the clock the customer sees."""

    __tablename__ = "inquiries"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    order_number: Mapped[str] = mapped_column(ForeignKey("orders.number"), index=True)
    seller_id: Mapped[int] = mapped_column(ForeignKey("sellers.id"))
    subject: Mapped[str] = mapped_column(String(32))  # stockout | conflict
    state: Mapped[str] = mapped_column(String(12), default="open")  # open | answered | replaced | closed
    asked_at: Mapped[datetime]
    deadline: Mapped[datetime]
    answer: Mapped[str | None] = mapped_column(String(24))  # canceled | shipped_in_error | delivered_fine | ...
    answer_text: Mapped[str | None] = mapped_column(Text)
    answered_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("state IN ('open', 'answered', 'replaced', 'closed')", name="state"),
        Index(
            "uq_inquiries_one_open",
            "order_number",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )


class GuaranteeClaim(Base):
    """The marketplace guarantee: granted once per order at the most."""

    __tablename__ = "guarantee_claims"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    order_number: Mapped[str] = mapped_column(ForeignKey("orders.number"), unique=True)
    amount: Mapped[int]
    state: Mapped[str] = mapped_column(String(12))  # granted | review | refused
    reason: Mapped[str | None] = mapped_column(String(60))
    claimed_at: Mapped[datetime]
    granted_at: Mapped[datetime | None]

    __table_args__ = (CheckConstraint("amount >= 0", name="amount_not_negative"),)


class Reorder(Base):
    """A new order in place of an old one, price and stock held; its failure never holds back a refund."""

    __tablename__ = "reorders"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(String(160), unique=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    order_number: Mapped[str] = mapped_column(ForeignKey("orders.number"), index=True)
    line_id: Mapped[int] = mapped_column(ForeignKey("order_lines.id"))
    variant_id: Mapped[int] = mapped_column(ForeignKey("variants.id"))
    quantity: Mapped[int]
    unit_price: Mapped[int]
    state: Mapped[str] = mapped_column(String(8))  # held | placed | failed | released
    failure: Mapped[str | None] = mapped_column(String(40))
    new_order_number: Mapped[str | None] = mapped_column(ForeignKey("orders.number"))
    created_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("quantity > 0 AND unit_price >= 0", name="amounts"),
        CheckConstraint("state IN ('held', 'placed', 'failed', 'released')", name="state"),
    )


class Callback(Base):
    """A booked phone call."""

    __tablename__ = "callbacks"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(String(160), unique=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"), index=True)
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"), index=True)
    conversation_id: Mapped[str | None] = mapped_column(String(36), index=True)
    phone: Mapped[str] = mapped_column(String(20))  # E.164
    slot_at: Mapped[datetime] = mapped_column(index=True)
    state: Mapped[str] = mapped_column(String(12), default="booked")  # booked | no_answer | done | canceled
    attempts: Mapped[int] = mapped_column(default=0)
    outcome: Mapped[str | None] = mapped_column(Text)
    booked_at: Mapped[datetime]


class Score(Base):
    """Would-you-recommend, 0 to 10, once per case."""

    __tablename__ = "scores"

    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    value: Mapped[int]
    words: Mapped[str | None] = mapped_column(Text)
    given_at: Mapped[datetime]

    __table_args__ = (CheckConstraint("value BETWEEN 0 AND 10", name="range"),)


class Notice(Base):
    """A mail: sent by the shop, or received from a seller, as the message centre shows it."""

    __tablename__ = "notices"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(String(160), unique=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    order_number: Mapped[str | None] = mapped_column(ForeignKey("orders.number"), index=True)
    sender: Mapped[str] = mapped_column(String(8))  # shop | seller | customer
    kind: Mapped[str] = mapped_column(String(32))  # shipped | delivered | canceled | sold_out | return_label | ...
    subject: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text, default="")
    delivery: Mapped[str] = mapped_column(String(12), default="queued")  # queued | sent | delivered | bounced
    resent_from: Mapped[int | None] = mapped_column(ForeignKey("notices.id"))
    at: Mapped[datetime] = mapped_column(index=True)


class Timer(Base):
    """Something to be done at a time: polled by the worker, leased while at work, done once."""

    __tablename__ = "timers"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(String(160), unique=True)
    kind: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(80))
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    due_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    done_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_timers_due", "done_at", "due_at"),)


class IncomingEvent(Base):
    """A webhook from outside; its id makes a duplicate harmless."""

    __tablename__ = "incoming_events"

    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    payload: Mapped[dict[str, Any]]
    outcome: Mapped[str] = mapped_column(String(40))
    received_at: Mapped[datetime]


class AuditRow(Base):
    """Who did what when, chained by hashes; never changed, never deleted (`guards.py`)."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(80))  # customer:12 | bot | worker | agent:3 | outside:warehouse
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(80), index=True)
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64), unique=True)
