"""How fast the store is: `python -m bench.store [--orders 1000000] [--postgres URL] [--folder DIR]`.

In one run it imports 1,000 orders and then the rest, and measures at both sizes, on SQLite and (given an address)
on PostgreSQL: `plan` (a wish considered: facts, decision, proposal) and `perform` (the one transaction that performs
what was agreed), also the whole yes with the processor's call. Bars: on SQLite at the large size p95 of plan is at
most 5 ms and of perform 15 ms, and neither is over 1.3 times its figure at 1,000 orders. Exit 1 where one is missed.
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
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

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


@dataclass(frozen=True)
class Figures:
    """Milliseconds, p50 and p95, of what was measured at one size."""

    plan: tuple[float, float]
    perform: tuple[float, float]
    whole: tuple[float, float]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the measurement and return the exit code."""
    parser = argparse.ArgumentParser(prog="bench.store", description="Measure plan and perform.")
    parser.add_argument("--orders", type=int, default=1_000_000, help="the large size")
    parser.add_argument("--postgres", help="an empty PostgreSQL database, postgresql+psycopg://…")
    parser.add_argument("--folder", type=Path, help="where the databases are made")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="madoguchi-bench-", dir=given.folder) as folder:
        small = _write(Path(folder) / "small.jsonl", 0, SMALL)
        large = _write(Path(folder) / "large.jsonl", SMALL, given.orders)
        right = _measure("sqlite", f"sqlite:///{folder}/bench.db", small, large, given.orders, barred=True)
        if given.postgres:
            _measure("postgresql", given.postgres, small, large, given.orders, barred=False)
    return 0 if right else 1


def _measure(name: str, url: str, small: Path, large: Path, orders: int, *, barred: bool) -> bool:
    store = Store(url)
    upgrade(store)
    terms = load_terms("data/policies/shop.yml")
    desk = Desk(store, terms, build_processor(Settings(processor="builtin"), store))
    figures = {}
    loaded()
    for size, path in ((SMALL, small), (orders, large)):
        started = time.perf_counter()
        report = importing.load(store, path, on_refused=lambda row: sys.exit(f"refused: {row}"))
        seconds = time.perf_counter() - started
        print(
            f"{name}: imported {report.taken:,} orders in {seconds:.0f} s, peak memory {_peak_mb():.0f} MB", flush=True
        )
        figures[size] = _figures(desk, size)
        print(f"{name} at {size:,}: {_told(figures[size])}", flush=True)
    store.close()
    return not barred or _within_the_bars(figures[SMALL], figures[orders])


def _figures(desk: Desk, size: int) -> Figures:
    chance = random.Random(size)
    plans, performs, wholes = [], [], []
    for number, order in enumerate(chance.sample(range(size), SAMPLES * 2 + WARM_UP)):
        talk = _talk(desk, order)
        wish = Wish(kind="cancel", order_number=_number(order), refund_method="gift_balance" if order % 2 else None)
        started = time.perf_counter()
        step = resolve.consider(desk, talk, wish)
        planned = time.perf_counter()
        if not isinstance(step, Propose):  # an order that an earlier sample of a smaller size has canceled
            continue
        performed = _perform_only(desk, talk, step.intent_key) if number % 2 else None
        before = time.perf_counter()
        if performed is None:
            resolve.confirm(desk, talk, step.intent_key)
        if number < WARM_UP:
            continue
        plans.append(planned - started)
        if performed is not None:
            performs.append(performed)
        else:
            wholes.append(time.perf_counter() - before)
    return Figures(_percentiles(plans), _percentiles(performs), _percentiles(wholes))


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


def _within_the_bars(small: Figures, large: Figures) -> bool:
    bars = {
        "plan p95": (large.plan[1], PLAN_MS),
        "perform p95": (large.perform[1], PERFORM_MS),
        "plan p95, growth": (large.plan[1] / small.plan[1], GROWTH),
        "perform p95, growth": (large.perform[1] / small.perform[1], GROWTH),
    }
    for name, (got, bar) in bars.items():
        print(f"{'met   ' if got <= bar else 'MISSED'} {name}: {got:.2f}, bar {bar}")
    return all(got <= bar for got, bar in bars.values())


def _percentiles(seconds: Sequence[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(seconds, n=100)
    return cuts[49] * 1000, cuts[94] * 1000


def _told(figures: Figures) -> str:
    parts = (("plan", figures.plan), ("perform", figures.perform), ("whole yes", figures.whole))
    return ", ".join(f"{name} p50 {p50:.1f} ms p95 {p95:.1f} ms" for name, (p50, p95) in parts)


def _talk(desk: Desk, order: int) -> str:
    """Open a conversation of the order's customer."""
    name = f"bench-{order}-{time.perf_counter_ns()}"[:36]
    with desk.store.writing() as session:
        customer = session.scalars(select(Customer.id).where(Customer.reference == _customer(order))).one()
        session.add(Conversation(id=name, customer_id=customer, opened_at=desk.clock(), last_at=desk.clock()))
    return name


def _write(path: Path, first: int, last: int) -> Path:
    with path.open("w", encoding="utf-8") as file:
        for order in _orders(first, last):
            file.write(json.dumps(order, ensure_ascii=False) + "\n")
    return path


def _orders(first: int, last: int) -> Iterator[dict[str, Any]]:
    placed_at = datetime.now(UTC) - timedelta(days=2)
    chance = random.Random(first)
    for number in range(first, last):
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
