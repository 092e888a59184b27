"""Phone calls: the next free slots in business hours, and booking one of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import phonenumbers
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from madoguchi.policy.calendar import is_open, next_opening
from madoguchi.services import audit
from madoguchi.services.desk import Desk
from madoguchi.store import Callback, Case, Conversation, Customer

SLOT = timedelta(minutes=15)
CALLS_PER_SLOT = 3
SHOWN = 4
SEARCHED = 400  # slots looked at, so that a crowded week still ends


@dataclass(frozen=True)
class Booked:
    """A call is booked; `phone_end` are the last four digits of the number that will be called."""

    slot_at: datetime
    phone_end: str
    already: bool = False


@dataclass(frozen=True)
class NeedsPhone:
    """No number is known to call."""


@dataclass(frozen=True)
class Full:
    """The wished slot is taken; these are free."""

    slots: tuple[datetime, ...]


@dataclass(frozen=True)
class Standing:
    """What the window offers: free slots, the call that is booked, and the end of the number that is known."""

    slots: tuple[datetime, ...]
    booked: Booked | None
    phone_end: str | None


def standing(desk: Desk, conversation_id: str) -> Standing:
    """Return what a conversation's customer can choose from and has chosen."""
    with desk.store.reading() as session:
        conversation = session.get_one(Conversation, conversation_id)
        phone, row = _known_phone(session, conversation), _booked(session, conversation_id)
        booked = Booked(row.slot_at, row.phone[-4:], already=True) if row is not None else None
        return Standing(_free(session, desk), booked, phone[-4:] if phone else None)


def cancel(desk: Desk, conversation_id: str) -> bool:
    """Take the booked call back; False where there is none."""
    with desk.store.writing() as session:
        row = _booked(session, conversation_id)
        if row is None:
            return False
        row.state = "canceled"
        audit.note(session, desk.clock(), "customer", "callback_canceled", f"conversation:{conversation_id}")
        return True


def slots(desk: Desk) -> tuple[datetime, ...]:
    """Return the next free slots, the first one at once in business hours."""
    with desk.store.reading() as session:
        return _free(session, desk)


def book(desk: Desk, conversation_id: str, slot: datetime | None, phone: str | None) -> Booked | NeedsPhone | Full:
    """Book a call for the conversation's customer, in the wished slot or the next free one; once at a time."""
    with desk.store.writing() as session:
        conversation = session.get_one(Conversation, conversation_id)
        number = _number(phone) or _known_phone(session, conversation)
        if number is None:
            return NeedsPhone()
        standing = _booked(session, conversation_id)
        if standing is not None and slot is None:
            return Booked(standing.slot_at, standing.phone[-4:], already=True)
        free = _free(session, desk)
        if slot is not None and slot not in free:
            return Full(free)
        at = slot or free[0]
        key = f"{conversation_id}:{at.isoformat()}"
        again = session.scalar(select(Callback).where(Callback.key == key, Callback.state == "canceled"))
        if standing is not None:
            standing.slot_at, standing.phone = at, number
        elif again is not None:  # the same slot as one that was taken back
            again.state, again.slot_at, again.phone, again.attempts = "booked", at, number, 0
        else:
            session.add(
                Callback(
                    key=key,
                    customer_id=conversation.customer_id,
                    case_id=_case(session, conversation_id),
                    conversation_id=conversation_id,
                    phone=number,
                    slot_at=at,
                    booked_at=desk.clock(),
                )
            )
        audit.note(session, desk.clock(), "customer", "callback_booked", f"conversation:{conversation_id}")
        return Booked(at, number[-4:])


def number_of(text: str) -> str | None:
    """Return a telephone number as E.164; None where it is none."""
    return _number(text)


def _booked(session: Session, conversation_id: str) -> Callback | None:
    mine = Callback.conversation_id == conversation_id, Callback.state == "booked"
    return session.scalar(select(Callback).where(*mine).order_by(Callback.id.desc()).limit(1))


def _free(session: Session, desk: Desk) -> tuple[datetime, ...]:
    calendar = desk.terms.at(desk.clock()).calendar
    at = _round_up(next_opening(desk.clock(), calendar))
    found: list[datetime] = []
    for _ in range(SEARCHED):
        if not is_open(at, calendar):
            at = next_opening(at, calendar)
        taken = session.scalar(select(func.count()).where(Callback.slot_at == at, Callback.state == "booked")) or 0
        if taken < CALLS_PER_SLOT:
            found.append(at)
        if len(found) == SHOWN:
            break
        at += SLOT
    return tuple(found)


def _round_up(at: datetime) -> datetime:
    over = timedelta(minutes=at.minute % 15, seconds=at.second, microseconds=at.microsecond)
    return at if not over else at - over + SLOT


def _number(text: str | None) -> str | None:
    if not text:
        return None
    try:
        number = phonenumbers.parse(text, "JP")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _known_phone(session: Session, conversation: Conversation) -> str | None:
    customer = session.get(Customer, conversation.customer_id) if conversation.customer_id else None
    return customer.phone if customer else None


def _case(session: Session, conversation_id: str) -> int | None:
    last = select(Case.id).where(Case.conversation_id == conversation_id).order_by(Case.id.desc()).limit(1)
    return session.scalar(last)
