"""Handing a conversation to a human, with everything gathered, and a true word about when they will answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from madoguchi.policy.calendar import is_open, next_opening
from madoguchi.services import audit
from madoguchi.services.desk import Desk
from madoguchi.store import Case, Conversation, Decision, Intent, Message

ANSWERED_WITHIN = timedelta(minutes=10)
"""What is promised in business hours; outside of them, the same after the next opening."""

SUMMED_UP = 12
"""How many of the customer's last messages a summary carries."""


@dataclass(frozen=True)
class Promise:
    """When a human will answer, whether somebody is there now, and whether one was called already."""

    answer_by: datetime
    in_hours: bool
    already: bool


def hand_over(desk: Desk, conversation_id: str, reason: str, note: dict[str, Any] | None = None) -> Promise:
    """Let the conversation wait for a human; the bot is silent from this transaction on."""
    with desk.store.writing() as session:
        conversation = session.get_one(Conversation, conversation_id, with_for_update=True)
        return hand_over_in(session, desk, conversation, reason, note or {})


def hand_over_in(
    session: Session, desk: Desk, conversation: Conversation, reason: str, note: dict[str, Any]
) -> Promise:
    """Do the same inside the caller's transaction."""
    now = desk.clock()
    calendar = desk.terms.at(now).calendar
    open_now = is_open(now, calendar)
    if conversation.owner in ("waiting", "agent") and conversation.promised_at is not None:
        return Promise(conversation.promised_at, open_now, already=True)
    conversation.owner = "waiting"
    conversation.handoff_reason = reason
    conversation.waiting_since = now
    conversation.promised_at = next_opening(now, calendar) + ANSWERED_WITHIN
    conversation.summary = summary(session, conversation, reason, note)
    for case in _cases(session, conversation):
        case.state = "with_agent"
    audit.note(session, now, "bot", "handed_over", f"conversation:{conversation.id}", {"reason": reason})
    return Promise(conversation.promised_at, open_now, already=False)


def hand_over_case(session: Session, desk: Desk, case: Case, reason: str) -> None:
    """Let a human look at a case, and the conversation it came from wait for them."""
    case.state = "with_agent"
    conversation = session.get(Conversation, case.conversation_id) if case.conversation_id else None
    if conversation is not None:
        hand_over_in(session, desk, conversation, reason, {})
    else:
        audit.note(session, desk.clock(), "worker", "handed_over", f"case:{case.id}", {"reason": reason})


def flag(desk: Desk, conversation_id: str) -> None:
    """Mark a conversation for the agents' eyes (anger, threats); its owner stays who it is."""
    with desk.store.writing() as session:
        session.get_one(Conversation, conversation_id).flagged = True


def summary(session: Session, conversation: Conversation, reason: str, note: dict[str, Any]) -> dict[str, Any]:
    """Return what a human needs: who, which orders, what happened, what was promised, what the policy said."""
    cases = _cases(session, conversation)
    ids = [case.id for case in cases]
    decisions = session.scalars(select(Decision).where(Decision.case_id.in_(ids)).order_by(Decision.id.desc()).limit(5))
    agreed = session.scalars(select(Intent).where(Intent.case_id.in_(ids), Intent.confirmed_at.is_not(None)))
    said = session.scalars(
        select(Message.text)
        .where(Message.conversation_id == conversation.id, Message.author == "customer")
        .order_by(Message.id.desc())
        .limit(SUMMED_UP)
    ).all()
    return {
        "reason": reason,
        "customer_id": conversation.customer_id,
        "cases": [
            {"reference": case.reference, "kind": case.kind, "order": case.order_number, "outcome": case.outcome}
            for case in cases
        ],
        "decisions": [
            {"outcome": row.outcome, "reason": row.reason, "receipt": row.receipt, "at": row.decided_at.isoformat()}
            for row in decisions
        ],
        "promised": [{"plan": intent.plan, "recovery_point": intent.recovery_point} for intent in agreed],
        "said": list(reversed(said)),
        "note": note,
    }


def _cases(session: Session, conversation: Conversation) -> list[Case]:
    of_talk = select(Case).where(Case.conversation_id == conversation.id, Case.state != "closed")
    return list(session.scalars(of_talk.order_by(Case.id.desc())))
