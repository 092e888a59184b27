"""The inbox: which conversations an agent sees, in which order, under which filters, and the counts beside them.

Each page is a bounded piece of work however many conversations there are: a view is walked along an index, the
filters end the walk early (`filtering.py`), and the rows that are shown take one query a table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import ScalarSelect, Select, func, select
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql import ColumnElement

from madoguchi.services.agents import Person
from madoguchi.services.desk import Desk
from madoguchi.services.filtering import Filters, narrowed
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
SEARCHED = 5_000
"""Among so many of the newest conversations a filter looks that must look at each one; the page says so."""
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
        wanted = _view(session, desk, person, view)
        found = narrowed(session, filters)
        bounded = found.walks and view in (View.CLOSED, View.ALL)
        if bounded:
            wanted = _newest(session, wanted)
        page_of = _ordered(wanted.where(*found.clauses), view).limit(PAGE + 1).offset(number * PAGE)
        ids = session.scalars(page_of).all()
        return Listed(rows(session, ids[:PAGE]), len(ids) > PAGE, bounded)


def counts(desk: Desk, person: Person) -> Counts:
    """Return the counts for the tabs and the page's title."""
    now = desk.clock()
    mine = (Conversation.owner == "agent") & (Conversation.agent == person.login)
    waiting = Conversation.owner == "waiting"
    with desk.store.reading() as session:
        awake = mine & ~_asleep_clause(session, person, now)
        counted = {
            "waiting": _count(waiting),
            "overdue": _count(waiting & (Conversation.promised_at < now)),
            "mine": _count(awake),
            "mine_unread": _count(awake & _unread()),
            "watched": _count(_watched()),
            "calls": select(func.count()).where(Callback.state == "booked"),
            "approvals": select(func.count()).where(Approval.state == "waiting"),
        }
        found = session.execute(select(*(each.scalar_subquery() for each in counted.values()))).one()
        return Counts(**dict(zip(counted, found, strict=True)))


def revision(desk: Desk) -> tuple[int, int]:
    """Return a pair that changes whenever anything was said or done; cheap enough to ask every second."""
    with desk.store.reading() as session:
        last = session.execute(select(select(func.max(Message.id)).scalar_subquery(), func.max(AuditRow.id))).one()
    return last[0] or 0, last[1] or 0


def rows(session: Session, ids: Sequence[str], said: Mapping[str, int] | None = None) -> tuple[Row, ...]:
    """Return the rows of these conversations in this order; `said` is the message to quote, else the last one."""
    found = {
        talk.id: (talk, name, last, intent)
        for talk, name, last, intent in session.execute(
            select(Conversation, Customer.name, _last_word(), _last_intent())
            .outerjoin(Customer, Conversation.customer_id == Customer.id)
            .where(Conversation.id.in_(ids))
        )
    }
    quotes = {name: last for name, (_, _, last, _) in found.items()} | dict(said or {})
    quoted = _quoted(session, [number for number in quotes.values() if number is not None])
    names = dict(session.execute(select(Staff.login, Staff.name)).all())
    orders, asked = _orders(session, ids), _with_open_inquiry(session, ids)
    amounts = _amounts(session, [order.number for order in orders.values()])
    shown = []
    for each in ids:
        if each in found:
            talk, name, _, intent = found[each]
            agent, quote, order = names.get(talk.agent or ""), quoted.get(each), orders.get(each)
            shown.append(_row(talk, name, agent, quote, intent, order, amounts, each in asked))
    return tuple(shown)


def _row(
    talk: Conversation,
    customer_name: str | None,
    agent: str | None,
    quote: _Quote | None,
    intent: str | None,
    order: _Order | None,
    amounts: dict[str, int],
    seller_waits: bool,
) -> Row:
    return Row(
        id=talk.id,
        owner=talk.owner,
        customer_name=customer_name,
        agent=agent or talk.agent,
        reason=talk.handoff_reason,
        flagged=talk.flagged,
        waiting_since=talk.waiting_since,
        promised_at=talk.promised_at,
        last_at=talk.last_at,
        last_author=quote.author if quote else None,
        last_text=" ".join(quote.text.split())[:SNIPPET] if quote else "",
        intent=intent,
        order_number=order.number if order else None,
        order_state=order.state if order else None,
        amount=amounts.get(order.number) if order else None,
        currency=order.currency if order else "JPY",
        frozen=order is not None and order.frozen_at is not None,
        seller_waits=seller_waits,
    )


def _view(session: Session, desk: Desk, person: Person, view: View) -> Select[str]:
    chosen = select(Conversation.id)
    mine = (Conversation.owner == "agent") & (Conversation.agent == person.login)
    match view:
        case View.WAITING:
            return chosen.where(Conversation.owner == "waiting")
        case View.MINE:
            return chosen.where(mine, ~_asleep_clause(session, person, desk.clock()))
        case View.SNOOZED:
            return chosen.where(mine, _asleep_clause(session, person, desk.clock()))
        case View.WATCH:
            return chosen.where(_watched())
        case View.CLOSED:
            return chosen.where(Conversation.owner == "closed")
    return chosen


def _newest(session: Session, wanted: Select[str]) -> Select[str]:
    """Leave the newest conversations of a view only, for filters that must look at each."""
    times = wanted.with_only_columns(Conversation.last_at).order_by(Conversation.last_at.desc())
    oldest = session.scalar(times.offset(SEARCHED).limit(1))
    return wanted if oldest is None else wanted.where(Conversation.last_at >= oldest)


def _ordered(chosen: Select[str], view: View) -> Select[str]:
    if view is View.WAITING:
        return chosen.order_by(Conversation.promised_at.nulls_first(), Conversation.id)
    return chosen.order_by(Conversation.last_at.desc(), Conversation.id.desc())


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


def _count(clause: ColumnElement[bool]) -> Select[int]:
    return select(func.count()).select_from(Conversation).where(clause)


def _last_word() -> ScalarSelect[int]:
    """The last message of a conversation that the customer can see."""
    shown = (Message.conversation_id == Conversation.id) & (Message.author != "note")
    return (
        select(Message.id).where(shown).order_by(Message.id.desc()).limit(1).correlate(Conversation).scalar_subquery()
    )


def _last_intent() -> ScalarSelect[str]:
    read = (Message.conversation_id == Conversation.id) & Message.intent.is_not(None)
    last = select(Message.intent).where(read).order_by(Message.id.desc()).limit(1)
    return last.correlate(Conversation).scalar_subquery()


class _Quote(NamedTuple):
    """What a row shows of a message."""

    author: str
    text: str


class _Order(NamedTuple):
    """What a row shows of an order."""

    number: str
    state: str
    currency: str
    frozen_at: datetime | None


def _quoted(session: Session, ids: Sequence[int]) -> dict[str, _Quote]:
    said = select(Message.conversation_id, Message.author, Message.text).where(Message.id.in_(ids))
    return {name: _Quote(author, text) for name, author, text in session.execute(said)}


def _orders(session: Session, ids: Sequence[str]) -> dict[str, _Order]:
    """Return the order of each conversation's latest case."""
    found = session.execute(
        select(Case.conversation_id, Order.number, Order.state, Order.currency, Order.frozen_at)
        .join(Order, Case.order_number == Order.number)
        .where(Case.conversation_id.in_(ids))
        .order_by(Case.id)
    )
    return {row[0]: _Order(row[1], row[2], row[3], row[4]) for row in found if row[0] is not None}


def _amounts(session: Session, numbers: Sequence[str]) -> dict[str, int]:
    paid = select(Payment.order_number, func.sum(Payment.captured)).where(Payment.order_number.in_(numbers))
    found = session.execute(paid.group_by(Payment.order_number))
    return {number: amount for number, amount in found if number is not None}


def _with_open_inquiry(session: Session, ids: Sequence[str]) -> set[str]:
    waiting = select(Case.conversation_id).join(Inquiry, Inquiry.case_id == Case.id)
    found = session.scalars(waiting.where(Case.conversation_id.in_(ids), Inquiry.state == "open"))
    return {each for each in found if each is not None}
