"""Where money goes back to, and the rules that guard it: never twice (22), and a human first (20)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from madoguchi.policy.amounts import fit, split_over
from madoguchi.policy.calendar import local_day
from madoguchi.policy.case import Case, Rule, because, rule
from madoguchi.policy.decisions import Approved, Decision, Declined, NeedsAgent, NeedsFact
from madoguchi.policy.effects import ChangeRefundMethod, Effect, Refund, Split
from madoguchi.policy.facts import LineAmount, PaymentFacts
from madoguchi.policy.missing import missing_facts
from madoguchi.policy.plans import Plan
from madoguchi.policy.requests import CLAIMS, EVENTS, RETURNS, RequestKind
from madoguchi.policy.vocabulary import (
    AgentReason,
    DeclineReason,
    Fact,
    Offer,
    OrderState,
    PaymentMethod,
    RefundMethod,
    RefundTiming,
)

_LIKE_A_CARD = frozenset({PaymentMethod.CARD, PaymentMethod.WALLET})
_NO_WAY_BACK = frozenset({PaymentMethod.CONVENIENCE_STORE, PaymentMethod.CASH_ON_DELIVERY})
_TAKES_BACK = RETURNS | {
    RequestKind.CANCEL,
    RequestKind.EXCHANGE,
    RequestKind.NOT_DELIVERED,
    RequestKind.SELLER_STOCKOUT,
    RequestKind.GUARANTEE,
    RequestKind.REFUND_AGAIN,
}
_METHODS = (RefundMethod.GIFT_BALANCE.value, RefundMethod.BANK_TRANSFER.value)


def settle(
    case: Case, amount: int, payments: Sequence[PaymentFacts], wish: RefundMethod | None = None
) -> tuple[Split, ...] | NeedsFact | NeedsAgent | Declined:
    """The amount split over the payments and the ways back, or the question or refusal that stands before it.

    `wish` stands in where the request carries none (a promise made earlier).
    """
    wish = case.request.refund_method or wish
    splits = []
    for payment, part in split_over(amount, payments):
        method = way_back(case, payment.method, wish, payments)
        if not isinstance(method, RefundMethod):
            return method
        splits.append(Split(payment.id, part, method, _account(payment, method)))
    return tuple(splits)


def way_back(
    case: Case, paid: PaymentMethod, wish: RefundMethod | None, among: Sequence[PaymentFacts]
) -> RefundMethod | NeedsFact | NeedsAgent | Declined:
    """How a payment of this method, one `among` those of the order, comes back under the customer's wish."""
    terms = case.terms.refunds
    if wish is RefundMethod.OTHER_CARD:
        return _not_that_way(case, paid, wish)
    if paid is PaymentMethod.GIFT_BALANCE:
        alone = wish is RefundMethod.BANK_TRANSFER and {each.method for each in among} == {paid}
        return _not_that_way(case, paid, wish) if alone else RefundMethod.GIFT_BALANCE
    if wish is RefundMethod.GIFT_BALANCE:
        allowed = terms.gift_balance_instead or paid in _NO_WAY_BACK
        return wish if allowed else _not_that_way(case, paid, wish)
    if paid in _LIKE_A_CARD:
        # With a split payment a wish for a transfer means the part that was paid in cash.
        cash = any(payment.method in _NO_WAY_BACK for payment in among)
        refused = wish is RefundMethod.BANK_TRANSFER and not cash
        return _not_that_way(case, paid, wish) if refused else RefundMethod.ORIGINAL_PAYMENT
    if wish is RefundMethod.BANK_TRANSFER and terms.bank_transfer:
        return wish
    if case.kind in EVENTS:
        return NeedsAgent(AgentReason.FACTS_MISSING, receipt=because(missing="refund_method"))
    choices = _METHODS if terms.bank_transfer else _METHODS[:1]
    return NeedsFact(Fact.REFUND_METHOD, choices, because(paid_by=paid.value))


def chosen_account(case: Case) -> str | Declined | NeedsFact | None:
    """The account a return goes to where the terms let the customer name one; None where they don't."""
    if not case.terms.refunds.choose_account:
        return None
    paid = [payment.account for payment in case.order.payments if payment.account]
    gifts = [each.id for each in case.facts.accounts if each.method is PaymentMethod.GIFT_BALANCE]
    wanted = case.request.refund_account
    allowed = tuple(dict.fromkeys([*paid, *gifts]))
    if wanted is None:
        return NeedsFact(Fact.REFUND_ACCOUNT, allowed, because())
    if wanted in allowed:
        return wanted
    known = any(each.id == wanted for each in case.facts.accounts)
    reason = DeclineReason.REFUND_METHOD_NOT_ALLOWED if known else DeclineReason.ACCOUNT_UNKNOWN
    return Declined(reason, receipt=because({"refund_account": " | ".join(allowed)}, refund_account=wanted))


def sent_to(splits: Iterable[Split], account: str | None, case: Case) -> tuple[Split, ...]:
    """The splits as they are once the customer's chosen account takes them all.

    Only gift balance and an account that paid can take money back; for any other it returns the way it came.
    """
    gift = any(e.id == account and e.method is PaymentMethod.GIFT_BALANCE for e in case.facts.accounts)
    if account is None or not (gift or account in {payment.account for payment in case.order.payments}):
        return tuple(splits)
    method = RefundMethod.GIFT_BALANCE if gift else RefundMethod.ORIGINAL_PAYMENT
    return tuple(replace(split, method=method, account=account) for split in splits)


def take(splits: Sequence[Split], amount: int) -> tuple[tuple[Split, ...], tuple[Split, ...]]:
    """The splits cut in two: the first `amount` of them, and the rest."""
    front, rest = [], []
    for split in splits:
        part = min(split.amount, amount)
        amount -= part
        front.append(replace(split, amount=part))
        rest.append(replace(split, amount=split.amount - part))
    return tuple(s for s in front if s.amount), tuple(s for s in rest if s.amount)


def refund(
    case: Case,
    lines: Sequence[LineAmount],
    shipping: int,
    when: RefundTiming,
    payments: Sequence[PaymentFacts] | None = None,
) -> tuple[Refund, ...] | NeedsFact | NeedsAgent | Declined:
    """The refund of these lines and this postage as an effect; nothing where there is no money to pay back."""
    paid = case.order.payments if payments is None else payments
    fitted, postage = fit(lines, shipping, sum(payment.refundable for payment in paid))
    splits = settle(case, sum(line.amount for line in fitted) + postage, paid)
    if not isinstance(splits, tuple):
        return splits
    return (Refund(splits, when, fitted, postage),) if splits else ()


def method_offers(case: Case, effects: Iterable[Effect]) -> tuple[Offer, ...]:
    """The quicker way that may be named while the customer said nothing: gift balance, at once."""
    open_choice = case.request.refund_method is None and case.terms.refunds.gift_balance_instead
    splits = Plan(tuple(effects)).splits
    slow = any(split.method is RefundMethod.ORIGINAL_PAYMENT for split in splits)
    return (Offer.GIFT_BALANCE_INSTEAD,) if open_choice and slow else ()


@rule(22)
def never_twice(case: Case) -> Decision | None:
    """Anything already refunded: never twice, the remainder only."""
    if case.kind not in _TAKES_BACK or missing_facts(case) or case.order.frozen:
        return None
    back = sum(refund.amount for refund in case.paid_back) + sum(p.refunded for p in case.order.payments)
    if case.order.guarantee_paid:
        return _already(case, DeclineReason.ALREADY_REFUNDED)
    if not all(price.amount == 0 and case.paid_while_kept(price.line_id) for price in case.prices):
        return None
    if not case.units and case.open_authorizations:
        return _already(case, DeclineReason.RETURN_ALREADY_OPEN)
    if case.order.state is OrderState.CANCELED:
        return _remainder(case) or _already(case, _gone(back))
    return _already(case, _gone(back))


def _remainder(case: Case) -> Decision | None:
    left = sum(payment.refundable for payment in case.order.payments)
    if not left or case.marketplace:
        return None
    splits = settle(case, left, case.order.payments)
    if not isinstance(splits, tuple):
        return splits
    money = (Refund(splits, RefundTiming.NOW),)
    return Approved(case.plan(*money, offers=method_offers(case, money)), because({"remainder": "0"}, remainder=left))


def _gone(back: int) -> DeclineReason:
    return DeclineReason.ALREADY_REFUNDED if back else DeclineReason.ALREADY_CANCELED


def _already(case: Case, reason: DeclineReason) -> Declined:
    refunded = sum(payment.refunded for payment in case.order.payments) + case.order.guarantee_paid
    captured = sum(payment.captured for payment in case.order.payments)
    receipt = because({"open_units": "> 0"}, open_units=0, refunded=refunded, captured=captured)
    return Declined(reason, (Offer.HUMAN,), receipt)


@rule(20)
def facts_are_missing(case: Case) -> Decision | None:
    """Facts missing: a human."""
    missing = missing_facts(case)
    if not missing:
        return None
    changes = dict.fromkeys(missing, "known")
    return NeedsAgent(AgentReason.FACTS_MISSING, receipt=because(changes, missing=list(missing)))


@rule(20)
def third_claim(case: Case) -> Decision | None:
    """The third claim within 90 days, this one counted: a human."""
    terms = case.terms.review
    if terms.claims is None or not _is_claim(case):
        return None
    first = case.today - timedelta(days=terms.claims_window_days)
    earlier = sum(local_day(day, case.terms.calendar) >= first for day in case.facts.claims.approved_at)
    if earlier + 1 < terms.claims:
        return None
    receipt = because({"claims": f"< {terms.claims}"}, claims=earlier + 1, since=first.isoformat())
    return NeedsAgent(AgentReason.REPEATED_CLAIMS, receipt=receipt)


def _is_claim(case: Case) -> bool:
    if case.kind is not RequestKind.NOT_DELIVERED:
        return case.kind in CLAIMS
    # A parcel that is simply not due yet is no missing parcel.
    due = case.order.promised_on
    overdue = due is not None and case.today >= due + timedelta(days=case.terms.delivery.overdue_days)
    return case.order.marked_delivered or overdue


def refund_over_limit(rest: Callable[[Case], Decision | None]) -> Rule:
    """The rule on large refunds; it needs the verdict of the `rest` of the rules to know the amount."""

    @rule(20)
    def refund_over_limit(case: Case) -> Decision | None:
        """A refund over ¥200,000 for anything already shipped: a human."""
        limit = case.terms.review.refund_limit
        # A parcel that comes in was promised its refund before; the promise was what a human looked at.
        if limit is None or case.facts.order is None or case.kind is RequestKind.PARCEL_SCANNED:
            return None
        verdict = rest(case) if case.shipped else None
        if not isinstance(verdict, Approved) or verdict.plan.refund_amount <= limit:
            return None
        receipt = because({"refund": f"<= {limit}"}, refund=verdict.plan.refund_amount, limit=limit)
        return NeedsAgent(AgentReason.REFUND_OVER_LIMIT, receipt=receipt)

    return refund_over_limit


@rule(0)
def change_of_refund_method(case: Case) -> Decision | None:
    """The method may be changed until the refund is sent."""
    if case.kind is not RequestKind.CHANGE_REFUND_METHOD:
        return None
    held = tuple(each.id for each in case.open_authorizations if each.amount)
    planned = tuple(refund.id for refund in case.planned)
    if not held and not planned:
        sent = DeclineReason.REFUND_ALREADY_SENT if case.paid_back else DeclineReason.NOTHING_TO_CHANGE
        return Declined(sent, receipt=because({"unsent_refunds": "> 0"}, unsent_refunds=0))
    wish = case.request.refund_method
    if wish is None:
        choices = (RefundMethod.ORIGINAL_PAYMENT.value, RefundMethod.GIFT_BALANCE.value)
        return NeedsFact(Fact.REFUND_METHOD, choices, because())
    for payment in case.order.payments:
        method = way_back(case, payment.method, wish, case.order.payments)
        if payment.unsent and not isinstance(method, RefundMethod):
            return method
    return Approved(case.plan(ChangeRefundMethod(held, planned, wish)), because(refund_method=wish.value))


def _account(payment: PaymentFacts, method: RefundMethod) -> str | None:
    back = payment.method is PaymentMethod.GIFT_BALANCE or method is RefundMethod.ORIGINAL_PAYMENT
    return payment.account if back else None


def _not_that_way(case: Case, paid: PaymentMethod, wish: RefundMethod | None) -> Declined:
    gift = (Offer.GIFT_BALANCE_INSTEAD,) if case.terms.refunds.gift_balance_instead else ()
    bank = (Offer.BANK_TRANSFER,) if case.terms.refunds.bank_transfer else ()
    offers = (*gift, *bank) if paid in _NO_WAY_BACK else (Offer.ORIGINAL_PAYMENT, *gift)
    ways = " | ".join(offer.value for offer in offers)
    receipt = because({"refund_method": ways}, refund_method=wish.value if wish else None, paid_by=paid.value)
    return Declined(DeclineReason.REFUND_METHOD_NOT_ALLOWED, (*offers, Offer.HUMAN), receipt)
