"""Pieces of plans that several rules share: a return authorization with its timers, the shop's fault, the thaw."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from madoguchi.policy.amounts import fit, postage_share, release
from madoguchi.policy.case import Case
from madoguchi.policy.decisions import Declined, NeedsAgent, NeedsFact
from madoguchi.policy.effects import (
    AuthorizeReturn,
    CloseSellerInquiry,
    Effect,
    OpenSellerInquiry,
    SetTimer,
    UnfreezeOrder,
    WithdrawAuthorization,
)
from madoguchi.policy.facts import LineAmount, LineQuantity, PaymentFacts, RefundFacts
from madoguchi.policy.money import chosen_account, sent_to, settle
from madoguchi.policy.vocabulary import Payer, ReturnRoute, TimerKind


def authorize(
    case: Case,
    lines: Sequence[LineAmount],
    shipping: int,
    payer: Payer,
    *,
    route: ReturnRoute = ReturnRoute.SEND_BACK,
    payments: Sequence[PaymentFacts] | None = None,
) -> tuple[Effect, ...] | NeedsFact | NeedsAgent | Declined:
    """A return authorization with the refund promised for the scan and the timers of rule 19."""
    account = chosen_account(case)
    if account is not None and not isinstance(account, str):
        return account
    paid = case.order.payments if payments is None else payments
    paid = release(paid, sum(each.amount for each in case.replaced))
    fitted, postage = fit(lines, shipping, sum(payment.refundable for payment in paid))
    splits = settle(case, sum(line.amount for line in fitted) + postage, paid)
    if not isinstance(splits, tuple):
        return splits
    return (
        *(WithdrawAuthorization(each.id) for each in case.replaced),
        AuthorizeReturn(
            lines=fitted,
            shipping=postage,
            splits=sent_to(splits, account, case),
            payer=payer,
            route=route,
            method=case.request.refund_method,
            account=account,
        ),
        *return_timers(case),
    )


def return_timers(case: Case) -> tuple[SetTimer, SetTimer]:
    """The reminder and the end of an authorization opened now."""
    parcels = case.terms.parcels
    return (
        SetTimer(TimerKind.RETURN_REMINDER, case.now + timedelta(days=parcels.reminder_days)),
        SetTimer(TimerKind.RETURN_EXPIRY, case.now + timedelta(days=parcels.expiry_days)),
    )


def shop_at_fault(
    case: Case, units: Sequence[LineQuantity], dropped: Sequence[RefundFacts] = ()
) -> tuple[tuple[LineAmount, ...], int]:
    """The full price of the units and the outbound postage that comes back with them.

    `dropped` are planned refunds that the same plan voids: the postage they promised is free again.
    """
    prices = tuple(case.price(unit) for unit in units)
    if not case.terms.returns.refund_postage_on_fault:
        return prices, 0
    freed = sum(refund.shipping for refund in dropped) + sum(each.shipping for each in case.replaced)
    spent = max(0, case.order.shipping_refunded - freed)
    return prices, postage_share(replace(case.order, shipping_refunded=spent), prices)


def ask_seller(case: Case) -> tuple[Effect, ...]:
    """The seller is asked, with a clock of its own in place of an older one."""
    deadline = case.now + timedelta(hours=case.terms.marketplace.answer_hours)
    older = case.inquiry.id if case.inquiry else None
    return OpenSellerInquiry(deadline, older), SetTimer(TimerKind.SELLER_DEADLINE, deadline)


def thaw(case: Case) -> tuple[Effect, ...]:
    """What ends a conflict or an inquiry once somebody's word has settled it."""
    unfrozen: tuple[Effect, ...] = (UnfreezeOrder(),) if case.order.frozen else ()
    inquiry = case.facts.inquiry
    return (*unfrozen, CloseSellerInquiry(inquiry.id)) if inquiry is not None else unfrozen
