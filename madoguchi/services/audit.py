"""The audit: who did what when, each row bound to the one before it by a hash; reading it, and proving it whole.

The chain finds a row that was edited, left out or slipped in. A chain rebuilt to its end, or cut at its end, is
whole in itself; so its head is written now and then to a place outside of the database (an anchor file, which an
operator copies away), and a chain that no longer passes through an anchored head was tampered with.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from madoguchi.services.desk import Desk
from madoguchi.store import AuditRow

GENESIS = "0" * 64
PAGE = 100
ANCHORS = "audit-anchors.jsonl"
"""The anchor file's name in the folder of what the desk keeps."""
_HEAD = select(AuditRow.hash).order_by(AuditRow.id.desc()).limit(1)
_LOCK = 0x6D61646F  # one number for PostgreSQL's advisory lock: rows are chained one after the other


@dataclass(frozen=True)
class Verdict:
    """What a check found: rows out of the chain, and anchors the chain does not pass through."""

    rows: int
    broken: tuple[int, ...]
    lost_anchors: tuple[int, ...]

    @property
    def whole(self) -> bool:
        """Whether nothing was tampered with."""
        return not self.broken and not self.lost_anchors


def note(
    session: Session, at: datetime, actor: str, action: str, subject: str, detail: dict[str, Any] | None = None
) -> None:
    """Append one row to the audit, inside the caller's transaction."""
    lock(session)
    previous = session.scalar(_HEAD) or GENESIS
    row = AuditRow(at=at, actor=actor, action=action, subject=subject, detail=detail or {}, previous_hash=previous)
    row.hash = _hash(row)
    session.add(row)
    session.flush()


def lock(session: Session) -> None:
    """Let nobody else append until this transaction ends; on SQLite a writing transaction does so anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})


def broken_rows(session: Session) -> Iterator[int]:
    """Yield the id of every row whose content or place in the chain was tampered with."""
    previous = GENESIS
    for row in session.scalars(select(AuditRow).order_by(AuditRow.id)):
        if row.previous_hash != previous or row.hash != _hash(row):
            yield row.id
        previous = row.hash


def rows(desk: Desk, *, before: int | None = None, subject: str = "") -> Sequence[AuditRow]:
    """Return the newest rows, a hundred at a time."""
    wanted = select(AuditRow)
    if before is not None:
        wanted = wanted.where(AuditRow.id < before)
    if subject:
        wanted = wanted.where(AuditRow.subject == subject)
    with desk.store.reading() as session:
        return session.scalars(wanted.order_by(AuditRow.id.desc()).limit(PAGE)).all()


def broken(desk: Desk) -> tuple[int, ...]:
    """Return the rows that do not fit the chain."""
    with desk.store.reading() as session:
        return tuple(broken_rows(session))


def anchor(desk: Desk, path: Path) -> int | None:
    """Write the chain's head to the anchor file and return its row; None where there is no audit yet."""
    with desk.store.reading() as session:
        head = session.scalar(select(AuditRow).order_by(AuditRow.id.desc()).limit(1))
    if head is None:
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        record = {"row": head.id, "hash": head.hash, "at": desk.clock().isoformat()}
        file.write(json.dumps(record) + "\n")
    return head.id


def check(desk: Desk, path: Path) -> Verdict:
    """Check the chain, and that it passes through every anchored head. ValueError for an unreadable anchor file."""
    anchors = []
    if path.exists():
        anchors = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    with desk.store.reading() as session:
        torn = tuple(broken_rows(session))
        hashes = dict(session.execute(select(AuditRow.id, AuditRow.hash)).all())
    lost = tuple(each["row"] for each in anchors if hashes.get(each["row"]) != each["hash"])
    return Verdict(len(hashes), torn, lost)


def _hash(row: AuditRow) -> str:
    content = [row.previous_hash, row.at.isoformat(), row.actor, row.action, row.subject, row.detail]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
