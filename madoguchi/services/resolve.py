"""Resolving a wish: consider it, propose one sentence to say yes to, and tell what became of it.

A proposal is an `Intent` row with its plan, and a yes hands it to `saga.py`, which performs it exactly once.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from madoguchi.policy import effects as e
from madoguchi.policy.decisions import Approved, Declined, NeedsAgent, NeedsFact, Receipt, Wait
from madoguchi.policy.plans import Plan
from madoguchi.policy.requests import Request, RequestKind
from madoguchi.policy.vocabulary import AgentReason, Condition, DeclineReason, Fact, Offer, RefundMethod
from madoguchi.services import answers, audit, deciding, describing, reorders, saga, targets
from madoguchi.services.deciding import Subject
from madoguchi.services.desk import Desk
from madoguchi.services.performing import Work, perform
from madoguchi.services.views import Choice, Money, Values, payment_label
from madoguchi.services.wishes import REORDER, Ask, Done, HandOver, Propose, Step, Tell, Wish
from madoguchi.store import Case, Conversation, Effect, GuaranteeClaim, Intent, Order
from madoguchi.store import Membership as MembershipRow

# All of the case, for it has few: asked for the open ones SQLite looks through the open ones of every case of the shop.
_OF_CASE = select(Intent).where(Intent.case_id == bindparam("case"))
_PROPOSED = insert(Intent)
QUESTIONS = {
    Fact.CONDITION: "condition",
    Fact.REFUND_METHOD: "refund_method",
    Fact.END_AT_ONCE: "at_once",
    Fact.MEMBERSHIP: "membership",
    Fact.LINES: "article",
    Fact.PROBLEM: "problem",
}


PROVED = "proved"
"""What is told of a question that waited for its visitor's proof: it can be answered now."""


def consider(desk: Desk, conversation_id: str, wish: Wish) -> Step:
    """Return the next step for a wish: a question, a proposal, a plain word, or a human.

    Nothing is written but the case, the receipt and the proposal; considering the same wish twice changes nothing.
    """
    if wish.kind is None:
        return Ask("problem", "ask_problem")
    if wish.kind in answers.OF_AN_ORDER:
        return targets.prove(desk, conversation_id, wish) or Tell(PROVED)
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
        fresh = case in session.new
        deciding.keep_receipt(session, request, decision, case, now)
        match decision:
            case Approved(plan=plan, receipt=receipt):
                asked = deciding.request_json(request)
                return _propose(session, desk, case, target.subject, asked, plan, receipt, fresh=fresh)
            case Declined(reason=reason):
                values = _values(session, desk, Plan(), target.subject, request)
                values["offers"] = tuple(offer.value for offer in decision.offers)
                values |= _paid_back(case, target.subject)
                claim = _guaranteed(session, target.subject) if reason is DeclineReason.ALREADY_REFUNDED else None
                if claim is not None:
                    return Tell("guarantee_paid", {**values, "amount": Money(claim.amount)})
                again = reason is DeclineReason.ALREADY_REFUNDED and target.subject.is_canceled
                return Tell("declined_already_canceled_and_refunded" if again else f"declined_{reason.value}", values)
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
        intent = session.get(Intent, intent_key, options=[saga.WITH_CASE])
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
    saga.carry_on(desk, intent_key)
    with desk.store.reading() as session:
        return _outcome(session, desk, session.get_one(Intent, intent_key, options=[saga.WITH_CASE]))


def drop(desk: Desk, conversation_id: str, intent_key: str) -> None:
    """Take a proposal back that the customer did not agree to; one already confirmed stays."""
    with desk.store.writing() as session:
        intent = session.get(Intent, intent_key, options=[saga.WITH_CASE])
        if intent is not None and _belongs(session, intent, conversation_id) and intent.recovery_point == "proposed":
            intent.recovery_point = "dropped"


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
    session: Session,
    desk: Desk,
    case: Case,
    subject: Subject,
    request: dict[str, object],
    plan: Plan,
    receipt: Receipt,
    *,
    fresh: bool,
) -> Propose:
    """Store the proposal, or find the same one again; an older one of a case that is not fresh is dropped."""
    fingerprint = plan.fingerprint()
    session.flush()
    known = () if fresh else session.scalars(_OF_CASE, {"case": case.id})
    open_ones = [each for each in known if each.recovery_point == "proposed"]
    found = next((each for each in open_ones if each.fingerprint == fingerprint), None)
    for each in open_ones:
        if each is not found:
            each.recovery_point = "dropped"
    key = found.key if found is not None else secrets.token_urlsafe(16)
    if found is None:
        proposed = {
            "key": key,
            "case_id": case.id,
            "request": request,
            "plan": json.loads(plan.to_json()),
            "receipt": deciding.receipt_json(receipt),
            "fingerprint": fingerprint,
            "proposed_at": desk.clock(),
        }
        session.connection().execute(_PROPOSED, proposed)
    name = describing.name_of(plan, str(request["kind"]), _condition(request))
    return Propose(key, f"propose_{name}", _plan_values(session, desk, plan, subject, request))


def _consider_reorder(session: Session, desk: Desk, conversation_id: str, wish: Wish, target: targets.Target) -> Step:
    plan = reorders.plan(session, target, wish)
    if isinstance(plan, Ask | Tell):
        return plan
    case = deciding.case_for(session, target.subject, REORDER, desk.clock(), conversation_id)
    asked, receipt, fresh = {**asdict(wish), "kind": REORDER}, Receipt(rule=REORDER), case in session.new
    return _propose(session, desk, case, target.subject, asked, plan, receipt, fresh=fresh)


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
    again = {unit.line_id for unit in effect.replacements}
    titles = (line.title for line in (order.lines if order else ()) if str(line.id) in again)
    return {
        "article": tuple(dict.fromkeys(titles)),
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


def _guaranteed(session: Session, subject: Subject) -> GuaranteeClaim | None:
    """Return the guarantee that has paid for an order, where that is how its money came back."""
    number = subject.order.number if subject.order else None
    paid = select(GuaranteeClaim).where(GuaranteeClaim.order_number == number, GuaranteeClaim.state == "granted")
    return session.scalar(paid.limit(1))


def _belongs(session: Session, intent: Intent, conversation_id: str) -> bool:
    conversation = session.get(Conversation, conversation_id)
    if conversation is None:
        return False
    mine = conversation.customer_id is not None and intent.case.customer_id == conversation.customer_id
    return mine or intent.case.conversation_id == conversation_id


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
