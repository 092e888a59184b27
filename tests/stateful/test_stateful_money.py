"""A state machine over the services: whatever customers, warehouse, sellers, processor and clock do, in any order,
the invariants of the policy hold after every step, read from the database and not from objects.
"""

from __future__ import annotations

import functools
import itertools
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from money_databases import fresh_store
from money_shop import NOON, Clock, Shop, violations
from sqlalchemy import text

from madoguchi.policy.requests import EVENTS, RequestKind
from madoguchi.policy.vocabulary import Condition, InspectionResult, RefundMethod, SellerAnswer
from madoguchi.services import events, resolve, worker
from madoguchi.services.wishes import Done, Propose, Wish

PROVE = bool(os.environ.get("MADOGUCHI_PROVE"))
RUNS = {"sqlite": 20_000 if PROVE else 2_000, "postgresql": 2_000 if PROVE else 40}
STEPS = 30
KINDS = [kind.value for kind in RequestKind if kind not in EVENTS | {RequestKind.EXCHANGE}] + ["reorder"]
WAYS = [
    {"card": 1.0}, {"gift_balance": 1.0}, {"convenience_store": 1.0}, {"card": 0.6, "gift_balance": 0.4},
    {"wallet": 0.5, "card": 0.5},
]  # fmt: skip


class Money(RuleBasedStateMachine):
    """Customers with orders and memberships, and everything that can befall them."""

    database = "sqlite"

    @initialize()
    def open_the_shop(self) -> None:
        self.shop = empty_shop(self.database)
        self.people = [self.shop.customer() for _ in range(2)]
        self.orders: list[tuple[str, str]] = []  # the talk it belongs to, its number
        self.keys: list[tuple[str, str]] = []  # the talk, a proposal of it
        self.answers: dict[str, Done] = {}
        self.sent: list[tuple[str, str, dict[str, Any]]] = []

    @rule(
        person=st.integers(0, 1),
        prices=st.lists(st.integers(1, 210_000), min_size=1, max_size=3),
        state=st.sampled_from(["placed", "preparing", "shipped", "delivered", "delivered"]),
        way=st.sampled_from(WAYS),
        fee=st.sampled_from([0, 550]),
        seller=st.booleans(),
        quantity=st.integers(1, 2),
        days=st.sampled_from([0, 5, 30, 31]),
    )
    def order(
        self, person: int, prices: list[int], state: str, way: dict[str, float], fee: int, seller: bool, quantity: int,
        days: int,
    ) -> None:  # fmt: skip
        customer, talk = self.people[person]
        total = sum(prices) * quantity + fee
        paid = {method: int(total * share) for method, share in way.items()}
        paid[next(iter(paid))] += total - sum(paid.values())
        number = self.shop.order(
            customer, *prices, state=state, paid=paid, quantity=quantity, fee=fee, seller=seller, stock=2,
            delivered_days_ago=days,
        )  # fmt: skip
        self.orders.append((talk, number))

    @precondition(lambda self: self.orders)
    @rule(
        which=st.integers(0, 99),
        kind=st.sampled_from(KINDS),
        condition=st.sampled_from([None, *(each.value for each in Condition)]),
        method=st.sampled_from([None, None, *(each.value for each in RefundMethod)]),
        whole=st.booleans(),
        quantity=st.sampled_from([None, 1]),
    )
    def wish(
        self, which: int, kind: str, condition: str | None, method: str | None, whole: bool, quantity: int | None
    ) -> None:
        talk, number = self.orders[which % len(self.orders)]
        lines = self.shop.rows("SELECT id FROM order_lines WHERE order_number = :o ORDER BY id", o=number)
        line = None if whole else f"line:{lines[which % len(lines)][0]}"
        wish = Wish(
            kind=kind, order_number=number, line=line, condition=condition, refund_method=method, quantity=quantity,
            whole_order=whole,
        )  # fmt: skip
        step = resolve.consider(self.shop.desk, talk, wish)
        if isinstance(step, Propose):
            self.keys.append((talk, step.intent_key))

    @rule(person=st.integers(0, 1), used=st.booleans(), days=st.sampled_from([2, 30, 31]), at_once=st.booleans(),
          kind=st.sampled_from(["accidental_signup", "leave_membership"]))  # fmt: skip
    def membership(self, person: int, used: bool, days: int, at_once: bool, kind: str) -> None:
        customer, talk = self.people[person]
        number = self.shop.membership(customer, used=used, days=days)
        wish = Wish(kind=kind, membership=f"membership:{number}", at_once=at_once)
        step = resolve.consider(self.shop.desk, talk, wish)
        if isinstance(step, Propose):
            self.keys.append((talk, step.intent_key))

    @precondition(lambda self: self.keys)
    @rule(which=st.integers(0, 99))
    def say_yes(self, which: int) -> None:
        talk, key = self.keys[-1 - which % len(self.keys)]
        answer = resolve.confirm(self.shop.desk, talk, key)
        if isinstance(answer, Done):
            self.answers.setdefault(key, answer)

    @precondition(lambda self: self.keys)
    @rule(which=st.integers(0, 99))
    def say_no(self, which: int) -> None:
        talk, key = self.keys[-1 - which % len(self.keys)]
        resolve.drop(self.shop.desk, talk, key)

    @precondition(lambda self: self.keys)
    @rule(which=st.integers(0, 99))
    def a_stranger_says_yes(self, which: int) -> None:
        talk, key = self.keys[-1 - which % len(self.keys)]
        stranger = next(other for _, other in self.people if other != talk)
        before = self.shop.value("SELECT COUNT(*) FROM effects")
        assert not isinstance(resolve.confirm(self.shop.desk, stranger, key), Done)
        assert self.shop.value("SELECT COUNT(*) FROM effects") == before

    @precondition(lambda self: self.orders)
    @rule(
        which=st.integers(0, 99),
        kind=st.sampled_from(["warehouse.canceled", "warehouse.shipped", "carrier.delivered", "seller.answer"]),
        answer=st.sampled_from(list(SellerAnswer)),
    )
    def word_on_an_order(self, which: int, kind: str, answer: SellerAnswer) -> None:
        payload: dict[str, Any] = {"order": self.orders[which % len(self.orders)][1]}
        if kind == "seller.answer":
            payload["answer"] = answer.value
        self._tell(kind, payload)

    @rule(which=st.integers(0, 99), result=st.sampled_from([None, *InspectionResult]))
    def word_on_a_return(self, which: int, result: InspectionResult | None) -> None:
        numbers = self.shop.rows("SELECT number FROM return_authorizations ORDER BY id")
        if numbers:
            rma = numbers[which % len(numbers)][0]
            if result is None:
                self._tell("warehouse.parcel_scanned", {"rma": rma})
            else:
                self._tell("warehouse.inspected", {"rma": rma, "result": result.value})

    @rule(which=st.integers(0, 99), failed=st.booleans())
    def word_on_a_refund(self, which: int, failed: bool) -> None:
        # A processor speaks only of what it has.
        known = self.shop.rows("SELECT key FROM refunds WHERE state IN ('sent', 'settled') ORDER BY id")
        if known:
            kind = "processor.refund_failed" if failed else "processor.refund_settled"
            self._tell(kind, {"refund": known[which % len(known)][0]})

    @precondition(lambda self: self.sent)
    @rule(which=st.integers(0, 99))
    def the_same_word_again(self, which: int) -> None:
        name, kind, payload = self.sent[which % len(self.sent)]
        before = self.shop.value("SELECT COUNT(*) FROM audit")
        answer = events.apply(self.shop.desk, name, kind, payload)
        assert isinstance(answer, events.Applied)
        assert answer.duplicate
        assert self.shop.value("SELECT COUNT(*) FROM audit") == before

    @rule(how=st.sampled_from(["refuse", "unavailable", "lost_reply", "twice"]))
    def the_processor_misbehaves(self, how: Any) -> None:
        self.shop.processor.misbehave("*", how, times=1)

    @rule(hours=st.sampled_from([1, 24, 48, 15 * 24]))
    def time_passes(self, hours: int) -> None:
        self.shop.clock.move(hours=hours)

    @rule()
    def the_worker_comes_by(self) -> None:
        _, trouble = worker.run_once(self.shop.desk)
        assert not trouble

    @invariant()
    def the_books_are_right(self) -> None:
        if hasattr(self, "shop"):
            assert violations(self.shop) == []

    def teardown(self) -> None:
        if not hasattr(self, "shop"):
            return
        self.shop.processor.behave()
        for _ in range(3):
            self.shop.clock.move(hours=2)
            _, trouble = worker.run_once(self.shop.desk)
            assert not trouble
        self._nothing_is_stuck()
        for key, answer in self.answers.items():
            talk = next(talk for talk, each in self.keys if each == key)
            again = resolve.confirm(self.shop.desk, talk, key)
            assert isinstance(again, Done), again
            assert again.values.get("rma") == answer.values.get("rma")
            assert again.values["amount"] == answer.values["amount"]
        assert violations(self.shop) == []

    def _nothing_is_stuck(self) -> None:
        waiting = (
            "SELECT o.key, o.state, o.last_error FROM outbox o LEFT JOIN refunds r ON r.key = o.key"
            " LEFT JOIN orders d ON d.number = r.order_number"
            " WHERE o.state = 'ready' AND o.kind IN ('card_refund', 'card_charge') AND d.frozen_at IS NULL"
        )
        assert self.shop.rows(waiting) == []

    def _tell(self, kind: str, payload: dict[str, Any]) -> None:
        name = f"evt-{len(self.sent)}"
        self.sent.append((name, kind, payload))
        assert isinstance(events.apply(self.shop.desk, name, kind, payload), events.Applied)


def empty_shop(database: str) -> Shop:
    """Return the one shop of a database, emptied; its engine is kept, for it knows the statements by now."""
    shop, snapshot = _only_shop(database)
    if database == "sqlite":
        shop.store.close()
        shop.processor.close()
        path = Path(shop.store.url.database or "")
        for old in path.parent.glob("*.db*"):
            old.unlink()
        for fresh in snapshot.iterdir():
            shutil.copy(fresh, path.parent / fresh.name)
    else:
        with shop.store.engine.begin() as connection:
            connection.execute(text(f"TRUNCATE {_tables(shop)} RESTART IDENTITY CASCADE"))
    shop.clock.now = NOON
    shop._numbers = itertools.count(1)
    return shop


@functools.cache
def _only_shop(database: str) -> tuple[Shop, Path]:
    memory = Path("/dev/shm")  # a proof of order, not of durability: the chaos tests do that on a disk
    base = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="madoguchi-stateful-", dir=base))
    shop = Shop(fresh_store(database, folder), Clock())
    shop.processor.behave()  # makes its tables
    snapshot = Path(tempfile.mkdtemp(prefix="madoguchi-snapshot-", dir=base))
    if database == "sqlite":
        shop.store.close()
        shop.processor.close()
        for path in folder.glob("*.db"):
            shutil.copy(path, snapshot / path.name)
    return shop, snapshot


def _tables(shop: Shop) -> str:
    rows = shop.rows(
        "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname IN ('public', 'processor')"
        " AND tablename NOT IN ('alembic_version', 'spatial_ref_sys')"
    )
    return ", ".join(row[0] for row in rows)


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_the_invariants_hold_whatever_happens(database: str) -> None:
    machine = type(f"Money_{database}", (Money,), {"database": database})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=RUNS[database],
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
            derandomize=not PROVE,
            database=None,
        ),
    )
