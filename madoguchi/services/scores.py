"""Would-you-recommend, 0 to 10: asked once per case when it is over, recorded once."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from madoguchi.services.desk import Desk
from madoguchi.store import Case, Conversation, Refund, Score

LONGEST_WORDS = 1000


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


def _is_over(session: Session, case: Case) -> bool:
    """Whether the trouble is over: the case is closed, or all its money is on the way back."""
    if case.state == "closed":
        return True
    states = set(session.scalars(select(Refund.state).where(Refund.case_id == case.id, Refund.state != "voided")))
    return bool(states) and states <= {"sent", "settled"}
