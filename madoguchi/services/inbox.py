"""The inbox: which conversations an agent sees, in which order, under which filters, and the counts beside them.

Each page is a bounded piece of work however many conversations there are: the newest ones of the view by an index,
the filters within them, and one query a table for the rows that are shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql import ColumnElement

from madoguchi.services.agents import Person
from madoguchi.services.desk import Desk
from madoguchi.services.snoozing import asleep
from madoguchi.store import (
    Approval,
    AuditRow,
    Callback,
    Case,
    Conversation,
    Customer,
    Inquiry,
    Message,
    Order,
    Payment,
    Staff,
)

PAGE = 50
SEARCHED_OPEN = 20_000
SEARCHED_CLOSED = 5_000
"""Within so many of a view's newest conversations the filters look; the page says so."""
SNIPPET = 80


class View(StrEnum):
    """One list of the inbox."""

    WAITING = "waiting"
    MINE = "mine"
    SNOOZED = "snoozed"
    WATCH = "watch"
    ALL = "all"
    CLOSED = "closed"


@dataclass(frozen=True)
class Filters:
    """What narrows a list down; None and False leave it as it is."""

    reason: str | None = None
    intent: str | None = None
    order_state: str | None = None
    seller_waits: bool = False
    frozen: bool = False
    flagged: bool = False
    amount_from: int | None = None

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return self != Filters()


@dataclass(frozen=True)
class Row:
    """One conversation in a list. The customer's name is None for a visitor."""

    id: str
    owner: str
    customer_name: str | None
    agent: str | None
    reason: str | None
    flagged: bool
    waiting_since: datetime | None
    promised_at: datetime | None
    last_at: datetime
    last_author: str | None
    last_text: str
    intent: str | None
    order_number: str | None
    order_state: str | None
    amount: int | None
    currency: str
    frozen: bool
    seller_waits: bool


@dataclass(frozen=True)
class Listed:
    """One page of a list, and whether there are more after it."""

    rows: tuple[Row, ...]
    more: bool
    bounded: bool = False
    """Whether the filters looked at the newest conversations only."""


@dataclass(frozen=True)
class Counts:
    """What waits for somebody right now."""

    waiting: int
    overdue: int
    mine: int
    mine_unread: int
    watched: int
    calls: int
    approvals: int


def page(desk: Desk, person: Person, view: View, filters: Filters, number: int = 0) -> Listed:
    """Return one page of a view, 50 conversations each; `number` counts from 0."""
    with desk.store.reading() as session:
        ids = _ids(session, desk, person, view, filters, number)
        shown = rows(session, ids[:PAGE])
    return Listed(shown, len(ids) > PAGE, bounded=filters.any and view is View.CLOSED)


def counts(desk: Desk, person: Person) -> Counts:
    """Return the counts for the tabs and the page's title."""
    now = desk.clock()
    mine = (Conversation.owner == "agent") & (Conversation.agent == person.login)
    waiting = Conversation.owner == "waiting"
    with desk.store.reading() as session:
        awake = mine & ~_asleep_clause(session, person, now)
        return Counts(
            waiting=_count(session, waiting),
            overdue=_count(session, waiting & (Conversation.promised_at < now)),
            mine=_count(session, awake),
            mine_unread=_count(session, awake & _unread()),
            watched=_count(session, _watched()),
            calls=session.scalar(select(func.count()).where(Callback.state == "booked")) or 0,
            approvals=session.scalar(select(func.count()).where(Approval.state == "waiting")) or 0,
        )


def revision(desk: Desk) -> tuple[int, int]:
    """Return a pair that changes whenever anything was said or done; cheap enough to ask every second."""
    with desk.store.reading() as session:
        last = session.execute(select(select(func.max(Message.id)).scalar_subquery(), func.max(AuditRow.id))).one()
    return last[0] or 0, last[1] or 0


def rows(session: Session, ids: Sequence[str], said: dict[str, Message] | None = None) -> tuple[Row, ...]:
    """Return the rows of these conversations in this order; `said` is the message to quote, else the last one."""
    talks = {each.id: each for each in session.scalars(select(Conversation).where(Conversation.id.in_(ids)))}
    customers = _customers(session, talks.values())
    names = dict(session.execute(select(Staff.login, Staff.name)).all())
    quoted = _last_messages(session, ids) | (said or {})
    intents = _intents(session, ids)
    orders, asked = _orders(session, ids), _with_open_inquiry(session, ids)
    amounts = _amounts(session, [order.number for order in orders.values()])
    return tuple(
        _row(
            talks[each],
            customers.get(talks[each].customer_id or 0),
            names.get(talks[each].agent or ""),
            quoted.get(each),
            intents.get(each),
            orders.get(each),
            amounts,
            each in asked,
        )
        for each in ids
        if each in talks
    )


def _row(
    talk: Conversation,
    customer: Customer | None,
    agent: str | None,
    message: Message | None,
    intent: str | None,
    order: Order | None,
    amounts: dict[str, int],
    seller_waits: bool,
) -> Row:
    return Row(
        id=talk.id,
        owner=talk.owner,
        customer_name=customer.name if customer else None,
        agent=agent or talk.agent,
        reason=talk.handoff_reason,
        flagged=talk.flagged,
        waiting_since=talk.waiting_since,
        promised_at=talk.promised_at,
        last_at=talk.last_at,
        last_author=message.author if message else None,
        last_text=" ".join(message.text.split())[:SNIPPET] if message else "",
        intent=intent,
        order_number=order.number if order else None,
        order_state=order.state if order else None,
        amount=amounts.get(order.number) if order else None,
        currency=order.currency if order else "JPY",
        frozen=order is not None and order.frozen_at is not None,
        seller_waits=seller_waits,
    )


def _ids(session: Session, desk: Desk, person: Person, view: View, filters: Filters, number: int) -> Sequence[str]:
    start, length = number * PAGE, PAGE + 1
    if view is View.ALL and not filters.any:
        return session.scalars(_newest(session, desk, person, view).limit(length).offset(start)).all()
    wanted = _newest(session, desk, person, view)
    if filters.any:
        within = wanted.limit(SEARCHED_CLOSED if view is View.CLOSED else SEARCHED_OPEN).subquery()
        wanted = _ordered(select(Conversation.id).join(within, within.c.id == Conversation.id), view)
        for clause in _clauses(filters):
            wanted = wanted.where(clause)
    return session.scalars(wanted.limit(length).offset(start)).all()


def _newest(session: Session, desk: Desk, person: Person, view: View) -> Select[str]:
    chosen = select(Conversation.id)
    mine = (Conversation.owner == "agent") & (Conversation.agent == person.login)
    match view:
        case View.WAITING:
            chosen = chosen.where(Conversation.owner == "waiting")
        case View.MINE:
            chosen = chosen.where(mine, ~_asleep_clause(session, person, desk.clock()))
        case View.SNOOZED:
            chosen = chosen.where(mine, _asleep_clause(session, person, desk.clock()))
        case View.WATCH:
            chosen = chosen.where(_watched())
        case View.CLOSED:
            chosen = chosen.where(Conversation.owner == "closed")
    return _ordered(chosen, view)


def _ordered(chosen: Select[str], view: View) -> Select[str]:
    if view is View.WAITING:
        return chosen.order_by(Conversation.promised_at.nulls_first(), Conversation.id)
    return chosen.order_by(Conversation.last_at.desc(), Conversation.id)


def _clauses(filters: Filters) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    of_case = (Case.conversation_id == Conversation.id) & (Case.order_number == Order.number)
    if filters.reason:
        found.append(Conversation.handoff_reason == filters.reason)
    if filters.intent:
        found.append(exists().where(Message.conversation_id == Conversation.id, Message.intent == filters.intent))
    if filters.order_state:
        found.append(exists().where(of_case, Order.state == filters.order_state))
    if filters.frozen:
        found.append(exists().where(of_case, Order.frozen_at.is_not(None)))
    if filters.seller_waits:
        mine = (Case.conversation_id == Conversation.id) & (Inquiry.case_id == Case.id)
        found.append(exists().where(mine, Inquiry.state == "open"))
    if filters.flagged:
        found.append(Conversation.flagged.is_(True))
    if filters.amount_from is not None:
        paid = (Payment.order_number == Case.order_number) & (Case.conversation_id == Conversation.id)
        found.append(exists().where(paid, Payment.captured >= filters.amount_from))
    return found


def _watched() -> ColumnElement[bool]:
    """With the bot still, but to be looked at: anger, a contradiction, frozen money.

    Found from the few flags, for the bot's conversations are without number.
    """
    angry = select(Conversation.id).where(Conversation.flagged, Conversation.owner == "bot")
    of_case = select(Case.conversation_id).where(
        Case.flagged, Case.state != "closed", Case.conversation_id.is_not(None)
    )
    return (Conversation.owner == "bot") & Conversation.id.in_(angry.union(of_case))


def _unread() -> ColumnElement[bool]:
    """The customer spoke last."""
    later = aliased(Message)
    shown = (later.conversation_id == Conversation.id) & (later.author != "note")
    last = select(later.author).where(shown).order_by(later.id.desc()).limit(1).correlate(Conversation)
    return last.scalar_subquery() == "customer"


def _asleep_clause(session: Session, person: Person, now: datetime) -> ColumnElement[bool]:
    return Conversation.id.in_(asleep(session, person.id, now))


def _count(session: Session, clause: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(Conversation).where(clause)) or 0


def _customers(session: Session, talks: Iterable[Conversation]) -> dict[int, Customer]:
    ids = {talk.customer_id for talk in talks if talk.customer_id is not None}
    return {each.id: each for each in session.scalars(select(Customer).where(Customer.id.in_(ids)))}


def _last_messages(session: Session, ids: Sequence[str]) -> dict[str, Message]:
    newest = (
        select(func.max(Message.id))
        .where(Message.conversation_id.in_(ids), Message.author != "note")
        .group_by(Message.conversation_id)
    )
    return {each.conversation_id: each for each in session.scalars(select(Message).where(Message.id.in_(newest)))}


def _intents(session: Session, ids: Sequence[str]) -> dict[str, str]:
    newest = (
        select(func.max(Message.id))
        .where(Message.conversation_id.in_(ids), Message.intent.is_not(None))
        .group_by(Message.conversation_id)
    )
    found = session.execute(select(Message.conversation_id, Message.intent).where(Message.id.in_(newest)))
    return {name: intent for name, intent in found if intent is not None}


def _orders(session: Session, ids: Sequence[str]) -> dict[str, Order]:
    """Return the order of each conversation's latest case."""
    found = session.execute(
        select(Case.conversation_id, Order)
        .join(Order, Case.order_number == Order.number)
        .where(Case.conversation_id.in_(ids))
        .order_by(Case.id)
    )
    return {name: order for name, order in found if name is not None}


def _amounts(session: Session, numbers: Sequence[str]) -> dict[str, int]:
    paid = select(Payment.order_number, func.sum(Payment.captured)).where(Payment.order_number.in_(numbers))
    found = session.execute(paid.group_by(Payment.order_number))
    return {number: amount for number, amount in found if number is not None}


def _with_open_inquiry(session: Session, ids: Sequence[str]) -> set[str]:
    waiting = select(Case.conversation_id).join(Inquiry, Inquiry.case_id == Case.id)
    found = session.scalars(waiting.where(Case.conversation_id.in_(ids), Inquiry.state == "open"))
    return {each for each in found if each is not None}
