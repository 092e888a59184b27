"""Taking back a wish (21): a request or an unused authorization, but no cancellation that was performed."""

from madoguchi.policy.case import Case, because, rule
from madoguchi.policy.decisions import Approved, Decision, Declined
from madoguchi.policy.effects import KeepMembership, VoidRefund, WithdrawAuthorization, WithdrawCancellation
from madoguchi.policy.facts import AuthorizationFacts, MembershipFacts
from madoguchi.policy.requests import RequestKind
from madoguchi.policy.settling import thaw
from madoguchi.policy.vocabulary import AuthorizationState, DeclineReason, Offer, OrderState


@rule(21)
def withdraw_membership_end(case: Case) -> Decision | None:
    """A coming end of a membership may be taken back, an end that has come may not."""
    if case.kind is not RequestKind.WITHDRAW:
        return None
    named = [m for m in case.facts.memberships if case.request.membership_id in (None, m.id)]
    if case.facts.order is not None and case.request.membership_id is None:
        return None
    leaving = next((each for each in named if _leaving(each)), None)
    if leaving is not None:
        return Approved(case.plan(KeepMembership(leaving.id)), because({"ended_at": "set"}))
    ended = any(each.ended_at for each in named)
    reason = DeclineReason.MEMBERSHIP_ALREADY_ENDED if ended else DeclineReason.NOTHING_TO_WITHDRAW
    return Declined(reason, receipt=because({"ends_at": "set"}))


@rule(21)
def withdraw(case: Case) -> Decision | None:
    """A request or an unused authorization: yes; a performed cancellation: no, reorder offered."""
    if case.kind is not RequestKind.WITHDRAW:
        return None
    if case.order.state is OrderState.CANCEL_REQUESTED and case.request.authorization_id is None:
        voided = (VoidRefund(tuple(refund.id for refund in case.planned)),) if case.planned else ()
        plan = case.plan(WithdrawCancellation(), *voided, *thaw(case))
        return Approved(plan, because({"state": "canceled"}))
    named = _meant(case)
    unused = tuple(each for each in named if each.state is AuthorizationState.OPEN)
    if unused:
        closed = (WithdrawAuthorization(each.id) for each in unused)
        return Approved(case.plan(*closed), because({"parcel": "scanned in"}))
    return _nothing_to_take_back(case, named)


def _nothing_to_take_back(case: Case, named: tuple[AuthorizationFacts, ...]) -> Decision:
    if any(each.scanned_at for each in named):
        receipt = because({"parcel": "on its way"})
        return Declined(DeclineReason.PARCEL_ALREADY_RECEIVED, receipt=receipt)
    if any(line.canceled for line in case.order.lines) or case.order.state is OrderState.CANCELED:
        offers = (Offer.REORDER_SAME, Offer.HUMAN)
        receipt = because({"state": "cancel_requested"})
        return Declined(DeclineReason.CANCELLATION_PERFORMED, offers, receipt)
    return Declined(DeclineReason.NOTHING_TO_WITHDRAW, receipt=because({"request": "open"}))


def _meant(case: Case) -> tuple[AuthorizationFacts, ...]:
    wanted = case.request.authorization_id
    return tuple(each for each in case.facts.authorizations if wanted in (None, each.id))


def _leaving(membership: MembershipFacts) -> bool:
    return membership.ends_at is not None and membership.ended_at is None
