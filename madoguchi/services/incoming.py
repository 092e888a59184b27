"""What customers send: each message, pressed button or picture is stored once, in order, and is safe from there on.

The row of the conversation is locked first in every transaction, as in `conversations`; a message to a closed
conversation opens it again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from madoguchi.services import sessions
from madoguchi.services.conversations import NEWEST, add_replies, claim, view
from madoguchi.services.desk import Desk
from madoguchi.services.talk import News, Owner, Received, Refusal, Reply, Sent, Stored
from madoguchi.store import Choice, Conversation, Message

_OWN = Message.conversation_id == bindparam("talk")
_STANDING = select(
    select(Message.id).where(_OWN, Message.client_id == bindparam("client_id")).scalar_subquery(),
    select(Message.id).where(_OWN, Message.author == "customer", Message.state == "stored").limit(1).scalar_subquery(),
    NEWEST,
)
"""What a message meets in its conversation: itself, sent before; one that waits for the bot; the newest one shown."""


def receive(desk: Desk, secret: str, sent: Sent, *, at_once: bool = True) -> Received | Refusal | None:
    """Store a message of whoever holds this session's secret, once per client-made id; None without a session.

    `at_once` claims it for the caller in the same transaction, where the bot may answer and nothing waits before it.
    """
    now = desk.clock()
    with desk.store.writing() as session:
        talk = sessions.locked_talk(session, secret, now)
        return None if talk is None else add_message(session, talk, sent, now, at_once=at_once)


def add_message(
    session: Session, talk: Conversation, sent: Sent, now: datetime, *, at_once: bool = False
) -> Received | Refusal:
    """Do the same for a locked conversation inside the caller's transaction."""
    known, waits, before = session.execute(_STANDING, {"talk": talk.id, "client_id": sent.client_id}).one()
    if known is not None:
        again = _again(session.get_one(Message, known), sent)
        return again if isinstance(again, Refusal) else Received(talk.id, again)
    pressed = None if sent.token is None else _press(session, talk.id, sent.token, now)
    if isinstance(pressed, Refusal):
        return pressed
    text = pressed.title if pressed else sent.text or ""
    message = Message(client_id=sent.client_id, text=text, content={}, choice=sent.token, state="stored")
    _add(session, talk, message, now)
    free = at_once and waits is None and talk.owner == Owner.BOT
    turn = claim(session, talk, message, pressed, now) if free else None
    session.flush()
    shown = view(message)
    return Received(talk.id, Stored(shown, new=True), News(before, (shown,), talk.owner), turn)


def add_picture(
    session: Session, talk: Conversation, client_id: str, content: dict[str, Any], reply: Reply | None, now: datetime
) -> Stored:
    """Add a customer's picture to a locked conversation, with the bot's word on it while the bot is the owner.

    A picture needs no turn of the engine, has no words, and answers no question: open buttons stay open.
    """
    picture = Message(client_id=client_id, text="", content=content, state="answered")
    _add(session, talk, picture, now)
    session.flush()
    if reply is not None and talk.owner == Owner.BOT:
        add_replies(session, talk, picture, (reply,), now)
    return Stored(view(picture), new=True)


def _add(session: Session, talk: Conversation, message: Message, now: datetime) -> None:
    if talk.owner == Owner.CLOSED:
        _reopen(session, talk)
    message.conversation_id, message.author, message.created_at = talk.id, "customer", now
    session.add(message)
    talk.last_at = now


def _again(known: Message, sent: Sent) -> Stored | Refusal:
    same = known.choice == sent.token and (sent.token is not None or known.text == sent.text)
    same = same and known.author == "customer"
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
