"""What a candidate makes of last week's real messages; their words are read from the conversations themselves."""

from __future__ import annotations

from sqlalchemy import func, select

from madoguchi.services.desk import Desk
from madoguchi.store import Lookback, Message
from madoguchi.training.reports import Change

MOST = 500


def changes(desk: Desk, model: str) -> list[Change]:
    """Return the messages whose answer changed, the surest first; nobody has said yet what they mean."""
    with desk.store.reading() as session:
        wanted = (
            select(Lookback, Message.text)
            .join(Message, Message.id == Lookback.message_id)
            .where(Lookback.model == model, Lookback.intent.is_distinct_from(Lookback.before), Message.text != "")
            .order_by(Lookback.confidence.desc())
            .limit(MOST)
        )
        return [
            Change(text, None, row.before, row.intent, row.confidence_before, row.confidence)
            for row, text in session.execute(wanted)
        ]


def count(desk: Desk, model: str) -> int:
    """Return how many messages the model was asked about."""
    with desk.store.reading() as session:
        return session.scalar(select(func.count()).select_from(Lookback).where(Lookback.model == model)) or 0
