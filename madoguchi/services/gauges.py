"""What a monitor may know of the store: how much waits, how long already, what was handed over and paid back.

Counts, ages in seconds and sums in yen only; nothing here names a person, an order or a word that was written.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from madoguchi.services.desk import Desk
from madoguchi.store import AuditRow, Conversation, Message, OutboxCall, Refund, Timer


@dataclass(frozen=True)
class Queue:
    """How many wait in a queue, and how long the oldest of them has waited, in seconds."""

    waiting: int
    oldest_s: float


@dataclass(frozen=True)
class Reading:
    """One look at the store; `handoffs` and the two about refunds count since this program's first look."""

    queues: dict[str, Queue]
    late_promises: int
    handoffs: dict[str, int]
    refunds: dict[str, int]
    refunded_yen: dict[str, int]


@dataclass
class Gauges:
    """Reads the store for a monitor, and remembers up to which rows it has counted."""

    _audit_to: int | None = None
    _refunds_to: int | None = None
    _handoffs: Counter[str] = field(default_factory=Counter)
    _refunds: Counter[str] = field(default_factory=Counter)
    _yen: Counter[str] = field(default_factory=Counter)

    def read(self, desk: Desk) -> Reading:
        """Return what stands in the store now. Not to be called by two threads at once."""
        now = desk.clock()
        with desk.store.reading() as session:
            self._count_handoffs(session)
            self._count_refunds(session)
            queues = {
                "bot": _queue(
                    session, now, Message.created_at, Message.state == "stored", Message.author == "customer"
                ),
                "agent": _queue(session, now, Conversation.waiting_since, Conversation.owner == "waiting"),
                "outbox": _queue(
                    session, now, OutboxCall.due_at, OutboxCall.state == "ready", OutboxCall.due_at <= now
                ),
                "timers": _queue(session, now, Timer.due_at, Timer.done_at.is_(None), Timer.due_at <= now),
            }
            late = session.scalar(
                select(func.count()).where(Conversation.owner == "waiting", Conversation.promised_at < now)
            )
        return Reading(queues, late or 0, dict(self._handoffs), dict(self._refunds), dict(self._yen))

    def _count_handoffs(self, session: Session) -> None:
        newest = session.scalar(select(func.max(AuditRow.id))) or 0
        if self._audit_to is not None:
            rows = session.scalars(
                select(AuditRow.detail).where(
                    AuditRow.id > self._audit_to, AuditRow.id <= newest, AuditRow.action == "handed_over"
                )
            )
            self._handoffs.update(str(detail.get("reason")) for detail in rows)
        self._audit_to = newest

    def _count_refunds(self, session: Session) -> None:
        newest = session.scalar(select(func.max(Refund.id))) or 0
        if self._refunds_to is not None:
            rows = session.execute(
                select(Refund.destination, Refund.amount).where(Refund.id > self._refunds_to, Refund.id <= newest)
            )
            for destination, amount in rows:
                self._refunds[destination] += 1
                self._yen[destination] += amount
        self._refunds_to = newest


def _queue(
    session: Session, now: datetime, since: InstrumentedAttribute[Any], *conditions: ColumnElement[bool]
) -> Queue:
    count, oldest = session.execute(select(func.count(), func.min(since)).where(*conditions)).one()
    return Queue(count, max(0.0, (now - oldest).total_seconds()) if oldest is not None else 0.0)
