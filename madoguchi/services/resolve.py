"""Resolving a wish: consider it, propose one sentence to say yes to, and perform what was agreed exactly once.

A proposal is an `Intent` row with its plan. A yes takes it through named recovery points, each its own
transaction: proposed → confirmed → canceled → refund_sent → reordered → finished. Whatever happens in between,
`carry_on` goes on from the last one, and every effect's key keeps it from happening twice.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import String, bindparam, func, select, update
from sqlalchemy.orm import Session

from madoguchi.policy import effects as e
from madoguchi.policy.decisions import Approved, Declined, NeedsAgent, NeedsFact, Receipt, Wait
from madoguchi.policy.plans import Plan
from madoguchi.policy.requests import Request, RequestKind
from madoguchi.policy.vocabulary import AgentReason, Condition, Fact, Offer, RefundMethod
from madoguchi.services import audit, deciding, describing, outbox, reorders, targets
from madoguchi.services.deciding import Subject
from madoguchi.services.desk import Desk
from madoguchi.services.performing import Work, perform
from madoguchi.services.views import Choice, Money, Values, payment_label
from madoguchi.services.wishes import REORDER, Ask, Done, HandOver, Propose, Step, Tell, Wish
from madoguchi.store import Case, Conversation, Effect, Intent, Order, OutboxCall
from madoguchi.store import Membership as MembershipRow

_OPEN_ONES = select(Intent).where(Intent.case_id == bindparam("case"), Intent.recovery_point == "proposed")
_CALLS = bindparam("calls", type_=String)
_WAITING = (
    select(OutboxCall.id)
    .where(OutboxCall.state == "ready", func.substr(OutboxCall.key, 1, func.length(_CALLS)) == _CALLS)
    .limit(1)
)
QUESTIONS = {
    Fact.CONDITION: "condition",
    Fact.REFUND_METHOD: "refund_method",
    Fact.END_AT_ONCE: "at_once",
    Fact.MEMBERSHIP: "membership",
    Fact.LINES: "article",
    Fact.PROBLEM: "problem",
}


def consider(desk: Desk, conversation_id: str, wish: Wish) -> Step:
    """Return the next step for a wish: a question, a proposal, a plain word, or a human.

    Nothing is written but the case, the receipt and the proposal; considering the same wish twice changes nothing.
    """
    if wish.kind is None:
        return Ask("problem", "ask_problem")
    with desk.store.writing() as session:
        target = targets.find(session, desk, conversation_id, wish)
        if isinstance(target, Ask | Tell):
            return target
        if wish.kind == REORDER:
            return _consider_reorder(session, desk, conversation_id, wish, target)
        request = _request(RequestKind(wish.kind), wish, target)
        now = desk.clock()
        decision = deciding.judge(session, desk, request, target.subject, now)
        case = deciding.case_for(session, target.subject, request.kind.value, now, conversation_id)
        deciding.keep_receipt(session, request, decision, case, now)
        match decision:
            case Approved(plan=plan, receipt=receipt):
                return _propose(session, desk, case, target.subject, deciding.request_json(request), plan, receipt)
            case Declined(reason=reason):
                values = _values(session, desk, Plan(), target.subject, request)
                values["offers"] = tuple(offer.value for offer in decision.offers)
                values |= _paid_back(case, target.subject)
                return Tell(f"declined_{reason.value}", values)
            case Wait(until=until, reason=reason, plan=plan):
                _note(session, desk, case, target.subject, plan)
                values = _values(session, desk, plan, target.subject, request)
                return Tell(f"wait_{reason.value}", {**values, "until": until})
            case NeedsAgent(reason=reason, plan=plan):
                _note(session, desk, case, target.subject, plan)
                return HandOver(reason.value, _values(session, desk, plan, target.subject, request))
            case NeedsFact(fact=fact, choices=choices):
                return _ask(session, desk, target.subject, request, fact, choices)


def confirm(desk: Desk, conversation_id: str, intent_key: str) -> Done | Tell | HandOver:
    """Perform what the customer said yes to, exactly once; the same key again gives the same answer."""
    with desk.store.writing() as session:
        intent = session.get(Intent, intent_key)
        if intent is None or not _belongs(session, intent, conversation_id):
            return Tell("proposal_gone")
        if intent.recovery_point == "dropped":
            return Tell("proposal_changed")
        claimed = session.execute(
            update(Intent)
            .where(Intent.key == intent_key, Intent.recovery_point == "proposed")
            .values(recovery_point="confirmed", confirmed_at=desk.clock())
        )
        if claimed.rowcount == 1:  # type: ignore[attr-defined]
            audit.note(session, desk.clock(), "customer", "confirmed", f"intent:{intent_key}")
    carry_on(desk, intent_key)
    with desk.store.reading() as session:
        return _outcome(session, desk, session.get_one(Intent, intent_key))


def drop(desk: Desk, conversation_id: str, intent_key: str) -> None:
    """Take a proposal back that the customer did not agree to; one already confirmed stays."""
    with desk.store.writing() as session:
        intent = session.get(Intent, intent_key)
        if intent is not None and _belongs(session, intent, conversation_id) and intent.recovery_point == "proposed":
            intent.recovery_point = "dropped"


def carry_on(desk: Desk, intent_key: str) -> str:
    """Take a confirmed intent as far as it goes now, and return its recovery point.

    Raises nothing for what is merely not there yet (a payment on its way); the worker comes back for it.
    """
    steps = {"confirmed": _perform, "canceled": _send, "refund_sent": _reorder, "reordered": _finish}
    point, before = _recovery_point(desk, intent_key), ""
    while point in steps and point != before:
        before, point = point, steps[point](desk, intent_key)
    return point


def resume_unfinished(desk: Desk, *, limit: int = 100) -> int:
    """Carry on with every confirmed intent that is not finished, and return how many there were."""
    unfinished = ("confirmed", "canceled", "refund_sent", "reordered")
    with desk.store.reading() as session:
        keys = session.scalars(
            select(Intent.key).where(Intent.recovery_point.in_(unfinished)).order_by(Intent.confirmed_at).limit(limit)
        ).all()
    for key in keys:
        carry_on(desk, key)
    return len(keys)


def _request(kind: RequestKind, wish: Wish, target: targets.Target) -> Request:
    """Return the policy's request for a wish; words it does not know are left out, never guessed."""
    membership = target.subject.membership
    return Request(
        kind=kind,
        lines=target.quantities,
        condition=Condition(wish.condition) if wish.condition else None,
        refund_method=RefundMethod(wish.refund_method) if wish.refund_method else None,
        problem=RequestKind(wish.problem) if wish.problem else None,
        membership_id=str(membership.id) if membership else None,
        end_at_once=wish.at_once,
    )


def _propose(
    session: Session, desk: Desk, case: Case, subject: Subject, request: dict[str, object], plan: Plan, receipt: Receipt
) -> Propose:
    """Store the proposal, or find the same one again; an older one of the case is dropped."""
    fingerprint = plan.fingerprint()
    open_ones = () if case in session.new else session.scalars(_OPEN_ONES, {"case": case.id}).all()
    found = next((each for each in open_ones if each.fingerprint == fingerprint), None)
    for each in open_ones:
        if each is not found:
            each.recovery_point = "dropped"
    if found is None:
        found = Intent(
            key=secrets.token_urlsafe(16),
            case=case,
            request=request,
            plan=json.loads(plan.to_json()),
            receipt=deciding.receipt_json(receipt),
            fingerprint=fingerprint,
            proposed_at=desk.clock(),
        )
        session.add(found)
    name = describing.name_of(plan, str(request["kind"]), _condition(request))
    return Propose(found.key, f"propose_{name}", _plan_values(session, desk, plan, subject, request))


def _consider_reorder(session: Session, desk: Desk, conversation_id: str, wish: Wish, target: targets.Target) -> Step:
    plan = reorders.plan(session, target, wish)
    if isinstance(plan, Ask | Tell):
        return plan
    case = deciding.case_for(session, target.subject, REORDER, desk.clock(), conversation_id)
    return _propose(session, desk, case, target.subject, {**asdict(wish), "kind": REORDER}, plan, Receipt(rule=REORDER))


def _note(session: Session, desk: Desk, case: Case, subject: Subject, plan: Plan) -> None:
    """Perform what may be noted without a yes (timers, flags, a freeze), once however often it is considered."""
    if not plan.effects:
        return
    key = f"{case.reference}:{plan.fingerprint()[:16]}"
    if session.scalar(select(Effect.key).where(Effect.key.startswith(f"{key}:")).limit(1)) is None:
        perform(Work(session, desk.clock(), key, "bot", case, subject.order, subject.membership), plan)


def _ask(
    session: Session, desk: Desk, subject: Subject, request: Request, fact: Fact, choices: tuple[str, ...]
) -> Ask | HandOver:
    values = _values(session, desk, Plan(), subject, request)
    what = QUESTIONS.get(fact)
    if what is None:
        return HandOver(AgentReason.FACTS_MISSING.value, values)
    return Ask(what, f"ask_{what}", tuple(Choice(f"{what}:{choice}", choice) for choice in choices), values)


def _values(session: Session, desk: Desk, plan: Plan, subject: Subject, request: Request) -> Values:
    terms = desk.terms.at(subject.placed_at)
    meant = Plan((*plan.effects, e.OfferReorder(request.lines, Offer.REORDER_SAME)), plan.currency)
    values = describing.values_of(session, plan, subject, terms, desk.clock())
    chosen = describing.choice_of(subject, [unit.line_id for unit in request.lines])
    return {**values, **chosen, "article": describing.article_of(meant, subject)}


def _plan_values(
    session: Session, desk: Desk, plan: Plan, subject: Subject, request: dict[str, object], at: datetime | None = None
) -> Values:
    terms, condition = desk.terms.at(subject.placed_at), _condition(request)
    values = describing.values_of(session, plan, subject, terms, at or desk.clock(), condition)
    values |= describing.choice_of(subject, _line_ids(request))
    for effect in plan.effects:
        if isinstance(effect, e.LinkedReorder):
            values |= _reorder_values(session, effect, subject, plan.currency)
    return values


def _reorder_values(session: Session, effect: e.LinkedReorder, subject: Subject, currency: str) -> Values:
    found = reorders.variants(session, effect)
    order = subject.order
    return {
        "article": describing.article_of(Plan((e.OfferReorder(reorders.units(effect), Offer.REORDER_SAME),)), subject),
        "line": f"line:{effect.replacements[0].line_id}",
        "amount": Money(effect.difference, currency),
        "size": next((variant.size for variant in found), None),
        "quantity": len(effect.replacements),
        "method": order.payments[0].method if order and order.payments else "none",
        "method_label": tuple(payment_label(payment) for payment in order.payments[:1]) if order else (),
    }


def _line_ids(request: dict[str, object]) -> list[str]:
    lines = request.get("lines")
    return [str(unit["line_id"]) for unit in lines] if isinstance(lines, list) else []


def _condition(request: dict[str, object]) -> str | None:
    condition = request.get("condition")
    return str(condition) if condition else None


def _paid_back(case: Case, subject: Subject) -> Values:
    """Return when and where an earlier refund went, for a customer who asks for it again."""
    order = subject.order
    if order is None:
        return {}
    return {"refunded": Money(sum(payment.refunded for payment in order.payments), order.currency)}


def _belongs(session: Session, intent: Intent, conversation_id: str) -> bool:
    conversation = session.get(Conversation, conversation_id)
    if conversation is None:
        return False
    mine = conversation.customer_id is not None and intent.case.customer_id == conversation.customer_id
    return mine or intent.case.conversation_id == conversation_id


def _subject(session: Session, case: Case) -> Subject:
    """Return what a case is about, locked until the transaction ends."""
    if case.membership_id is not None:
        membership = session.get_one(MembershipRow, case.membership_id, with_for_update=True, populate_existing=True)
        return Subject(membership=membership)
    return Subject(order=session.get_one(Order, case.order_number, with_for_update=True, populate_existing=True))


def _perform(desk: Desk, intent_key: str) -> str:
    """confirmed → canceled: everything in the store, in one transaction, if the facts still give the same plan."""
    with desk.store.writing() as session:
        intent = session.get_one(Intent, intent_key)
        subject = _subject(session, intent.case)
        session.refresh(intent, ["recovery_point"], with_for_update=True)
        if intent.recovery_point != "confirmed":
            return intent.recovery_point
        plan = Plan.from_json(json.dumps(intent.plan))
        if intent.request["kind"] != REORDER and not _still(session, desk, intent, subject):
            intent.recovery_point = "dropped"
            return intent.recovery_point
        work = Work(session, desk.clock(), intent.key, "bot", intent.case, subject.order, subject.membership)
        perform(work, plan)
        intent.result = work.result
        intent.recovery_point = "canceled"
        detail = {"plan": intent.fingerprint, "amount": plan.refund_amount}
        audit.note(session, work.now, "bot", "performed", f"intent:{intent.key}", detail)
        return intent.recovery_point


def _still(session: Session, desk: Desk, intent: Intent, subject: Subject) -> bool:
    """Whether the policy, asked anew, still says what the customer agreed to."""
    decision = deciding.judge(session, desk, deciding.request_from(intent.request), subject, desk.clock())
    return isinstance(decision, Approved) and decision.plan.fingerprint() == intent.fingerprint


def _send(desk: Desk, intent_key: str) -> str:
    """canceled → refund_sent, once no call to the outside is left to make; → finished where nothing is reordered."""
    outbox.send_for(desk, intent_key)
    with desk.store.writing() as session:
        intent = session.get_one(Intent, intent_key, with_for_update=True)
        if intent.recovery_point == "canceled" and session.scalar(_WAITING, {"calls": f"{intent_key}:"}) is None:
            intent.recovery_point = "refund_sent"
            if _linked(intent) is None:
                _end(intent, desk.clock())
        return intent.recovery_point


def _reorder(desk: Desk, intent_key: str) -> str:
    """refund_sent → reordered: hold the stock once, ask for the payment, and wait for its word."""
    with desk.store.writing() as session:
        intent = session.get_one(Intent, intent_key)
        linked, subject = _linked(intent), _subject(session, intent.case)
        if linked is not None and not reorders.of_intent(session, intent_key):
            reorders.hold(Work(session, desk.clock(), intent.key, "bot", intent.case, subject.order), linked)
    outbox.send_for(desk, intent_key)
    with desk.store.writing() as session:
        intent = session.get_one(Intent, intent_key, with_for_update=True)
        rows = reorders.of_intent(session, intent_key)
        if intent.recovery_point == "refund_sent" and all(row.state != "held" for row in rows):
            intent.recovery_point = "reordered"
        return intent.recovery_point


def _finish(desk: Desk, intent_key: str) -> str:
    """reordered → finished."""
    with desk.store.writing() as session:
        intent = session.get_one(Intent, intent_key, with_for_update=True)
        if intent.recovery_point == "reordered":
            _end(intent, desk.clock())
        return intent.recovery_point


def _end(intent: Intent, now: datetime) -> None:
    intent.recovery_point, intent.finished_at = "finished", now


def _linked(intent: Intent) -> e.LinkedReorder | None:
    """Return what an intent reorders, if anything."""
    effects = Plan.from_json(json.dumps(intent.plan)).effects
    return next((effect for effect in effects if isinstance(effect, e.LinkedReorder)), None)


def _recovery_point(desk: Desk, intent_key: str) -> str:
    with desk.store.reading() as session:
        return session.scalars(select(Intent.recovery_point).where(Intent.key == intent_key)).one()


def _outcome(session: Session, desk: Desk, intent: Intent) -> Done | Tell:
    """Say what became of a confirmed intent, the same however often it is asked."""
    if intent.recovery_point == "dropped":
        return Tell("proposal_changed")
    plan = Plan.from_json(json.dumps(intent.plan))
    subject = _read_subject(session, intent.case)
    values = _plan_values(session, desk, plan, subject, intent.request, intent.confirmed_at)
    values |= {"rma": (intent.result or {}).get("rma"), "case": intent.case.reference}
    if intent.request["kind"] == REORDER:
        return _reorder_outcome(session, intent, values)
    name = describing.name_of(plan, str(intent.request["kind"]), _condition(intent.request))
    return Done(f"done_{name}", values, _offer(intent, plan))


def _reorder_outcome(session: Session, intent: Intent, values: Values) -> Done | Tell:
    rows = reorders.of_intent(session, intent.key)
    failed = next((row.failure for row in rows if row.state == "failed"), None)
    if failed is not None:
        return Tell(f"reorder_{failed}", values)
    placed = next((row.new_order_number for row in rows if row.state == "placed"), None)
    if placed is None:
        return Done("done_reorder_pending", values)
    return Done("done_reorder", {**values, "order_number": placed})


def _offer(intent: Intent, plan: Plan) -> Wish | None:
    """Return the reorder that goes with what was done, if the policy offers one."""
    for effect in plan.effects:
        if isinstance(effect, e.OfferReorder) and effect.lines:
            other_size = effect.offer is Offer.REORDER_OTHER_SIZE
            first = effect.lines[0]
            return Wish(
                kind=REORDER,
                line=f"line:{first.line_id}",
                quantity=first.quantity,
                problem=RequestKind.WRONG_SIZE.value if other_size else None,
            )
    return None


def _read_subject(session: Session, case: Case) -> Subject:
    if case.membership_id is not None:
        return Subject(membership=session.get_one(MembershipRow, case.membership_id))
    return Subject(order=session.get_one(Order, case.order_number))
