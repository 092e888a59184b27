"""SIGKILL at every commit of a saga and at random instants under load: nothing lost, doubled or stuck."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import chaos_child
import pytest
from money_shop import NOON, Clock, Shop, violations

from madoguchi.services import resolve, worker
from madoguchi.services.wishes import Done, Propose, Wish
from madoguchi.store import Store

PROVE = bool(os.environ.get("MADOGUCHI_PROVE"))
KILLS = 1_000 if PROVE else 12
MOST_COMMITS = 60


PROCESSES = multiprocessing.get_context("fork")
"""A child is a copy of this process and starts at once; every connection is closed before it is made."""


@pytest.fixture
def shop(sqlite_store: Store) -> Shop:
    return Shop(sqlite_store)


def address(shop: Shop) -> str:
    return shop.store.url.render_as_string(hide_password=False)


def let_go(shop: Shop) -> None:
    """Close every connection: none may be shared with a child."""
    shop.store.close()
    shop.processor.close()


def after_restart(shop: Shop) -> None:
    """One worker pass, once the dead process's leases have run out."""
    shop.clock.move(minutes=3)
    shop.processor.behave()
    worker.run_once(shop.desk)


def kill_at_every_commit(
    shop: Shop,
    prepare: Callable[[], tuple[str, tuple[str, ...]]],
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield after each kill: the number of the commit that never came, and what the job was about."""
    for number in range(MOST_COMMITS):
        job, arguments = prepare()
        let_go(shop)
        child = PROCESSES.Process(
            target=chaos_child.die_at_commit, args=(address(shop), shop.clock.now, number, job, arguments)
        )
        child.start()
        child.join(60)
        assert child.exitcode in (0, -signal.SIGKILL), child.exitcode
        yield number, arguments
        if child.exitcode == 0:
            assert number > 3, "the job has more commits than that: nothing was proved"
            return
    raise AssertionError("the job never ended: raise MOST_COMMITS")


def test_a_confirmed_cancellation_survives_a_kill_at_every_commit(
    shop: Shop,
) -> None:
    customer, talk = shop.customer()
    orders: list[str] = []

    def prepare() -> tuple[str, tuple[str, ...]]:
        orders.append(shop.order(customer, 1_000))
        return "confirm", (talk, shop.propose(talk, kind="cancel", order_number=orders[-1]))

    for number, (_, key) in kill_at_every_commit(shop, prepare):
        after_restart(shop)
        if shop.value("SELECT recovery_point FROM intents WHERE key = :k", k=key) == "proposed":
            assert number == 0  # the yes itself was lost, so nothing at all has happened
            assert shop.rows("SELECT id FROM refunds WHERE order_number = :o", o=orders[-1]) == []
            resolve.confirm(shop.desk, talk, key)
        assert shop.value("SELECT recovery_point FROM intents WHERE key = :k", k=key) == "finished", number
        assert shop.rows("SELECT state, amount FROM refunds WHERE order_number = :o", o=orders[-1]) == [("sent", 1_000)]
        assert shop.processor.sent_back(f"pay:{orders[-1]}:card") == 1_000
        assert isinstance(resolve.confirm(shop.desk, talk, key), Done)
        assert violations(shop) == []


def test_a_reorder_survives_a_kill_at_every_commit(
    shop: Shop,
) -> None:
    customer, talk = shop.customer()
    orders: list[str] = []

    def prepare() -> tuple[str, tuple[str, ...]]:
        orders.append(shop.order(customer, 1_000, state="delivered", stock=5))
        step = resolve.consider(shop.desk, talk, Wish(kind="reorder", order_number=orders[-1]))
        assert isinstance(step, Propose), step
        return "confirm", (talk, step.intent_key)

    for number, (_, key) in kill_at_every_commit(shop, prepare):
        after_restart(shop)
        if number == 0:
            resolve.confirm(shop.desk, talk, key)
        assert shop.value("SELECT recovery_point FROM intents WHERE key = :k", k=key) == "finished", number
        made = shop.rows("SELECT number FROM orders WHERE reordered_from = :o", o=orders[-1])
        assert len(made) == 1, number
        assert shop.rows("SELECT captured FROM payments WHERE order_number = :o", o=made[0][0]) == [(1_000,)]
        stock = "SELECT v.stock FROM variants v JOIN order_lines l ON l.variant_id = v.id WHERE l.order_number = :o"
        assert shop.value(stock, o=orders[-1]) == 4
        assert violations(shop) == []


def test_a_scanned_parcel_survives_a_kill_at_every_commit(
    shop: Shop,
) -> None:
    orders: list[str] = []

    def prepare() -> tuple[str, tuple[str, ...]]:
        customer, talk = shop.customer()
        orders.append(shop.order(customer, 1_000, state="delivered"))
        shop.agree(talk, kind="defect", order_number=orders[-1])
        return "scan", (shop.rma(orders[-1]),)

    for _, (rma,) in kill_at_every_commit(shop, prepare):
        after_restart(shop)
        chaos_child.scan(shop, rma)  # the warehouse had no answer, so it sends the same again
        assert shop.rows("SELECT state, amount FROM refunds WHERE order_number = :o", o=orders[-1]) == [("sent", 1_000)]
        assert violations(shop) == []


def test_a_worker_killed_over_timers_leaves_none_undone(
    shop: Shop,
) -> None:
    orders: list[str] = []

    def prepare() -> tuple[str, tuple[str, ...]]:
        customer, talk = shop.customer()
        orders.append(shop.order(customer, 5_000, seller=True))
        shop.agree(talk, kind="seller_stockout", order_number=orders[-1])
        shop.clock.move(hours=49)
        return "worker", ()

    for _ in kill_at_every_commit(shop, prepare):
        after_restart(shop)
        assert shop.value("SELECT COUNT(*) FROM guarantee_claims") == len(orders)
        assert shop.rows("SELECT id FROM timers WHERE done_at IS NULL AND due_at < :n", n=str(shop.clock.now)) == []
        assert violations(shop) == []


def test_kills_at_random_instants_under_load(
    sqlite_store: Store,
) -> None:
    chance = random.Random(11)
    clock = Clock(NOON)
    shop = Shop(sqlite_store, clock)
    promised: list[str] = []
    for kill in range(KILLS):
        let_go(shop)
        hear, say = multiprocessing.Pipe(duplex=False)
        child = PROCESSES.Process(target=chaos_child.work_until_killed, args=(address(shop), clock.now, kill + 1, say))
        child.start()
        say.close()
        assert hear.poll(60), "the child never got to work"
        time.sleep(chance.uniform(0, 0.4))
        os.kill(child.pid or 0, signal.SIGKILL)
        child.join()
        promised += _heard(hear)
        after_restart(shop)
        _nothing_is_stuck(shop)
        assert violations(shop) == [], kill
        clock.now += timedelta(minutes=1)
    assert len(promised) >= KILLS
    kept = {row[0] for row in shop.rows("SELECT key FROM intents WHERE recovery_point = 'finished'")}
    assert set(promised) <= kept


def _heard(hear: multiprocessing.connection.Connection) -> list[str]:
    heard: list[str] = []
    while True:
        try:
            heard.append(hear.recv())
        except (EOFError, OSError):
            return heard


def _nothing_is_stuck(shop: Shop) -> None:
    # Two passes: what the first one had to ask about it may call again in the second.
    worker.run_once(shop.desk)
    half = shop.rows(
        "SELECT key, recovery_point FROM intents WHERE recovery_point NOT IN ('proposed', 'dropped', 'finished')"
    )
    assert half == []
    assert shop.rows("SELECT key, state FROM refunds WHERE state IN ('pending', 'failed')") == []
    assert shop.rows("SELECT key FROM outbox WHERE state = 'ready' AND kind <> 'mail'") == []
