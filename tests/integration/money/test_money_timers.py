"""Timers do what they were set for, once, at their time and not before."""

from __future__ import annotations

import pytest
from money_shop import Shop, violations

from madoguchi.services import resolve, timers, worker
from madoguchi.services.wishes import Tell, Wish


class TestTheSellersClock:
    """Rule 14: 48 hours, not a minute less."""

    @pytest.fixture
    def order(self, shop: Shop) -> str:
        customer, talk = shop.customer()
        order = shop.order(customer, 148_000, seller=True)
        shop.agree(talk, kind="seller_stockout", order_number=order)
        return order

    def test_at_47_h_59_min_nothing_happens(self, shop: Shop, order: str) -> None:
        shop.clock.move(hours=47, minutes=59)
        assert timers.run_due(shop.desk) == 0
        assert shop.rows("SELECT id FROM guarantee_claims") == []

    def test_at_48_h_the_guarantee_pays_to_the_gift_balance(self, shop: Shop, order: str) -> None:
        shop.clock.move(hours=48)
        assert timers.run_due(shop.desk) == 1
        assert shop.value("SELECT amount FROM guarantee_claims") == 148_000
        assert shop.value("SELECT SUM(balance) FROM accounts") == 148_000
        assert shop.rows("SELECT state FROM refunds") == [("voided",)]
        assert shop.value("SELECT body FROM notices").count("148,000円") == 1
        assert timers.run_due(shop.desk) == 0
        assert violations(shop) == []

    def test_a_frozen_order_is_for_a_human_first(self, shop: Shop, order: str) -> None:
        with shop.store.writing() as session:
            session.connection().exec_driver_sql("UPDATE orders SET frozen_at = placed_at")
        shop.clock.move(hours=49)
        timers.run_due(shop.desk)
        assert shop.rows("SELECT id FROM guarantee_claims") == []
        assert shop.value("SELECT owner FROM conversations") == "waiting"


class TestAReturnThatDoesNotCome:
    """Rule 19: a reminder after 14 days, the end after 30."""

    @pytest.fixture
    def order(self, shop: Shop) -> str:
        customer, talk = shop.customer()
        order = shop.order(customer, state="delivered")
        shop.agree(talk, kind="defect", order_number=order)
        return order

    def test_reminded_once_and_ended_once(self, shop: Shop, order: str) -> None:
        shop.clock.move(days=13, hours=23)
        assert timers.run_due(shop.desk) == 0
        shop.clock.move(hours=1)
        assert timers.run_due(shop.desk) == 1
        assert shop.rows("SELECT kind FROM notices") == [("return_reminder",)]
        shop.clock.move(days=16)
        assert timers.run_due(shop.desk) == 1
        assert shop.rows("SELECT kind FROM notices ORDER BY id") == [("return_reminder",), ("return_expired",)]
        assert shop.value("SELECT state FROM return_authorizations") == "expired"
        assert shop.rows("SELECT taken FROM return_units WHERE taken") == []

    def test_a_parcel_that_came_is_not_asked_for(self, shop: Shop, order: str) -> None:
        from madoguchi.services import returns

        returns.receive_parcel(shop.desk, shop.rma(order), "scan")
        shop.clock.move(days=31)
        timers.run_due(shop.desk)
        assert shop.rows("SELECT kind FROM notices") == [("parcel_received",)]
        assert shop.value("SELECT state FROM return_authorizations") == "received"

    def test_after_a_long_sleep_both_are_done_in_order(self, shop: Shop, order: str) -> None:
        shop.clock.move(days=100)
        worker.run_once(shop.desk)
        assert shop.value("SELECT state FROM return_authorizations") == "expired"
        assert shop.rows("SELECT id FROM timers WHERE done_at IS NULL") == []


class TestAParcelThatIsNotThere:
    """Rule 16: the customer is told once the wait is over; money needs their yes."""

    def test_told_and_not_paid(self, shop: Shop) -> None:
        customer, talk = shop.customer()
        order = shop.order(customer, state="delivered", delivered_days_ago=1)
        waiting = resolve.consider(shop.desk, talk, Wish(kind="not_delivered", order_number=order))
        assert isinstance(waiting, Tell)
        assert shop.value("SELECT COUNT(*) FROM timers") == 1

        shop.clock.move(days=3)
        assert timers.run_due(shop.desk) == 1

        assert shop.rows("SELECT kind FROM notices") == [("parcel_missing",)]
        assert shop.rows("SELECT id FROM refunds") == []
        shop.agree(talk, kind="not_delivered", order_number=order)
        assert shop.value("SELECT state FROM refunds") == "sent"
        assert violations(shop) == []


def test_a_timer_whose_worker_died_is_taken_up_after_its_lease(shop: Shop) -> None:
    customer, talk = shop.customer()
    shop.agree(talk, kind="defect", order_number=shop.order(customer, state="delivered"))
    shop.clock.move(days=15)
    assert timers._claim(shop.desk) is not None  # a worker that dies right after

    assert timers.run_due(shop.desk) == 0
    shop.clock.move(seconds=61)
    assert timers.run_due(shop.desk) == 1
    assert shop.rows("SELECT kind FROM notices") == [("return_reminder",)]
