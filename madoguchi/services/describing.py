"""Describing a plan: the reply's name and the typed values that say it to the customer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from madoguchi.policy import effects as e
from madoguchi.policy.calendar import local_day, refund_clock
from madoguchi.policy.facts import LineAmount, LineQuantity
from madoguchi.policy.plans import Plan
from madoguchi.policy.requests import RequestKind
from madoguchi.policy.terms import Terms
from madoguchi.policy.vocabulary import Condition, RefundMethod, RefundTiming, ReturnRoute, TimerKind
from madoguchi.services.deciding import Subject
from madoguchi.services.views import Money, Values, payment_label, titles_of
from madoguchi.store import Payment


def name_of(plan: Plan, kind: str, condition: str | None = None) -> str:
    """Return what a plan is called in replies: "return", "cancel", "membership_refund" …

    `kind` is that of the request it answers: the same refund is another thing to say where the parcel never came.
    """
    kinds = {type(effect) for effect in plan.effects}
    if e.CloseCase in kinds:
        return "close"  # Whatever else it ends: the customer said that all is well.
    if e.AuthorizeReturn in kinds:
        return _return_name(plan, condition)
    if e.FreezeOrder in kinds:
        return "conflict_freeze"
    if e.GuaranteePayout in kinds:
        return "guarantee"
    if e.OpenSellerInquiry in kinds:
        return "seller_inquiry"
    if e.RequestCancellation in kinds:
        return "cancel_request"
    if e.CancelLines in kinds:
        return "cancel" if e.RestoreStock in kinds else "end_content"
    if e.EndMembership in kinds:
        return _membership_name(plan)
    if e.KeepMembership in kinds:
        return "keep_membership"
    if kinds & {e.WithdrawAuthorization, e.WithdrawCancellation}:
        return "withdraw"
    if e.ChangeRefundMethod in kinds:
        return "change_refund_method"
    if e.LinkedReorder in kinds:
        return "reorder"
    if e.Refund in kinds or e.ReleaseRefund in kinds:
        return "missing_refund" if kind == RequestKind.NOT_DELIVERED else "refund"
    return "note"


def values_of(
    session: Session, plan: Plan, subject: Subject, terms: Terms, now: datetime, condition: str | None = None
) -> Values:
    """Return everything a reply about this plan may want to say."""
    values: Values = {"article": article_of(plan, subject), "amount": Money(plan.refund_amount, plan.currency)}
    if subject.order is not None:
        values["order_number"] = subject.order.number
        values["seller"] = subject.order.seller.name if subject.order.seller else ""
    values |= _money_values(session, plan, terms, now)
    payer = plan.shop_pays_return
    values["payer"] = "nobody" if payer is None else "shop" if payer else "customer"
    values["condition"] = condition
    for effect in plan.effects:
        if isinstance(effect, e.OpenSellerInquiry):
            values["deadline"] = effect.deadline
        if isinstance(effect, e.SetTimer) and effect.kind is TimerKind.RETURN_EXPIRY:
            values["expires_on"] = local_day(effect.due, terms.calendar)
        if isinstance(effect, e.AuthorizeReturn):
            values["postage"] = Money(effect.shipping, plan.currency)
        if isinstance(effect, e.EndMembership):
            values["period_end"] = local_day(effect.at or now, terms.calendar)
    return values


def article_of(plan: Plan, subject: Subject) -> str | tuple[str, ...]:
    """Return the title of what the plan is about, or all titles where a yes takes in several articles."""
    if subject.membership is not None:
        return subject.membership.product.title
    if subject.order is None:
        return ""
    named = [part.line_id for effect in plan.effects for part in _parts(effect)]
    meant = [line for line in subject.order.lines if not named or str(line.id) in named]
    return titles_of(meant or subject.order.lines[:1])


def choice_of(subject: Subject, line_ids: Sequence[str]) -> Values:
    """Return what a request is about as choices name it ("line:12", "order:…"), for the talk to point back to it."""
    if subject.membership is not None:
        return {"membership": f"membership:{subject.membership.id}"}
    if subject.order is None:
        return {}
    return {"line": f"line:{line_ids[0]}" if len(line_ids) == 1 else f"order:{subject.order.number}"}


def clock_values(terms: Terms, now: datetime) -> Values:
    """Return both refund clocks from this moment on: gift balance at once, card from and to a day."""
    clock = refund_clock(RefundMethod.ORIGINAL_PAYMENT, now, terms.refunds, terms.calendar)
    return {
        "days_from": terms.refunds.card_business_days[0],
        "days_to": terms.refunds.card_business_days[1],
        "refund_by_from": clock.earliest,
        "refund_by_to": clock.latest,
    }


def _return_name(plan: Plan, condition: str | None) -> str:
    authorized = next(effect for effect in plan.effects if isinstance(effect, e.AuthorizeReturn))
    if authorized.route is ReturnRoute.REFUSE_AT_DOOR:
        return "refuse_parcel"
    if plan.shop_pays_return is not False:
        return "return"
    return "return_half" if condition == Condition.OPENED else "return_paid"


def _membership_name(plan: Plan) -> str:
    if plan.refund_amount == 0:
        return "membership_end"
    return "membership_refund"


def _money_values(session: Session, plan: Plan, terms: Terms, now: datetime) -> Values:
    splits = plan.splits
    numbers = dict.fromkeys(split.payment_id for split in splits)
    by_id = {number: session.get_one(Payment, int(number)) for number in numbers}
    kinds = {_shown_method(split.method, by_id[split.payment_id]) for split in splits}
    return {
        "method": ways_together(kinds),
        "method_label": tuple(
            dict.fromkeys(
                payment_label(by_id[split.payment_id])
                for split in splits
                if split.method is RefundMethod.ORIGINAL_PAYMENT
            )
        ),
        "paid_by": tuple(dict.fromkeys(payment.method for payment in by_id.values())),
        "timing": (plan.timing or RefundTiming.PLANNED).value if splits else "none",
        **clock_values(terms, now),
    }


def ways_together(kinds: set[str]) -> str:
    """Return what the ways are called together; each mixture with a bank transfer has words of its own."""
    if len(kinds) < 2:
        return next(iter(kinds), "none")
    if RefundMethod.BANK_TRANSFER not in kinds:
        return "split"
    return "bank_and_gift" if kinds == {RefundMethod.BANK_TRANSFER, RefundMethod.GIFT_BALANCE} else "card_and_bank"


def _shown_method(method: RefundMethod, payment: Payment) -> str:
    """Return card, gift_balance or bank_transfer: how the customer will see the money come."""
    if method is RefundMethod.ORIGINAL_PAYMENT:
        return payment.method
    return method.value


def _parts(effect: e.Effect) -> Iterable[LineAmount | LineQuantity]:
    if isinstance(effect, e.AuthorizeReturn | e.CancelLines | e.RequestCancellation | e.OfferReorder):
        return effect.lines
    return ()
