"""The inbox of messages: what customers wrote, why a trainer should look, alike ones in one pile, one decision each.

The first reason that holds gives a pile its place: the desk was unsure, an agent marked it wrong, it ended with a
human, it lies between two intents, or it resembles no example. What was written stays in the conversation alone.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import batched
from typing import Any

from rapidfuzz import fuzz, process
from sqlalchemy import case, delete, func, insert, select
from sqlalchemy.orm import Session

from madoguchi.rasa import Inspected
from madoguchi.services.desk import Desk
from madoguchi.store import Conversation, IntentReport, Message, TrainingMessage, TrainingPile
from madoguchi.training import masking, sameness
from madoguchi.training.corpus import Corpus
from madoguchi.training.masking import Masked
from madoguchi.training.notation import Mark, Said

PAGE = 20
SURE = 0.5
CLOSE = 0.15
KNOWN = 0.25
_ALIKE = 88.0
_SHORTEST_ALIKE = 8  # shorter keys must be equal: in few letters each one is meaning
_NONE = 9
FALLBACK = "nlu_fallback"


class Reason(StrEnum):
    """Why a trainer should look at a message, the most pressing first."""

    UNSURE = "unsure"
    MARKED = "marked"
    HUMAN = "human"
    BETWEEN = "between"
    UNKNOWN = "unknown"


_RANKS = {reason: rank for rank, reason in enumerate(Reason, start=1)}


@dataclass(frozen=True)
class Pile:
    """Messages that are alike, told by the first of them."""

    id: str
    count: int
    reasons: tuple[Reason, ...]
    first: Heard


@dataclass(frozen=True)
class Heard:
    """One message with what the model made of it."""

    message_id: int
    text: str
    intent: str | None
    confidence: float | None
    second: str | None
    second_confidence: float | None
    entities: tuple[dict[str, Any], ...]
    names: tuple[tuple[int, int, str], ...] | None

    @property
    def said(self) -> Said:
        """The message with the entities that the engine saw and that Rasa's notation can say."""
        found = [(each.get("start"), each.get("end"), each.get("entity")) for each in self.entities]
        fits = [each for each in found if isinstance(each[0], int) and isinstance(each[1], int)]
        marks: list[Mark] = []
        for start, end, entity in sorted(fits, key=lambda each: (each[0] or 0, each[1] or 0)):
            free = not marks or marks[-1].end <= (start or 0)
            if free and 0 <= (start or 0) < (end or 0) <= len(self.text) and "]" not in self.text[start:end]:
                marks.append(Mark(start or 0, end or 0, str(entity)))
        return Said(self.text, tuple(marks))

    def masked(self, kept: frozenset[str] = frozenset()) -> Masked:
        """Return it without personal data, as far as it was looked for."""
        return masking.mask(self.said, self.names or (), kept)


@dataclass(frozen=True)
class Listed:
    """One page of the inbox."""

    piles: tuple[Pile, ...]
    more: bool


class Piles:
    """The open piles by their texts: where a new message belongs."""

    def __init__(self) -> None:
        self._by_key: dict[str, str] = {}
        self._keys: list[str] = []
        self._seen = 0

    def load(self, session: Session) -> None:
        """Take in what is open in the store, once."""
        if self._seen:
            return
        rows = session.execute(
            select(Message.id, Message.text, TrainingMessage.pile)
            .join(TrainingMessage, TrainingMessage.message_id == Message.id)
            .where(TrainingMessage.state == "open", Message.text != "")
        )
        for number, text, pile in rows:
            self._seen = max(self._seen, number)
            self._add(sameness.key(text), pile)

    def of(self, text: str) -> str:
        """Return the pile of a message, a new one where none is alike."""
        key = sameness.key(text)
        pile = self._by_key.get(key)
        if pile is None and len(key) >= _SHORTEST_ALIKE:
            best = process.extractOne(key, self._keys, scorer=fuzz.ratio, score_cutoff=_ALIKE)
            pile = self._by_key.get(best[0]) if best else None
        pile = pile or str(uuid.uuid4())
        self._add(key, pile)
        return pile

    def _add(self, key: str, pile: str) -> None:
        if key not in self._by_key:
            self._keys.append(key)
        self._by_key[key] = pile


def take_in(desk: Desk, corpus: Corpus, piles: Piles, limit: int = 200) -> int:
    """Take the customers' newest messages in; returns how many there were."""
    with desk.store.reading() as session:
        last = session.scalar(select(func.max(TrainingMessage.message_id))) or 0
        found = session.scalars(
            select(Message)
            .where(Message.id > last, Message.author == "customer", Message.choice.is_(None), Message.text != "")
            .where(Message.state != "stored")
            .order_by(Message.id)
            .limit(limit)
        ).all()
        piles.load(session)
    rows = [_row(message, corpus, piles) for message in found]
    with desk.store.writing() as session:
        session.add_all(rows)
        tally(session, (row.pile for row in rows))
    return len(rows)


def refresh(desk: Desk) -> None:
    """Take over what happened to messages since: agents' marks, talks that went to a human, erased words."""
    with desk.store.writing() as session:
        marked = select(IntentReport.message_id).where(IntentReport.settled_at.is_(None))
        _flag(session, "marked", marked)
        ended = (
            select(func.max(Message.id))
            .join(Conversation, Conversation.id == Message.conversation_id)
            .where(Conversation.handoff_reason.is_not(None), Message.author == "customer", Message.choice.is_(None))
            .where((Conversation.waiting_since.is_(None)) | (Message.created_at <= Conversation.waiting_since))
            .group_by(Message.conversation_id)
        )
        _flag(session, "human", ended)
        _drop_erased(session)


def _drop_erased(session: Session) -> None:
    gone = select(Message.id).where(Message.text == "", Message.author == "customer")
    erased = TrainingMessage.state == "open", TrainingMessage.message_id.in_(gone)
    rows = session.scalars(select(TrainingMessage).where(*erased)).all()
    for row in rows:
        row.state = "settled"
    tally(session, (row.pile for row in rows))


def unseen(desk: Desk, limit: int = 10) -> list[tuple[int, str]]:
    """Return open messages that the engine has not looked at for names and the runner-up yet."""
    with desk.store.reading() as session:
        rows = session.execute(
            select(Message.id, Message.text)
            .join(TrainingMessage, TrainingMessage.message_id == Message.id)
            .where(TrainingMessage.state == "open", TrainingMessage.names.is_(None), Message.text != "")
            .order_by(TrainingMessage.rank, Message.id)
            .limit(limit)
        )
        return [(number, text) for number, text in rows]


def keep(desk: Desk, seen: Mapping[int, Inspected]) -> None:
    """Keep what the engine saw in messages."""
    with desk.store.writing() as session:
        wanted = TrainingMessage.message_id.in_(seen)
        for row in session.scalars(select(TrainingMessage).where(wanted)):
            found = seen[row.message_id]
            ranking = [each for each in found.ranking if each.name not in (None, FALLBACK)]
            if len(ranking) > 1:
                row.second, row.second_confidence = ranking[1].name, ranking[1].confidence
                row.between = (ranking[0].confidence or 0) - (ranking[1].confidence or 0) < CLOSE
            row.names = [[each.start, each.end, each.kind] for each in found.names or ()]
            row.rank = _rank(row)
        tally(session, session.scalars(select(TrainingMessage.pile).where(wanted)).all())


def listed(desk: Desk, reason: Reason | None = None, intent: str | None = None, page: int = 0) -> Listed:
    """Return one page of piles, the most pressing first."""
    chosen = select(TrainingPile).where(TrainingPile.rank < _NONE)
    if reason is not None:
        chosen = chosen.where(getattr(TrainingPile, reason) > 0)
    if intent is not None:
        chosen = chosen.where(TrainingPile.intent == intent)
    chosen = chosen.order_by(TrainingPile.rank, TrainingPile.count.desc(), TrainingPile.confidence, TrainingPile.pile)
    with desk.store.reading() as session:
        rows = session.scalars(chosen.limit(PAGE + 1).offset(page * PAGE)).all()
        heard = {each.message_id: each for each in heard_of(session, [row.first_id for row in rows])}
    piles = tuple(_pile(row, heard[row.first_id]) for row in rows[:PAGE] if row.first_id in heard)
    return Listed(piles, len(rows) > PAGE)


def counts(desk: Desk) -> dict[str, int]:
    """Return the number of open messages for each reason, and of all."""
    wanted = [func.coalesce(func.sum(getattr(TrainingPile, each)), 0) for each in Reason]
    whole = func.coalesce(func.sum(TrainingPile.count), 0)
    with desk.store.reading() as session:
        row = session.execute(select(whole, *wanted).where(TrainingPile.rank < _NONE)).one()
    return {"all": int(row[0]), **{each.value: int(number) for each, number in zip(Reason, row[1:], strict=True)}}


def tally(session: Session, piles: Iterable[str]) -> None:
    """Count the open messages of these piles anew; whoever changes a message's pile, state or reasons calls this."""
    session.flush()
    for some in batched(set(piles), 500):
        session.execute(delete(TrainingPile).where(TrainingPile.pile.in_(some)))
        counted = select(
            TrainingMessage.pile,
            func.min(TrainingMessage.message_id).label("first_id"),
            func.count().label("count"),
            func.min(TrainingMessage.intent).label("intent"),
            func.min(TrainingMessage.confidence).label("confidence"),
            func.min(TrainingMessage.rank).label("rank"),
            *(func.sum(case((getattr(TrainingMessage, each), 1), else_=0)).label(each.value) for each in Reason),
        ).where(TrainingMessage.state == "open", TrainingMessage.pile.in_(some))
        rows = [dict(row) for row in session.execute(counted.group_by(TrainingMessage.pile)).mappings()]
        if rows:
            session.execute(insert(TrainingPile), rows)


def members(desk: Desk, pile: str, limit: int = 100) -> list[Heard]:
    """Return the open messages of a pile, the first of them first."""
    with desk.store.reading() as session:
        ids = session.scalars(
            select(TrainingMessage.message_id)
            .where(TrainingMessage.pile == pile, TrainingMessage.state == "open")
            .order_by(TrainingMessage.message_id)
            .limit(limit)
        ).all()
        return heard_of(session, ids)


def one(desk: Desk, pile: str) -> Pile | None:
    """Return an open pile."""
    with desk.store.reading() as session:
        row = session.get(TrainingPile, pile)
        heard = heard_of(session, [row.first_id]) if row is not None else []
    return _pile(row, heard[0]) if row is not None and heard else None


def heard_of(session: Session, ids: Sequence[int]) -> list[Heard]:
    """Return these messages with what is known of them; those whose words are erased are left out."""
    rows = session.execute(
        select(TrainingMessage, Message)
        .join(Message, Message.id == TrainingMessage.message_id)
        .where(TrainingMessage.message_id.in_(ids), Message.text != "")
        .order_by(TrainingMessage.message_id)
    )
    return [
        Heard(
            message_id=message.id,
            text=message.text,
            intent=row.intent,
            confidence=row.confidence,
            second=row.second,
            second_confidence=row.second_confidence,
            entities=tuple(each for each in message.entities or () if isinstance(each, dict)),
            names=None if row.names is None else tuple((int(s), int(e), str(kind)) for s, e, kind in row.names),
        )
        for row, message in rows
    ]


def _pile(row: TrainingPile, first: Heard) -> Pile:
    return Pile(row.pile, row.count, tuple(each for each in Reason if getattr(row, each)), first)


def _row(message: Message, corpus: Corpus, piles: Piles) -> TrainingMessage:
    nearest = corpus.nearest(message.text, 1)
    likeness = nearest[0][1] if nearest else 0.0
    row = TrainingMessage(
        message_id=message.id,
        pile=piles.of(message.text),
        intent=message.intent,
        confidence=message.confidence,
        likeness=likeness,
        unsure=message.intent in (None, FALLBACK) or (message.confidence or 0) < SURE,
        marked=False,
        human=False,
        between=False,
        unknown=likeness < KNOWN,
        came_at=message.created_at,
    )
    row.rank = _rank(row)
    return row


def _rank(row: TrainingMessage) -> int:
    return next((_RANKS[reason] for reason in Reason if getattr(row, reason)), _NONE)


def _flag(session: Session, reason: str, ids: Any) -> None:
    wanted = TrainingMessage.message_id.in_(ids), getattr(TrainingMessage, reason).is_(False)
    rows = session.scalars(select(TrainingMessage).where(*wanted)).all()
    for row in rows:
        setattr(row, reason, True)
        row.rank = _rank(row)
        if reason == Reason.MARKED and row.state == "settled":  # an agent objects to what was settled before
            row.state, row.batch = "open", None
    tally(session, (row.pile for row in rows))
