"""Events from outside change what is still true, once, in whatever order and however often they come."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from money_shop import Shop, violations

from madoguchi.services import events, returns, worker
from madoguchi.services.events import Applied, Rejected

_ids = itertools.count()


def told(shop: Shop, kind: str, event_id: str | None = None, **payload: Any) -> str:
    answer = events.apply(shop.desk, event_id or f"evt-{next(_ids)}", kind, payload)
    assert isinstance(answer, Applied), answer
    return answer.outcome


def state(shop: Shop, order: str) -> str:
    return str(shop.value("SELECT state FROM orders WHERE number = :o", o=order))


def refunds(shop: Shop) -> list[tuple[str, int]]:
    return [(row[0], row[1]) for row in shop.rows("SELECT state, amount FROM refunds ORDER BY id")]


class TestTheWarehousesWordOnACancellation:
    """Rule 2: requested; canceled → refund now; shipped after all → return authorization, shop pays."""

    @pytest.fixture
    def order(self, shop: Shop) -> str:
        customer, talk = shop.customer()
        order = shop.order(customer, 4_000, fee=500, state="preparing")
        shop.agree(talk, kind="cancel", order_number=order)
        assert (state(shop, order), refunds(shop)) == ("cancel_requested", [("planned", 4_500)])
        return order

    def test_canceled_sends_the_planned_refund_at_once(self, shop: Shop, order: str) -> None:
        assert told(shop, "warehouse.canceled", order=order) == "done"
        assert (state(shop, order), refunds(shop)) == ("canceled", [("sent", 4_500)])
        assert violations(shop) == []

    def test_canceled_twice_under_two_ids_refunds_once(self, shop: Shop, order: str) -> None:
        told(shop, "warehouse.canceled", order=order)
        assert told(shop, "warehouse.canceled", order=order).startswith("declined:")
        assert refunds(shop) == [("sent", 4_500)]
        assert shop.processor.sent_back(f"pay:{order}:card") == 4_500

    def test_shipped_after_all_voids_the_plan_and_lets_it_come_back_free(self, shop: Shop, order: str) -> None:
        assert told(shop, "warehouse.shipped", order=order, tracking="1") == "done"
        assert (state(shop, order), refunds(shop)) == ("shipped", [("voided", 4_500)])
        assert shop.rows("SELECT payer, state FROM return_authorizations") == [("shop", "open")]
        assert violations(shop) == []

    def test_delivered_before_shipped_was_told_counts_as_shipped_after_all(self, shop: Shop, order: str) -> None:
        told(shop, "carrier.delivered", order=order)
        assert state(shop, order) == "delivered"
        assert told(shop, "warehouse.shipped", order=order, tracking="1") == "done"  # a parcel is noted, no more
        assert state(shop, order) == "delivered"
        assert len(shop.rows("SELECT id FROM return_authorizations")) == 1

    def test_canceled_then_shipped_freezes_the_order_and_calls_a_human(self, shop: Shop, order: str) -> None:
        told(shop, "warehouse.canceled", order=order)
        assert told(shop, "warehouse.shipped", order=order, tracking="1") == "human:money_frozen"
        assert shop.value("SELECT frozen_at IS NOT NULL FROM orders")
        assert shop.value("SELECT flagged FROM cases")
        assert told(shop, "warehouse.shipped", order=order, tracking="1") == "nothing_to_do"
        assert refunds(shop) == [("sent", 4_500)]
        assert violations(shop) == []


class TestAnOrderOnItsWay:
    """What the warehouse and the carrier report of an order nobody asked anything about."""

    def test_shipped_then_delivered(self, shop: Shop) -> None:
        customer, _ = shop.customer()
        order = shop.order(customer, state="preparing")
        told(shop, "warehouse.shipped", order=order, carrier="ヤマト", tracking="1", at=shop.clock.now.isoformat())
        assert state(shop, order) == "shipped"
        told(shop, "carrier.delivered", order=order)
        assert state(shop, order) == "delivered"
        assert shop.rows("SELECT tracking, delivered_at IS NOT NULL FROM shipments") == [("1", True)]

    def test_delivered_twice_keeps_the_first_day(self, shop: Shop) -> None:
        customer, _ = shop.customer()
        order = shop.order(customer, state="shipped")
        told(shop, "carrier.delivered", order=order)
        first = shop.value("SELECT delivered_at FROM orders")
        shop.clock.move(days=9)
        assert told(shop, "carrier.delivered", order=order) == "nothing_to_do"
        assert shop.value("SELECT delivered_at FROM orders") == first

    def test_a_day_in_the_future_is_not_believed(self, shop: Shop) -> None:
        customer, _ = shop.customer()
        order = shop.order(customer, state="shipped")
        told(shop, "carrier.delivered", order=order, at="2099-01-01T00:00:00+09:00")
        with shop.store.reading() as session:
            from madoguchi.store import Order

            assert session.get_one(Order, order).delivered_at == shop.clock.now

    def test_an_unknown_order_changes_nothing(self, shop: Shop) -> None:
        for kind in ("warehouse.canceled", "warehouse.shipped", "carrier.delivered"):
            assert told(shop, kind, order="250-0000000-0000000") == "unknown_subject"


class TestAReturnParcel:
    """Rules 17 and 18: money at the scan; arrival is not inspection."""

    @pytest.fixture
    def order(self, shop: Shop) -> str:
        customer, talk = shop.customer()
        order = shop.order(customer, 9_800, fee=500, state="delivered")
        shop.agree(talk, kind="defect", order_number=order)
        assert refunds(shop) == []
        return order

    def test_the_scan_sends_the_refund_that_moment(self, shop: Shop, order: str) -> None:
        answer = returns.receive_parcel(shop.desk, shop.rma(order), "scan-1")
        assert answer == Applied("done")
        assert refunds(shop) == [("sent", 10_300)]
        assert shop.rows("SELECT kind, subject LIKE '%届きました%' FROM notices") == [("parcel_received", True)]
        assert violations(shop) == []

    def test_the_same_scan_a_hundred_times_under_old_and_new_ids_pays_once(self, shop: Shop, order: str) -> None:
        rma = shop.rma(order)
        answers = [returns.receive_parcel(shop.desk, rma, f"scan-{number % 20}") for number in range(100)]
        assert answers.count(Applied("done")) == 1
        assert answers.count(Applied("done", duplicate=True)) == 4
        assert answers.count(Applied("declined:parcel_already_received")) == 19
        assert refunds(shop) == [("sent", 10_300)]
        assert violations(shop) == []

    def test_an_inspection_before_its_scan_makes_the_scan_good(self, shop: Shop, order: str) -> None:
        rma = shop.rma(order)
        assert told(shop, "warehouse.inspected", rma=rma, result="as_expected") == "done"
        assert refunds(shop) == [("sent", 10_300)]
        assert told(shop, "warehouse.parcel_scanned", rma=rma) == "declined:parcel_already_received"
        assert refunds(shop) == [("sent", 10_300)]
        assert shop.value("SELECT state FROM return_authorizations") == "inspected"

    def test_a_bad_inspection_calls_a_human_and_takes_nothing_back(self, shop: Shop, order: str) -> None:
        rma = shop.rma(order)
        told(shop, "warehouse.parcel_scanned", rma=rma)
        assert told(shop, "warehouse.inspected", rma=rma, result="used") == "human:inspection_disagrees"
        assert refunds(shop) == [("sent", 10_300)]
        assert shop.value("SELECT owner FROM conversations") == "waiting"
        assert told(shop, "warehouse.inspected", rma=rma, result="as_expected") == "nothing_to_do"

    def test_a_parcel_of_an_ended_authorization_is_for_a_human(self, shop: Shop, order: str) -> None:
        shop.clock.move(days=31)
        worker.run_once(shop.desk)
        assert shop.value("SELECT state FROM return_authorizations") == "expired"
        assert told(shop, "warehouse.parcel_scanned", rma=shop.rma(order)).startswith("human:")
        assert refunds(shop) == []

    def test_an_unknown_return_changes_nothing(self, shop: Shop) -> None:
        assert told(shop, "warehouse.parcel_scanned", rma="R-AAAA-AAAA") == "unknown_subject"


class TestTheSellersAnswer:
    """Rules 12 to 15: sold out, asked, answered."""

    @pytest.fixture
    def order(self, shop: Shop) -> str:
        customer, talk = shop.customer()
        order = shop.order(customer, 148_000, seller=True)
        shop.agree(talk, kind="seller_stockout", order_number=order)
        assert (state(shop, order), refunds(shop)) == ("cancel_requested", [("planned", 148_000)])
        return order

    def test_canceled_sends_the_planned_refund(self, shop: Shop, order: str) -> None:
        assert told(shop, "seller.answer", order=order, answer="canceled") == "done"
        assert (state(shop, order), refunds(shop)) == ("canceled", [("sent", 148_000)])
        assert shop.value("SELECT state FROM inquiries") == "answered"
        assert violations(shop) == []

    def test_shipped_in_error_lets_it_come_back_at_our_cost(self, shop: Shop, order: str) -> None:
        assert told(shop, "seller.answer", order=order, answer="shipped_in_error", text="すみません") == "done"
        assert (state(shop, order), refunds(shop)) == ("shipped", [("voided", 148_000)])
        assert shop.value("SELECT payer FROM return_authorizations") == "shop"

    def test_delivered_and_fine_voids_the_refund_and_closes_the_case(self, shop: Shop, order: str) -> None:
        assert told(shop, "seller.answer", order=order, answer="delivered_fine") == "done"
        assert refunds(shop) == [("voided", 148_000)]
        assert shop.value("SELECT state FROM cases") == "closed"

    @pytest.mark.parametrize(
        ("reported", "becomes"),
        [((), "placed"), (("shipped",), "shipped"), (("shipped", "delivered"), "delivered")],
    )
    def test_after_delivered_and_fine_the_order_is_where_its_parcel_is(
        self, shop: Shop, order: str, reported: tuple[str, ...], becomes: str
    ) -> None:
        words = {"shipped": ("warehouse.shipped", {"tracking": "1"}), "delivered": ("carrier.delivered", {})}
        for each in reported:
            event, also = words[each]
            told(shop, event, order=order, **also)
        assert told(shop, "seller.answer", order=order, answer="delivered_fine") == "done"
        assert (state(shop, order), refunds(shop)) == (becomes, [("voided", 148_000)])
        assert violations(shop) == []

    def test_another_answer_is_read_by_a_human(self, shop: Shop, order: str) -> None:
        assert told(shop, "seller.answer", order=order, answer="other", text="検討中です").startswith("human:")
        assert refunds(shop) == [("planned", 148_000)]

    def test_shipped_while_sold_out_freezes_and_asks_the_seller_anew(self, shop: Shop, order: str) -> None:
        assert told(shop, "warehouse.shipped", order=order, tracking="1") == "done"
        assert shop.value("SELECT frozen_at IS NOT NULL FROM orders")
        assert shop.rows("SELECT state FROM inquiries ORDER BY id") == [("replaced",), ("open",)]
        assert told(shop, "seller.answer", order=order, answer="canceled") == "done"
        assert refunds(shop) == [("sent", 148_000)]
        assert violations(shop) == []

    def test_an_answer_after_the_guarantee_has_paid_moves_no_money(self, shop: Shop, order: str) -> None:
        shop.clock.move(hours=48)
        worker.run_once(shop.desk)
        assert shop.value("SELECT amount FROM guarantee_claims") == 148_000
        assert told(shop, "seller.answer", order=order, answer="canceled").startswith(("human:", "declined:"))
        assert [row for row in refunds(shop) if row[0] != "voided"] == []
        assert violations(shop) == []

    def test_nobody_was_asked(self, shop: Shop) -> None:
        customer, _ = shop.customer()
        order = shop.order(customer, seller=True)
        assert told(shop, "seller.answer", order=order, answer="canceled") == "unknown_subject"


class TestTheProcessorsWord:
    """Settled, before or after our own call has come back."""

    def key(self, shop: Shop) -> str:
        return str(shop.value("SELECT key FROM refunds"))

    def test_settled_before_our_call_came_back_is_one_refund(self, shop: Shop) -> None:
        customer, talk = shop.customer()
        order = shop.order(customer)
        shop.processor.misbehave("*", "lost_reply", times=1)
        shop.agree(talk, kind="cancel", order_number=order)
        assert told(shop, "processor.refund_settled", refund=self.key(shop), reference="re_1") == "done"
        assert refunds(shop) == [("settled", 9_800)]
        shop.clock.move(hours=2)
        worker.run_once(shop.desk)
        assert refunds(shop) == [("settled", 9_800)]
        assert shop.value("SELECT state FROM outbox") == "done"
        assert violations(shop) == []

    def test_settled_a_thousand_times_adds_no_row(self, shop: Shop) -> None:
        customer, talk = shop.customer()
        shop.agree(talk, kind="cancel", order_number=shop.order(customer))
        key = self.key(shop)
        for number in range(200):
            told(shop, "processor.refund_settled", f"s-{number % 50}", refund=key)
        assert shop.value("SELECT COUNT(*) FROM ledger WHERE key LIKE '%sent'") == 1
        assert refunds(shop) == [("settled", 9_800)]
        assert violations(shop) == []

    def test_the_built_in_processor_reports_by_itself(self, shop: Shop) -> None:
        customer, talk = shop.customer()
        order = shop.order(customer)
        shop.processor.misbehave("*", "twice")
        shop.agree(talk, kind="cancel", order_number=order)
        shop.clock.now = shop.clock.now.replace(year=2099)
        assert worker.take_notices(shop.desk) == 1
        assert worker.take_notices(shop.desk) == 1  # told twice
        assert worker.take_notices(shop.desk) == 0
        assert refunds(shop) == [("settled", 9_800)]

    def test_a_refund_that_came_back_is_for_a_human(self, shop: Shop) -> None:
        customer, talk = shop.customer()
        shop.agree(talk, kind="cancel", order_number=shop.order(customer))
        assert told(shop, "processor.refund_failed", refund=self.key(shop)) == "human:refund_came_back"
        assert shop.value("SELECT handoff_reason FROM conversations") == "refund_came_back"


class TestWhatCannotBeUnderstood:
    """Nothing is stored of it, nothing is done."""

    @pytest.mark.parametrize(
        ("kind", "payload", "reason"),
        [
            ("warehouse.burnt", {"order": "1"}, "unknown_kind"),
            ("warehouse.canceled", {}, "bad_payload"),
            ("warehouse.canceled", {"order": ""}, "bad_payload"),
            ("warehouse.canceled", {"order": "1", "amount": 5}, "bad_payload"),
            ("warehouse.shipped", {"order": "1", "at": "2026-01-01T00:00:00"}, "bad_payload"),
            ("warehouse.inspected", {"rma": "R-1", "result": "eaten"}, "bad_payload"),
            ("seller.answer", {"order": "1", "answer": 7}, "bad_payload"),
        ],
    )
    def test_it_is_rejected(self, shop: Shop, kind: str, payload: dict[str, Any], reason: str) -> None:
        assert events.apply(shop.desk, "e", kind, payload) == Rejected(reason)
        assert shop.rows("SELECT id FROM incoming_events") == []

    @pytest.mark.parametrize("event_id", ["", "x" * 81])
    def test_an_id_must_fit(self, shop: Shop, event_id: str) -> None:
        assert events.apply(shop.desk, event_id, "warehouse.canceled", {"order": "1"}) == Rejected("bad_id")

    def test_an_id_used_for_other_content_is_rejected(self, shop: Shop) -> None:
        events.apply(shop.desk, "e", "warehouse.canceled", {"order": "1"})
        assert events.apply(shop.desk, "e", "warehouse.canceled", {"order": "2"}) == Rejected("changed_content")
        assert events.apply(shop.desk, "e", "carrier.delivered", {"order": "1"}) == Rejected("changed_content")
