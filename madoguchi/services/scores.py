"""Would-you-recommend, 0 to 10: asked once per case when it is over, recorded once."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from madoguchi.services.desk import Desk
from madoguchi.store import Case, Choice, Conversation, Refund, Score

LONGEST_WORDS = 1000
ASKED_WITHIN = timedelta(days=30)
"""How long after the end of a case its customer is still asked about it."""


def is_due(session: Session, case: Case) -> bool:
    """Whether the score of a case can be given: it is over, and none was given yet."""
    return _is_over(session, case) and session.get(Score, case.id) is None


def record(desk: Desk, conversation_id: str, case_reference: str, value: int, words: str | None = None) -> bool:
    """Record the score of a case of this conversation's customer that is over; False where that is not possible.

    A second score of the same case changes nothing and is reported as False; ValueError outside 0 to 10.
    """
    if not 0 <= value <= 10:
        raise ValueError("a score lies between 0 and 10")
    with desk.store.writing() as session:
        conversation = session.get_one(Conversation, conversation_id)
        case = session.scalar(select(Case).where(Case.reference == case_reference).with_for_update())
        if case is None or case.customer_id != conversation.customer_id or not is_due(session, case):
            return False
        session.add(Score(case_id=case.id, value=value, words=words, given_at=desk.clock()))
        return True


def due(desk: Desk, conversation_id: str) -> str | None:
    """Return the reference of the customer's case that was closed lately and was never asked about; None for none.

    Whoever closed it, an agent, a timer or the customer's own word: it is asked about once, in their next talk.
    """
    with desk.store.reading() as session:
        conversation = session.get_one(Conversation, conversation_id)
        if conversation.customer_id is None:
            return None
        talks = select(Conversation.id).where(Conversation.customer_id == conversation.customer_id)
        asked = select(Choice.token).where(
            Choice.conversation_id.in_(talks), Choice.payload.contains('"score": "' + Case.reference + ":")
        )
        closed = (
            select(Case.reference)
            .where(
                Case.customer_id == conversation.customer_id,
                Case.state == "closed",
                Case.closed_at > desk.clock() - ASKED_WITHIN,
                ~select(Score.case_id).where(Score.case_id == Case.id).exists(),
                ~asked.exists(),
            )
            .order_by(Case.closed_at.desc())
            .limit(1)
        )
        return session.scalar(closed)


def _is_over(session: Session, case: Case) -> bool:
    """Whether the trouble is over: the case is closed, or all its money is on the way back."""
    if case.state == "closed":
        return True
    states = set(session.scalars(select(Refund.state).where(Refund.case_id == case.id, Refund.state != "voided")))
    return bool(states) and states <= {"sent", "settled"}
