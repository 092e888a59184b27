"""Return parcels: scanned in (17), inspected (18), not here yet (19)."""

from dataclasses import replace
from datetime import timedelta

from madoguchi.policy.amounts import fit
from madoguchi.policy.case import Case, because, rule
from madoguchi.policy.decisions import Approved, Decision, Declined, NeedsAgent, Wait
from madoguchi.policy.effects import (
    ExpireAuthorization,
    MarkInspected,
    ReceiveParcel,
    Refund,
    RestoreStock,
    SendReminder,
)
from madoguchi.policy.facts import AuthorizationFacts, LineQuantity
from madoguchi.policy.money import sent_to, settle
from madoguchi.policy.requests import RequestKind
from madoguchi.policy.vocabulary import (
    AgentReason,
    AuthorizationState,
    DeclineReason,
    InspectionResult,
    Offer,
    RefundTiming,
    WaitReason,
)


@rule(22)
def parcel_counted_once(case: Case) -> Decision | None:
    """A parcel that was scanned in before is not paid for again."""
    authorization = case.authorization
    if case.kind is not RequestKind.PARCEL_SCANNED or authorization is None or not _here(authorization):
        return None
    receipt = because({"authorization": "open"}, authorization=authorization.id)
    return Declined(DeclineReason.PARCEL_ALREADY_RECEIVED, receipt=receipt)


@rule(17)
def parcel_scanned_in(case: Case) -> Decision | None:
    """Scanned in: gift balance credited that moment, card sent that moment."""
    if case.kind is not RequestKind.PARCEL_SCANNED:
        return None
    authorization = case.authorization
    if authorization is None or not _payable(authorization):
        state = authorization.state.value if authorization else None
        receipt = because({"authorization": "open"}, authorization=state)
        return NeedsAgent(AgentReason.PARCEL_WITHOUT_AUTHORIZATION, receipt=receipt)
    money = _promised(case, authorization)
    if not isinstance(money, tuple):
        return money
    receipt = because(authorization=authorization.id, promised=authorization.amount)
    return Approved(case.plan(ReceiveParcel(authorization.id), *money), receipt)


def _here(authorization: AuthorizationFacts) -> bool:
    return authorization.scanned_at is not None or authorization.state is AuthorizationState.RECEIVED


def _payable(authorization: AuthorizationFacts) -> bool:
    # The warehouse's two messages may come in either order: an inspection that went well stands for an open one.
    inspected_well = authorization.inspection is InspectionResult.AS_EXPECTED
    return authorization.state is AuthorizationState.OPEN or (
        authorization.state is AuthorizationState.INSPECTED and inspected_well
    )


def _promised(case: Case, authorization: AuthorizationFacts) -> tuple[Refund, ...] | Decision:
    # What is reserved here is this very promise, so only what was sent already stands against it.
    payments = tuple(replace(payment, reserved=0) for payment in case.order.payments)
    lines, shipping = fit(authorization.lines, authorization.shipping, sum(p.refundable for p in payments))
    splits = settle(case, sum(line.amount for line in lines) + shipping, payments, authorization.method)
    if not isinstance(splits, tuple):
        return splits
    splits = sent_to(splits, authorization.account, case)
    return (Refund(splits, RefundTiming.NOW, lines, shipping, authorization.id),) if splits else ()


@rule(18)
def inspected(case: Case) -> Decision | None:
    """Found used, damaged by the customer or another article: a human; nothing is taken back automatically."""
    authorization = case.authorization
    if case.kind is not RequestKind.INSPECTED or authorization is None or authorization.inspection is None:
        return None
    found = authorization.inspection
    noted = MarkInspected(authorization.id, found)
    receipt = because({"inspection": "as_expected"}, inspection=found.value)
    if found is not InspectionResult.AS_EXPECTED:
        return NeedsAgent(AgentReason.INSPECTION_DISAGREES, case.plan(noted), receipt)
    units = tuple(LineQuantity(line.line_id, line.quantity) for line in authorization.lines)
    return Approved(case.plan(noted, RestoreStock(units)), receipt)


@rule(19)
def return_not_here(case: Case) -> Decision | None:
    """Not here after 14 days: reminder; after 30 days the authorization expires, a new one can be asked for."""
    authorization = case.authorization
    if case.kind is not RequestKind.RETURN_OVERDUE or authorization is None:
        return None
    if authorization.state is not AuthorizationState.OPEN:
        reason = DeclineReason.PARCEL_ALREADY_RECEIVED if _here(authorization) else DeclineReason.AUTHORIZATION_CLOSED
        receipt = because({"authorization": "open"}, authorization=authorization.state.value)
        return Declined(reason, (Offer.NEW_AUTHORIZATION,), receipt)
    reminder = authorization.created_at + timedelta(days=case.terms.parcels.reminder_days)
    expiry = authorization.created_at + timedelta(days=case.terms.parcels.expiry_days)
    receipt = because({"parcel": "scanned in"}, reminder=reminder.isoformat(), expiry=expiry.isoformat())
    if case.now >= expiry:
        plan = case.plan(ExpireAuthorization(authorization.id), offers=(Offer.NEW_AUTHORIZATION,))
        return Approved(plan, receipt)
    if case.now < reminder:
        return Wait(reminder, WaitReason.RETURN_ON_ITS_WAY, receipt=receipt)
    if authorization.reminded_at is not None:
        return Wait(expiry, WaitReason.REMINDED, receipt=receipt)
    return Approved(case.plan(SendReminder(authorization.id)), receipt)
