"""Would-you-recommend, 0 to 10: asked once per case after it is closed, recorded once."""

from __future__ import annotations

from madoguchi.services.desk import Desk
from madoguchi.store import Case, Conversation, Score


def record(desk: Desk, conversation_id: str, case_reference: str, value: int, words: str | None = None) -> bool:
    """Record the score of a closed case of this conversation's customer; False where that is not possible.

    A second score of the same case changes nothing and is reported as False; ValueError outside 0 to 10.
    """
    if not 0 <= value <= 10:
        raise ValueError("a score lies between 0 and 10")
    with desk.store.writing() as session:
        conversation = session.get_one(Conversation, conversation_id)
        case = session.query(Case).filter(Case.reference == case_reference).one_or_none()
        if case is None or case.state != "closed" or case.customer_id != conversation.customer_id:
            return False
        if session.get(Score, case.id) is not None:
            return False
        session.add(Score(case_id=case.id, value=value, words=words, given_at=desk.clock()))
        return True
