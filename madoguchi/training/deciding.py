"""Deciding about messages: taught, parted, dismissed or split, a whole pile at a time, each with its way back.

To split is to sort the messages of a pile into two piles; to part is to make two examples of one message.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from madoguchi.services.agents import Person
from madoguchi.services.desk import Desk
from madoguchi.store import IntentReport, TrainingDecision, TrainingMessage
from madoguchi.training import masking
from madoguchi.training.corpus import Corpus
from madoguchi.training.lessons import Kind, Refused, Taught, Wanted, Why, teach_in
from madoguchi.training.messages import Heard, heard_of, tally
from madoguchi.training.notation import Said


class _Collides(Exception):
    """The lesson collides with another: nothing of the decision may stay."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.why)
        self.refused = refused


def decide(
    desk: Desk, person: Person, corpus: Corpus, pile: str, intent: str, said: Said, kept: frozenset[str] = frozenset()
) -> Taught | Refused | None:
    """Make an example of a pile and settle all of it; None where somebody else has settled it meanwhile.

    Personal data never gets through: neither what the rules find, nor a name of the message that was not kept.
    """
    return _decide(desk, person, corpus, pile, [Wanted(Kind.ADD, intent, said)], kept)


def part(
    desk: Desk,
    person: Person,
    corpus: Corpus,
    pile: str,
    parts: Sequence[tuple[str, Said]],
    kept: frozenset[str] = frozenset(),
) -> Taught | Refused | None:
    """Make an example of each part of a message, its intent before it; one part refused, and nothing is done."""
    return _decide(desk, person, corpus, pile, [Wanted(Kind.ADD, intent, said) for intent, said in parts], kept)


def _decide(
    desk: Desk, person: Person, corpus: Corpus, pile: str, wishes: Sequence[Wanted], kept: frozenset[str]
) -> Taught | Refused | None:
    try:
        with desk.store.writing() as session:
            return _decided(session, desk, person, corpus, pile, wishes, kept)
    except _Collides as collision:
        return collision.refused


def _decided(
    session: Session,
    desk: Desk,
    person: Person,
    corpus: Corpus,
    pile: str,
    wishes: Sequence[Wanted],
    kept: frozenset[str],
) -> Taught | Refused | None:
    rows = _open(session, pile)
    heard = heard_of(session, [row.message_id for row in rows[:1]])
    if not rows or not heard:
        return None
    first = heard[0]
    for wanted in wishes:
        if first.names is None or leaks(wanted.said.text, first, kept):
            return Refused(wanted, Why.PERSONAL)
    wishes = [replace(each, message_id=first.message_id) for each in wishes]
    taught = teach_in(session, desk, person, corpus, wishes, act=_act(wishes, first))
    for refused in taught.refused:
        if refused.why is not Why.TWIN:  # what is taught already is settled with it
            raise _Collides(refused)
    _settle(session, desk, rows, taught.batch)
    return taught


def _act(wishes: Sequence[Wanted], heard: Heard) -> str:
    if len(wishes) > 1:
        return "part"
    return "accept" if wishes[0].intent == heard.intent else "relabel"


def dismiss(desk: Desk, person: Person, pile: str) -> bool:
    """Settle a pile without teaching anything."""
    with desk.store.writing() as session:
        rows = _open(session, pile)
        if not rows:
            return False
        batch = _decision(session, desk, person, "dismiss", {"count": len(rows)})
        _settle(session, desk, rows, batch)
        return True


def split(desk: Desk, person: Person, pile: str, chosen: Sequence[int]) -> str | None:
    """Put some messages of a pile into one of their own; returns it, None where nothing would change."""
    with desk.store.writing() as session:
        rows = _open(session, pile)
        moved = [row for row in rows if row.message_id in set(chosen)]
        if not moved or len(moved) == len(rows):
            return None
        _decision(session, desk, person, "split", {"piles": {str(row.message_id): pile for row in moved}})
        new = str(uuid.uuid4())
        for row in moved:
            row.pile = new
        tally(session, (pile, new))
        return new


def leaks(text: str, heard: Heard, kept: frozenset[str]) -> bool:
    """Whether a text that is to become an example still holds personal data of the message."""
    if not masking.is_clean(text):
        return True
    names = {heard.text[start:end] for start, end, _ in heard.names or ()} - kept - set(masking.STAND_INS.values())
    return any(name and name in text for name in names)


def _open(session: Session, pile: str) -> list[TrainingMessage]:
    wanted = select(TrainingMessage).where(TrainingMessage.pile == pile, TrainingMessage.state == "open")
    return list(session.scalars(wanted.order_by(TrainingMessage.message_id).with_for_update()))


def _settle(session: Session, desk: Desk, rows: Sequence[TrainingMessage], batch: str) -> None:
    for row in rows:
        row.state, row.batch = "settled", batch
    tally(session, (row.pile for row in rows))
    ids = [row.message_id for row in rows]
    settled = update(IntentReport).where(IntentReport.message_id.in_(ids))
    session.execute(settled.values(settled_at=desk.clock()))


def _decision(session: Session, desk: Desk, person: Person, act: str, detail: dict[str, Any]) -> str:
    batch = str(uuid.uuid4())
    session.add(TrainingDecision(batch=batch, staff_id=person.id, act=act, detail=detail, at=desk.clock()))
    session.flush()
    return batch
