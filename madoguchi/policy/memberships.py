"""Memberships, trials and subscriptions: joined by mistake (9, 10) and left knowingly (11)."""

from datetime import datetime

from madoguchi.policy.calendar import local_day
from madoguchi.policy.case import Case, because, rule
from madoguchi.policy.decisions import Approved, Decision, Declined, NeedsAgent, NeedsFact
from madoguchi.policy.effects import EndMembership, Refund
from madoguchi.policy.facts import ChargeFacts, MembershipFacts
from madoguchi.policy.money import method_offers, settle
from madoguchi.policy.requests import RequestKind
from madoguchi.policy.vocabulary import AgentReason, DeclineReason, Fact, Offer, RefundTiming

_KINDS = frozenset({RequestKind.ACCIDENTAL_SIGNUP, RequestKind.LEAVE_MEMBERSHIP})


@rule(22)
def membership_never_twice(case: Case) -> Decision | None:
    """A membership that has ended and whose latest charge came back: nothing is left to give."""
    membership = chosen_membership(case)
    if case.kind not in _KINDS or not isinstance(membership, MembershipFacts) or membership.ended_at is None:
        return None
    latest = _latest(membership)
    paid_back = latest is not None and latest.payment.refunded > 0
    reason = DeclineReason.ALREADY_REFUNDED if paid_back else DeclineReason.MEMBERSHIP_ALREADY_ENDED
    receipt = because({"ended_at": "none"}, ended_at=membership.ended_at.isoformat())
    return Declined(reason, receipt=receipt)


@rule(0)
def which_membership(case: Case) -> Decision | None:
    """Of several memberships the one meant is asked for, unless only one beside the main one can be meant."""
    if case.kind not in _KINDS:
        return None
    chosen = chosen_membership(case)
    if isinstance(chosen, MembershipFacts):
        return None
    if case.request.membership_id is not None:
        return NeedsAgent(AgentReason.FACTS_MISSING, receipt=because(missing="membership"))
    return NeedsFact(Fact.MEMBERSHIP, tuple(each.id for each in case.facts.memberships), because())


@rule(9)
def joined_by_mistake_and_unused(case: Case) -> Decision | None:
    """Joined by mistake up to 30 days ago, unused: ended now, latest charge refunded in full now."""
    membership = chosen_membership(case)
    if case.kind is not RequestKind.ACCIDENTAL_SIGNUP or membership is None or membership.used:
        return None
    window, days = case.terms.memberships.mistake_window_days, _days_since(case, membership.joined_at)
    seen = because({"days_since_joining": f"<= {window}"}, days_since_joining=days, used=False)
    if days > window:
        return NeedsAgent(AgentReason.SIGNUP_WINDOW_ENDED, receipt=seen)
    earlier = [each for each in membership.charges[:-1] if each.payment.refundable]
    if case.request.earlier_charges and earlier:
        return NeedsAgent(AgentReason.EARLIER_CHARGES, receipt=because(earlier_charges=len(earlier)))
    human = (Offer.HUMAN_FOR_EARLIER_CHARGES,) if earlier else ()
    return _ended_now(case, membership, human)


@rule(10)
def joined_by_mistake_but_used(case: Case) -> Decision | None:
    """The same, but used: a human."""
    if case.kind is not RequestKind.ACCIDENTAL_SIGNUP:
        return None
    return NeedsAgent(AgentReason.MEMBERSHIP_USED, receipt=because({"used": "false"}, used=True))


@rule(11)
def left_knowingly(case: Case) -> Decision | None:
    """Used in this period: ends at its end, no refund; unused: may end at once with this period's fee."""
    membership = chosen_membership(case)
    if case.kind is not RequestKind.LEAVE_MEMBERSHIP or membership is None:
        return None
    used, wish = membership.used_this_period, case.request.end_at_once
    choice = not used and case.terms.memberships.end_unused_at_once and membership.period_ends_at is not None
    if choice and wish is None:
        return NeedsFact(Fact.END_AT_ONCE, ("true", "false"), because(used_this_period=False))
    if choice and wish:
        return _ended_now(case, membership)
    plan = case.plan(EndMembership(membership.id, membership.period_ends_at))
    return Approved(plan, because({"used_this_period": "false"}, used_this_period=used))


def chosen_membership(case: Case) -> MembershipFacts | None:
    """The membership named; else the only one, or the only one beside the main one; None where that is open."""
    every, wanted = case.facts.memberships, case.request.membership_id
    if wanted is not None:
        return next((each for each in every if each.id == wanted), None)
    if len(every) == 1:
        return every[0]
    extra = [each for each in every if not each.main and each.ended_at is None]
    by_mistake = case.kind is RequestKind.ACCIDENTAL_SIGNUP
    return extra[0] if by_mistake and len(extra) == 1 else None


def _ended_now(case: Case, membership: MembershipFacts, offers: tuple[Offer, ...] = ()) -> Decision:
    latest = _latest(membership)
    left = latest.payment.refundable if latest else 0
    splits = settle(case, left, [latest.payment] if latest else [])
    if not isinstance(splits, tuple):
        return splits
    charge_id = latest.id if latest else None
    money = (Refund(splits, RefundTiming.NOW, charge_id=charge_id),) if splits else ()
    offers = (*offers, *method_offers(case, money))
    plan = case.plan(EndMembership(membership.id, None), *money, offers=offers)
    days = _days_since(case, membership.joined_at)
    receipt = because({"used": "true"}, membership=membership.id, days_since_joining=days, refund=left)
    return Approved(plan, receipt)


def _latest(membership: MembershipFacts) -> ChargeFacts | None:
    return membership.charges[-1] if membership.charges else None


def _days_since(case: Case, joined_at: datetime) -> int:
    return (case.today - local_day(joined_at, case.terms.calendar)).days
