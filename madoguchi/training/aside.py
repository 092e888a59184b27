"""Findings of the health check that a trainer lets be (このままでよい), until a text or a label they are about changes.

What is kept is a finding's name, a digest of the texts and labels it is about: where one of them changes, the finding
has another name and comes back by itself. One text under two intents cannot be let be: it stops every training.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from madoguchi.services import audit
from madoguchi.services.agents import Person
from madoguchi.services.desk import Desk
from madoguchi.store import FindingAside, Staff, TrainingDecision
from madoguchi.training.corpus import Corpus, Example
from madoguchi.training.health import Finding

NEVER = "conflict"


@dataclass(frozen=True)
class Named:
    """A finding with the name it has as long as nothing it is about changes."""

    name: str
    finding: Finding


@dataclass(frozen=True)
class LetBe:
    """Who let a finding be, and when."""

    who: str
    at: datetime


def named(corpus: Corpus, findings: Iterable[Finding]) -> Iterator[Named]:
    """Yield the findings with their names."""
    for each in findings:
        yield Named(_name(corpus, each), each)


def set_aside(desk: Desk, person: Person, found: Named) -> bool:
    """Let a finding be; False where it was let be already, or never can be."""
    if found.finding.sign == NEVER:
        return False
    batch, now = str(uuid.uuid4()), desk.clock()
    detail = {"sign": found.finding.sign, "finding": found.name}
    try:
        with desk.store.writing() as session:
            session.add(TrainingDecision(batch=batch, staff_id=person.id, act="set_aside", detail=detail, at=now))
            session.flush()
            session.add(FindingAside(finding=found.name, batch=batch))
            audit.note(session, now, person.actor, "finding_set_aside", f"finding:{found.name}", detail)
        return True
    except IntegrityError:  # somebody else was faster
        return False


def put_back(desk: Desk, person: Person, name: str) -> bool:
    """Show a finding again; its decision counts as taken back. False where it was not let be."""
    with desk.store.writing() as session:
        row = session.get(FindingAside, name)
        if row is None:
            return False
        session.get_one(TrainingDecision, row.batch).undone_at = desk.clock()
        session.delete(row)
        audit.note(session, desk.clock(), person.actor, "finding_put_back", f"finding:{name}")
        return True


def let_be(desk: Desk) -> dict[str, LetBe]:
    """Return the names of the findings that were let be."""
    with desk.store.reading() as session:
        rows = session.execute(
            select(FindingAside.finding, Staff.name, TrainingDecision.at)
            .join(TrainingDecision, TrainingDecision.batch == FindingAside.batch)
            .join(Staff, Staff.id == TrainingDecision.staff_id)
        )
        return {finding: LetBe(who, at) for finding, who, at in rows}


def _name(corpus: Corpus, finding: Finding) -> str:
    texts = sorted([each.intent, each.written] for each in _about(corpus, finding))
    whole = [finding.sign, finding.intent, finding.told, finding.texts, texts]
    return hashlib.sha256(json.dumps(whole, ensure_ascii=False).encode()).hexdigest()[:16]


def _about(corpus: Corpus, finding: Finding) -> Iterable[Example]:
    """Return the examples a finding is about: its own, or those of its intent, with its word where it has one."""
    if finding.examples or finding.intent is None:
        return finding.examples
    if finding.sign == "giveaway":
        return corpus.find(finding.told, finding.intent)
    return corpus.by_intent.get(finding.intent, ())
