"""Acting for a customer: the plan is shown, then exactly that plan is done, once, under a key made by the page.

Three things can stand between the plan and the deed. A written reason, where it is an exception over the policy. A
second person, where an exception moves more money than one may decide alone. And the facts: if they no longer give
the plan that was shown, nothing is done and the new one is shown.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.orm import Session

from madoguchi.policy.decisions import Approved, Receipt
from madoguchi.policy.plans import Plan
from madoguchi.policy.requests import Request, RequestKind
from madoguchi.services import audit, deciding, events, outlines, saga
from madoguchi.services.agents import May, Person, Role
from madoguchi.services.deciding import Subject
from madoguchi.services.desk import Desk
from madoguchi.services.outlines import Step
from madoguchi.services.performing import Work, perform
from madoguchi.services.planning import TOLD, Act, Missing, NoPlan, Own, Planned, plan_for
from madoguchi.store import Approval, Case, Conversation, Intent, Membership, Order

ALONE = {Role.AGENT: 30_000, Role.LEAD: 200_000, Role.ADMIN: 200_000}
"""What an exception may move by one person's word, in yen; over it a second person with `May.APPROVE` agrees."""

_ACT: TypeAdapter[Act] = TypeAdapter(Act)


@dataclass(frozen=True)
class Preview:
    """What would be done, step by step, and what stands before it."""

    act: Act
    planned: Planned
    steps: tuple[Step, ...]
    amount: int
    fingerprint: str
    needs_reason: bool
    needs_approval: bool


@dataclass(frozen=True)
class Performed:
    """It was done: these steps, and the numbers made on the way."""

    steps: tuple[Step, ...]
    result: dict[str, Any]


@dataclass(frozen=True)
class Waiting:
    """A second person has been asked."""

    approval_id: int


@dataclass(frozen=True)
class Changed:
    """Nothing was done: the facts give another plan now, or none any more."""

    before: tuple[Step, ...]
    after: Preview | Missing | NoPlan


@dataclass(frozen=True)
class Refused:
    """Nothing was done: not_yours, unknown, reason_missing, key_used, same_person, decided, not_allowed."""

    why: str


def preview(desk: Desk, person: Person, conversation_id: str, act: Act) -> Preview | Missing | NoPlan | Refused:
    """Return what an act would do, by whom it may be done, and its fingerprint; nothing is written."""
    with desk.store.reading() as session:
        refused = _not_yours(session, person, conversation_id)
        subject = _subject(session, conversation_id, act, lock=False)
        if refused is not None or subject is None:
            return refused or Refused("unknown")
        return _preview(session, desk, person, act, subject)


def do(
    desk: Desk, person: Person, conversation_id: str, key: str, act: Act, fingerprint: str
) -> Performed | Waiting | Changed | Missing | NoPlan | Refused:
    """Do what was shown, or ask a second person to let it be done; the same key again gives the same answer."""
    with desk.store.writing() as session:
        subject = _subject(session, conversation_id, act, lock=True)
        known = session.get(Intent, key)
        if known is not None:
            return _again(session, known, act)
        refused = _not_yours(session, person, conversation_id)
        if refused is not None or subject is None:
            return refused or Refused("unknown")
        shown = _preview(session, desk, person, act, subject)
        if not isinstance(shown, Preview) or shown.fingerprint != fingerprint:
            return Changed((), shown)
        if shown.needs_reason and not act.reason.strip():
            return Refused("reason_missing")
        intent = _intent(session, desk, key, conversation_id, shown, subject)
        if shown.needs_approval:
            return _ask(session, desk, person, conversation_id, intent, shown)
        if act.kind not in TOLD:
            _perform(session, desk, person, intent, subject, shown)
    if act.kind in TOLD:
        _tell(desk, person, key, act)
    saga.carry_on(desk, key)
    return _performed(desk, key)


def decide_approval(
    desk: Desk, person: Person, approval_id: int, *, agree: bool, words: str
) -> Performed | Changed | Refused:
    """Let a colleague's act be done, or not; whoever asked can never agree to it themselves."""
    with desk.store.writing() as session:
        approval = session.get(Approval, approval_id, with_for_update=True)
        if approval is None or not person.may(May.APPROVE):
            return Refused("unknown" if approval is None else "not_allowed")
        if approval.state != "waiting" or approval.asked_by == person.id:
            return Refused("decided" if approval.state != "waiting" else "same_person")
        intent = session.get_one(Intent, approval.intent_key)
        approval.decided_by, approval.decided_at, approval.words = person.id, desk.clock(), words.strip() or None
        audit.note(session, desk.clock(), person.actor, f"approval:{agree}", f"approval:{approval.id}")
        if not agree:
            approval.state, intent.recovery_point = "refused", "dropped"
            return Performed((), {"refused": True})
        act = _ACT.validate_python(intent.request["act"])
        subject = _subject(session, approval.conversation_id or "", act, lock=True)
        shown = _preview(session, desk, person, act, subject) if subject else NoPlan("unknown")
        if not isinstance(shown, Preview) or subject is None or shown.fingerprint != intent.fingerprint:
            approval.state, intent.recovery_point = "outdated", "dropped"
            return Changed(outlines.of_plan(session, Plan.from_json(json.dumps(intent.plan))), shown)
        approval.state = "performed"
        _perform(session, desk, person, intent, subject, shown)
        key = intent.key
    saga.carry_on(desk, key)
    return _performed(desk, key)


def waiting_approvals(desk: Desk) -> list[tuple[Approval, Act, tuple[Step, ...]]]:
    """Return what waits for a second person, the oldest first, each with its act and its steps."""
    with desk.store.reading() as session:
        rows = session.scalars(select(Approval).where(Approval.state == "waiting").order_by(Approval.id)).all()
        intents = [session.get_one(Intent, row.intent_key) for row in rows]
        return [
            (
                row,
                _ACT.validate_python(intent.request["act"]),
                outlines.of_plan(session, Plan.from_json(json.dumps(intent.plan))),
            )
            for row, intent in zip(rows, intents, strict=True)
        ]


def _preview(session: Session, desk: Desk, person: Person, act: Act, subject: Subject) -> Preview | Missing | NoPlan:
    outcome = plan_for(session, desk, act, subject, desk.clock())
    if not isinstance(outcome, Planned):
        return outcome
    plan = outcome.plan
    over = outcome.exception and plan.refund_amount > ALONE.get(person.role, 0)
    return Preview(
        act=act,
        planned=outcome,
        steps=outlines.of_plan(session, plan),
        amount=plan.refund_amount,
        fingerprint=plan.fingerprint(),
        needs_reason=outcome.exception,
        needs_approval=over,
    )


def _intent(session: Session, desk: Desk, key: str, conversation_id: str, shown: Preview, subject: Subject) -> Intent:
    """Write down what was shown, under the page's key, on the case it belongs to."""
    now, act = desk.clock(), shown.act
    case = _case(session, desk, conversation_id, act, subject)
    by_rule = shown.planned.decision.receipt if shown.planned.decision is not None else Receipt()
    receipt = by_rule
    if shown.planned.exception:
        receipt = Receipt("exception", 0, {**by_rule.facts, "over_rule": by_rule.number, "words": act.reason.strip()})
    kind = RequestKind(act.kind) if act.kind not in set(Own) else RequestKind.REFUND_AGAIN
    deciding.keep_receipt(session, Request(kind, lines=act.lines), Approved(shown.planned.plan, receipt), case, now)
    intent = Intent(
        key=key,
        case=case,
        request={"kind": act.kind, "act": _ACT.dump_python(act, mode="json")},
        plan=json.loads(shown.planned.plan.to_json()),
        receipt=deciding.receipt_json(receipt),
        fingerprint=shown.fingerprint,
        proposed_at=now,
    )
    session.add(intent)
    session.flush()
    return intent


def _perform(session: Session, desk: Desk, person: Person, intent: Intent, subject: Subject, shown: Preview) -> None:
    """Perform the plan in the caller's transaction; from "canceled" on the saga goes its usual way."""
    now = desk.clock()
    work = Work(session, now, intent.key, person.actor, intent.case, subject.order, subject.membership)
    perform(work, shown.planned.plan)
    intent.result, intent.confirmed_at, intent.recovery_point = work.result, now, "canceled"
    detail = {"kind": shown.act.kind, "amount": shown.amount, "exception": shown.planned.exception}
    audit.note(session, now, person.actor, "acted", f"intent:{intent.key}", detail)


def _ask(session: Session, desk: Desk, person: Person, conversation_id: str, intent: Intent, shown: Preview) -> Waiting:
    now = desk.clock()
    approval = Approval(
        intent_key=intent.key,
        conversation_id=conversation_id,
        asked_by=person.id,
        reason=shown.act.reason.strip(),
        amount=shown.amount,
        asked_at=now,
    )
    session.add(approval)
    session.flush()
    audit.note(session, now, person.actor, "approval_asked", f"approval:{approval.id}", {"amount": shown.amount})
    return Waiting(approval.id)


def _tell(desk: Desk, person: Person, key: str, act: Act) -> None:
    """Enter by hand what seller or warehouse said; it goes the way of their own messages, under this key."""
    with desk.store.writing() as session:
        audit.note(session, desk.clock(), person.actor, "told", f"intent:{key}", {"kind": act.kind})
    told: dict[str, tuple[str, dict[str, Any]]] = {
        RequestKind.SELLER_ANSWER: (
            "seller.answer",
            {"order": act.order_number, "answer": act.answer, "text": act.text},
        ),
        RequestKind.PARCEL_SCANNED: ("warehouse.parcel_scanned", {"rma": act.rma}),
        RequestKind.INSPECTED: ("warehouse.inspected", {"rma": act.rma, "result": act.result}),
    }
    kind, payload = told[act.kind]
    applied = events.apply(desk, f"desk:{key}", kind, payload)
    with desk.store.writing() as session:
        intent = session.get_one(Intent, key)
        intent.result = {"outcome": getattr(applied, "outcome", "rejected")}
        intent.confirmed_at, intent.recovery_point = desk.clock(), "canceled"


def _again(session: Session, known: Intent, act: Act) -> Performed | Waiting | Refused:
    """The same key once more: the same answer, if it was the same act."""
    if known.request.get("act") != _ACT.dump_python(act, mode="json"):
        return Refused("key_used")
    approval = session.scalar(select(Approval).where(Approval.intent_key == known.key))
    if approval is not None and approval.state == "waiting":
        return Waiting(approval.id)
    return Performed(outlines.of_plan(session, Plan.from_json(json.dumps(known.plan))), known.result or {})


def _performed(desk: Desk, key: str) -> Performed:
    with desk.store.reading() as session:
        intent = session.get_one(Intent, key)
        return Performed(outlines.of_plan(session, Plan.from_json(json.dumps(intent.plan))), intent.result or {})


def _not_yours(session: Session, person: Person, conversation_id: str) -> Refused | None:
    talk = session.get(Conversation, conversation_id)
    if talk is None or not person.may(May.ACT):
        return Refused("unknown" if talk is None else "not_allowed")
    return None if talk.owner == "agent" and talk.agent == person.login else Refused("not_yours")


def _subject(session: Session, conversation_id: str, act: Act, *, lock: bool) -> Subject | None:
    """Return what the act is about, if it belongs to the conversation's customer."""
    talk = session.get(Conversation, conversation_id)
    if talk is None:
        return None
    if act.membership_id is not None:
        membership = session.get(Membership, act.membership_id, with_for_update=lock or None)
        mine = membership is not None and talk.customer_id is not None and membership.customer_id == talk.customer_id
        return Subject(membership=membership) if mine else None
    order = session.get(Order, act.order_number or "", with_for_update=lock or None)
    if order is None:
        return None
    if talk.customer_id is not None:
        return Subject(order=order) if order.customer_id == talk.customer_id else None
    return Subject(order=order) if order.number in talk.proved_orders else None


def _case(session: Session, desk: Desk, conversation_id: str, act: Act, subject: Subject) -> Case:
    """Return the case an act belongs to: one of its own kind, or for the desk's own acts the latest open one."""
    number = subject.order.number if subject.order else None
    if act.kind in set(Own) or act.kind in TOLD:
        open_ones = select(Case).where(
            Case.customer_id == subject.customer_id, Case.order_number == number, Case.state != "closed"
        )
        latest = session.scalar(open_ones.order_by(Case.id.desc()).limit(1))
        if latest is not None:
            return latest
        return deciding.case_for(session, subject, RequestKind.REFUND_AGAIN.value, desk.clock(), conversation_id)
    return deciding.case_for(session, subject, act.kind, desk.clock(), conversation_id)
