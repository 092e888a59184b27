"""Lessons: what trainers want changed in the examples, checked at once, kept as drafts, taken back by their batch.

A lesson that would put one text under two intents is never accepted, however it is spelt: the engine's own
normalisation decides what is one text, over the files and everybody's drafts.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from madoguchi.services import audit
from madoguchi.services.agents import Person
from madoguchi.services.desk import Desk
from madoguchi.store import FindingAside, IntentReport, Lesson, NewIntent, Staff, TrainingDecision, TrainingMessage
from madoguchi.training import notation, sameness
from madoguchi.training.corpus import Corpus
from madoguchi.training.messages import tally
from madoguchi.training.notation import Said, Unwritable

LONGEST = 500
INTENT_NAME = re.compile(r"[a-z][a-z0-9_]{2,58}[a-z0-9]")


class Kind(StrEnum):
    """What a lesson does."""

    ADD = "add"
    EDIT = "edit"
    MOVE = "move"
    DELETE = "delete"


class Why(StrEnum):
    """Why a lesson was not accepted, or could not be published."""

    EMPTY = "empty"
    LONG = "long"
    UNWRITABLE = "unwritable"
    TWIN = "twin"  # the same text stands in this intent already
    CONFLICT = "conflict"  # the same text stands under another intent
    NO_INTENT = "no_intent"
    GONE = "gone"  # the example was changed or taken out meanwhile
    BROKEN = "broken"  # the file cannot be read
    UNREADY = "unready"  # the new intent lacks its rules or replies
    PERSONAL = "personal"  # it still holds personal data, or nobody could look for it


@dataclass(frozen=True)
class Wanted:
    """A change somebody wants; `old` is the intent and the written example as it stands now."""

    kind: Kind
    intent: str
    said: Said
    old: tuple[str, str] | None = None
    message_id: int | None = None


@dataclass(frozen=True)
class Refused:
    """A change that was not accepted; `other` is the intent and text it collides with."""

    wanted: Wanted
    why: Why
    other: tuple[str, str] | None = None


@dataclass(frozen=True)
class Taught:
    """What became of a batch of wishes."""

    batch: str
    lessons: tuple[int, ...]
    refused: tuple[Refused, ...]


class Standing:
    """Which texts stand under which intent once every draft is in: the files, less what drafts take out, and theirs."""

    def __init__(self, corpus: Corpus, drafts: Iterable[Lesson] = ()) -> None:
        self._corpus = corpus
        self._gone: set[tuple[str, str]] = set()
        self._added: dict[str, list[tuple[str, str]]] = {}
        for lesson in drafts:
            self.take(lesson.kind, lesson.intent, lesson.written, _old(lesson))

    def take(self, kind: str, intent: str, written: str, old: tuple[str, str] | None) -> None:
        """Count one more lesson in."""
        if old is not None:
            self._drop(old)
        if kind != Kind.DELETE:
            self._added.setdefault(sameness.key(notation.read(written).text), []).append((intent, written))

    def at(self, key: str, without: tuple[str, str] | None = None) -> list[tuple[str, str]]:
        """Return where this text stands, as intents and written examples, one example left out."""
        filed = [(each.intent, each.written) for each in self._corpus.by_key.get(key, ())]
        found = [*(each for each in filed if each not in self._gone), *self._added.get(key, ())]
        if without in found:
            found.remove(without)
        return found

    def _drop(self, old: tuple[str, str]) -> None:
        added = self._added.get(sameness.key(notation.read(old[1]).text), [])
        if old in added:
            added.remove(old)
        else:
            self._gone.add(old)


def check(standing: Standing, known: Iterable[str], wanted: Wanted) -> Refused | None:
    """Say why a wish cannot be a lesson; None where it can."""
    if wanted.kind is Kind.DELETE:
        return None
    if wanted.intent not in known:
        return Refused(wanted, Why.NO_INTENT)
    if not wanted.said.text.strip():
        return Refused(wanted, Why.EMPTY)
    if len(wanted.said.text) > LONGEST:
        return Refused(wanted, Why.LONG)
    try:
        notation.write(wanted.said)
    except Unwritable:
        return Refused(wanted, Why.UNWRITABLE)
    for intent, written in standing.at(sameness.key(wanted.said.text), wanted.old):
        why = Why.TWIN if intent == wanted.intent else Why.CONFLICT
        return Refused(wanted, why, (intent, notation.read(written).text))
    return None


def teach(desk: Desk, person: Person, corpus: Corpus, wishes: Sequence[Wanted], *, act: str = "teach") -> Taught:
    """Keep as drafts what can be taught, and say why the rest cannot; all of it is one batch to undo."""
    with desk.store.writing() as session:
        return teach_in(session, desk, person, corpus, wishes, act=act)


def teach_in(
    session: Session, desk: Desk, person: Person, corpus: Corpus, wishes: Sequence[Wanted], *, act: str = "teach"
) -> Taught:
    """Do so within the caller's transaction."""
    batch, now = str(uuid.uuid4()), desk.clock()
    session.add(TrainingDecision(batch=batch, staff_id=person.id, act=act, detail={"wishes": len(wishes)}, at=now))
    session.flush()
    waiting = drafts_in(session)
    standing, known = Standing(corpus, waiting), known_intents(session, corpus)
    made: list[int] = []
    refused: list[Refused] = []
    for wanted in wishes:
        found = check(standing, known, wanted) or _gone(corpus, waiting, wanted)
        if found is not None:
            refused.append(found)
            continue
        lesson = _lesson(session, waiting, wanted, batch, person, desk)
        if lesson is not None:
            standing.take(lesson.kind, lesson.intent, lesson.written, wanted.old)
            made.append(lesson.id)
    audit.note(session, now, person.actor, "lessons_drafted", f"batch:{batch}", {"count": len(made), "act": act})
    return Taught(batch, tuple(made), tuple(refused))


def known_intents(session: Session, corpus: Corpus) -> set[str]:
    """Return the intents that have examples, and those that trainers have defined."""
    return {*corpus.by_intent, *session.scalars(select(NewIntent.name))}


def new_intents(desk: Desk) -> list[NewIntent]:
    """Return the intents that trainers have defined."""
    with desk.store.reading() as session:
        return list(session.scalars(select(NewIntent).order_by(NewIntent.name)))


def define(desk: Desk, person: Person, corpus: Corpus, name: str, label: str, definition: str) -> bool:
    """Define a new intent; False where the name cannot be one, is taken, or nothing is said about it."""
    label, definition = label.strip()[:40], " ".join(definition.split())[:1000]
    if not INTENT_NAME.fullmatch(name) or not label or not definition or name in corpus.by_intent:
        return False
    with desk.store.writing() as session:
        if session.get(NewIntent, name) is not None:
            return False
        now = desk.clock()
        session.add(NewIntent(name=name, label=label, definition=definition, staff_id=person.id, made_at=now))
        audit.note(session, now, person.actor, "intent_defined", f"intent:{name}")
        return True


def drafts_in(session: Session) -> list[Lesson]:
    """Return every draft in the order they were made."""
    return list(session.scalars(select(Lesson).where(Lesson.state == "draft").order_by(Lesson.id)))


def drafts(desk: Desk) -> list[Lesson]:
    """Return every draft in the order they were made."""
    with desk.store.reading() as session:
        return drafts_in(session)


def count(desk: Desk) -> int:
    """Return the number of drafts."""
    with desk.store.reading() as session:
        return session.scalar(select(func.count()).select_from(Lesson).where(Lesson.state == "draft")) or 0


def authors(desk: Desk, found: Iterable[Lesson]) -> dict[int, str]:
    """Return the names of the people who made these drafts."""
    with desk.store.reading() as session:
        rows = session.execute(select(Staff.id, Staff.name).where(Staff.id.in_({each.staff_id for each in found})))
        return {row.id: row.name for row in rows}


def discard(desk: Desk, person: Person, lesson_id: int) -> bool:
    """Throw one draft away; False where it is none any more."""
    with desk.store.writing() as session:
        lesson = session.get(Lesson, lesson_id)
        if lesson is None or lesson.state != "draft":
            return False
        lesson.state = "discarded"
        audit.note(session, desk.clock(), person.actor, "lesson_discarded", f"lesson:{lesson_id}")
        return True


def undo(desk: Desk, person: Person) -> str | None:
    """Take back the last thing this person did in the room; returns what it was, None where nothing is left.

    What is published already is in the files and is taken back by a lesson of its own.
    """
    with desk.store.writing() as session:
        mine = TrainingDecision.staff_id == person.id, TrainingDecision.undone_at.is_(None)
        last = session.scalar(select(TrainingDecision).where(*mine).order_by(TrainingDecision.at.desc()).limit(1))
        if last is None:
            return None
        if session.scalar(select(Lesson.id).where(Lesson.batch == last.batch, Lesson.state == "published")):
            return None
        last.undone_at = desk.clock()
        session.execute(update(Lesson).where(Lesson.batch == last.batch).values(state="discarded"))
        _reopen(session, last)
        audit.note(session, desk.clock(), person.actor, "training_undone", f"batch:{last.batch}", {"act": last.act})
        return last.act


def _reopen(session: Session, decision: TrainingDecision) -> None:
    settled = TrainingMessage.batch == decision.batch
    rows = session.execute(select(TrainingMessage.message_id, TrainingMessage.pile).where(settled)).all()
    ids, piles = [row.message_id for row in rows], {row.pile for row in rows}
    if ids:
        session.execute(update(IntentReport).where(IntentReport.message_id.in_(ids)).values(settled_at=None))
    session.execute(update(TrainingMessage).where(settled).values(state="open", batch=None))
    session.execute(delete(FindingAside).where(FindingAside.batch == decision.batch))
    for message_id, pile in decision.detail.get("piles", {}).items():  # of a split: where each lay before
        row = session.get(TrainingMessage, int(message_id))
        if row is not None:
            piles |= {row.pile, pile}
            row.pile = pile
    tally(session, piles)


def _old(lesson: Lesson) -> tuple[str, str] | None:
    if lesson.old_intent is None or lesson.old_written is None:
        return None
    return lesson.old_intent, lesson.old_written


def _gone(corpus: Corpus, waiting: Sequence[Lesson], wanted: Wanted) -> Refused | None:
    """Refuse to change an example that is not there, or that another draft changes already."""
    if wanted.old is None:
        return None
    if any(_old(lesson) == wanted.old for lesson in waiting if lesson.state == "draft"):
        return Refused(wanted, Why.GONE)
    filed = any(each.written == wanted.old[1] for each in corpus.by_intent.get(wanted.old[0], ()))
    return None if filed or _draft_of(waiting, wanted.old) is not None else Refused(wanted, Why.GONE)


def _draft_of(waiting: Sequence[Lesson], old: tuple[str, str]) -> Lesson | None:
    own = (each for each in waiting if each.state == "draft" and each.kind != Kind.DELETE)
    return next((each for each in own if (each.intent, each.written) == old), None)


def _lesson(
    session: Session, waiting: list[Lesson], wanted: Wanted, batch: str, person: Person, desk: Desk
) -> Lesson | None:
    """Make a draft; a change of what is itself a draft takes that one's place."""
    before, kind, old = None, wanted.kind, wanted.old
    if old is not None:
        before = _draft_of(waiting, old)
    if before is not None:
        before.state = "discarded"
        kind, old = (Kind.ADD, None) if before.kind == Kind.ADD else (Kind(before.kind), _old(before))
        if wanted.kind is Kind.DELETE:
            if before.kind == Kind.ADD:
                return before
            kind = Kind.DELETE
    lesson = Lesson(
        batch=batch,
        staff_id=person.id,
        kind=kind.value,
        intent=wanted.intent,
        written=notation.write(wanted.said),
        old_intent=old[0] if old else None,
        old_written=old[1] if old else None,
        message_id=wanted.message_id,
        made_at=desk.clock(),
    )
    session.add(lesson)
    session.flush()
    waiting.append(lesson)
    return lesson
