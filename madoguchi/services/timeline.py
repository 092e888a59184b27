"""One conversation as an agent sees it: everything that happened, in one order, and beside it who, what and until when.

Messages, mails, order events, returns, refunds, questions to the seller, decisions, calls and notes are brought into
one timeline, as an agent looks at them together with the customer on the phone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from madoguchi.services.desk import Desk
from madoguchi.services.views import Money
from madoguchi.store import (
    Approval,
    AuditRow,
    CallAttempt,
    Callback,
    Case,
    Conversation,
    Customer,
    Decision,
    GuaranteeClaim,
    Inquiry,
    IntentReport,
    Membership,
    Message,
    Notice,
    Order,
    OrderLine,
    Refund,
    Reorder,
    ReturnAuthorization,
    Snooze,
    Staff,
    Variant,
)

MESSAGES = 400
ORDERS = 12
TOLD_ACTS = ("taken", "given_back", "passed_on", "closed", "snoozed", "revealed", "handed_over")
"""What the audit holds about a conversation and the timeline shows."""


@dataclass(frozen=True)
class Entry:
    """One thing that happened: `kind` is the sort of thing, `code` what exactly, both named in words.yml."""

    at: datetime
    kind: str
    code: str
    values: dict[str, Any] = field(default_factory=dict)
    id: int = 0


@dataclass(frozen=True)
class Clock:
    """A point in time that somebody waits for."""

    code: str
    at: datetime
    order_number: str | None


@dataclass(frozen=True)
class Talk:
    """Everything the page of one conversation shows."""

    conversation: Conversation
    agent_name: str | None
    customer: Customer | None
    orders: tuple[Order, ...]
    memberships: tuple[Membership, ...]
    cases: tuple[Case, ...]
    clocks: tuple[Clock, ...]
    entries: tuple[Entry, ...]
    snooze: Snooze | None
    approvals: tuple[Approval, ...]
    seen: int
    """The last message there was, for a page that may become stale."""

    @property
    def case_orders(self) -> tuple[str, ...]:
        """The numbers of the orders that the cases are about."""
        return tuple(dict.fromkeys(case.order_number for case in self.cases if case.order_number))


def read(desk: Desk, conversation_id: str) -> Talk | None:
    """Return the conversation with everything around it; None where there is no such one."""
    with desk.store.reading() as session:
        talk = session.get(Conversation, conversation_id)
        if talk is None:
            return None
        cases = session.scalars(select(Case).where(Case.conversation_id == talk.id).order_by(Case.id.desc())).all()
        numbers = [case.order_number for case in cases if case.order_number]
        messages = _messages(session, talk.id)
        entries = sorted(_entries(session, talk, messages, cases, numbers), key=_place)
        return Talk(
            conversation=talk,
            agent_name=session.scalar(select(Staff.name).where(Staff.login == talk.agent)) if talk.agent else None,
            customer=session.get(Customer, talk.customer_id) if talk.customer_id else None,
            orders=_orders(session, talk, numbers),
            memberships=_memberships(session, talk),
            cases=tuple(cases),
            clocks=tuple(_clocks(session, cases)),
            entries=tuple(entries),
            snooze=session.get(Snooze, talk.id),
            approvals=_approvals(session, talk.id),
            seen=max((message.id for message in messages), default=0),
        )


def _entries(
    session: Session, talk: Conversation, messages: Sequence[Message], cases: Sequence[Case], numbers: list[str]
) -> Iterator[Entry]:
    ids = [case.id for case in cases]
    yield from _said(session, messages)
    yield from _acts(session, talk.id)
    yield from _calls(session, talk.id)
    yield from _decided(session, ids)
    yield from _ordered(session, numbers)
    yield from _mails(session, numbers)
    yield from _returned(session, numbers)
    yield from _refunded(session, ids, numbers)
    yield from _asked(session, numbers)
    yield from _others(session, ids, numbers)


def _place(entry: Entry) -> tuple[datetime, int]:
    return entry.at, entry.id


def _messages(session: Session, conversation_id: str) -> Sequence[Message]:
    newest = select(Message).where(Message.conversation_id == conversation_id)
    return session.scalars(newest.order_by(Message.id.desc()).limit(MESSAGES)).all()[::-1]


def _said(session: Session, messages: Sequence[Message]) -> Iterator[Entry]:
    ids = [message.id for message in messages]
    reported = set(session.scalars(select(IntentReport.message_id).where(IntentReport.message_id.in_(ids))))
    for message in messages:
        content = message.content or {}
        values = {"message": message, "reported": message.id in reported, "name": content.get("name")}
        values["photo"] = content.get("photo")  # its id (services/photos.read), width and height; None for words
        yield Entry(message.created_at, "message", message.author, values, message.id)


def _acts(session: Session, conversation_id: str) -> Iterator[Entry]:
    rows = session.scalars(
        select(AuditRow)
        .where(AuditRow.subject == f"conversation:{conversation_id}", AuditRow.action.in_(TOLD_ACTS))
        .order_by(AuditRow.id)
    ).all()
    names = _names(session)
    for row in rows:
        yield Entry(row.at, "act", row.action, {"who": names.get(row.actor), "detail": row.detail})


def _calls(session: Session, conversation_id: str) -> Iterator[Entry]:
    names = _names(session)
    booked = session.scalars(select(Callback).where(Callback.conversation_id == conversation_id)).all()
    for call in booked:
        yield Entry(call.booked_at, "call", "booked", {"slot": call.slot_at, "state": call.state})
    made = select(CallAttempt).where(CallAttempt.callback_id.in_([call.id for call in booked]))
    for attempt in session.scalars(made):
        who = names.get(f"staff:{attempt.staff_id}")
        yield Entry(attempt.at, "call", attempt.result, {"words": attempt.words, "who": who})


def _decided(session: Session, case_ids: list[int]) -> Iterator[Entry]:
    for row in session.scalars(select(Decision).where(Decision.case_id.in_(case_ids))):
        yield Entry(row.decided_at, "decision", row.outcome, {"decision": row})


def _ordered(session: Session, numbers: list[str]) -> Iterator[Entry]:
    for order in session.scalars(select(Order).where(Order.number.in_(numbers)).options(selectinload(Order.shipments))):
        told = {"order": order.number}
        steps = [("placed", order.placed_at), ("canceled", order.canceled_at), ("frozen", order.frozen_at)]
        if not order.shipments:
            steps += [("shipped", order.shipped_at), ("delivered", order.delivered_at)]
        if order.cancel_request:
            steps.append(("cancel_requested", datetime.fromisoformat(order.cancel_request["at"])))
        for code, at in steps:
            if at is not None:
                yield Entry(at, "order", code, told)
        for parcel in order.shipments:
            sent = {**told, "carrier": parcel.carrier, "tracking": parcel.tracking}
            yield Entry(parcel.shipped_at, "order", "shipped", sent)
            if parcel.delivered_at is not None:
                yield Entry(parcel.delivered_at, "order", "delivered", sent)


def _mails(session: Session, numbers: list[str]) -> Iterator[Entry]:
    for mail in session.scalars(select(Notice).where(Notice.order_number.in_(numbers))):
        yield Entry(mail.at, "mail", mail.sender, {"mail": mail})


def _returned(session: Session, numbers: list[str]) -> Iterator[Entry]:
    for row in session.scalars(select(ReturnAuthorization).where(ReturnAuthorization.order_number.in_(numbers))):
        told = {
            "rma": row.number,
            "payer": row.payer,
            "amount": Money(row.refund_amount),
            "inspection": row.inspection,
            "expires": row.expires_at,
        }
        steps = {
            "authorized": row.created_at,
            "reminded": row.reminded_at,
            "received": row.received_at,
            "inspected": row.inspected_at,
        }
        for code, at in steps.items():
            if at is not None:
                yield Entry(at, "return", code, told)


def _refunded(session: Session, case_ids: list[int], numbers: list[str]) -> Iterator[Entry]:
    of_us = or_(Refund.case_id.in_(case_ids), Refund.order_number.in_(numbers))
    for row in session.scalars(select(Refund).where(of_us).options(joinedload(Refund.payment))):
        told = {
            "amount": Money(row.amount, row.payment.currency),
            "destination": row.destination,
            "label": row.payment.label or row.payment.method,
        }
        yield Entry(row.created_at, "refund", "voided" if row.state == "voided" else "written", told)
        if row.state == "failed":
            yield Entry(row.created_at, "refund", "failed", told)
        if row.sent_at is not None and row.sent_at != row.settled_at:
            yield Entry(row.sent_at, "refund", "sent", told)
        if row.settled_at is not None:
            yield Entry(row.settled_at, "refund", "settled", told)


def _asked(session: Session, numbers: list[str]) -> Iterator[Entry]:
    for row in session.scalars(select(Inquiry).where(Inquiry.order_number.in_(numbers))):
        told = {"deadline": row.deadline, "subject": row.subject, "state": row.state}
        yield Entry(row.asked_at, "inquiry", "asked", told)
        if row.answered_at is not None:
            said = {**told, "answer": row.answer, "text": row.answer_text}
            yield Entry(row.answered_at, "inquiry", "answered", said)


def _others(session: Session, case_ids: list[int], numbers: list[str]) -> Iterator[Entry]:
    for claim in session.scalars(select(GuaranteeClaim).where(GuaranteeClaim.order_number.in_(numbers))):
        yield Entry(claim.claimed_at, "guarantee", claim.state, {"amount": Money(claim.amount)})
    for row in session.scalars(select(Reorder).where(Reorder.case_id.in_(case_ids))):
        yield Entry(row.created_at, "reorder", row.state, {"order": row.new_order_number, "failure": row.failure})


def _orders(session: Session, talk: Conversation, numbers: list[str]) -> tuple[Order, ...]:
    """Return the orders of the cases first, then the customer's newest, or what a visitor has proved."""
    if talk.customer_id is not None:
        own = Order.customer_id == talk.customer_id
    else:
        own = Order.number.in_([*talk.proved_orders, *numbers])
    whole = (
        selectinload(Order.lines).joinedload(OrderLine.variant).joinedload(Variant.product),
        selectinload(Order.payments),
        joinedload(Order.seller),
    )
    found = session.scalars(select(Order).where(own).options(*whole).order_by(Order.placed_at.desc()).limit(60)).all()
    first = [order for order in found if order.number in numbers]
    return tuple([*first, *(order for order in found if order.number not in numbers)][:ORDERS])


def _memberships(session: Session, talk: Conversation) -> tuple[Membership, ...]:
    if talk.customer_id is None:
        return ()
    own = select(Membership).where(Membership.customer_id == talk.customer_id).options(joinedload(Membership.product))
    return tuple(session.scalars(own.order_by(Membership.id)))


def _clocks(session: Session, cases: Iterable[Case]) -> Iterator[Clock]:
    ids = [case.id for case in cases]
    for inquiry in session.scalars(select(Inquiry).where(Inquiry.case_id.in_(ids), Inquiry.state == "open")):
        yield Clock("seller_deadline", inquiry.deadline, inquiry.order_number)
    waiting = select(ReturnAuthorization).where(
        ReturnAuthorization.case_id.in_(ids), ReturnAuthorization.state == "open"
    )
    for row in session.scalars(waiting):
        yield Clock("return_expiry", row.expires_at, row.order_number)


def _approvals(session: Session, conversation_id: str) -> tuple[Approval, ...]:
    open_ones = select(Approval).where(Approval.conversation_id == conversation_id, Approval.state == "waiting")
    return tuple(session.scalars(open_ones.order_by(Approval.id)))


def _names(session: Session) -> dict[str, str]:
    return {f"staff:{number}": name for number, name in session.execute(select(Staff.id, Staff.name))}
