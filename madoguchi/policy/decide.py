"""The policy itself: the ordered rules, of which the first verdict wins.

Rule 22, then 20, then 13, the rest by number.
"""

from collections.abc import Iterable
from datetime import datetime

from madoguchi.policy import (
    cancellations,
    delivery,
    exchanges,
    marketplace,
    memberships,
    money,
    parcels,
    returns,
    withdrawals,
)
from madoguchi.policy.case import Case, Rule, because, rule
from madoguchi.policy.decisions import Decision, NeedsAgent
from madoguchi.policy.facts import Facts
from madoguchi.policy.requests import Request
from madoguchi.policy.terms import Terms
from madoguchi.policy.vocabulary import AgentReason


@rule(0)
def what_no_rule_decides(case: Case) -> Decision | None:
    """What the policy cannot decide goes to a human."""
    return NeedsAgent(AgentReason.NO_RULE, receipt=because())


BY_NUMBER: tuple[Rule, ...] = (
    marketplace.notices_contradict,
    marketplace.money_is_frozen,
    money.change_of_refund_method,
    memberships.which_membership,
    returns.which_problem,
    returns.which_article,
    returns.only_what_was_delivered,
    returns.once_per_order,
    exchanges.exchange_directly,
    cancellations.only_as_the_terms_allow,
    cancellations.cancel_before_shipment,
    cancellations.ask_the_warehouse,
    cancellations.warehouse_canceled,
    cancellations.warehouse_shipped_after_all,
    cancellations.refuse_at_the_door,
    returns.nothing_has_arrived,
    returns.fault_within_the_window,
    returns.wrong_size_within_the_window,
    returns.change_of_mind_within_the_window,
    returns.window_has_ended,
    returns.final_sale,
    memberships.joined_by_mistake_and_unused,
    memberships.joined_by_mistake_but_used,
    memberships.left_knowingly,
    marketplace.ask_the_seller_to_cancel,
    marketplace.seller_says_canceled,
    marketplace.seller_says_shipped_in_error,
    marketplace.delivered_and_fine,
    marketplace.guarantee,
    marketplace.answer_does_not_satisfy,
    delivery.not_there,
    parcels.parcel_scanned_in,
    parcels.inspected,
    parcels.return_not_here,
    withdrawals.withdraw_membership_end,
    withdrawals.withdraw,
    what_no_rule_decides,
)
"""Rule 13 and the rules after it. Those numbered 0 ask what a later one needs, or are a switch of the terms."""


def _first_verdict(rules: Iterable[Rule], case: Case) -> Decision | None:
    verdicts = (each(case) for each in rules)
    return next((verdict for verdict in verdicts if verdict is not None), None)


RULES: tuple[Rule, ...] = (
    returns.lines_belong_to_the_order,
    money.never_twice,
    memberships.membership_never_twice,
    parcels.parcel_counted_once,
    money.facts_are_missing,
    money.third_claim,
    money.refund_over_limit(lambda case: _first_verdict(BY_NUMBER, case)),
    *BY_NUMBER,
)
"""All rules in the order in which they are heard."""


def decide(request: Request, facts: Facts, terms: Terms, now: datetime) -> Decision:
    """What the terms say to this request at this instant; the same for the preview and for the performance.

    ValueError where `now` has no zone.
    """
    if now.tzinfo is None:
        raise ValueError("now must be zone-aware")
    verdict = _first_verdict(RULES, Case(request, facts, terms, now))
    if verdict is None:
        raise LookupError("the last rule always has a verdict")
    return verdict
