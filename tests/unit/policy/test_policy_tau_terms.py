"""The same rules under the terms of another trade: data/policies/tau_retail.yml."""

from dataclasses import replace
from pathlib import Path

import pytest
from policy_builders import NOW, authorization, delivered, effect, kinds, line, order, plan_of, shipped

from madoguchi.policy.decide import decide
from madoguchi.policy.decisions import Decision, Declined, NeedsFact
from madoguchi.policy.effects import AuthorizeReturn, LinkedReorder
from madoguchi.policy.facts import AccountFacts, Facts, LineQuantity, OrderFacts, PaymentFacts, ReplacementFacts
from madoguchi.policy.requests import Replacement, Request, RequestKind
from madoguchi.policy.terms_file import load_terms
from madoguchi.policy.vocabulary import AuthorizationState, DeclineReason, Fact, OrderState, PaymentMethod, RefundMethod

(TERMS,) = load_terms(Path(__file__).parents[3] / "data" / "policies" / "tau_retail.yml").versions
REASON = "no longer needed"
ACCOUNTS = (
    AccountFacts("card_1", PaymentMethod.CARD),
    AccountFacts("card_2", PaymentMethod.CARD),
    AccountFacts("gift_card_1", PaymentMethod.GIFT_BALANCE, 1_000),
)
PAID = (PaymentFacts("0", PaymentMethod.CARD, 5_000, account="card_1"),)
OTHERS = (
    ReplacementFacts("lamp-blue", "lamp", 6_000, available=True),
    ReplacementFacts("lamp-gold", "lamp", 6_001, available=True),
    ReplacementFacts("lamp-grey", "lamp", 4_000, available=True),
    ReplacementFacts("lamp-pink", "lamp", 5_000, available=False),
    ReplacementFacts("desk-oak", "desk", 5_000, available=True),
)


def usd(facts: OrderFacts) -> OrderFacts:
    """The order in dollars, paid with the first card."""
    return replace(facts, currency="USD", payments=PAID)


def said(kind: RequestKind, about: OrderFacts, **more: object) -> Decision:
    """The decision under these terms."""
    held = more.pop("authorizations", ())
    facts = Facts(usd(about), accounts=ACCOUNTS, replacements=OTHERS, authorizations=held)  # type: ignore[arg-type]
    return decide(Request(kind, **more), facts, TERMS, NOW)  # type: ignore[arg-type]


def refused(decision: Decision) -> DeclineReason:
    """Why it was declined."""
    assert isinstance(decision, Declined), decision
    return decision.reason


class TestCancel:
    """Exact status pending, the whole order, two reasons, back to where it came from."""

    @pytest.mark.parametrize("reason", ["no longer needed", "ordered by mistake"])
    def test_two_reasons_are_accepted(self, reason: str) -> None:
        plan = plan_of(said(RequestKind.CANCEL, order(), cancel_reason=reason))
        assert [(s.payment_id, s.amount, s.account) for s in plan.splits] == [("0", 5_000, "card_1")]

    def test_no_other(self) -> None:
        decision = said(RequestKind.CANCEL, order(), cancel_reason="found it cheaper")
        assert refused(decision) is DeclineReason.CANCEL_REASON_NOT_ACCEPTED

    def test_the_reason_is_asked_for(self) -> None:
        decision = said(RequestKind.CANCEL, order())
        assert isinstance(decision, NeedsFact)
        assert decision.fact is Fact.CANCEL_REASON

    def test_only_the_whole_order(self) -> None:
        two = order(line("lamp", 2_000), line("desk", 3_000))
        decision = said(RequestKind.CANCEL, two, cancel_reason=REASON, lines=(LineQuantity("lamp", 1),))
        assert refused(decision) is DeclineReason.WHOLE_ORDER_ONLY

    @pytest.mark.parametrize(
        "about", [order(state=OrderState.PREPARING), shipped(), delivered(), replace(order(), changed=True)]
    )
    def test_nothing_but_pending(self, about: OrderFacts) -> None:
        assert refused(said(RequestKind.CANCEL, about, cancel_reason=REASON)) is DeclineReason.NOT_CANCELABLE

    def test_the_target_cannot_be_changed(self) -> None:
        wish = RefundMethod.GIFT_BALANCE
        decision = said(RequestKind.CANCEL, order(), cancel_reason=REASON, refund_method=wish)
        assert refused(decision) is DeclineReason.REFUND_METHOD_NOT_ALLOWED

    def test_no_cancellation_is_undone(self) -> None:
        canceled = order(line(canceled=1), state=OrderState.CANCELED)
        assert refused(said(RequestKind.WITHDRAW, canceled)) is DeclineReason.CANCELLATION_PERFORMED


class TestReturn:
    """Exact status delivered, once per order, no window, no condition, no fee; original payment or an own gift card."""

    @pytest.mark.parametrize("account", ["card_1", "gift_card_1"])
    def test_to_the_original_payment_or_a_gift_card(self, account: str) -> None:
        plan = plan_of(said(RequestKind.CHANGE_OF_MIND, delivered(ago=4_000), refund_account=account))
        assert [split.account for split in plan.splits] == [account]
        assert (plan.refund_amount, plan.shop_pays_return) == (5_000, None)

    def test_not_to_another_card_of_theirs(self) -> None:
        decision = said(RequestKind.CHANGE_OF_MIND, delivered(), refund_account="card_2")
        assert refused(decision) is DeclineReason.REFUND_METHOD_NOT_ALLOWED

    def test_not_to_an_account_nobody_knows(self) -> None:
        decision = said(RequestKind.CHANGE_OF_MIND, delivered(), refund_account="card_9")
        assert refused(decision) is DeclineReason.ACCOUNT_UNKNOWN

    def test_the_account_is_asked_for(self) -> None:
        decision = said(RequestKind.CHANGE_OF_MIND, delivered())
        assert isinstance(decision, NeedsFact)
        assert (decision.fact, decision.choices) == (Fact.REFUND_ACCOUNT, ("card_1", "gift_card_1"))

    @pytest.mark.parametrize("about", [order(), order(state=OrderState.PREPARING), shipped()])
    def test_only_what_was_delivered(self, about: OrderFacts) -> None:
        decision = said(RequestKind.CHANGE_OF_MIND, about, refund_account="card_1")
        assert refused(decision) is DeclineReason.NOT_DELIVERED

    def test_a_part_of_the_order_is_enough(self) -> None:
        two = delivered(line("lamp", 2_000), line("desk", 3_000))
        lamp = (LineQuantity("lamp", 1),)
        plan = plan_of(said(RequestKind.CHANGE_OF_MIND, two, refund_account="card_1", lines=lamp))
        assert plan.refund_amount == 2_000

    @pytest.mark.parametrize("kind", [RequestKind.CHANGE_OF_MIND, RequestKind.EXCHANGE])
    @pytest.mark.parametrize("state", [AuthorizationState.OPEN, AuthorizationState.RECEIVED])
    def test_once_per_order(self, kind: RequestKind, state: AuthorizationState) -> None:
        two = delivered(line("lamp", 2_000), line("desk", 3_000))
        desk = (LineQuantity("desk", 1),)
        held = (authorization(2_000, state=state),)
        decision = said(kind, two, refund_account="card_1", lines=desk, authorizations=held)
        assert refused(decision) is DeclineReason.ONCE_PER_ORDER


class TestExchange:
    """An article for another of the same product; the difference goes over one saved account."""

    @staticmethod
    def for_a(sku: str, account: str | None = "card_2", about: OrderFacts | None = None) -> Decision:
        """The lamp exchanged for this article."""
        wanted = (Replacement("lamp", sku),)
        return said(RequestKind.EXCHANGE, about or delivered(), replacements=wanted, refund_account=account)

    @pytest.mark.parametrize(("sku", "difference"), [("lamp-blue", 1_000), ("lamp-grey", -1_000)])
    def test_it_is_a_return_and_a_linked_reorder_with_the_difference(self, sku: str, difference: int) -> None:
        plan = plan_of(self.for_a(sku))
        assert kinds(plan) == ["authorize_return", "linked_reorder", "set_timer", "set_timer"]
        assert (effect(plan, LinkedReorder).difference, effect(plan, LinkedReorder).account) == (difference, "card_2")
        assert (effect(plan, AuthorizeReturn).exchange, plan.refund_amount) == (True, max(0, -difference))

    @pytest.mark.parametrize(
        ("account", "back_to"), [("card_1", "card_1"), ("gift_card_1", "gift_card_1"), ("card_2", "card_1")]
    )
    def test_what_a_cheaper_article_leaves_comes_back_at_the_scan(self, account: str, back_to: str) -> None:
        returned = effect(plan_of(self.for_a("lamp-grey", account)), AuthorizeReturn)
        assert [line.amount for line in returned.lines] == [1_000]
        assert [(split.amount, split.account) for split in returned.splits] == [(1_000, back_to)]

    def test_a_dearer_article_leaves_nothing(self) -> None:
        returned = effect(plan_of(self.for_a("lamp-blue", "card_1")), AuthorizeReturn)
        assert ([line.amount for line in returned.lines], returned.splits) == ([0], ())

    def test_a_gift_card_covers_exactly_its_balance(self) -> None:
        assert effect(plan_of(self.for_a("lamp-blue", "gift_card_1")), LinkedReorder).difference == 1_000
        assert refused(self.for_a("lamp-gold", "gift_card_1")) is DeclineReason.GIFT_BALANCE_TOO_LOW

    @pytest.mark.parametrize("sku", ["lamp-pink", "desk-oak", "unknown"])
    def test_only_what_is_available_of_the_same_product(self, sku: str) -> None:
        assert refused(self.for_a(sku)) is DeclineReason.REPLACEMENT_UNAVAILABLE

    def test_only_what_was_delivered(self) -> None:
        assert refused(self.for_a("lamp-blue", about=order())) is DeclineReason.NOT_DELIVERED

    def test_only_articles_of_the_order(self) -> None:
        wanted = (Replacement("sofa", "lamp-blue"),)
        decision = said(RequestKind.EXCHANGE, delivered(), replacements=wanted, refund_account="card_1")
        assert refused(decision) is DeclineReason.LINES_NOT_IN_ORDER

    def test_one_replacement_for_each_unit(self) -> None:
        pair = delivered(line("lamp", 2_500, quantity=2))
        wanted = (Replacement("lamp", "lamp-blue"),)
        both = (LineQuantity("lamp", 2),)
        decision = said(RequestKind.EXCHANGE, pair, replacements=wanted, lines=both, refund_account="card_1")
        assert refused(decision) is DeclineReason.EXCHANGE_COUNT_MISMATCH

    def test_an_account_of_somebody_else_is_unknown(self) -> None:
        assert refused(self.for_a("lamp-blue", "card_9")) is DeclineReason.ACCOUNT_UNKNOWN

    def test_what_is_not_said_is_asked_for(self) -> None:
        account, article = self.for_a("lamp-blue", None), said(RequestKind.EXCHANGE, delivered())
        assert isinstance(account, NeedsFact)
        assert isinstance(article, NeedsFact)
        assert (account.fact, article.fact) == (Fact.REFUND_ACCOUNT, Fact.REPLACEMENTS)
