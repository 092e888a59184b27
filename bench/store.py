"""How fast the store is: `python -m bench.store [--orders 1000000] [--on sqlite postgresql] [--folder DIR]`.

On each kind of database it imports 1,000 orders into one store and a million into another, and then measures both in
turn, sample by sample, so that what else the machine does meets both alike: `plan` (a wish considered: facts,
decision, proposal), `perform` (the one transaction that performs what was agreed) and the whole yes with the
processor's call. Bars: on SQLite at the large size p95 of plan is at most 5 ms and of perform 15 ms, and neither is
over 1.3 times its figure at 1,000 orders. Exit 1 where one is missed.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from bench.databases import address
from madoguchi.bootstrap import Settings, loaded
from madoguchi.payments import build_processor
from madoguchi.policy.terms_file import load_terms
from madoguchi.services import importing, resolve, saga
from madoguchi.services.desk import Desk
from madoguchi.services.wishes import Propose, Wish
from madoguchi.store import Conversation, Customer, Store
from madoguchi.store.migrate import upgrade

SMALL = 1_000
SAMPLES = 300
WARM_UP = 30
PLAN_MS, PERFORM_MS, GROWTH = 5.0, 15.0, 1.3
CUSTOMERS_PER_ORDER = 0.2


@dataclass
class Measured:
    """The seconds that were measured at one size."""

    size: int
    desk: Desk
    plan: list[float] = field(default_factory=list)
    perform: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        """Return the percentiles in words."""
        told = (("plan", self.plan), ("perform", self.perform), ("whole yes", self.whole))
        return ", ".join(f"{name} p50 {_ms(taken, 50):.1f} ms p95 {_ms(taken, 95):.1f} ms" for name, taken in told)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the measurement and return the exit code."""
    parser = argparse.ArgumentParser(prog="bench.store", description="Measure plan and perform.")
    parser.add_argument("--orders", type=int, default=1_000_000, help="the large size")
    parser.add_argument("--on", nargs="+", choices=("sqlite", "postgresql"), default=["sqlite", "postgresql"])
    parser.add_argument("--folder", type=Path, help="where the databases are made")
    given = parser.parse_args(arguments)
    loaded()
    right = True
    for database in given.on:
        with tempfile.TemporaryDirectory(prefix="madoguchi-bench-", dir=given.folder) as folder:
            small, large = (_filled(database, Path(folder), size) for size in (SMALL, given.orders))
            _measure(small, large)
        print(f"{database} at {small.size:,}: {small}\n{database} at {large.size:,}: {large}", flush=True)
        if database == "sqlite":
            right = _within_the_bars(small, large)
    return 0 if right else 1


def _filled(database: str, folder: Path, size: int) -> Measured:
    """Return a desk on a store of this many orders, which were imported as a shop imports its own."""
    store = Store(address(database, folder, f"store_{size}"))
    upgrade(store)
    started = time.perf_counter()
    orders = _write(folder / f"{size}.jsonl", size)
    report = importing.load(store, orders, on_refused=lambda row: sys.exit(f"refused: {row}"))
    seconds = time.perf_counter() - started
    print(
        f"{database}: imported {report.taken:,} orders in {seconds:.0f} s, peak memory {_peak_mb():.0f} MB", flush=True
    )
    terms = load_terms("data/policies/shop.yml")
    return Measured(size, Desk(store, terms, build_processor(Settings(processor="builtin"), store)))


def _measure(*sizes: Measured) -> None:
    chance = random.Random(SMALL)
    orders = [chance.sample(range(each.size), SAMPLES * 2 + WARM_UP) for each in sizes]
    for number, sampled in enumerate(zip(*orders, strict=True)):
        for measured, order in zip(sizes, sampled, strict=True):
            _sample(measured, order, number)
    for measured in sizes:
        measured.desk.store.close()


def _sample(measured: Measured, order: int, number: int) -> None:
    """Consider a wish and perform it, in one transaction watched by itself or as the whole yes in turn."""
    desk, talk = measured.desk, _talk(measured.desk, order)
    wish = Wish(kind="cancel", order_number=_number(order), refund_method="gift_balance" if order % 2 else None)
    started = time.perf_counter()
    step = resolve.consider(desk, talk, wish)
    planned = time.perf_counter()
    if not isinstance(step, Propose):
        raise RuntimeError(f"a fresh order can be canceled, but the answer was {step}")
    performed = _perform_only(desk, talk, step.intent_key) if number % 2 else None
    before = time.perf_counter()
    if performed is None:
        resolve.confirm(desk, talk, step.intent_key)
    if number < WARM_UP:
        return
    measured.plan.append(planned - started)
    if performed is not None:
        measured.perform.append(performed)
    else:
        measured.whole.append(time.perf_counter() - before)


def _perform_only(desk: Desk, talk: str, key: str) -> float:
    """Confirm, and return the seconds of the one transaction that performs the plan."""
    original = saga._perform
    taken: list[float] = []

    def timed(*arguments: Any) -> None:
        started = time.perf_counter()
        original(*arguments)
        taken.append(time.perf_counter() - started)

    saga._perform = timed
    try:
        resolve.confirm(desk, talk, key)
    finally:
        saga._perform = original
    return taken[0]


def _within_the_bars(small: Measured, large: Measured) -> bool:
    bars = {
        "plan p95": (_ms(large.plan, 95), PLAN_MS),
        "perform p95": (_ms(large.perform, 95), PERFORM_MS),
        "plan p95, growth": (_ms(large.plan, 95) / _ms(small.plan, 95), GROWTH),
        "perform p95, growth": (_ms(large.perform, 95) / _ms(small.perform, 95), GROWTH),
    }
    for name, (got, bar) in bars.items():
        print(f"{'met   ' if got <= bar else 'MISSED'} {name}: {got:.2f}, bar {bar}")
    return all(got <= bar for got, bar in bars.values())


def _ms(seconds: Sequence[float], percentile: int) -> float:
    return statistics.quantiles(seconds, n=100)[percentile - 1] * 1000


def _talk(desk: Desk, order: int) -> str:
    """Open a conversation of the order's customer."""
    name = f"bench-{order}-{time.perf_counter_ns()}"[:36]
    with desk.store.writing() as session:
        customer = session.scalars(select(Customer.id).where(Customer.reference == _customer(order))).one()
        session.add(Conversation(id=name, customer_id=customer, opened_at=desk.clock(), last_at=desk.clock()))
    return name


def _write(path: Path, size: int) -> Path:
    with path.open("w", encoding="utf-8") as file:
        for order in _orders(size):
            file.write(json.dumps(order, ensure_ascii=False) + "\n")
    return path


def _orders(size: int) -> Iterator[dict[str, Any]]:
    placed_at = datetime.now(UTC) - timedelta(days=2)
    chance = random.Random(size)
    for number in range(size):
        price = chance.randrange(300, 60_000)
        customer = _customer(number)
        yield {
            "number": _number(number),
            "customer": {"reference": customer, "name": "客", "email": f"{customer}@example.jp"},
            "state": "placed",
            "placed_at": (placed_at - timedelta(seconds=chance.randrange(86_400))).isoformat(),
            "lines": [{"sku": f"sku-{price % 5000}", "title": f"商品{price % 5000}", "unit_price": price}],
            "payments": [
                {"reference": f"ch-{number}", "method": "card", "amount": price, "account": f"card:{customer}"}
            ],
        }


def _number(order: int) -> str:
    return f"250-{order // 10**7:07}-{order % 10**7:07}"


def _customer(order: int) -> str:
    return f"bench-{int(order * CUSTOMERS_PER_ORDER)}"


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    raise SystemExit(main())
