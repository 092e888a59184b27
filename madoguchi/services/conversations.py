"""Conversations: stored messages are answered in order, one turn at a time, by whoever owns the talk.

Every function is one transaction. The row of the conversation is locked first in each of them that writes, so
that the ids of its messages grow in the order they are seen, on SQLite and PostgreSQL alike.

The fence: a reply of the bot is stored only while no human has taken the conversation over (`owner` is still
`bot`, or `waiting` because this very turn called for a human) and while its question is still unanswered. Both are
checked in the transaction that stores the reply, so that nothing of the bot's appears after a takeover.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from sqlalchemy import Select, bindparam, func, or_, select
from sqlalchemy.orm import Session, aliased

from madoguchi.services import handoffs
from madoguchi.services.desk import Desk
from madoguchi.services.talk import MAX_ATTEMPTS, ClaimedTurn, Head, MessageView, News, Owner, Reply, Understood
from madoguchi.store import Choice, Conversation, Message, Order, OrderLine

LEASE = timedelta(seconds=15)
"""How long a claimed turn belongs to its runner; longer than any turn may last."""
PATIENCE = timedelta(seconds=45)
"""How long a message may wait for a program that does not answer before a human is called."""
PURCHASES = 20
_SHOWN = select(
    Message.id, Message.client_id, Message.author, Message.text, Message.content, Message.state, Message.created_at
)
"""A MessageView's fields in their order."""
_SHOWN_OF_TALK = aliased(Message)
NEWEST = func.coalesce(
    select(_SHOWN_OF_TALK.id)
    .where(_SHOWN_OF_TALK.conversation_id == bindparam("talk"), _SHOWN_OF_TALK.author != "note")
    .order_by(_SHOWN_OF_TALK.id.desc())
    .limit(1)
    .scalar_subquery(),
    0,
)
"""The id of the newest message of the conversation `talk` that its customer may see, 0 where there is none."""
_TITLES = (
    select(OrderLine.title)
    .join(Order)
    .where(Order.customer_id == bindparam("customer"))
    .order_by(Order.placed_at.desc(), OrderLine.id)
    .limit(PURCHASES)
)
_QUESTION = select(Message, NEWEST).where(Message.id == bindparam("id"))


def open_conversation(session: Session, customer_id: int | None, now: datetime) -> Conversation:
    """Add a new conversation of a customer, or of a visitor (None), inside the caller's transaction."""
    conversation = Conversation(id=str(uuid.uuid4()), customer_id=customer_id, opened_at=now, last_at=now)
    session.add(conversation)
    session.flush()
    return conversation


def next_turn(desk: Desk, conversation_id: str) -> ClaimedTurn | None:
    """Claim the oldest unanswered message; None where there is none, it is claimed, or the bot is not the owner."""
    now = desk.clock()
    with desk.store.writing() as session:
        conversation = locked(session, conversation_id)
        if conversation.owner != Owner.BOT:
            return None
        waiting = session.scalars(_unanswered(conversation_id).limit(2)).all()
        if not waiting or (waiting[0].leased_until is not None and waiting[0].leased_until > now):
            return None
        message = waiting[0]
        pressed = session.get(Choice, message.choice) if message.choice else None
        return claim(session, conversation, message, pressed, now, more=len(waiting) > 1)


def claim(
    session: Session, talk: Conversation, message: Message, pressed: Choice | None, now: datetime, *, more: bool = False
) -> ClaimedTurn:
    """Claim a message of a locked conversation inside the caller's transaction, once more where it was before."""
    with session.no_autoflush:
        purchases = _purchases(session, talk.customer_id)
    message.leased_until = now + LEASE
    message.attempts = (message.attempts or 0) + 1
    session.flush()
    return ClaimedTurn(
        conversation_id=talk.id,
        message_id=message.id,
        client_id=message.client_id,
        stored_at=message.created_at,
        text=None if pressed else message.text,
        payload=pressed.payload if pressed else None,
        attempt=message.attempts,
        purchases=purchases,
        more=more,
    )


def store_replies(desk: Desk, turn: ClaimedTurn, replies: Iterable[Reply], understood: Understood) -> News | None:
    """Store the bot's replies and mark the question answered; None where nothing is stored, behind the fence."""
    now = desk.clock()
    with desk.store.writing() as session:
        conversation = locked(session, turn.conversation_id)
        question, before = session.execute(_QUESTION, {"id": turn.message_id, "talk": conversation.id}).one()
        if question.state != "stored" or question.conversation_id != conversation.id:
            return None
        question.intent, question.confidence = understood.intent, understood.confidence
        question.entities, question.model = list(understood.entities), understood.model
        question.state, question.leased_until = "answered", None
        if conversation.owner not in (Owner.BOT, Owner.WAITING):
            return None
        return News(before, add_replies(session, conversation, question, replies, now), conversation.owner)


def put_back(desk: Desk, turn: ClaimedTurn, *, counted: bool) -> bool:
    """Give a turn that failed back for another try; False where it was tried enough and `give_up` is due.

    A turn that surely never reached the engine is not counted as an attempt; only its age ends the tries.
    """
    now = desk.clock()
    with desk.store.writing() as session:
        conversation = locked(session, turn.conversation_id)
        message = session.get_one(Message, turn.message_id)
        if message.state != "stored" or message.conversation_id != conversation.id:
            return True
        if now - message.created_at > PATIENCE or (counted and message.attempts >= MAX_ATTEMPTS):
            return False
        if not counted:
            message.attempts -= 1
        message.leased_until = None
        return True


def give_up(desk: Desk, turn: ClaimedTurn, apologize: Callable[[handoffs.Promise], Reply]) -> tuple[MessageView, ...]:
    """Hand a message that no program could answer to a human, and say sorry with the time they will answer by."""
    now = desk.clock()
    with desk.store.writing() as session:
        conversation = locked(session, turn.conversation_id)
        message = session.get_one(Message, turn.message_id)
        if message.state != "stored" or message.conversation_id != conversation.id:
            return ()
        message.state, message.leased_until = "failed", None
        if conversation.owner not in (Owner.BOT, Owner.WAITING):
            return ()
        promise = handoffs.hand_over_in(session, desk, conversation, "turn_failed", {"message": message.id})
        return add_replies(session, conversation, message, (apologize(promise),), now)


def say_late(desk: Desk, turn: ClaimedTurn, reply: Reply) -> tuple[MessageView, ...]:
    """Tell the customer that the answer is late, once, where the message is still to be answered by the bot."""
    now = desk.clock()
    with desk.store.writing() as session:
        conversation = locked(session, turn.conversation_id)
        question = session.get_one(Message, turn.message_id)
        name = f"{question.id}:late"
        told = session.scalar(
            select(Message.id).where(Message.conversation_id == conversation.id, Message.client_id == name)
        )
        if question.state != "stored" or conversation.owner != Owner.BOT or told is not None:
            return ()
        return (view(_say(session, conversation, name, reply, now)),)


def messages_since(desk: Desk, conversation_id: str, after: int = 0, *, limit: int = 200) -> tuple[MessageView, ...]:
    """Return the messages after this id in order; with 0 the newest ones. An agent's notes are not among them."""
    with desk.store.reading() as session:
        return messages_in(session, conversation_id, after, limit=limit)


def messages_in(session: Session, conversation_id: str, after: int = 0, *, limit: int = 200) -> tuple[MessageView, ...]:
    """Do the same inside the caller's transaction."""
    shown = _SHOWN.where(Message.conversation_id == conversation_id, Message.author != "note")
    if after:
        found = session.execute(shown.where(Message.id > after).order_by(Message.id).limit(limit)).all()
    else:
        found = session.execute(shown.order_by(Message.id.desc()).limit(limit)).all()[::-1]
    return tuple(MessageView(*row) for row in found)


def heads(desk: Desk, conversation_ids: Iterable[str]) -> dict[str, Head]:
    """Return where each of these conversations stands."""
    newest = (
        select(Conversation.id, Conversation.owner, func.coalesce(func.max(Message.id), 0))
        .outerjoin(Message, (Message.conversation_id == Conversation.id) & (Message.author != "note"))
        .where(Conversation.id.in_(list(conversation_ids)))
        .group_by(Conversation.id, Conversation.owner)
    )
    with desk.store.reading() as session:
        return {name: Head(owner, last) for name, owner, last in session.execute(newest)}


def with_work(desk: Desk, *, limit: int = 200) -> tuple[str, ...]:
    """Return the conversations whose oldest messages wait for the bot and are claimed by nobody, oldest first."""
    waiting = (
        select(Message.conversation_id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(Message.state == "stored", Message.author == "customer", Conversation.owner == Owner.BOT)
        .where(or_(Message.leased_until.is_(None), Message.leased_until <= desk.clock()))
        .group_by(Message.conversation_id)
        .order_by(func.min(Message.created_at))
        .limit(limit)
    )
    with desk.store.reading() as session:
        return tuple(session.scalars(waiting))


def locked(session: Session, conversation_id: str) -> Conversation:
    """Return a conversation that nobody else changes until the caller's transaction ends."""
    return session.get_one(Conversation, conversation_id, with_for_update=True)


def view(message: Message) -> MessageView:
    """Return a message as its customer may see it."""
    return MessageView(
        id=message.id,
        client_id=message.client_id,
        author=message.author,
        text=message.text,
        content=message.content,
        state=message.state,
        at=message.created_at,
    )


def add_replies(
    session: Session, conversation: Conversation, question: Message, replies: Iterable[Reply], now: datetime
) -> tuple[MessageView, ...]:
    """Add the bot's replies to a message, with their buttons, inside the caller's transaction."""
    added = []
    conversation.last_at = now
    for number, reply in enumerate(replies):
        message = _say(session, conversation, f"{question.id}:{number}", reply, now)
        session.add_all(
            Choice(
                token=choice.token,
                conversation_id=conversation.id,
                message_id=message.id,
                title=choice.title,
                payload=choice.payload,
            )
            for choice in reply.choices
        )
        added.append(view(message))
    return tuple(added)


def _say(session: Session, conversation: Conversation, name: str, reply: Reply, now: datetime) -> Message:
    message = Message(
        conversation_id=conversation.id,
        client_id=name,
        author="bot",
        text=reply.text,
        content=reply.content,
        state="answered",
        created_at=now,
    )
    session.add(message)
    session.flush()
    return message


def _unanswered(conversation_id: str) -> Select[Message]:
    return (
        select(Message)
        .where(Message.conversation_id == conversation_id, Message.author == "customer", Message.state == "stored")
        .order_by(Message.id)
    )


def _purchases(session: Session, customer_id: int | None) -> tuple[str, ...]:
    return () if customer_id is None else tuple(session.scalars(_TITLES, {"customer": customer_id}))
