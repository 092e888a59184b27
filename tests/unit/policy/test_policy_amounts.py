"""Arithmetic of money: exact in the whole, rounded up in the customer's favour, never past what was captured."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_builders import NOW, TERMS, ask, card, cash, delivered, effect, gift, line, order, plan_of, planned

from madoguchi.policy.amounts import (
    apportion,
    discount_shares,
    fit,
    line_net,
    percent_of,
    postage_share,
    release,
    split_over,
    units_amount,
    without_planned,
)
from madoguchi.policy.decide import decide
from madoguchi.policy.decisions import Approved
from madoguchi.policy.effects import AuthorizeReturn
from madoguchi.policy.facts import Facts, LineAmount, LineFacts, LineQuantity, OrderFacts, PaymentFacts
from madoguchi.policy.requests import Request, RequestKind

YEN = st.integers(0, 1_000_000)
WEIGHTS = st.lists(YEN, min_size=1, max_size=8)
LINES = st.lists(st.tuples(st.integers(1, 99_999), st.integers(1, 4)), min_size=1, max_size=5)


@st.composite
def orders(draw: st.DrawFn) -> OrderFacts:
    """A delivered order with a discount, postage and a payment split over two methods."""
    lines = tuple(line(f"line-{n}", price, quantity=count) for n, (price, count) in enumerate(draw(LINES)))
    gross = sum(each.gross for each in lines)
    discount, fee = draw(st.integers(0, gross)), draw(st.integers(0, 2_000))
    total = gross - discount + fee
    on_card = draw(st.integers(0, total))
    payments = (card(on_card), gift(total - on_card))
    return delivered(*lines, discount=discount, shipping_fee=fee, payments=payments)


def captured(facts: OrderFacts) -> int:
    """What the order was paid with in all."""
    return sum(payment.captured for payment in facts.payments)


class TestApportion:
    """Shares in proportion."""

    @given(total=YEN, weights=WEIGHTS)
    def test_they_add_up_exactly(self, total: int, weights: list[int]) -> None:
        assert sum(apportion(total, weights)) == total

    @given(total=YEN, weights=WEIGHTS)
    def test_each_is_within_a_yen_of_its_due(self, total: int, weights: list[int]) -> None:
        whole = sum(weights)
        for share, weight in zip(apportion(total, weights), weights, strict=True):
            if whole:
                assert abs(share * whole - total * weight) < whole

    @given(weights=WEIGHTS, part=st.integers(0, 100))
    def test_a_discount_never_passes_its_line(self, weights: list[int], part: int) -> None:
        total = sum(weights) * part // 100
        assert all(s <= w for s, w in zip(apportion(total, weights), weights, strict=True) if sum(weights))

    def test_without_weights_there_are_no_shares(self) -> None:
        assert apportion(100, []) == ()

    def test_negative_money_is_an_error(self) -> None:
        with pytest.raises(ValueError, match="negative"):
            apportion(-1, [1])


class TestDiscount:
    """Discounts are apportioned to the lines."""

    def test_stored_shares_that_add_up_are_kept(self) -> None:
        kept = order(line("lamp", discount_share=700), line("desk", discount_share=300), discount=1_000)
        assert discount_shares(kept) == {"lamp": 700, "desk": 300}

    def test_shares_that_do_not_add_up_are_made_anew(self) -> None:
        lost = order(line("lamp", 3_000), line("desk", 7_000), discount=1_000)
        assert discount_shares(lost) == {"lamp": 300, "desk": 700}

    @given(facts=orders())
    def test_the_lines_cost_what_was_paid_for_them(self, facts: OrderFacts) -> None:
        assert sum(line_net(facts, each) for each in facts.lines) + facts.shipping_fee == captured(facts)


class TestUnits:
    """The price of some units of a line."""

    @given(net=YEN, counts=st.lists(st.integers(1, 4), min_size=1, max_size=6))
    def test_taken_one_after_the_other_they_cost_what_all_cost(self, net: int, counts: list[int]) -> None:
        of, before, paid = sum(counts), 0, 0
        for count in counts:
            paid += units_amount(net, of, before, count)
            before += count
        assert paid == net

    def test_the_first_unit_is_rounded_up(self) -> None:
        assert [units_amount(100, 3, before, 1) for before in range(3)] == [34, 33, 33]

    @pytest.mark.parametrize(("amount", "half"), [(100, 50), (101, 51), (1, 1), (0, 0)])
    def test_a_percentage_is_rounded_up(self, amount: int, half: int) -> None:
        assert percent_of(amount, 50) == half


class TestPostage:
    """The outbound postage comes back in proportion, rounded so that it is exact when all are returned."""

    @given(facts=orders(), order_of=st.randoms(use_true_random=False))
    def test_line_after_line_it_adds_up_to_the_fee(self, facts: OrderFacts, order_of: object) -> None:
        rest = list(facts.lines)
        order_of.shuffle(rest)  # type: ignore[attr-defined]
        back = 0
        for each in rest:
            part = LineAmount(each.id, each.quantity, line_net(facts, each))
            back += postage_share(replace(facts, shipping_refunded=back), [part])
        assert back == facts.shipping_fee

    @given(facts=orders())
    def test_all_at_once_it_is_exactly_the_fee(self, facts: OrderFacts) -> None:
        parts = [LineAmount(each.id, each.quantity, 0) for each in facts.lines]
        assert postage_share(facts, parts) == facts.shipping_fee

    def test_a_share_is_rounded_up(self) -> None:
        thirds = delivered(line("a", 100), line("b", 100), line("c", 100), shipping_fee=100)
        assert postage_share(thirds, [LineAmount("a", 1, 100)]) == 34

    def test_units_canceled_before_shipment_do_not_count(self) -> None:
        two = delivered(line("lamp", 3_000, canceled=1), line("desk", 7_000), shipping_fee=500)
        assert postage_share(two, [LineAmount("desk", 1, 7_000)]) == 500

    def test_articles_given_away_share_by_their_number(self) -> None:
        free = delivered(line("a", 0), line("b", 0), shipping_fee=500)
        assert postage_share(free, [LineAmount("a", 1, 0)]) == 250

    def test_where_nothing_was_shipped_nothing_comes_back(self) -> None:
        assert postage_share(order(line(canceled=1), shipping_fee=500), []) == 0


class TestSplits:
    """An amount over several payments."""

    @given(amount=YEN, captures=st.lists(st.tuples(YEN, YEN), max_size=4))
    def test_never_more_than_is_left_and_nothing_lost(self, amount: int, captures: list[tuple[int, int]]) -> None:
        payments = [replace(card(have, refunded=gone), id=f"p{n}") for n, (have, gone) in enumerate(captures)]
        parts = split_over(amount, payments)
        assert all(0 < part <= payment.refundable for payment, part in parts)
        assert sum(part for _, part in parts) == min(amount, sum(payment.refundable for payment in payments))

    def test_the_card_comes_first_and_gift_balance_last(self) -> None:
        parts = split_over(250, [gift(100), cash(100), card(100)])
        assert [(payment.id, part) for payment, part in parts] == [("card", 100), ("cash", 100), ("gift", 50)]

    @given(amounts=st.lists(YEN, max_size=4), shipping=YEN, available=YEN)
    def test_what_is_cut_down_fits(self, amounts: list[int], shipping: int, available: int) -> None:
        lines, postage = fit([LineAmount("x", 1, each) for each in amounts], shipping, available)
        assert sum(each.amount for each in lines) + postage == min(sum(amounts) + shipping, available)

    @given(reserved=st.tuples(YEN, YEN), amount=YEN)
    def test_a_dropped_promise_is_free_again(self, reserved: tuple[int, int], amount: int) -> None:
        payments = [card(2_000_000, reserved=reserved[0]), gift(2_000_000, reserved=reserved[1])]
        freed = sum(reserved) - sum(payment.reserved for payment in release(payments, amount))
        assert freed == min(amount, sum(reserved))

    def test_without_its_planned_refunds_a_payment_is_whole(self) -> None:
        (payment,) = without_planned([card(5_000, reserved=5_000)], [planned(5_000)])
        assert payment.refundable == 5_000


def returned(facts: OrderFacts, unit: LineQuantity, back: AuthorizeReturn) -> OrderFacts:
    """The order after this return was scanned in and paid."""
    paid = {split.payment_id: split.amount for split in back.splits}
    return replace(
        facts,
        lines=tuple(_returned(each, unit, back) for each in facts.lines),
        payments=tuple(_paid(payment, paid.get(payment.id, 0)) for payment in facts.payments),
        shipping_refunded=facts.shipping_refunded + back.shipping,
    )


def _returned(each: LineFacts, unit: LineQuantity, back: AuthorizeReturn) -> LineFacts:
    if each.id != unit.line_id:
        return each
    amount = sum(part.amount for part in back.lines)
    return replace(each, returned=each.returned + unit.quantity, refunded=each.refunded + amount)


def _paid(payment: PaymentFacts, amount: int) -> PaymentFacts:
    return replace(payment, refunded=payment.refunded + amount)


class TestReturningEverythingUnitByUnit:
    """Whatever is returned in whatever pieces, the customer gets back exactly what was paid."""

    @given(facts=orders())
    def test_faulty_units_one_by_one_give_back_all_that_was_captured(self, facts: OrderFacts) -> None:
        whole = captured(facts)
        for each in facts.lines:
            for _ in range(each.quantity):
                unit = LineQuantity(each.id, 1)
                request = Request(RequestKind.DEFECT, lines=(unit,))
                unlimited = TERMS.model_copy(update={"review": TERMS.review.model_copy(update={"refund_limit": None})})
                decision = decide(request, Facts(facts), unlimited, NOW)
                assert isinstance(decision, Approved), decision
                facts = returned(facts, unit, effect(decision.plan, AuthorizeReturn))
                assert all(payment.refunded <= payment.captured for payment in facts.payments)
        assert sum(payment.refunded for payment in facts.payments) == whole

    @given(facts=orders())
    def test_canceling_the_whole_order_gives_back_all_that_was_captured(self, facts: OrderFacts) -> None:
        placed = replace(facts, state=order().state, delivered_at=None, shipped_at=None)
        assert plan_of(ask(RequestKind.CANCEL, placed)).refund_amount == captured(facts)
