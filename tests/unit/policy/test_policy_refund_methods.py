"""The refund methods: where money of each kind of payment may go back to."""

import pytest
from policy_builders import TERMS, ask, authorization, card, cash, delivered, gift, order, plan_of

from madoguchi.policy.decisions import Declined, NeedsFact
from madoguchi.policy.facts import Facts, PaymentFacts
from madoguchi.policy.requests import RequestKind
from madoguchi.policy.terms import RefundTerms
from madoguchi.policy.vocabulary import DeclineReason, Fact, Offer, PaymentMethod, RefundMethod

CANCEL = RequestKind.CANCEL
ORIGINAL, GIFT, BANK = RefundMethod.ORIGINAL_PAYMENT, RefundMethod.GIFT_BALANCE, RefundMethod.BANK_TRANSFER
CASH = [PaymentMethod.CONVENIENCE_STORE, PaymentMethod.CASH_ON_DELIVERY]


def ways(payments: tuple[PaymentFacts, ...], wish: RefundMethod | None) -> list[tuple[str, int, RefundMethod]]:
    """The splits of canceling an order of ¥5,000 paid so."""
    plan = plan_of(ask(CANCEL, order(payments=payments), refund_method=wish))
    return [(split.payment_id, split.amount, split.method) for split in plan.splits]


class TestCard:
    """Card → card or gift balance."""

    def test_nothing_said_means_the_card(self) -> None:
        assert ways((card(5_000),), None) == [("card", 5_000, ORIGINAL)]

    def test_gift_balance_is_the_customers_choice(self) -> None:
        assert ways((card(5_000),), GIFT) == [("card", 5_000, GIFT)]

    def test_gift_balance_is_offered_while_nothing_was_said(self) -> None:
        assert plan_of(ask(CANCEL, order())).offers == (Offer.GIFT_BALANCE_INSTEAD,)
        assert plan_of(ask(CANCEL, order(), refund_method=ORIGINAL)).offers == ()

    @pytest.mark.parametrize("wish", [BANK, RefundMethod.OTHER_CARD])
    def test_neither_another_card_nor_a_transfer(self, wish: RefundMethod) -> None:
        decision = ask(CANCEL, order(), refund_method=wish)
        assert isinstance(decision, Declined)
        assert decision.reason is DeclineReason.REFUND_METHOD_NOT_ALLOWED
        assert decision.offers == (Offer.ORIGINAL_PAYMENT, Offer.GIFT_BALANCE_INSTEAD, Offer.HUMAN)

    def test_terms_may_keep_it_to_the_card(self) -> None:
        strict = TERMS.model_copy(update={"refunds": RefundTerms(gift_balance_instead=False)})
        decision = ask(CANCEL, order(), terms=strict, refund_method=GIFT)
        assert isinstance(decision, Declined)
        assert decision.offers == (Offer.ORIGINAL_PAYMENT, Offer.HUMAN)

    def test_a_wallet_is_like_a_card(self) -> None:
        assert ways((PaymentFacts("pay", PaymentMethod.WALLET, 5_000),), None) == [("pay", 5_000, ORIGINAL)]


class TestGiftBalance:
    """Gift balance → gift balance."""

    @pytest.mark.parametrize("wish", [None, ORIGINAL, GIFT])
    def test_it_goes_back_to_gift_balance(self, wish: RefundMethod | None) -> None:
        assert ways((gift(5_000),), wish) == [("gift", 5_000, GIFT)]

    @pytest.mark.parametrize("wish", [BANK, RefundMethod.OTHER_CARD])
    def test_and_nowhere_else(self, wish: RefundMethod) -> None:
        assert isinstance(ask(CANCEL, order(payments=(gift(5_000),)), refund_method=wish), Declined)


class TestConvenienceStoreAndCashOnDelivery:
    """Convenience store or cash on delivery → gift balance or bank transfer."""

    @pytest.mark.parametrize("method", CASH)
    @pytest.mark.parametrize("wish", [None, ORIGINAL])
    def test_there_is_no_way_back_so_the_customer_is_asked(
        self, method: PaymentMethod, wish: RefundMethod | None
    ) -> None:
        decision = ask(CANCEL, order(payments=(cash(5_000, method),)), refund_method=wish)
        assert isinstance(decision, NeedsFact)
        assert (decision.fact, decision.choices) == (Fact.REFUND_METHOD, ("gift_balance", "bank_transfer"))

    @pytest.mark.parametrize("method", CASH)
    @pytest.mark.parametrize("wish", [GIFT, BANK])
    def test_either_will_do(self, method: PaymentMethod, wish: RefundMethod) -> None:
        assert ways((cash(5_000, method),), wish) == [("cash", 5_000, wish)]

    def test_it_is_asked_with_the_authorization_so_that_the_scan_can_pay(self) -> None:
        decision = ask(RequestKind.DEFECT, delivered(payments=(cash(5_000),)))
        assert isinstance(decision, NeedsFact)
        chosen = authorization(method=BANK)
        known = Facts(delivered(payments=(cash(5_000),)), authorizations=(chosen,))
        assert plan_of(ask(RequestKind.PARCEL_SCANNED, known)).splits[0].method is BANK

    def test_a_shop_without_transfers_pays_to_gift_balance_only(self) -> None:
        plain = TERMS.model_copy(update={"refunds": RefundTerms(bank_transfer=False)})
        decision = ask(CANCEL, order(payments=(cash(5_000),)), terms=plain, refund_method=BANK)
        assert isinstance(decision, NeedsFact)
        assert decision.choices == ("gift_balance",)


class TestSplitPayment:
    """to each method it came from, card part first; a partial refund goes to the card until its part is used up."""

    both = (gift(2_000), card(3_000))

    def test_each_gets_its_part(self) -> None:
        assert ways(self.both, None) == [("card", 3_000, ORIGINAL), ("gift", 2_000, GIFT)]

    @pytest.mark.parametrize(
        ("price", "expected"),
        [(2_999, [("card", 2_999)]), (3_000, [("card", 3_000)]), (3_001, [("card", 3_000), ("gift", 1)])],
    )
    def test_a_partial_refund_uses_up_the_card_first(self, price: int, expected: list[tuple[str, int]]) -> None:
        known = Facts(delivered(payments=self.both), authorizations=(authorization(price),))
        plan = plan_of(ask(RequestKind.PARCEL_SCANNED, known))
        assert [(split.payment_id, split.amount) for split in plan.splits] == expected

    def test_what_the_card_gave_back_before_is_used_up(self) -> None:
        used = (gift(2_000), card(3_000, refunded=2_500))
        known = Facts(delivered(payments=used), authorizations=(authorization(1_000),))
        plan = plan_of(ask(RequestKind.PARCEL_SCANNED, known))
        assert [(split.payment_id, split.amount) for split in plan.splits] == [("card", 500), ("gift", 500)]

    def test_gift_balance_for_all_of_it_at_the_customers_wish(self) -> None:
        assert ways(self.both, GIFT) == [("card", 3_000, GIFT), ("gift", 2_000, GIFT)]

    def test_a_transfer_is_for_the_part_paid_in_cash(self) -> None:
        assert ways((cash(2_000), card(3_000)), BANK) == [("card", 3_000, ORIGINAL), ("cash", 2_000, BANK)]
