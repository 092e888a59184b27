"""Putting a conversation aside until a time or an event; whatever the customer writes wakes it at once."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from madoguchi.store import Case, Inquiry, Message, Refund, ReturnAuthorization, Snooze


class Wake(StrEnum):
    """What a snoozed conversation may wait for."""

    SELLER_ANSWERS = "seller_answers"
    PARCEL_ARRIVES = "parcel_arrives"
    REFUND_ARRIVES = "refund_arrives"


def asleep(session: Session, staff_id: int, now: datetime) -> list[str]:
    """Return the conversations that this person has put aside and nothing has woken yet."""
    of_talk = Case.conversation_id == Snooze.conversation_id
    spoke = exists().where(
        Message.conversation_id == Snooze.conversation_id,
        Message.author == "customer",
        Message.id > Snooze.last_message_id,
    )
    answered = exists().where(of_talk, Inquiry.case_id == Case.id, Inquiry.answered_at > Snooze.set_at)
    arrived = exists().where(
        of_talk, ReturnAuthorization.case_id == Case.id, ReturnAuthorization.received_at > Snooze.set_at
    )
    paid = exists().where(of_talk, Refund.case_id == Case.id, Refund.settled_at > Snooze.set_at)
    woken = or_(
        Snooze.until <= now,
        spoke,
        (Snooze.event == Wake.SELLER_ANSWERS.value) & answered,
        (Snooze.event == Wake.PARCEL_ARRIVES.value) & arrived,
        (Snooze.event == Wake.REFUND_ARRIVES.value) & paid,
    )
    return list(session.scalars(select(Snooze.conversation_id).where(Snooze.staff_id == staff_id, ~woken)))
