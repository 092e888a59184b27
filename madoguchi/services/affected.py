"""Whose data somebody saw or touched in a span of time, from the audit: what a report of a breach begins with.

A customer is on the list where a conversation of theirs was opened, taken, answered or acted in, where their contact
was shown, or their data exported or erased. The inbox's lists, which show a masked name and the beginning of a
message, are not in the audit and not on the list.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import Any

from sqlalchemy import Integer, Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from madoguchi.services import audit
from madoguchi.services.agents import Person
from madoguchi.services.desk import Desk
from madoguchi.store import (
    Approval,
    AuditRow,
    Base,
    Callback,
    Case,
    Conversation,
    Customer,
    Intent,
    Message,
    Notice,
    Order,
    Payment,
    Refund,
)

PART = 500
LOOKED = "looked"


@dataclass(frozen=True)
class Affected:
    """One customer, what was done with their data, how often, and when first and last."""

    customer_id: int
    reference: str
    name: str
    actions: tuple[str, ...]
    times: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True)
class Breach:
    """The customers affected, the one touched first first, and the conversations of visitors without a name."""

    customers: tuple[Affected, ...]
    visitors: tuple[str, ...]


def look(desk: Desk, person: Person, conversation_id: str) -> None:
    """Keep in the audit that somebody opened a conversation, once a person, conversation and day."""
    now = desk.clock()
    subject = f"conversation:{conversation_id}"
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    known = select(AuditRow.id).where(
        AuditRow.subject == subject,
        AuditRow.actor == person.actor,
        AuditRow.action == LOOKED,
        AuditRow.at >= day,
    )
    with desk.store.reading() as session:
        if session.get(Conversation, conversation_id) is None or session.scalar(known.limit(1)) is not None:
            return
    with desk.store.writing() as session:
        audit.note(session, now, person.actor, LOOKED, subject)


def of_span(desk: Desk, begins: datetime, ends: datetime, *, staff_id: int | None = None) -> Breach:
    """Return whose data one account (or, without one, any of the staff's or a command) touched from begins to ends."""
    rows = select(AuditRow.at, AuditRow.action, AuditRow.subject).where(AuditRow.at >= begins, AuditRow.at < ends)
    people = AuditRow.actor.like("staff:%") | (AuditRow.actor == "outside:command")
    rows = rows.where(people if staff_id is None else AuditRow.actor == f"staff:{staff_id}")
    with desk.store.reading() as session:
        touched: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
        for at, action, subject in session.execute(rows.order_by(AuditRow.id)):
            touched[subject].append((at, action))
        owners = _owners(session, touched)
        return _listed(session, touched, owners)


def _listed(session: Session, touched: dict[str, list[tuple[datetime, str]]], owners: dict[str, set[int]]) -> Breach:
    of_customer: dict[int, list[tuple[datetime, str]]] = defaultdict(list)
    for subject, acts in touched.items():
        for customer in owners.get(subject, ()):
            of_customer[customer] += acts
    people: dict[int, Customer] = {}
    for part in _parts(of_customer):
        people |= {each.id: each for each in session.scalars(select(Customer).where(Customer.id.in_(part)))}
    found = [
        Affected(
            customer_id=number,
            reference=people[number].reference,
            name=people[number].name,
            actions=tuple(dict.fromkeys(action for _, action in sorted(acts))),
            times=len(acts),
            first_at=min(at for at, _ in acts),
            last_at=max(at for at, _ in acts),
        )
        for number, acts in of_customer.items()
    ]
    visitors = sorted(name for name in touched if name.startswith("conversation:") and not owners.get(name))
    return Breach(
        tuple(sorted(found, key=lambda each: (each.first_at, each.customer_id))),
        tuple(name.removeprefix("conversation:") for name in visitors),
    )


def _owners(session: Session, subjects: Iterable[str]) -> dict[str, set[int]]:
    """Return the customers that each of the audit's subjects is about."""
    by_kind: dict[str, list[str]] = defaultdict(list)
    for subject in subjects:
        kind, _, name = subject.partition(":")
        by_kind[kind].append(name)
    found: dict[str, set[int]] = defaultdict(set)
    for kind, names in by_kind.items():
        for name, customer in _of_kind(session, kind, names):
            if customer is not None:
                found[f"{kind}:{name}"].add(customer)
    return found


def _of_kind(session: Session, kind: str, names: list[str]) -> Iterator[tuple[str, int | None]]:
    """Yield pairs of a subject's name and a customer it is about."""
    if kind == "customer":
        yield from ((name, int(name)) for name in names if name.isdecimal())
    for key, statement in _WAYS.get(kind, ()):
        numbered = isinstance(key.type, Integer)
        known = [int(name) for name in names if name.isdecimal()] if numbered else names
        for part in _parts(known):
            found: Sequence[Any] = session.execute(statement.where(key.in_(part))).all()
            for row in found:
                yield str(row[0]), row[1]


def _parts[T](names: Iterable[T]) -> Iterator[tuple[T, ...]]:
    return batched(names, PART)


type _Way = tuple[InstrumentedAttribute[Any], Select[Any]]


def _way(key: InstrumentedAttribute[Any], customer: InstrumentedAttribute[Any], *joined: type[Base]) -> _Way:
    """Return how a subject's name leads to a customer, over the tables in between."""
    statement: Select[Any] = select(key, customer).select_from(key.class_)
    for model in joined:
        statement = statement.join(model)
    return key, statement


# For each kind of the audit's subjects the ways that lead to customers; a visitor's talk has one by its cases alone.
_WAYS: dict[str, tuple[_Way, ...]] = {
    "conversation": (
        _way(Conversation.id, Conversation.customer_id),
        _way(Case.conversation_id, Case.customer_id),
    ),
    "message": (_way(Message.id, Conversation.customer_id, Conversation),),
    "case": (_way(Case.id, Case.customer_id),),
    "order": (_way(Order.number, Order.customer_id),),
    "intent": (_way(Intent.key, Case.customer_id, Case),),
    "approval": (_way(Approval.id, Case.customer_id, Intent, Case),),
    "callback": (_way(Callback.id, Callback.customer_id),),
    "notice": (_way(Notice.id, Notice.customer_id),),
    "refund": (_way(Refund.id, Payment.customer_id, Payment),),
}
