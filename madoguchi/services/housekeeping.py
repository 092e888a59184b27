"""What the worker does once a day: close what lies idle, take away what was kept long enough, anchor the audit.

Several workers may run at once: the day's work is claimed by a row of the audit, and a second one says that it was
done. A program that dies in between leaves it to the next hour.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from madoguchi.services import audit, privacy
from madoguchi.services.desk import Desk
from madoguchi.store import AuditRow, Conversation, Message

DAY = timedelta(days=1)
TRY_AGAIN = timedelta(hours=1)
BATCH = 500
SUBJECT = "housekeeping"
ACTOR = "worker"


@dataclass(frozen=True)
class Household:
    """What the daily work needs to know: where the engine's database and the anchors are, and the terms."""

    tracker_url: Callable[[], str | None]
    anchors: Path
    idle_for: timedelta
    kept_for: timedelta


def run_daily(desk: Desk, household: Household) -> int:
    """Do the day's work where it is due; returns 1 if it was done now, else 0."""
    if not _claim(desk):
        return 0
    close_idle(desk, household.idle_for)
    while privacy.retain(desk, tracker_url=household.tracker_url(), talks_kept=household.kept_for).conversations:
        pass
    with desk.store.writing() as session:
        audit.note(session, desk.clock(), ACTOR, "day_done", SUBJECT)
    audit.anchor(desk, household.anchors)
    return 1


def close_idle(desk: Desk, idle_for: timedelta) -> int:
    """Close the bot's conversations in which nothing was said for so long; whoever writes again reopens theirs.

    From then on the retention counts. What waits for an answer, or for a human, is not idle.
    """
    closed = 0
    while found := _close_some(desk, idle_for):
        closed += found
    return closed


def _close_some(desk: Desk, idle_for: timedelta) -> int:
    now = desk.clock()
    unanswered = exists().where(Message.conversation_id == Conversation.id, Message.state == "stored")
    idle = (
        select(Conversation)
        .where(Conversation.owner == "bot", Conversation.last_at < now - idle_for, ~unanswered)
        .order_by(Conversation.last_at, Conversation.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    with desk.store.writing() as session:
        talks = session.scalars(idle).all()
        for talk in talks:
            talk.owner = "closed"
            audit.note(session, now, ACTOR, "closed", f"conversation:{talk.id}", {"reason": "idle"})
        return len(talks)


def _claim(desk: Desk) -> bool:
    now = desk.clock()
    with desk.store.reading() as session:
        if not _due(session, desk):
            return False
    with desk.store.writing() as session:
        audit.lock(session)
        if not _due(session, desk):  # another worker was quicker
            return False
        audit.note(session, now, ACTOR, "day_begun", SUBJECT)
        return True


def _due(session: Session, desk: Desk) -> bool:
    now = desk.clock()
    last = select(AuditRow.action, func.max(AuditRow.at)).where(AuditRow.subject == SUBJECT).group_by(AuditRow.action)
    at = dict(session.execute(last).all())
    begun, done = at.get("day_begun"), at.get("day_done")
    return (begun is None or begun + TRY_AGAIN <= now) and (done is None or done + DAY <= now)
