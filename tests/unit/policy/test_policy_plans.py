"""Plans and receipts: what is previewed, confirmed and performed is one and the same, and says why."""

from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest
from policy_builders import (
    NOW,
    ask,
    authorization,
    card,
    delivered,
    inquiry,
    line,
    marketplace,
    order,
    plan_of,
    shipped,
)
from pydantic import ValidationError

from madoguchi.policy.decide import BY_NUMBER, RULES
from madoguchi.policy.decisions import decision_from_json, decision_to_json
from madoguchi.policy.effects import AuthorizeReturn, Effect, LinkedReorder, Refund, SetTimer, Split
from madoguchi.policy.facts import Facts
from madoguchi.policy.plans import Plan
from madoguchi.policy.requests import Request, RequestKind
from madoguchi.policy.vocabulary import Condition, OrderState, Payer, RefundMethod, RefundTiming, TimerKind

DECISIONS = [
    ask(RequestKind.CANCEL, order(shipping_fee=500)),
    ask(RequestKind.CANCEL, order(state=OrderState.PREPARING)),
    ask(RequestKind.CANCEL, shipped()),
    ask(RequestKind.DEFECT, delivered()),
    ask(RequestKind.CHANGE_OF_MIND, delivered()),
    ask(RequestKind.CHANGE_OF_MIND, delivered(ago=40), condition=Condition.UNOPENED),
    ask(RequestKind.SELLER_STOCKOUT, marketplace()),
    ask(RequestKind.NOT_DELIVERED, delivered(ago=1)),
    ask(RequestKind.DEFECT, delivered(line(price=900_000))),
    ask(RequestKind.PARCEL_SCANNED, Facts(delivered(), authorizations=(authorization(),))),
    ask(RequestKind.GUARANTEE, Facts(marketplace(), inquiry=inquiry(timedelta(hours=48)))),
]


class TestJson:
    """Plans and decisions go to JSON and back unchanged."""

    @pytest.mark.parametrize("decision", DECISIONS, ids=lambda each: each.receipt.rule)
    def test_a_decision_comes_back_as_it_was(self, decision: object) -> None:
        assert decision_from_json(decision_to_json(decision)) == decision  # type: ignore[arg-type]

    def test_a_plan_comes_back_as_it_was(self) -> None:
        plan = plan_of(DECISIONS[0])
        assert Plan.from_json(plan.to_json()) == plan

    def test_an_effect_of_no_known_kind_is_refused(self) -> None:
        text = plan_of(DECISIONS[0]).to_json().replace("cancel_lines", "pay_me")
        with pytest.raises(ValidationError):
            Plan.from_json(text)

    def test_every_effect_names_itself_once(self) -> None:
        (union, *_) = get_args(Effect.__value__)
        names = [each.__dataclass_fields__["type"].default for each in get_args(union)]
        assert len(names) == len(set(names)) == 27


class TestFingerprint:
    """The digest of what the customer said yes to."""

    def test_planning_again_a_minute_later_gives_the_same(self) -> None:
        late = ask(RequestKind.SELLER_STOCKOUT, marketplace(), now=NOW + timedelta(minutes=1))
        now = ask(RequestKind.SELLER_STOCKOUT, marketplace())
        assert plan_of(late) != plan_of(now)
        assert plan_of(late).fingerprint() == plan_of(now).fingerprint()

    @pytest.mark.parametrize(
        "other",
        [
            ask(RequestKind.DEFECT, delivered(line(price=5_001))),
            ask(RequestKind.DEFECT, delivered(line("desk"))),
            ask(RequestKind.DEFECT, delivered(), refund_method=RefundMethod.GIFT_BALANCE),
            ask(RequestKind.CHANGE_OF_MIND, delivered(), condition=Condition.UNOPENED),
            ask(RequestKind.DEFECT, delivered(shipping_fee=1)),
        ],
        ids=["amount", "article", "method", "payer", "postage"],
    )
    def test_another_amount_article_method_or_payer_gives_another(self, other: object) -> None:
        agreed = plan_of(ask(RequestKind.DEFECT, delivered())).fingerprint()
        assert plan_of(other).fingerprint() != agreed  # type: ignore[arg-type]

    def test_another_payer_of_the_return_gives_another(self) -> None:
        shop = AuthorizeReturn((), 0, (), Payer.SHOP)
        assert Plan((shop,)).fingerprint() != Plan((replace(shop, payer=Payer.CUSTOMER),)).fingerprint()

    def test_another_timing_gives_another(self) -> None:
        refund = Refund((Split("card", 5_000, RefundMethod.ORIGINAL_PAYMENT),), RefundTiming.NOW)
        later = replace(refund, when=RefundTiming.PLANNED)
        assert Plan((refund,)).fingerprint() != Plan((later,)).fingerprint()

    def test_it_survives_json(self) -> None:
        plan = plan_of(DECISIONS[3])
        assert Plan.from_json(plan.to_json()).fingerprint() == plan.fingerprint()


class TestTotals:
    """What the sentence before the yes is made of."""

    def test_an_empty_plan_promises_nothing(self) -> None:
        plan = Plan((SetTimer(TimerKind.MISSING_PARCEL, NOW),))
        assert (plan.refund_amount, plan.timing, plan.shop_pays_return, plan.moves_money) == (0, None, None, False)

    def test_where_nobody_charges_the_return_no_payer_is_named(self) -> None:
        plan = Plan((AuthorizeReturn((), 0, (), Payer.NOBODY), LinkedReorder((), 100, "card")))
        assert (plan.shop_pays_return, plan.moves_money) == (None, True)

    def test_the_amount_is_that_of_the_splits(self) -> None:
        plan = plan_of(ask(RequestKind.DEFECT, delivered(shipping_fee=500)))
        assert plan.refund_amount == sum(split.amount for split in plan.splits) == 5_500


class TestReceipts:
    """Each decision carries the rule that decided, the facts it saw, and what would have changed it."""

    @pytest.mark.parametrize("decision", DECISIONS, ids=lambda each: each.receipt.rule)
    def test_the_receipt_names_rule_and_facts(self, decision: object) -> None:
        receipt = decision.receipt  # type: ignore[attr-defined]
        assert receipt.rule in {rule.__name__ for rule in RULES}
        assert receipt.facts["order"] == "250-1234567-7654321"
        assert receipt.facts["now"] == NOW.isoformat()

    def test_every_rule_has_a_name_of_its_own_and_a_sentence(self) -> None:
        names = [rule.__name__ for rule in RULES]
        assert len(names) == len(set(names))
        assert all(rule.__doc__ for rule in RULES)

    def test_preview_and_performance_share_the_plan(self) -> None:
        request, facts = Request(RequestKind.DEFECT), Facts(delivered(payments=(card(5_000),)))
        previewed = ask(request.kind, facts)
        performed = decision_from_json(decision_to_json(previewed))
        assert plan_of(performed) == plan_of(previewed)

    def test_rule_13_is_heard_before_the_rest(self) -> None:
        assert [rule.__name__ for rule in BY_NUMBER[:2]] == ["notices_contradict", "money_is_frozen"]
