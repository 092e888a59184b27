"""The progress of a case follows the rows themselves: what changes them changes what its customer sees."""

from __future__ import annotations

from datetime import timedelta

import pytest
from money_shop import NOON, Shop
from window_helpers import told

from madoguchi.services import progress, scores, timers
from madoguchi.services.progress import Progress
from madoguchi.services.views import Money


def shown(shop: Shop, talk: str) -> list[Progress]:
    return list(progress.of_conversation(shop.desk, talk))


def states(found: Progress) -> dict[str, str]:
    return {step.code: step.state for step in found.steps}


class TestAReturn:
    @pytest.fixture
    def talk(self, shop: Shop) -> str:
        customer, talk = shop.customer()
        self.order = shop.order(customer, 9_800, state="delivered")
        shop.agree(talk, kind="defect", order_number=self.order)
        return talk

    def test_it_waits_for_the_parcel_first(self, shop: Shop, talk: str) -> None:
        (found,) = shown(shop, talk)
        assert (found.kind, found.amount, found.method) == ("return", Money(9_800), "card")
        assert states(found) == {
            "accepted": "done",
            "sent_back": "now",
            "parcel_arrived": "todo",
            "refunded": "todo",
            "settled": "todo",
        }
        assert (found.rma, found.payer) == (shop.rma(self.order), "shop")
        assert (found.clocks.days_from, found.clocks.days_to) == (3, 5)
        assert not found.asks_score

    def test_the_scan_and_then_the_bank_take_it_to_its_end(self, shop: Shop, talk: str) -> None:
        told(shop, "warehouse.parcel_scanned", rma=shop.rma(self.order))
        (found,) = shown(shop, talk)
        assert list(states(found).values()) == ["done", "done", "done", "done", "now"]
        assert found.now.code == "settled"
        assert found.asks_score, "the money is on its way: that is when one knows how it was"
        told(shop, "processor.refund_settled", refund=shop.value("SELECT key FROM refunds"))
        (found,) = shown(shop, talk)
        assert found.over
        shop.clock.move(days=15)
        assert shown(shop, talk) == []

    def test_a_withdrawn_one_is_gone(self, shop: Shop, talk: str) -> None:
        shop.agree(talk, kind="withdraw", order_number=self.order)
        assert shown(shop, talk) == []

    def test_the_other_customer_sees_none_of_it(self, shop: Shop, talk: str) -> None:
        _, other = shop.customer()
        assert shown(shop, other) == []
        assert shown(shop, "no such talk") == []


class TestTheSellersClock:
    def test_it_runs_until_the_answer_or_the_guarantee(self, shop: Shop) -> None:
        customer, talk = shop.customer()
        order = shop.order(customer, 30_000, seller=True)
        shop.agree(talk, kind="seller_stockout", order_number=order)
        (found,) = shown(shop, talk)
        assert (found.kind, found.now.code, found.seller) == ("seller", "seller_answer", "カメラ横丁")
        assert found.deadline == NOON + timedelta(hours=48)
        shop.clock.move(hours=49)
        timers.run_due(shop.desk)
        (found,) = shown(shop, talk)
        assert (found.deadline, found.over, found.amount, found.method) == (None, True, Money(30_000), "gift_balance")

    def test_an_answer_of_the_seller_ends_it(self, shop: Shop) -> None:
        customer, talk = shop.customer()
        order = shop.order(customer, 30_000, seller=True)
        shop.agree(talk, kind="seller_stockout", order_number=order)
        told(shop, "seller.answer", order=order, answer="canceled", text="在庫切れのためキャンセルしました")
        (found,) = shown(shop, talk)
        assert (found.deadline, found.now.code) == (None, "settled")


class TestOtherKinds:
    def test_a_cancellation_before_shipment(self, shop: Shop) -> None:
        customer, talk = shop.customer()
        shop.agree(talk, kind="cancel", order_number=shop.order(customer, 4_000, fee=500))
        (found,) = shown(shop, talk)
        assert (found.kind, found.now.code, found.amount) == ("cancel", "settled", Money(4_500))

    def test_a_cancellation_the_warehouse_is_asked_for(self, shop: Shop) -> None:
        customer, talk = shop.customer()
        order = shop.order(customer, 4_000, state="preparing")
        shop.agree(talk, kind="cancel", order_number=order)
        (found,) = shown(shop, talk)
        assert (found.kind, found.now.code) == ("cancel_request", "warehouse_answer")
        told(shop, "warehouse.canceled", order=order)
        (found,) = shown(shop, talk)
        assert (found.kind, found.now.code) == ("cancel", "settled")

    def test_a_membership_joined_by_mistake(self, shop: Shop) -> None:
        customer, talk = shop.customer()
        shop.agree(talk, kind="accidental_signup", membership=str(shop.membership(customer)))
        (found,) = shown(shop, talk)
        assert (found.kind, found.now.code, found.amount) == ("membership", "settled", Money(980))

    def test_to_the_gift_balance_it_is_over_at_once(self, shop: Shop) -> None:
        customer, talk = shop.customer()
        order = shop.order(customer, 4_000)
        shop.agree(talk, kind="cancel", order_number=order, refund_method="gift_balance")
        (found,) = shown(shop, talk)
        assert (found.over, found.method) == (True, "gift_balance")

    def test_a_refused_refund_is_said_to_be_with_a_human(self, shop: Shop) -> None:
        customer, talk = shop.customer()
        shop.processor.misbehave("*", "refuse")
        shop.agree(talk, kind="cancel", order_number=shop.order(customer, 4_000))
        (found,) = shown(shop, talk)
        assert (found.now.code, found.now.state) == ("refunded", "stopped")

    def test_what_was_only_talked_about_is_no_case_to_show(self, shop: Shop) -> None:
        customer, talk = shop.customer()
        shop.propose(talk, kind="cancel", order_number=shop.order(customer, 4_000))
        assert shown(shop, talk) == []


class TestTheMark:
    """The event stream looks again whenever the mark changes, and only then."""

    def mark(self, shop: Shop, talk: str) -> object:
        return progress.heads(shop.desk, [talk])[talk]

    def test_it_changes_with_every_step_and_with_nothing_else(self, shop: Shop) -> None:
        customer, talk = shop.customer()
        other, other_talk = shop.customer()
        order = shop.order(customer, 9_800, state="delivered")
        seen = [self.mark(shop, talk)]
        shop.agree(talk, kind="defect", order_number=order)
        seen.append(self.mark(shop, talk))
        told(shop, "warehouse.parcel_scanned", rma=shop.rma(order))
        seen.append(self.mark(shop, talk))
        shop.clock.move(days=4)
        assert self.mark(shop, talk) == seen[-1], "time alone is no news"
        told(shop, "processor.refund_settled", refund=shop.value("SELECT key FROM refunds"))
        seen.append(self.mark(shop, talk))
        (case,) = shown(shop, talk)
        assert scores.record(shop.desk, talk, case.case, 9)
        seen.append(self.mark(shop, talk))
        assert len(set(map(repr, seen))) == 5
        shop.agree(other_talk, kind="cancel", order_number=shop.order(other, 1_000))
        assert self.mark(shop, talk) == seen[-1], "another customer's case is no news"


class TestTheScore:
    def test_it_is_taken_once_and_only_when_the_case_is_over(self, shop: Shop) -> None:
        customer, talk = shop.customer()
        order = shop.order(customer, 9_800, state="delivered")
        shop.agree(talk, kind="defect", order_number=order)
        case = shown(shop, talk)[0].case
        assert not scores.record(shop.desk, talk, case, 10)
        told(shop, "warehouse.parcel_scanned", rma=shop.rma(order))
        _, stranger = shop.customer()
        assert not scores.record(shop.desk, stranger, case, 0)
        assert scores.record(shop.desk, talk, case, 10, "早かったです")
        assert not scores.record(shop.desk, talk, case, 0)
        assert shop.rows("SELECT value, words FROM scores") == [(10, "早かったです")]
        assert not shown(shop, talk)[0].asks_score
