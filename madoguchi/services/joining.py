"""A visitor signs in: what they wrote before becomes part of their own talk, and nobody else's.

Only the talk of the very session that signs in is joined, and only while nothing in it belongs to another customer:
an order proved in it or a case opened from it has to be theirs. Otherwise it stays what it was, a visitor's.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from madoguchi.services.talk import Owner
from madoguchi.store import Case, Choice, Conversation, Customer, Message, Order


def join(session: Session, visited: str, customer: Customer, now: datetime) -> None:
    """Join the visitor's conversation to the customer's last one, inside the caller's transaction.

    Without an earlier one, or while a human is at work on the visitor's, that becomes the customer's as it stands:
    nothing is moved under an agent's eyes, and nothing that was promised is lost.
    """
    talk = session.get_one(Conversation, visited, with_for_update=True)
    if talk.customer_id is not None or not _is_theirs(session, talk, customer) or not _has_words(session, talk):
        return
    last = session.scalar(
        select(Conversation)
        .where(Conversation.customer_id == customer.id)
        .order_by(Conversation.last_at.desc())
        .limit(1)
        .with_for_update()
    )
    talk.customer_id = customer.id
    if last is None or talk.owner in (Owner.WAITING, Owner.AGENT):
        talk.last_at = now
    elif not _same_names(session, talk, last):
        _move(session, talk, last, now)


def _is_theirs(session: Session, talk: Conversation, customer: Customer) -> bool:
    proved = select(Order.customer_id).where(Order.number.in_(talk.proved_orders))
    opened = select(Case.customer_id).where(Case.conversation_id == talk.id)
    return {*session.scalars(proved), *session.scalars(opened)} <= {customer.id}


def _has_words(session: Session, talk: Conversation) -> bool:
    return session.scalar(select(Message.id).where(Message.conversation_id == talk.id).limit(1)) is not None


def _same_names(session: Session, talk: Conversation, last: Conversation) -> bool:
    """Say whether a message of one has the id of a message of the other, which no honest page makes."""
    names = select(Message.client_id).where(Message.conversation_id == last.id)
    both = select(Message.id).where(Message.conversation_id == talk.id, Message.client_id.in_(names))
    return session.scalar(both.limit(1)) is not None


def _move(session: Session, talk: Conversation, last: Conversation, now: datetime) -> None:
    # What waits for the bot is run in the talk it is in now; a turn that is under way finds its question gone.
    session.execute(
        update(Message).where(Message.conversation_id == talk.id).values(conversation_id=last.id, leased_until=None)
    )
    # A button belongs to what the engine remembers of the talk it was offered in.
    session.execute(
        update(Choice).where(Choice.conversation_id == talk.id).values(conversation_id=last.id, used_at=now)
    )
    last.proved_orders = sorted({*last.proved_orders, *talk.proved_orders})
    last.last_at = now
    talk.owner = Owner.CLOSED
