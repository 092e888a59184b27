"""Publishing: a trainer's drafts go into the files line by line, and into git where there is a repository.

The files are the truth. Each is read at the moment of writing, so that what a colleague published or somebody changed
by hand is merged; a lesson whose example is gone meanwhile is told and stays a draft. A file is put in place only if
it is still the one that was read.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import update

from madoguchi.services import audit
from madoguchi.services.agents import Person
from madoguchi.services.desk import Desk
from madoguchi.store import Lesson, NewIntent
from madoguchi.training import files, git
from madoguchi.training.corpus import Corpus, Shelf
from madoguchi.training.files import Add, Change, Remove, Replace, Unreadable
from madoguchi.training.lessons import Kind, Standing, Wanted, Why, check, drafts_in, known_intents
from madoguchi.training.notation import read
from madoguchi.training.readiness import lacking

_TRIES = 5


@dataclass(frozen=True)
class Published:
    """What became of a publication: lessons that are in the files, those that wait and why, and the commit."""

    done: tuple[int, ...]
    held: tuple[tuple[int, Why], ...]
    files: tuple[str, ...]
    commit: git.Outcome


@dataclass(frozen=True)
class _Plan:
    changes: dict[str, list[Change]]
    done: list[int]
    held: list[tuple[int, Why]]


def publish(desk: Desk, person: Person, shelf: Shelf, lock: Path, *, everybody: bool = False) -> Published:
    """Write this person's drafts (or everybody's) into the files, commit them, and say what happened to each."""
    with _alone(lock):
        with desk.store.reading() as session:
            waiting = drafts_in(session)
            mine = [each for each in waiting if everybody or each.staff_id == person.id]
            new = {each.name: each.definition for each in session.query(NewIntent)}
            known = known_intents(session, shelf.corpus())
        plan, written, dirty = _write(shelf, mine, new, known)
        commit = git.commit(shelf.folder, written, person, _subject(mine, plan.done), dirty) if written else git.NOTHING
        _note(desk, person, plan, commit)
        return Published(tuple(plan.done), tuple(plan.held), tuple(written), commit)


def _write(shelf: Shelf, mine: Sequence[Lesson], new: dict[str, str], known: set[str]) -> tuple[_Plan, list[str], bool]:
    for _ in range(_TRIES):
        corpus = shelf.corpus()
        plan = _plan(shelf.folder, corpus, mine, new, known)
        try:
            before, after = _contents(shelf.folder, plan, new)
        except Unreadable:
            return _Plan({}, [], [(each.id, Why.BROKEN) for each in mine]), [], False
        dirty = git.is_dirty(shelf.folder, list(after))
        if _put(shelf.folder, before, after):
            return plan, list(after), dirty
    # Somebody saves again and again while we look: nothing of theirs is overwritten.
    return _Plan({}, [], [(each.id, Why.GONE) for each in mine]), [], False


def _plan(folder: Path, corpus: Corpus, mine: Sequence[Lesson], new: dict[str, str], known: set[str]) -> _Plan:
    """Decide for each lesson against the files as they are now."""
    plan, standing = _Plan({}, [], []), Standing(corpus)
    places = {(each.intent, each.written): each.file for each in corpus.examples}
    unready = {name for name in new if name not in corpus.by_intent and lacking(folder, name, _texts(mine, name))}
    for lesson in mine:
        problem = _problem(lesson, corpus, standing, places, known, unready)
        if problem is not None:
            plan.held.append((lesson.id, problem))
            continue
        for file, change in _changes(lesson, corpus, standing, places):
            plan.changes.setdefault(file, []).append(change)
        if not _is_done(lesson, standing, places):
            standing.take(lesson.kind, lesson.intent, lesson.written, _old(lesson))
        plan.done.append(lesson.id)
    return plan


def _problem(
    lesson: Lesson,
    corpus: Corpus,
    standing: Standing,
    places: dict[tuple[str, str], str],
    known: set[str],
    unready: set[str],
) -> Why | None:
    if lesson.intent in unready:
        return Why.UNREADY
    if corpus.broken and (f"{lesson.intent}.yml" in corpus.broken or lesson.intent not in corpus.by_intent):
        return Why.BROKEN
    if _is_done(lesson, standing, places):
        return None
    old = _old(lesson)
    if old is not None and old not in places:
        return Why.GONE
    wanted = Wanted(Kind(lesson.kind), lesson.intent, read(lesson.written), old)
    refused = check(standing, known, wanted)
    return refused.why if refused is not None else None


def _is_done(lesson: Lesson, standing: Standing, places: dict[tuple[str, str], str]) -> bool:
    """Whether the files say already what the lesson wants, by an earlier try or another hand."""
    old = _old(lesson)
    if old is not None and old in places:
        return False
    return lesson.kind == Kind.DELETE or (lesson.intent, lesson.written) in places


def _changes(
    lesson: Lesson, corpus: Corpus, standing: Standing, places: dict[tuple[str, str], str]
) -> Iterator[tuple[str, Change]]:
    if _is_done(lesson, standing, places):
        return
    old = _old(lesson)
    if old is not None and lesson.kind == Kind.EDIT and old[0] == lesson.intent:
        yield places[old], Replace(lesson.intent, old[1], lesson.written)
        return
    if old is not None:
        yield places[old], Remove(*old)
    if lesson.kind != Kind.DELETE:
        yield _file_of(corpus, lesson.intent), Add(lesson.intent, lesson.written)


def _contents(folder: Path, plan: _Plan, new: dict[str, str]) -> tuple[dict[str, bytes | None], dict[str, bytes]]:
    before: dict[str, bytes | None] = {}
    after: dict[str, bytes] = {}
    for name, changes in plan.changes.items():
        path = folder / name
        before[name] = path.read_bytes() if path.exists() else None
        found = before[name]
        if found is None:
            intent = changes[0].intent
            said = [each.written for each in changes if isinstance(each, Add)]
            after[name] = files.new_file(intent, new.get(intent, intent), said).encode()
            continue
        content, missed = files.change(found.decode(), changes)
        if missed:
            raise Unreadable(f"{name} does not hold what was read from it a moment ago.")
        after[name] = content.encode()
    return before, after


def _put(folder: Path, before: dict[str, bytes | None], after: dict[str, bytes]) -> bool:
    """Put the files in place, unless one of them has changed since it was read."""
    made = {name: folder / f".{name}.{os.getpid()}" for name in after}
    try:
        for name, content in after.items():
            with made[name].open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        for name, known in before.items():
            path = folder / name
            if (path.read_bytes() if path.exists() else None) != known:
                return False
        for name in after:
            made[name].replace(folder / name)
        return True
    finally:
        for path in made.values():
            path.unlink(missing_ok=True)


def _note(desk: Desk, person: Person, plan: _Plan, commit: git.Outcome) -> None:
    now = desk.clock()
    with desk.store.writing() as session:
        if plan.done:
            values = {"state": "published", "published_at": now, "revision": commit.revision, "problem": None}
            session.execute(update(Lesson).where(Lesson.id.in_(plan.done)).values(**values))
        for number, why in plan.held:
            session.execute(update(Lesson).where(Lesson.id == number).values(problem=why.value))
        if plan.done:
            detail = {"lessons": len(plan.done), "files": sorted(plan.changes), "commit": commit.revision}
            audit.note(session, now, person.actor, "lessons_published", "examples", detail)


def _subject(mine: Sequence[Lesson], done: Sequence[int]) -> str:
    told = [each for each in mine if each.id in set(done)]
    intents = ", ".join(sorted({each.intent for each in told}))
    return f"Teach {len(told)} {'example' if len(told) == 1 else 'examples'}: {intents}"[:200]


def _file_of(corpus: Corpus, intent: str) -> str:
    own = corpus.by_intent.get(intent)
    return own[-1].file if own else f"{intent}.yml"


def _old(lesson: Lesson) -> tuple[str, str] | None:
    if lesson.old_intent is None or lesson.old_written is None:
        return None
    return lesson.old_intent, lesson.old_written


def _texts(mine: Sequence[Lesson], name: str) -> int:
    return sum(each.intent == name and each.kind != Kind.DELETE for each in mine)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Let one publication run at a time on this machine."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
