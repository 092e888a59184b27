"""What a human does with a conversation: take it over, answer, note, pass on, give back, put aside, close.

The row of the conversation is locked first in every function, as `conversations.py` does, so that of two people who
click at once one has it and the other is told who. From the transaction of a takeover on, nothing of the bot's is
stored: the fence in `conversations.store_replies` looks at the same column. A function that would overwrite what
somebody has not seen yet (`seen` is the last message on their page) answers with what changed instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from madoguchi.services import audit
from madoguchi.services.agents import May, Person, Role
from madoguchi.services.desk import Desk
from madoguchi.services.snoozing import Wake
from madoguchi.store import Conversation, Handling, IntentReport, Message, Snooze, Staff

LONGEST = 4000


@dataclass(frozen=True)
class Taken:
    """Somebody else has it already (`by` is their name), or it needs nobody any more (`by` is None)."""

    by: str | None
    owner: str


@dataclass(frozen=True)
class NotYours:
    """Only who has taken the conversation over may do this, or a lead."""

    by: str | None


@dataclass(frozen=True)
class Stale:
    """The customer has written since the page was shown; nothing was done. `last_message_id` is the newest one."""

    last_message_id: int


@dataclass(frozen=True)
class Unfit:
    """What was entered cannot be used: empty, too long, or a person who cannot take it."""

    why: str


@dataclass(frozen=True)
class Kept:
    """A message or note is stored under this id; the same client id again gives the same one."""

    message_id: int


@dataclass(frozen=True)
class Ok:
    """It is done."""


def take(desk: Desk, person: Person, conversation_id: str) -> Ok | Taken:
    """Take a conversation over from the bot or the queue; the second of two is told who was first."""
    now = desk.clock()
    with desk.store.writing() as session:
        talk = _lock(session, conversation_id)
        if talk.owner == "agent":
            return Ok() if talk.agent == person.login else Taken(_name(session, talk.agent), talk.owner)
        _begin(session, talk, person, now)
        audit.note(session, now, person.actor, "taken", f"conversation:{talk.id}", {"reason": talk.handoff_reason})
        return Ok()


def reply(
    desk: Desk, person: Person, conversation_id: str, client_id: str, text: str, seen: int
) -> Kept | NotYours | Stale | Unfit:
    """Answer the customer, once per client-made id; refused where they have written something unseen."""
    text, now = _tidy(text), desk.clock()
    if not 0 < len(text) <= LONGEST:
        return Unfit("empty" if not text else "long")
    with desk.store.writing() as session:
        talk = _lock(session, conversation_id)
        known = _known(session, conversation_id, client_id)
        if known is not None:
            return Kept(known)
        refused = _mine(session, talk, person) or _unseen(session, talk, seen)
        if refused is not None:
            return refused
        _settle_waiting(session, talk)
        message_id = _add(session, talk, person, "agent", client_id, text, now)
        session.execute(
            update(Handling)
            .where(Handling.conversation_id == talk.id, Handling.ended_at.is_(None), Handling.first_word_at.is_(None))
            .values(first_word_at=now)
        )
        audit.note(session, now, person.actor, "replied", f"conversation:{talk.id}", {"message": message_id})
        return Kept(message_id)


def note(desk: Desk, person: Person, conversation_id: str, client_id: str, text: str) -> Kept | Unfit:
    """Write an internal note that no customer ever sees; whoever may handle conversations may."""
    text, now = _tidy(text), desk.clock()
    if not 0 < len(text) <= LONGEST:
        return Unfit("empty" if not text else "long")
    with desk.store.writing() as session:
        talk = _lock(session, conversation_id)
        known = _known(session, conversation_id, client_id)
        if known is not None:
            return Kept(known)
        message_id = _add(session, talk, person, "note", client_id, text, now)
        audit.note(session, now, person.actor, "noted", f"conversation:{talk.id}", {"message": message_id})
        return Kept(message_id)


def give_back(desk: Desk, person: Person, conversation_id: str, words: str, seen: int) -> Ok | NotYours | Stale | Unfit:
    """Let the bot go on; the note says where, and what the customer has said so far is not answered again."""
    words, now = _tidy(words), desk.clock()
    if not 0 < len(words) <= LONGEST:
        return Unfit("empty" if not words else "long")
    with desk.store.writing() as session:
        talk = _lock(session, conversation_id)
        refused = _mine(session, talk, person) or _unseen(session, talk, seen)
        if refused is not None:
            return refused
        _settle_waiting(session, talk)
        _add(session, talk, person, "note", f"back:{now.isoformat()}", words, now)
        _end(session, talk, "given_back", now)
        talk.owner, talk.agent, talk.handoff_reason = "bot", None, None
        talk.waiting_since = talk.promised_at = None
        audit.note(session, now, person.actor, "given_back", f"conversation:{talk.id}")
        return Ok()


def close(desk: Desk, person: Person, conversation_id: str, seen: int) -> Ok | NotYours | Stale:
    """Close a conversation that needs nobody any more; a customer who writes again reopens it."""
    now = desk.clock()
    with desk.store.writing() as session:
        talk = _lock(session, conversation_id)
        if talk.owner == "closed":
            return Ok()
        refused = _mine(session, talk, person) or _unseen(session, talk, seen)
        if refused is not None:
            return refused
        _settle_waiting(session, talk)
        _end(session, talk, "closed", now)
        talk.owner = "closed"
        talk.waiting_since = talk.promised_at = None
        audit.note(session, now, person.actor, "closed", f"conversation:{talk.id}")
        return Ok()


def pass_on(desk: Desk, person: Person, conversation_id: str, to: int | None) -> Ok | NotYours | Unfit:
    """Give a conversation to a colleague (`to`), or back into the queue (None)."""
    now = desk.clock()
    with desk.store.writing() as session:
        talk = _lock(session, conversation_id)
        refused = None if person.may(May.MANAGE) else _mine(session, talk, person)
        if refused is not None:
            return refused
        receiver = session.get(Staff, to) if to is not None else None
        if to is not None and (receiver is None or not receiver.active or receiver.role == Role.TRAINER):
            return Unfit("receiver")
        _end(session, talk, "passed_on", now)
        if receiver is None:
            talk.owner, talk.agent = "waiting", None
            talk.waiting_since = talk.waiting_since or now
        else:
            _begin(session, talk, Person(receiver.id, receiver.login, receiver.name, Role(receiver.role)), now)
        detail = {"to": f"staff:{to}" if to else "queue"}
        audit.note(session, now, person.actor, "passed_on", f"conversation:{talk.id}", detail)
        return Ok()


def snooze(
    desk: Desk, person: Person, conversation_id: str, until: datetime | None, event: Wake | None
) -> Ok | NotYours | Unfit:
    """Put a conversation aside until a time or an event, whichever comes first; the customer's word wakes it too."""
    now = desk.clock()
    if (until is None and event is None) or (until is not None and until <= now):
        return Unfit("time")
    with desk.store.writing() as session:
        talk = _lock(session, conversation_id)
        refused = _mine(session, talk, person)
        if refused is not None:
            return refused
        session.execute(delete(Snooze).where(Snooze.conversation_id == talk.id))
        session.add(
            Snooze(
                conversation_id=talk.id,
                staff_id=person.id,
                until=until,
                event=event.value if event else None,
                last_message_id=_last(session, talk.id),
                set_at=now,
            )
        )
        audit.note(session, now, person.actor, "snoozed", f"conversation:{talk.id}", {"event": event})
        return Ok()


def report_intent(desk: Desk, person: Person, message_id: int) -> bool:
    """Tell the trainers that a customer's message was understood wrongly; False where there is no such message."""
    now = desk.clock()
    with desk.store.writing() as session:
        message = session.get(Message, message_id)
        if message is None or message.author != "customer" or message.intent is None:
            return False
        if session.get(IntentReport, message_id) is None:
            session.add(IntentReport(message_id=message_id, staff_id=person.id, intent=message.intent, at=now))
            audit.note(session, now, person.actor, "intent_reported", f"message:{message_id}")
        return True


def unread_since(desk: Desk, conversation_id: str, seen: int) -> tuple[Message, ...]:
    """Return what the customer has written after the message `seen`."""
    with desk.store.reading() as session:
        later = select(Message).where(
            Message.conversation_id == conversation_id, Message.author == "customer", Message.id > seen
        )
        return tuple(session.scalars(later.order_by(Message.id)))


def _lock(session: Session, conversation_id: str) -> Conversation:
    return session.get_one(Conversation, conversation_id, with_for_update=True)


def _mine(session: Session, talk: Conversation, person: Person) -> NotYours | None:
    if talk.owner == "agent" and talk.agent == person.login:
        return None
    return NotYours(_name(session, talk.agent) if talk.owner == "agent" else None)


def _unseen(session: Session, talk: Conversation, seen: int) -> Stale | None:
    newest = session.scalar(
        select(func.max(Message.id)).where(Message.conversation_id == talk.id, Message.author == "customer")
    )
    return Stale(newest) if newest is not None and newest > seen else None


def _begin(session: Session, talk: Conversation, person: Person, now: datetime) -> None:
    # A conversation that a customer reopened was left by its human without a word of theirs.
    _end(session, talk, "reopened", now)
    session.add(
        Handling(
            conversation_id=talk.id,
            staff_id=person.id,
            reason=talk.handoff_reason,
            waiting_since=talk.waiting_since,
            promised_at=talk.promised_at,
            taken_at=now,
        )
    )
    talk.owner, talk.agent = "agent", person.login


def _end(session: Session, talk: Conversation, ending: str, now: datetime) -> None:
    running = (Handling.conversation_id == talk.id) & Handling.ended_at.is_(None)
    session.execute(update(Handling).where(running).values(ended_at=now, ending=ending))
    session.execute(delete(Snooze).where(Snooze.conversation_id == talk.id))


def _settle_waiting(session: Session, talk: Conversation) -> None:
    """What a human has dealt with is never run by the bot later."""
    waiting = (Message.conversation_id == talk.id) & (Message.author == "customer") & (Message.state == "stored")
    session.execute(update(Message).where(waiting).values(state="answered", leased_until=None))


def _add(
    session: Session, talk: Conversation, person: Person, author: str, client_id: str, text: str, now: datetime
) -> int:
    content: dict[str, Any] = {"staff": person.id, "name": person.name}
    message = Message(
        conversation_id=talk.id,
        client_id=f"{author}:{client_id}"[:64],
        author=author,
        text=text,
        content=content,
        state="answered",
        created_at=now,
    )
    session.add(message)
    if author == "agent":
        talk.last_at = now
    session.flush()
    return message.id


def _known(session: Session, conversation_id: str, client_id: str) -> int | None:
    ids = [f"{author}:{client_id}"[:64] for author in ("agent", "note")]
    return session.scalar(
        select(Message.id).where(Message.conversation_id == conversation_id, Message.client_id.in_(ids))
    )


def _last(session: Session, conversation_id: str) -> int:
    return session.scalar(select(func.max(Message.id)).where(Message.conversation_id == conversation_id)) or 0


def _name(session: Session, login: str | None) -> str | None:
    return session.scalar(select(Staff.name).where(Staff.login == login)) if login else None


def _tidy(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\x00", "").strip()
