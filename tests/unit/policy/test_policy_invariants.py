"""What must hold for every decision, whatever the request and the facts."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_builders import (
    NOW,
    TERMS,
    authorization,
    card,
    claims,
    days,
    gift,
    inquiry,
    kinds,
    line,
    marketplace,
    membership,
    order,
    planned,
    sent,
)

from madoguchi.policy.decide import RULES, decide
from madoguchi.policy.decisions import (
    Approved,
    NeedsAgent,
    Wait,
    decision_from_json,
    decision_to_json,
)
from madoguchi.policy.facts import ClaimHistory, Facts, LineQuantity, OrderFacts
from madoguchi.policy.requests import Request, RequestKind
from madoguchi.policy.vocabulary import (
    AuthorizationState,
    Condition,
    LineKind,
    OrderState,
    PaymentMethod,
    RefundMethod,
    SellerAnswer,
)

LINES = st.builds(
    line,
    st.sampled_from(["lamp", "desk", "film"]),
    st.integers(0, 150_000),
    st.sampled_from(["lighting", "clothing", "food"]),
    quantity=st.integers(1, 3),
    canceled=st.integers(0, 1),
    returned=st.integers(0, 1),
    refunded=st.integers(0, 60_000),
    kind=st.sampled_from(LineKind),
    final_sale=st.booleans(),
    downloaded=st.booleans(),
)


@st.composite
def orders(draw: st.DrawFn) -> OrderFacts:
    """Any order, consistent or not: what the rules must survive."""
    lines = tuple(draw(st.lists(LINES, max_size=3, unique_by=lambda each: each.id)))
    fee, total = draw(st.integers(0, 1_000)), sum(each.gross for each in lines)
    part = draw(st.integers(0, total))
    method = draw(st.sampled_from(PaymentMethod))
    payments = (replace(card(part, refunded=draw(st.integers(0, part))), method=method), gift(total + fee - part))
    state = draw(st.sampled_from(OrderState))
    ago = draw(st.none() | st.integers(0, 40))
    return replace(
        order(*lines) if lines else replace(order(), lines=()),
        state=state,
        payments=draw(st.sampled_from([payments, payments[:1], ()])),
        shipping_fee=fee,
        discount=draw(st.integers(0, total)),
        delivered_at=None if ago is None else NOW - days(ago),
        promised_on=draw(st.none() | st.just((NOW - days(2)).date()) | st.just((NOW - days(3)).date())),
        frozen=draw(st.booleans()),
        seller=draw(st.sampled_from([order().seller, marketplace().seller])),
        guarantee_paid=draw(st.sampled_from([0, 0, 5_000])),
    )


@st.composite
def all_facts(draw: st.DrawFn) -> Facts:
    """Any facts about any order."""
    answer = draw(st.none() | st.sampled_from(SellerAnswer))
    states = st.sampled_from(AuthorizationState)
    return Facts(
        draw(st.none() | orders()),
        memberships=draw(st.sampled_from([(), (membership(),), (membership(), membership("prime", used=True))])),
        inquiry=draw(st.none() | st.just(inquiry(days(draw(st.integers(1, 3))), answer))),
        authorizations=draw(st.just(()) | st.tuples(st.builds(authorization, state=states))),
        refunds=draw(st.sampled_from([(), (planned(),), (sent(100),)])),
        claims=draw(st.sampled_from([ClaimHistory(), claims(1, 2)])),
    )


REQUESTS = st.builds(
    Request,
    st.sampled_from(RequestKind),
    lines=st.sampled_from([(), (), (LineQuantity("lamp", 1),), (LineQuantity("desk", 2),)]),
    condition=st.none() | st.sampled_from(Condition),
    refund_method=st.none() | st.sampled_from(RefundMethod),
    problem=st.none() | st.just(RequestKind.DEFECT),
    end_at_once=st.none() | st.booleans(),
)


class TestWhateverTheFacts:
    """What holds for every request and all facts."""

    @settings(max_examples=1_500, deadline=None)
    @given(request=REQUESTS, facts=all_facts())
    def test_there_is_a_signed_decision_that_survives_json_and_never_pays_more_than_is_left(
        self, request: Request, facts: Facts
    ) -> None:
        decision = decide(request, facts, TERMS, NOW)
        names = {rule.__name__ for rule in RULES}
        assert decision.receipt.rule in names
        assert decision_from_json(decision_to_json(decision)) == decision
        assert decide(request, facts, TERMS, NOW) == decision
        if isinstance(decision, NeedsAgent | Wait):
            assert not decision.plan.moves_money
        if isinstance(decision, Approved) and facts.order is not None and decision.plan.splits:
            unsent = {payment.id: payment.unsent for payment in facts.order.payments}
            for payment_id, left in unsent.items():
                taken = sum(s.amount for s in decision.plan.splits if s.payment_id == payment_id)
                released = "release_refund" in kinds(decision.plan)
                assert released or taken <= left

    @settings(max_examples=700, deadline=None)
    @given(request=REQUESTS, facts=all_facts())
    def test_a_frozen_order_moves_no_money_but_by_somebodys_word(self, request: Request, facts: Facts) -> None:
        if facts.order is None:
            return
        frozen = replace(facts, order=replace(facts.order, frozen=True), memberships=())
        words = (RequestKind.SELLER_ANSWER, RequestKind.WAREHOUSE_CANCELED)
        decision = decide(request, frozen, TERMS, NOW)
        if isinstance(decision, Approved) and request.kind not in words:
            assert not decision.plan.moves_money

    def test_time_without_a_zone_is_refused(self) -> None:
        with pytest.raises(ValueError, match="zone-aware"):
            decide(Request(RequestKind.CANCEL), Facts(order()), TERMS, NOW.replace(tzinfo=None))
