"""Races: whoever comes at the same time, one effect comes of it. Counts are small here, full under `make prove`."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable
from typing import Any

from money_shop import Shop, violations

from madoguchi.services import events, outbox, resolve, timers, worker
from madoguchi.services.wishes import Done, Wish

PROVE = bool(os.environ.get("MADOGUCHI_PROVE"))
RIVALS = 32


def at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Run `work` in so many threads that start together; return what each returned or raised."""
    results: list[Any] = [None] * count
    start = threading.Barrier(count)

    def run(number: int) -> None:
        start.wait()
        try:
            results[number] = work(number)
        except Exception as error:  # noqa: BLE001 — whatever is raised is the finding
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_32_threads_confirm_the_same_intent(shop: Shop) -> None:
    customer, talk = shop.customer()
    for _ in range(1_000 if PROVE else 8):
        order = shop.order(customer, 1_000)
        key = shop.propose(talk, kind="cancel", order_number=order)
        answers = at_once(RIVALS, lambda _, key=key: resolve.confirm(shop.desk, talk, key))
        assert all(isinstance(answer, Done) for answer in answers), answers
        assert all(answer == answers[0] for answer in answers)
        assert shop.value("SELECT COUNT(*) FROM refunds WHERE order_number = :o", o=order) == 1
        assert shop.processor.sent_back(f"pay:{order}:card") == 1_000
    assert violations(shop) == []


def test_32_different_wishes_for_the_same_money(shop: Shop) -> None:
    """Two talks of one customer with a proposal each for the same order: the money goes once."""
    for _ in range(100 if PROVE else 5):
        customer, talk = shop.customer()
        order = shop.order(customer, 1_000, 2_000)
        whole = shop.propose(talk, kind="cancel", order_number=order)
        lines = shop.rows("SELECT id FROM order_lines WHERE order_number = :o", o=order)
        wish = Wish(kind="withdraw", order_number=order)
        at_once(
            RIVALS,
            lambda number, whole=whole, wish=wish, talk=talk: (
                resolve.confirm(shop.desk, talk, whole) if number % 2 else resolve.consider(shop.desk, talk, wish)
            ),
        )
        assert len(lines) == 2
        assert shop.value("SELECT COALESCE(SUM(amount), 0) FROM refunds WHERE order_number = :o", o=order) == 3_000
    assert violations(shop) == []


def test_a_double_click_at_any_distance_is_one_refund(shop: Shop) -> None:
    customer, talk = shop.customer()
    chance = random.Random(4)
    for _ in range(1_000 if PROVE else 10):
        order = shop.order(customer, 1_000)
        key = shop.propose(talk, kind="cancel", order_number=order)
        gap = chance.uniform(0, 0.5 if PROVE else 0.05)

        def click(number: int, key: str = key, gap: float = gap) -> Any:
            time.sleep(gap * number)
            return resolve.confirm(shop.desk, talk, key)

        assert all(isinstance(answer, Done) for answer in at_once(2, click))
        assert shop.value("SELECT COUNT(*) FROM refunds WHERE order_number = :o", o=order) == 1
    assert violations(shop) == []


def test_8_workers_send_each_refund_once(shop: Shop) -> None:
    customer, talk = shop.customer()
    shop.processor.misbehave("*", "unavailable")
    orders = [shop.order(customer, 1_000) for _ in range(200 if PROVE else 12)]
    for order in orders:
        shop.agree(talk, kind="cancel", order_number=order)
    shop.processor.behave()
    shop.clock.move(hours=1)

    results = at_once(8, lambda _: outbox.send_due(shop.desk, limit=1_000))

    assert sum(results) == len(orders), results
    assert shop.rows("SELECT DISTINCT state FROM refunds") == [("sent",)]
    assert all(shop.processor.sent_back(f"pay:{order}:card") == 1_000 for order in orders)
    assert violations(shop) == []


def test_8_workers_work_off_each_timer_once(shop: Shop) -> None:
    customer, talk = shop.customer()
    for _ in range(50 if PROVE else 6):
        shop.agree(talk, kind="seller_stockout", order_number=shop.order(customer, 5_000, seller=True))
    due = shop.value("SELECT COUNT(*) FROM timers")
    shop.clock.move(hours=49)

    results = at_once(8, lambda _: timers.run_due(shop.desk))

    assert sum(results) == due, results
    assert shop.value("SELECT COUNT(*) FROM guarantee_claims") == due
    assert violations(shop) == []


def test_doubled_and_reordered_callbacks_add_no_row(shop: Shop) -> None:
    """The processor's word comes from many sides while our own calls are being made."""
    customer, talk = shop.customer()
    shop.processor.misbehave("*", "unavailable")
    for _ in range(100 if PROVE else 6):
        shop.agree(talk, kind="cancel", order_number=shop.order(customer, 1_000))
    shop.processor.behave()
    shop.clock.move(hours=1)
    keys = [row[0] for row in shop.rows("SELECT key FROM refunds")]
    chance = random.Random(7)
    told = [(key, f"s-{key}-{number % 5}") for key in keys for number in range(50 if PROVE else 10)]
    chance.shuffle(told)

    def work(number: int) -> Any:
        if number == 0:
            return worker.run_once(shop.desk)
        mine = told[number - 1 :: 7]
        return [
            events.apply(shop.desk, event[-80:], "processor.refund_settled", {"refund": key}) for key, event in mine
        ]

    results = at_once(8, work)

    assert not [result for result in results if isinstance(result, Exception)], results
    worker.run_once(shop.desk)
    assert shop.rows("SELECT DISTINCT state FROM refunds") == [("settled",)]
    assert shop.value("SELECT COUNT(*) FROM refunds") == len(keys)
    assert shop.value("SELECT COUNT(*) FROM ledger WHERE credit = 'cash:card'") == len(keys)
    assert violations(shop) == []


def test_the_same_scan_from_32_sides_pays_once(shop: Shop) -> None:
    customer, talk = shop.customer()
    for race in range(50 if PROVE else 4):
        order = shop.order(customer, 3_000, state="delivered")
        done = resolve.consider(shop.desk, talk, Wish(kind="change_of_mind", order_number=order, condition="unopened"))
        resolve.confirm(shop.desk, talk, done.intent_key)  # type: ignore[union-attr]
        rma = shop.rma(order)
        answers = at_once(
            RIVALS,
            lambda number, rma=rma, race=race: events.apply(
                shop.desk, f"scan-{race}-{number % 4}", "warehouse.parcel_scanned", {"rma": rma}
            ),
        )
        outcomes = [getattr(answer, "outcome", repr(answer)) for answer in answers]
        assert set(outcomes) <= {"done", "declined:parcel_already_received"}, outcomes
        assert shop.value("SELECT COUNT(*) FROM refunds WHERE order_number = :o", o=order) == 1
    assert violations(shop) == []


def test_thousands_of_transactions_never_meet_a_lock(shop: Shop) -> None:
    """SQLite's lock upgrades and PostgreSQL's deadlocks: none reaches a caller."""
    customer, talk = shop.customer()
    orders = [shop.order(customer, 1_000) for _ in range(8)]
    turns = 2_000 if PROVE else 15

    def work(number: int) -> str:
        for _ in range(turns):
            resolve.consider(shop.desk, talk, Wish(kind="cancel", order_number=orders[number]))
        return "fine"

    assert at_once(8, work) == ["fine"] * 8
    assert violations(shop) == []


def test_two_claims_in_the_same_instant_are_counted_one_after_the_other(shop: Shop) -> None:
    """The third claim is a human's: of two that are agreed to at once behind a first one, one is the third."""
    for _ in range(50 if PROVE else 8):
        customer, talk = shop.customer()
        orders = [shop.order(customer, 1_000, state="delivered") for _ in range(3)]
        shop.agree(talk, kind="defect", order_number=orders[0])
        keys = [shop.propose(talk, kind="defect", order_number=order) for order in orders[1:]]
        answers = at_once(2, lambda number, keys=keys, talk=talk: resolve.confirm(shop.desk, talk, keys[number]))
        assert sorted(isinstance(answer, Done) for answer in answers) == [False, True], answers
    assert violations(shop) == []
