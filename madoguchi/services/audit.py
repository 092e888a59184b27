"""The audit: who did what when, each row bound to the one before it by a hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from madoguchi.store import AuditRow

GENESIS = "0" * 64
_LOCK = 0x6D61646F  # one number for PostgreSQL's advisory lock: rows are chained one after the other


def note(
    session: Session, at: datetime, actor: str, action: str, subject: str, detail: dict[str, Any] | None = None
) -> None:
    """Append one row to the audit, inside the caller's transaction."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})
    previous = session.scalar(select(AuditRow.hash).order_by(AuditRow.id.desc()).limit(1)) or GENESIS
    row = AuditRow(at=at, actor=actor, action=action, subject=subject, detail=detail or {}, previous_hash=previous)
    row.hash = _hash(row)
    session.add(row)
    session.flush()


def broken_rows(session: Session) -> Iterator[int]:
    """Yield the id of every row whose content or place in the chain was tampered with."""
    previous = GENESIS
    for row in session.scalars(select(AuditRow).order_by(AuditRow.id)):
        if row.previous_hash != previous or row.hash != _hash(row):
            yield row.id
        previous = row.hash


def _hash(row: AuditRow) -> str:
    content = [row.previous_hash, row.at.isoformat(), row.actor, row.action, row.subject, row.detail]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
