"""Deciding: facts from the store, a decision from the policy, and its receipt kept beside the case.

`settle` serves what comes from outside (warehouse, carrier, seller, processor, timers): it decides and performs
in one transaction. What a customer wishes goes through `resolve.py`, with a yes in between.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import bindparam, insert, select
from sqlalchemy.orm import Session

from madoguchi.policy.decide import decide
from madoguchi.policy.decisions import Approved, Decision, NeedsAgent, NeedsFact, Receipt, Wait
from madoguchi.policy.plans import Plan
from madoguchi.policy.requests import Request
from madoguchi.services import audit, facts
from madoguchi.services.desk import Desk
from madoguchi.services.performing import Work, perform
from madoguchi.services.performing.work import letters
from madoguchi.store import Case, Membership, Order
from madoguchi.store import Decision as DecisionRow

_OPEN = select(Case).where(
    Case.customer_id == bindparam("customer"), Case.kind == bindparam("kind"), Case.state != "closed"
)
_OPEN_OF_ORDER = _OPEN.where(Case.order_number == bindparam("order")).order_by(Case.id.desc()).limit(1)
_OPEN_OF_MEMBERSHIP = _OPEN.where(Case.membership_id == bindparam("membership")).order_by(Case.id.desc()).limit(1)
_LAST = select(DecisionRow).where(DecisionRow.case_id == bindparam("case")).order_by(DecisionRow.id.desc()).limit(1)
# Written as rows: as objects they would cost three times as much, and nobody reads them again in their transaction.
_RECEIPT_KEPT = insert(DecisionRow)
_REQUEST: TypeAdapter[Request] = TypeAdapter(Request)
_RECEIPT: TypeAdapter[Receipt] = TypeAdapter(Receipt)


@dataclass(frozen=True)
class Subject:
    """What a request is about: an order or a membership, never both."""

    order: Order | None = None
    membership: Membership | None = None

    @property
    def customer_id(self) -> int:
        """Whose it is."""
        return self._thing.customer_id

    @property
    def placed_at(self) -> datetime:
        """The moment whose terms it is judged by."""
        return self.order.placed_at if self.order is not None else self._membership.joined_at

    @property
    def is_canceled(self) -> bool:
        """Whether it is an order that was canceled."""
        return self.order is not None and self.order.state == "canceled"

    @property
    def _thing(self) -> Order | Membership:
        return self.order if self.order is not None else self._membership

    @property
    def _membership(self) -> Membership:
        if self.membership is None:
            raise LookupError("a subject is an order or a membership")
        return self.membership


def judge(session: Session, desk: Desk, request: Request, subject: Subject, now: datetime) -> Decision:
    """Let the policy decide on the present facts, by the terms in force when the order was placed."""
    if subject.order is not None:
        seen = facts.of_order(session, subject.order, now)
    else:
        seen = facts.of_membership(session, subject._membership, now)
    if request.replacements:
        found = facts.replacements(session, [replacement.sku for replacement in request.replacements])
        seen = replace(seen, replacements=found)
    return decide(request, seen, desk.terms.at(subject.placed_at), now)


def case_for(session: Session, subject: Subject, kind: str, now: datetime, conversation_id: str | None = None) -> Case:
    """Return the open case of this kind about this subject; a new one is written with what is decided on it."""
    found = _open_case(session, subject, kind)
    if found is not None:
        found.conversation_id = conversation_id or found.conversation_id
        return found
    case = Case(
        reference=f"C-{letters(8)}",
        customer_id=subject.customer_id,
        conversation_id=conversation_id,
        order_number=subject.order.number if subject.order else None,
        membership_id=subject.membership.id if subject.membership else None,
        kind=kind,
        opened_at=now,
    )
    session.add(case)
    return case


def _open_case(session: Session, subject: Subject, kind: str) -> Case | None:
    wanted: dict[str, Any] = {"customer": subject.customer_id, "kind": kind}
    if subject.order is not None:
        return session.scalar(_OPEN_OF_ORDER, {**wanted, "order": subject.order.number})
    return session.scalar(_OPEN_OF_MEMBERSHIP, {**wanted, "membership": subject._membership.id})


def keep_receipt(session: Session, request: Request, decision: Decision, case: Case, now: datetime) -> None:
    """Keep the decision's receipt, unless the case's last one says the same."""
    outcome, reason = decision.outcome, _reason(decision)
    wanted = request_json(request)
    if case.outcome is not None:
        last = session.scalar(_LAST, {"case": case.id})
        if last is not None and (last.outcome, last.reason, last.request) == (outcome, reason, wanted):
            return
    case.outcome = f"{outcome}:{reason}" if reason else outcome
    session.flush()
    kept = {
        "case_id": case.id,
        "customer_id": case.customer_id,
        "order_number": case.order_number,
        "request": wanted,
        "outcome": outcome,
        "reason": reason,
        "receipt": receipt_json(decision.receipt),
        "decided_at": now,
    }
    session.connection().execute(_RECEIPT_KEPT, kept)


def settle(
    session: Session, desk: Desk, request: Request, case: Case, subject: Subject, *, key: str, actor: str
) -> tuple[Decision, Work]:
    """Decide on something from outside and perform it at once, under `key`; the transaction is the caller's.

    The same key a second time raises sqlalchemy.exc.IntegrityError, unless nothing was to be done.
    """
    now = desk.clock()
    decision = judge(session, desk, request, subject, now)
    keep_receipt(session, request, decision, case, now)
    work = Work(session, now, key, actor, case, subject.order, subject.membership)
    plan = plan_of(decision)
    perform(work, plan)
    audit.note(session, now, actor, f"{request.kind.value}:{decision.outcome}", f"case:{case.id}", {"key": key})
    return decision, work


def plan_of(decision: Decision) -> Plan:
    """Return what a decision lets be performed without a yes of the customer's: nothing where it asks for a fact."""
    if isinstance(decision, Approved | NeedsAgent | Wait):
        return decision.plan
    return Plan()


def request_json(request: Request) -> dict[str, Any]:
    """Return a request as plain JSON values."""
    return dict(_REQUEST.dump_python(request, mode="json"))


def receipt_json(receipt: Receipt) -> dict[str, Any]:
    """Return a decision's receipt as plain JSON values."""
    return dict(_RECEIPT.dump_python(receipt, mode="json"))


def request_from(data: dict[str, Any]) -> Request:
    """Return the request that `request_json` wrote."""
    return _REQUEST.validate_json(json.dumps(data))


def _reason(decision: Decision) -> str | None:
    if isinstance(decision, Approved):
        return None
    return decision.fact.value if isinstance(decision, NeedsFact) else decision.reason.value
