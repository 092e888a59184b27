"""Marketplace sellers: sold out (12), contradicting notices (13), the guarantee (14), a poor answer (15)."""

from madoguchi.policy.amounts import fit, without_planned
from madoguchi.policy.cancellations import (
    CANCELS,
    cancel_and_release,
    request_cancellation,
    return_at_our_cost,
)
from madoguchi.policy.case import Case, because, rule
from madoguchi.policy.decisions import Approved, Decision, Declined, NeedsAgent, Wait
from madoguchi.policy.effects import (
    BlockSellerRefund,
    CloseCase,
    FlagCase,
    FreezeOrder,
    GuaranteePayout,
    ReceiveParcel,
    VoidRefund,
    WithdrawCancellation,
)
from madoguchi.policy.requests import RETURNS, RequestKind
from madoguchi.policy.settling import ask_seller, thaw
from madoguchi.policy.vocabulary import (
    AgentReason,
    CaseFlag,
    DeclineReason,
    OrderState,
    RefundMethod,
    RefundTiming,
    SellerAnswer,
    WaitReason,
)

_HELD = RETURNS | {
    RequestKind.CANCEL,
    RequestKind.EXCHANGE,
    RequestKind.NOT_DELIVERED,
    RequestKind.SELLER_STOCKOUT,
    RequestKind.CONFLICTING_NOTICE,
    RequestKind.REFUND_AGAIN,
    RequestKind.WITHDRAW,
    RequestKind.PARCEL_SCANNED,
}
"""What a conflict holds up; the guarantee has its own word on frozen money (14)."""


@rule(13)
def notices_contradict(case: Case) -> Decision | None:
    """Notices contradict: money frozen, seller asked anew, case flagged while the bot stays its owner.

    An order from the shop's own stock has no seller to ask: the money is frozen all the same, and a human looks.
    """
    if case.facts.order is None or case.order.frozen or not _contradicts(case):
        return None
    receipt = because({"notices": "agree"}, shipped=case.shipped)
    flag = FlagCase(CaseFlag.CONFLICTING_NOTICES)
    if not case.marketplace:
        return NeedsAgent(AgentReason.MONEY_FROZEN, case.plan(FreezeOrder(), flag), receipt)
    return Approved(case.plan(FreezeOrder(), *ask_seller(case), flag), receipt)


def _contradicts(case: Case) -> bool:
    if case.kind is RequestKind.WAREHOUSE_SHIPPED:
        return case.order.state is OrderState.CANCELED
    sold_out = case.kind is RequestKind.SELLER_STOCKOUT and case.marketplace and case.shipped
    return sold_out or case.kind is RequestKind.CONFLICTING_NOTICE


@rule(13)
def money_is_frozen(case: Case) -> Decision | None:
    """While a conflict stands no money of the order moves; the seller's answer settles it."""
    if case.facts.order is None or not case.order.frozen or case.kind not in _HELD:
        return None
    receipt = because({"frozen": "false"}, frozen=True)
    if case.kind is RequestKind.PARCEL_SCANNED:
        arrived = (ReceiveParcel(case.authorization.id),) if case.authorization else ()
        return NeedsAgent(AgentReason.MONEY_FROZEN, case.plan(*arrived), receipt)
    if case.inquiry is not None and case.now < case.inquiry.deadline:
        return Wait(case.inquiry.deadline, WaitReason.NOTICES_CONFLICT, receipt=receipt)
    return NeedsAgent(AgentReason.MONEY_FROZEN, receipt=receipt)


@rule(12)
def ask_the_seller_to_cancel(case: Case) -> Decision | None:
    """The seller is sold out: cancellation requested, refund planned and not sent, 48 hours for the seller."""
    if case.kind not in CANCELS or not case.marketplace or case.shipped:
        return None
    if case.order.state is OrderState.CANCEL_REQUESTED and case.facts.inquiry is not None:
        return None  # Asked already: the clock of rule 14 runs.
    if case.order.state is OrderState.CANCEL_REQUESTED:
        return Approved(case.plan(*ask_seller(case)), because())
    return request_cancellation(case, RefundTiming.AFTER_SELLER, *ask_seller(case))


@rule(13)
def seller_says_canceled(case: Case) -> Decision | None:
    """The seller's answer, canceled: refund, unless the guarantee has paid and blocks it."""
    if not _answered(case, SellerAnswer.CANCELED):
        return None
    if case.order.guarantee_paid:
        receipt = because({"guarantee_paid": "0"}, guarantee_paid=case.order.guarantee_paid)
        return Declined(DeclineReason.GUARANTEE_ALREADY_PAID, receipt=receipt)
    return cancel_and_release(case)


@rule(13)
def seller_says_shipped_in_error(case: Case) -> Decision | None:
    """The seller's answer, shipped in error: return, shop pays."""
    return return_at_our_cost(case) if _answered(case, SellerAnswer.SHIPPED_IN_ERROR) else None


@rule(13)
def delivered_and_fine(case: Case) -> Decision | None:
    """Delivered and fine, by the seller's answer or the customer's own word: refund voided, case closed."""
    told = case.kind is RequestKind.ARRIVED_FINE and case.facts.order is not None
    if not told and not _answered(case, SellerAnswer.DELIVERED_FINE):
        return None
    goes_on = (WithdrawCancellation(),) if case.order.state is OrderState.CANCEL_REQUESTED else ()
    return Approved(case.plan(*_voided(case), *goes_on, *thaw(case), CloseCase()), because())


@rule(14)
def guarantee(case: Case) -> Decision | None:
    """Seller silent for 48 hours: the article's amount to gift balance, up to ¥300,000; or a human first."""
    waited = case.kind in CANCELS and case.order.state is OrderState.CANCEL_REQUESTED if case.facts.order else False
    if not (waited or case.kind is RequestKind.GUARANTEE):
        return None
    if not case.marketplace:
        receipt = because({"seller": "marketplace"})
        return Declined(DeclineReason.GUARANTEE_MARKETPLACE_ONLY, receipt=receipt)
    inquiry = case.facts.inquiry
    if inquiry is None:
        return Approved(case.plan(*ask_seller(case)), because({"inquiry": "asked 48 hours ago"}))
    if inquiry.answer is not None:
        return NeedsAgent(AgentReason.GUARANTEE_REVIEW, receipt=because(answer=inquiry.answer.value))
    receipt = because({"now": f">= {inquiry.deadline.isoformat()}"}, deadline=inquiry.deadline.isoformat())
    if case.now < inquiry.deadline:
        return Wait(inquiry.deadline, WaitReason.SELLER_ASKED, receipt=receipt)
    return _claimed(case)


def _claimed(case: Case) -> Decision:
    if case.order.frozen:
        return NeedsAgent(AgentReason.MONEY_FROZEN, receipt=because({"frozen": "false"}, frozen=True))
    wish = case.request.refund_method
    if wish not in (None, RefundMethod.GIFT_BALANCE):
        receipt = because({"refund_method": "gift_balance"}, refund_method=wish)
        return NeedsAgent(AgentReason.GUARANTEE_OTHER_METHOD, receipt=receipt)
    payments = without_planned(case.order.payments, case.facts.refunds)
    captured = sum(payment.refundable for payment in payments)
    lines, _ = fit(case.prices, 0, min(captured, case.terms.marketplace.guarantee_limit))
    amount = sum(line.amount for line in lines)
    effects = (*_voided(case), GuaranteePayout(amount, lines), BlockSellerRefund(), *thaw(case))
    return Approved(case.plan(*effects), because({"answer": "any"}, amount=amount))


@rule(15)
def answer_does_not_satisfy(case: Case) -> Decision | None:
    """The seller's answer does not satisfy, or is none of the known ones: guarantee review by a human."""
    if case.kind is RequestKind.DISSATISFIED_WITH_ANSWER:
        return NeedsAgent(AgentReason.GUARANTEE_REVIEW, receipt=because())
    if not _answered(case, SellerAnswer.OTHER):
        return None
    return NeedsAgent(AgentReason.SELLER_ANSWER_UNCLEAR, receipt=because(answer="other"))


def _answered(case: Case, answer: SellerAnswer) -> bool:
    inquiry = case.facts.inquiry
    return case.kind is RequestKind.SELLER_ANSWER and inquiry is not None and inquiry.answer is answer


def _voided(case: Case) -> tuple[VoidRefund, ...]:
    return (VoidRefund(tuple(refund.id for refund in case.planned)),) if case.planned else ()
