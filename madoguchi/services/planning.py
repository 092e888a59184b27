"""From what a member of the staff wants to do to the plan of it: by the policy, or as an exception over it.

Nothing is written here, so a plan can be shown before it is done and made anew at the moment it is done. An
exception does not leave the policy's arithmetic: the same rules decide once more with the one obstacle waived (the
window, a limit, final sale, the condition), so that amounts, splits and payers stay theirs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from madoguchi.policy import effects as e
from madoguchi.policy import facts as f
from madoguchi.policy.case import Case as PolicyCase
from madoguchi.policy.decide import decide
from madoguchi.policy.decisions import Approved, Decision, NeedsFact
from madoguchi.policy.money import settle
from madoguchi.policy.plans import Plan
from madoguchi.policy.requests import EVENTS, Request, RequestKind
from madoguchi.policy.terms import Terms
from madoguchi.policy.vocabulary import (
    Condition,
    InspectionResult,
    RefundMethod,
    RefundState,
    RefundTiming,
    SellerAnswer,
    TimerKind,
)
from madoguchi.services import facts
from madoguchi.services.deciding import Subject
from madoguchi.services.desk import Desk
from madoguchi.store import ReturnAuthorization

_EVER = 36_500  # days; longer than anybody remembers


class Own(StrEnum):
    """What the desk itself does; no customer asks for it in these words."""

    REFUND = "refund"
    GUARANTEE = "grant_guarantee"
    FREEZE = "freeze"
    UNFREEZE = "unfreeze"
    RELEASE = "release_refund"
    VOID = "void_refund"
    ASK_SELLER = "ask_seller"
    CLOSE_CASE = "close_case"


ALWAYS_EXCEPTIONS = frozenset({Own.REFUND, Own.GUARANTEE, Own.UNFREEZE, Own.RELEASE, Own.VOID})
"""What no rule of the policy asks for, and so always needs a written reason."""

TOLD = frozenset({RequestKind.SELLER_ANSWER, RequestKind.PARCEL_SCANNED, RequestKind.INSPECTED})
"""What came in by telephone or mail and is entered by hand, as if its webhook had come."""

WISHES = tuple(kind for kind in RequestKind if kind not in EVENTS and kind is not RequestKind.EXCHANGE)
"""What a customer may want, entered on their behalf."""


@dataclass(frozen=True)
class Act:
    """One act as it was entered; what is not needed for its kind stays empty. Never an owner, and an amount
    only where the kind is a free refund."""

    kind: str
    order_number: str | None = None
    membership_id: int | None = None
    lines: tuple[f.LineQuantity, ...] = ()
    condition: Condition | None = None
    refund_method: RefundMethod | None = None
    end_at_once: bool | None = None
    amount: int | None = None
    answer: SellerAnswer | None = None
    rma: str | None = None
    result: InspectionResult | None = None
    text: str = ""
    reason: str = ""
    exception: bool = False


@dataclass(frozen=True)
class Planned:
    """What would be done; `decision` is the policy's own word, None where it has none."""

    plan: Plan
    exception: bool
    decision: Decision | None = None


@dataclass(frozen=True)
class Missing:
    """One more thing must be entered first: a fact by its name, with the answers that are possible."""

    fact: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class NoPlan:
    """Nothing can be done: the policy says no (`decision`), or the act makes no sense here (`why`)."""

    why: str
    decision: Decision | None = None
    waivable: bool = False
    """Whether it could be done as an exception."""


type Outcome = Planned | Missing | NoPlan


def plan_for(session: Session, desk: Desk, act: Act, subject: Subject, now: datetime) -> Outcome:
    """Return the plan of an act on the present facts."""
    seen, terms = _seen(session, subject, now), desk.terms.at(subject.placed_at)
    if act.kind in set(Own):
        return _own(Own(act.kind), act, seen, terms, now)
    kind = RequestKind(act.kind)
    if kind in TOLD:
        return _told(session, kind, act, seen, terms, now)
    request = _request(kind, act)
    decision = decide(request, seen, terms, now)
    if isinstance(decision, Approved):
        return Planned(decision.plan, False, decision)
    if isinstance(decision, NeedsFact):
        return Missing(decision.fact.value, decision.choices)
    waived = decide(_waived_request(request), _waived_facts(seen), _waived_terms(terms), now)
    if isinstance(waived, NeedsFact):
        return Missing(waived.fact.value, waived.choices) if act.exception else NoPlan("policy", decision, True)
    if not isinstance(waived, Approved) or not waived.plan.effects:
        return NoPlan("policy", decision)
    return Planned(waived.plan, True, decision) if act.exception else NoPlan("policy", decision, waivable=True)


def _seen(session: Session, subject: Subject, now: datetime) -> f.Facts:
    if subject.order is not None:
        return facts.of_order(session, subject.order, now)
    if subject.membership is None:
        raise LookupError("an act is about an order or a membership")
    return facts.of_membership(session, subject.membership, now)


def _request(kind: RequestKind, act: Act) -> Request:
    return Request(
        kind=kind,
        lines=act.lines,
        condition=act.condition,
        refund_method=act.refund_method,
        membership_id=str(act.membership_id) if act.membership_id is not None else None,
        end_at_once=act.end_at_once,
    )


def _waived_request(request: Request) -> Request:
    return replace(request, condition=Condition.UNOPENED) if request.condition else request


def _waived_facts(seen: f.Facts) -> f.Facts:
    memberships = tuple(replace(each, used=False, used_this_period=False) for each in seen.memberships)
    if seen.order is None:
        return replace(seen, memberships=memberships)
    lines = tuple(replace(line, final_sale=False, downloaded=False) for line in seen.order.lines)
    return replace(seen, memberships=memberships, order=replace(seen.order, lines=lines))


def _waived_terms(terms: Terms) -> Terms:
    returns = {"window_days": None, "final_sale_categories": (), "downloaded_is_final": False, "once_per_order": False}
    return terms.model_copy(
        update={
            "returns": terms.returns.model_copy(update=returns),
            "review": terms.review.model_copy(update={"refund_limit": None, "claims": None}),
            "memberships": terms.memberships.model_copy(update={"mistake_window_days": _EVER}),
            "delivery": terms.delivery.model_copy(update={"marked_delivered_wait_days": 0, "overdue_days": 0}),
        }
    )


def _own(kind: Own, act: Act, seen: f.Facts, terms: Terms, now: datetime) -> Outcome:
    if kind is Own.CLOSE_CASE:
        return Planned(Plan((e.CloseCase(),), terms.currency), False)
    order = seen.order
    if order is None:
        return NoPlan("needs_order")
    planned = tuple(each for each in seen.refunds if each.state is RefundState.PLANNED)
    match kind:
        case Own.REFUND:
            return _free_refund(act, seen, terms, now)
        case Own.GUARANTEE:
            return _guarantee(act, seen, terms, now)
        case Own.FREEZE:
            return NoPlan("frozen_already") if order.frozen else _planned(kind, terms, e.FreezeOrder())
        case Own.UNFREEZE:
            return _planned(kind, terms, e.UnfreezeOrder()) if order.frozen else NoPlan("not_frozen")
        case Own.ASK_SELLER:
            return _ask_seller(seen, terms, now)
    if not planned:
        return NoPlan("nothing_planned")
    if kind is Own.VOID:
        return _planned(kind, terms, e.VoidRefund(tuple(each.id for each in planned)))
    if order.frozen:
        return NoPlan("frozen")
    splits = tuple(e.Split(each.payment_id, each.amount, each.method) for each in planned)
    return _planned(kind, terms, e.ReleaseRefund(tuple(each.id for each in planned), splits))


def _planned(kind: Own, terms: Terms, *effects: e.Effect) -> Planned:
    return Planned(Plan(effects, terms.currency), kind in ALWAYS_EXCEPTIONS)


def _free_refund(act: Act, seen: f.Facts, terms: Terms, now: datetime) -> Outcome:
    """A sum that somebody names, never more than the payments still hold, in the policy's ways and order."""
    assert seen.order is not None
    left = sum(payment.refundable for payment in seen.order.payments)
    if seen.order.frozen:
        return NoPlan("frozen")
    if left == 0:
        return NoPlan("nothing_left")
    if act.amount is None:
        return Missing("amount", (str(left),))
    if not 0 < act.amount <= left:
        return NoPlan("too_much")
    case = PolicyCase(Request(RequestKind.REFUND_AGAIN, refund_method=act.refund_method), seen, terms, now)
    splits = settle(case, act.amount, seen.order.payments)
    if isinstance(splits, NeedsFact):
        return Missing(splits.fact.value, splits.choices)
    if not isinstance(splits, tuple):
        return NoPlan("policy", splits)
    return _planned(Own.REFUND, terms, e.Refund(splits, RefundTiming.NOW))


def _guarantee(act: Act, seen: f.Facts, terms: Terms, now: datetime) -> Outcome:
    """The guarantee as rule 14 pays it, as if the seller had been silent and nothing were frozen."""
    order, inquiry = seen.order, seen.inquiry
    assert order is not None
    if order.seller.value != "marketplace":
        return NoPlan("no_seller")
    if order.guarantee_paid:
        return NoPlan("guarantee_paid")
    if inquiry is None:
        return NoPlan("ask_seller_first")
    silent = replace(seen, order=replace(order, frozen=False), inquiry=replace(inquiry, answer=None, deadline=now))
    decision = decide(Request(RequestKind.GUARANTEE), silent, _waived_terms(terms), now)
    if not isinstance(decision, Approved) or not decision.plan.refund_amount:
        return NoPlan("policy", decision)
    thawed = (e.UnfreezeOrder(),) if order.frozen else ()
    return _planned(Own.GUARANTEE, terms, *decision.plan.effects, *thawed)


def _ask_seller(seen: f.Facts, terms: Terms, now: datetime) -> Outcome:
    assert seen.order is not None
    if seen.order.seller.value != "marketplace":
        return NoPlan("no_seller")
    deadline = now + timedelta(hours=terms.marketplace.answer_hours)
    older = seen.inquiry.id if seen.inquiry is not None and seen.inquiry.answer is None else None
    asked = e.OpenSellerInquiry(deadline, older)
    return _planned(Own.ASK_SELLER, terms, asked, e.SetTimer(TimerKind.SELLER_DEADLINE, deadline))


def _told(session: Session, kind: RequestKind, act: Act, seen: f.Facts, terms: Terms, now: datetime) -> Outcome:
    """What would follow if the seller's, or the warehouse's, own message had come in."""
    order = seen.order
    if order is None:
        return NoPlan("needs_order")
    if kind is RequestKind.SELLER_ANSWER:
        if seen.inquiry is None or seen.inquiry.answer is not None:
            return NoPlan("no_open_inquiry")
        if act.answer is None:
            return Missing("answer", tuple(SellerAnswer))
        seen = replace(seen, inquiry=replace(seen.inquiry, answer=act.answer, answered_at=now))
        return _by_policy(Request(kind), seen, terms, now)
    found = session.scalar(
        select(ReturnAuthorization.id).where(
            ReturnAuthorization.number == act.rma, ReturnAuthorization.order_number == order.number
        )
    )
    if found is None:
        return Missing("rma")
    if kind is RequestKind.INSPECTED:
        if act.result is None:
            return Missing("result", tuple(InspectionResult))
        seen = replace(
            seen,
            authorizations=tuple(
                replace(each, inspection=act.result) if each.id == str(found) else each for each in seen.authorizations
            ),
        )
    return _by_policy(Request(kind, authorization_id=str(found)), seen, terms, now)


def _by_policy(request: Request, seen: f.Facts, terms: Terms, now: datetime) -> Outcome:
    decision = decide(request, seen, terms, now)
    if isinstance(decision, NeedsFact):
        return Missing(decision.fact.value, decision.choices)
    plan = getattr(decision, "plan", Plan())
    if isinstance(decision, Approved) or plan.effects:
        return Planned(plan, False, decision)
    return Planned(Plan(), False, decision) if request.kind is RequestKind.SELLER_ANSWER else NoPlan("policy", decision)
