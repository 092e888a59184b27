"""What customers send: each message, pressed button or picture is stored once, in order, and is safe from there on.

The row of the conversation is locked first in every transaction, as in `conversations`; a message to a closed
conversation opens it again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from madoguchi.services.conversations import add_replies, locked, view
from madoguchi.services.desk import Desk
from madoguchi.services.talk import Owner, Refusal, Reply, Stored
from madoguchi.store import Choice, Conversation, Message


def store_message(
    desk: Desk, conversation_id: str, client_id: str, *, text: str | None = None, token: str | None = None
) -> Stored | Refusal:
    """Store what a customer typed (`text`) or the button they pressed (`token`), once per client-made id."""
    now = desk.clock()
    with desk.store.writing() as session:
        conversation = locked(session, conversation_id)
        known = session.scalar(
            select(Message).where(Message.conversation_id == conversation_id, Message.client_id == client_id)
        )
        if known is not None:
            return _again(known, text, token)
        if token is not None:
            pressed = _press(session, conversation_id, token, now)
            if isinstance(pressed, Refusal):
                return pressed
            text = pressed.title
        said = Message(client_id=client_id, text=text or "", content={}, choice=token, state="stored")
        message = _add(session, conversation, said, now)
        return Stored(view(message), new=True)


def add_picture(
    session: Session, talk: Conversation, client_id: str, content: dict[str, Any], reply: Reply | None, now: datetime
) -> Stored:
    """Add a customer's picture to a locked conversation, with the bot's word on it while the bot is the owner.

    A picture needs no turn of the engine, has no words, and answers no question: open buttons stay open.
    """
    picture = Message(client_id=client_id, text="", content=content, state="answered")
    message = _add(session, talk, picture, now)
    if reply is not None and talk.owner == Owner.BOT:
        add_replies(session, talk, message, (reply,), now)
    return Stored(view(message), new=True)


def _add(session: Session, talk: Conversation, message: Message, now: datetime) -> Message:
    if talk.owner == Owner.CLOSED:
        _reopen(session, talk)
    message.conversation_id, message.author, message.created_at = talk.id, "customer", now
    session.add(message)
    talk.last_at = now
    session.flush()
    return message


def _again(known: Message, text: str | None, token: str | None) -> Stored | Refusal:
    same = known.author == "customer" and known.choice == token and (token is not None or known.text == text)
    return Stored(view(known), new=False) if same else Refusal.CHANGED


def _press(session: Session, conversation_id: str, token: str, now: datetime) -> Choice | Refusal:
    choice = session.get(Choice, token)
    if choice is None or choice.conversation_id != conversation_id:
        return Refusal.UNKNOWN_CHOICE
    gone_on = session.scalar(
        select(Message.id)
        .where(
            Message.conversation_id == conversation_id,
            Message.author == "customer",
            Message.text != "",  # a picture answers nothing
            Message.id > choice.message_id,
        )
        .limit(1)
    )
    if choice.used_at is not None or gone_on is not None:
        return Refusal.SPENT
    choice.used_at = now
    return choice


def _reopen(session: Session, conversation: Conversation) -> None:
    """Give a closed conversation back to the bot; what a human has dealt with is not run any more."""
    session.execute(
        update(Message)
        .where(Message.conversation_id == conversation.id, Message.author == "customer", Message.state == "stored")
        .values(state="answered", leased_until=None)
    )
    conversation.owner = Owner.BOT
    conversation.agent = conversation.handoff_reason = None
    conversation.waiting_since = conversation.promised_at = None
