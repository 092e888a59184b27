"""The queue of booked calls: who makes which, what came of it, and when to try again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from madoguchi.policy.calendar import next_opening
from madoguchi.services import audit
from madoguchi.services.agents import Person
from madoguchi.services.desk import Desk
from madoguchi.store import CallAttempt, Callback, CallClaim, Customer

RETRY = timedelta(minutes=30)
TRIES = 3
SHOWN = 100


class Result(StrEnum):
    """What came of a call."""

    REACHED = "reached"
    NO_ANSWER = "no_answer"
    WRONG_NUMBER = "wrong_number"


@dataclass(frozen=True)
class Call:
    """One call of the queue; `caller` is who will make it, None while nobody said so."""

    booking: Callback
    customer: Customer | None
    caller_id: int | None
    caller: str | None
    attempts: tuple[CallAttempt, ...]


@dataclass(frozen=True)
class Refusal:
    """It was not noted: taken (by `by`), gone, or words_missing."""

    why: str
    by: str | None = None


def queue(desk: Desk) -> tuple[Call, ...]:
    """Return the calls that are booked, by their time."""
    with desk.store.reading() as session:
        rows = session.scalars(
            select(Callback).where(Callback.state == "booked").order_by(Callback.slot_at, Callback.id).limit(SHOWN)
        ).all()
        return tuple(_call(session, row) for row in rows)


def claim(desk: Desk, person: Person, callback_id: int) -> Refusal | None:
    """Say that one will make this call; the second of two is told who was first."""
    now = desk.clock()
    with desk.store.writing() as session:
        row = session.get(Callback, callback_id, with_for_update=True)
        if row is None or row.state != "booked":
            return Refusal("gone")
        standing = session.get(CallClaim, callback_id, options=[joinedload(CallClaim.staff)])
        if standing is not None:
            return None if standing.staff_id == person.id else Refusal("taken", standing.staff.name)
        session.add(CallClaim(callback_id=callback_id, staff_id=person.id, claimed_at=now))
        audit.note(session, now, person.actor, "call_claimed", f"callback:{callback_id}")
        return None


def give_up(desk: Desk, person: Person, callback_id: int) -> None:
    """Leave a call one has claimed to somebody else."""
    with desk.store.writing() as session:
        standing = session.get(CallClaim, callback_id)
        if standing is not None and standing.staff_id == person.id:
            session.delete(standing)
            audit.note(session, desk.clock(), person.actor, "call_left", f"callback:{callback_id}")


def record(desk: Desk, person: Person, callback_id: int, result: Result, words: str) -> Refusal | None:
    """Note what came of a call. Nobody answered: again in half an hour of opening time, three times in all."""
    now, words = desk.clock(), words.strip()[:2000]
    if result is Result.REACHED and not words:
        return Refusal("words_missing")
    with desk.store.writing() as session:
        row = session.get(Callback, callback_id, with_for_update=True)
        if row is None or row.state != "booked":
            return Refusal("gone")
        standing = session.get(CallClaim, callback_id, options=[joinedload(CallClaim.staff)])
        if standing is not None and standing.staff_id != person.id:
            return Refusal("taken", standing.staff.name)
        session.add(CallAttempt(callback_id=row.id, staff_id=person.id, result=result.value, words=words, at=now))
        row.attempts += 1
        if result is Result.REACHED:
            row.state, row.outcome = "done", words
        elif result is Result.WRONG_NUMBER or row.attempts >= TRIES:
            row.state, row.outcome = "no_answer", words or None
        else:
            row.slot_at = _again_at(desk, now)
        if standing is not None:
            session.delete(standing)
        audit.note(session, now, person.actor, f"call:{result.value}", f"callback:{callback_id}")
        return None


def _again_at(desk: Desk, now: datetime) -> datetime:
    return next_opening(now + RETRY, desk.terms.at(now).calendar)


def _call(session: Session, row: Callback) -> Call:
    standing = session.get(CallClaim, row.id, options=[joinedload(CallClaim.staff)])
    made: Sequence[CallAttempt] = session.scalars(
        select(CallAttempt).where(CallAttempt.callback_id == row.id).order_by(CallAttempt.id)
    ).all()
    return Call(
        booking=row,
        customer=session.get(Customer, row.customer_id) if row.customer_id else None,
        caller_id=standing.staff_id if standing else None,
        caller=standing.staff.name if standing else None,
        attempts=tuple(made),
    )
