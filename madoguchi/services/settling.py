"""Settling what comes from outside on one order: the policy decides, the plan is performed, a human is called."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from madoguchi.policy import effects as e
from madoguchi.policy.decisions import Approved, Decision, Declined, NeedsAgent, NeedsFact, Wait
from madoguchi.policy.plans import Plan
from madoguchi.policy.requests import Request, RequestKind
from madoguchi.policy.vocabulary import AgentReason
from madoguchi.services import audit, deciding, handoffs
from madoguchi.services.deciding import Subject
from madoguchi.services.desk import Desk
from madoguchi.services.performing import Work, perform
from madoguchi.store import Case, Order

DONE, NOTHING, UNKNOWN = "done", "nothing_to_do", "unknown_subject"


def locked_order(session: Session, number: str) -> Order | None:
    """Return the order, locked; it is always the first row that is, so that nobody waits in a circle."""
    return session.get(Order, number, with_for_update=True)


def case_of(session: Session, order: Order, kind: RequestKind, now: datetime) -> Case:
    """Return the order's latest open case, or a new one of this kind."""
    latest = select(Case).where(Case.order_number == order.number, Case.state != "closed").order_by(Case.id.desc())
    found = session.scalar(latest.limit(1))
    if found is None:
        found = deciding.case_for(session, Subject(order), kind.value, now)
        session.flush()  # what is noted about it names its number
    return found


def settle(
    session: Session, desk: Desk, request: Request, case: Case, order: Order, *, key: str, actor: str
) -> Decision:
    """Decide and perform at once; what the policy leaves to a human goes to one."""
    decision, _ = deciding.settle(session, desk, request, case, Subject(order), key=key, actor=actor)
    if isinstance(decision, NeedsAgent):
        handoffs.hand_over_case(session, desk, case, decision.reason.value)
    if isinstance(decision, NeedsFact):  # nobody is there to be asked
        handoffs.hand_over_case(session, desk, case, AgentReason.FACTS_MISSING.value)
    return decision


def contradicted(session: Session, desk: Desk, order: Order, *, key: str, actor: str) -> str:
    """Freeze an order whose notices contradict and ask the seller anew; without a seller a human looks (rule 13)."""
    now, request = desk.clock(), Request(RequestKind.CONFLICTING_NOTICE)
    case = case_of(session, order, request.kind, now)
    if order.seller_id is not None:
        return told(settle(session, desk, request, case, order, key=key, actor=actor))
    if order.frozen_at is not None:
        return NOTHING
    decision = deciding.judge(session, desk, request, Subject(order), now)
    deciding.keep_receipt(session, request, decision, case, now)
    kept = tuple(each for each in deciding.plan_of(decision).effects if isinstance(each, e.FreezeOrder | e.FlagCase))
    perform(Work(session, now, key, actor, case, order), Plan(kept, order.currency))
    handoffs.hand_over_case(session, desk, case, AgentReason.MONEY_FROZEN.value)
    audit.note(session, now, actor, "frozen", f"case:{case.id}", {"key": key})
    return f"human:{AgentReason.MONEY_FROZEN.value}"


def told(decision: Decision) -> str:
    """Return a decision as the outcome of an event."""
    match decision:
        case Approved(plan=plan):
            return DONE if plan.effects else NOTHING
        case Declined(reason=reason):
            return f"declined:{reason.value}"
        case NeedsAgent(reason=agent):
            return f"human:{agent.value}"
        case Wait(reason=wait):
            return f"wait:{wait.value}"
        case NeedsFact():
            return f"human:{AgentReason.FACTS_MISSING.value}"
