"""What narrows a list of the inbox down, in a bounded piece of work on a million conversations.

A filter looks at things beside the conversation: messages, orders, payments, questions. Where few of those fit,
their conversations are named one by one; where many do, the list is walked in its order and each conversation
looked at, which ends as soon as a page is full. So the rare and the common both cost little.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from madoguchi.store import Case, Conversation, Inquiry, Message, Order, Payment

FEW = 1_000
"""Up to so many conversations are named one by one."""


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
class Narrowed:
    """The conditions on a conversation, and whether each conversation must be looked at for them."""

    clauses: tuple[ColumnElement[bool], ...]
    walks: bool


def narrowed(session: Session, filters: Filters) -> Narrowed:
    """Return the filters as conditions, each in the way that costs less here and now."""
    clauses: list[ColumnElement[bool]] = []
    if filters.reason:
        clauses.append(Conversation.handoff_reason == filters.reason)
    if filters.flagged:
        clauses.append(Conversation.flagged.is_(True))
    walks = False
    for fitting, holds in _beside(filters):
        named = _few(session, fitting)
        clauses.append(holds if named is None else Conversation.id.in_(named))
        walks = walks or named is None
    return Narrowed(tuple(clauses), walks)


def _beside(filters: Filters) -> Iterator[tuple[Select[str | None], ColumnElement[bool]]]:
    """Yield, for every filter, the conversations that fit, and the condition on one conversation."""
    of_talk = Case.conversation_id == Conversation.id
    of_case = Case.order_number == Order.number
    talks = select(Case.conversation_id).where(Case.conversation_id.is_not(None))
    if filters.intent:
        said = Message.intent == filters.intent
        yield (
            select(Message.conversation_id).where(said),
            exists().where(Message.conversation_id == Conversation.id, said),
        )
    if filters.order_state:
        state = Order.state == filters.order_state
        yield talks.join(Order, of_case).where(state), exists().where(of_talk, of_case, state)
    if filters.frozen:
        held = Order.frozen_at.is_not(None)
        yield talks.join(Order, of_case).where(held), exists().where(of_talk, of_case, held)
    if filters.seller_waits:
        asked, waits = Inquiry.case_id == Case.id, Inquiry.state == "open"
        yield talks.join(Inquiry, asked).where(waits), exists().where(of_talk, asked, waits)
    if filters.amount_from is not None:
        paid, enough = Payment.order_number == Case.order_number, Payment.captured >= filters.amount_from
        yield talks.join(Payment, paid).where(enough), exists().where(of_talk, paid, enough)


def _few(session: Session, fitting: Select[str | None]) -> Sequence[str] | None:
    """Return the conversations that fit, if they are few."""
    found = session.scalars(fitting.limit(FEW + 1)).all()
    return None if len(found) > FEW else list(dict.fromkeys(each for each in found if each is not None))
