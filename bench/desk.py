"""Measures the desk's pages at a million closed and ten thousand open conversations, on SQLite and PostgreSQL.

    .venv/bin/python -m bench.desk [--rows 1000000] [--open 10000] [--on sqlite postgresql] [--keep FOLDER]

Fills a store of each kind once (`--rows 100000` for a quick look; `--keep` keeps it for the next run), then asks the
web program for whole pages as an agent's browser does: session, services, HTML. Prints p50 and p95 of each in
milliseconds by the clock on the wall, and the p95 of the processor's time, which other programs do not disturb.
The bar is 100 ms for the p95 on the wall; exit code 1 where a page is over it. PostgreSQL runs as a server of its
own, from binaries found on the machine or those of the wheel; `--database URL` takes another one.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import structlog

from bench.databases import address
from bench.desk_rows import ARTICLES, FAMILY, GIVEN, REASONS, Filled, fill, order_number
from madoguchi.bootstrap import Settings, build_desk
from madoguchi.rasa import Engine
from madoguchi.services.desk import Desk
from madoguchi.services.inbox import View
from madoguchi.store import Conversation
from madoguchi.store.migrate import upgrade
from madoguchi.web.app import assemble
from madoguchi.web.desk.doors import COOKIE

BAR_MS = 100.0
WARM_UP = 3

type Addresses = dict[str, Callable[[], str]]


def main() -> None:
    """Fill and measure each database; exit code 1 where a page is over the bar."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="madoguchi-bench-") as made:
        folder = Path(options.keep or made)
        slow = [
            f"{name} on {database}"
            for database in options.on
            for name in _one(
                database, options.database or address(database, folder, f"desk_{options.rows}"), options, folder
            )
        ]
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    print("every p95 is within the bar" if not slow else f"over {BAR_MS:.0f} ms: {', '.join(slow)}")
    raise SystemExit(1 if slow else 0)


def _one(database: str, url: str, options: argparse.Namespace, folder: Path) -> list[str]:
    settings = Settings(database_url=url, var=folder, secret="only a measurement", demo=False)
    desk = build_desk(settings)
    print(f"{database}: {options.rows:,} closed and {options.open:,} open conversations", flush=True)
    begun = time.monotonic()
    upgrade(desk.store)
    filled = fill(desk.store, options.open, options.rows)
    print(f"  filled in {time.monotonic() - begun:.0f} s", flush=True)
    try:
        return asyncio.run(_measure(settings, desk, filled, options.rounds))
    finally:
        desk.store.close()


async def _measure(settings: Settings, desk: Desk, filled: Filled, rounds: int) -> list[str]:
    """Print the times of every kind of page; returns the names of those over the bar."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))  # no line a request
    app, slow = assemble(settings, desk, Engine("http://127.0.0.1:1", "-")), list[str]()
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://desk", cookies={COOKIE: filled.secret}
    ) as client:
        for name, address in _pages(desk, filled).items():
            times = [await _timed(client, address()) for _ in range(WARM_UP + rounds)][WARM_UP:]
            wall, cpu = (sorted(each) for each in zip(*times, strict=True))
            p95 = wall[int(len(wall) * 0.95)]
            spent = cpu[int(len(cpu) * 0.95)]
            print(f"  {name:34} p50 {statistics.median(wall):6.1f}   p95 {p95:6.1f}   cpu {spent:6.1f} ms", flush=True)
            if p95 > BAR_MS:
                slow.append(name)
    return slow


async def _timed(client: httpx.AsyncClient, address: str) -> tuple[float, float]:
    begun, spent = time.perf_counter(), time.process_time()
    response = await client.get(address)
    assert response.status_code == 200, (address, response.status_code)
    return (time.perf_counter() - begun) * 1000, (time.process_time() - spent) * 1000


def _pages(desk: Desk, filled: Filled) -> Addresses:
    """Return what to ask for: every tab, filter and kind of search, and conversations."""
    dice = random.Random(7)
    found: Addresses = {f"inbox {view}": (lambda view=view: f"/desk/?view={view}") for view in View}
    found["inbox closed, page 99"] = lambda: "/desk/?view=closed&page=99"
    filters: Addresses = {
        "a reason": lambda: f"reason={dice.choice(REASONS)}",
        "a reason nobody has": lambda: "reason=membership_used",
        "an intent": lambda: "intent=report_defect",
        "an intent nobody has": lambda: "intent=ask_membership",
        "an order's state": lambda: "state=shipped",
        "a state no order has": lambda: "state=cancel_requested",
        "seller waits": lambda: "seller=1",
        "frozen money": lambda: "frozen=1",
        "anger": lambda: "flagged=1",
        "an amount": lambda: "amount=100000",
        "an amount nobody paid": lambda: "amount=9000000",
    }
    for name, wanted in filters.items():
        for view in ("waiting", "closed"):
            found[f"{view}: {name}"] = lambda view=view, wanted=wanted: f"/desk/?view={view}&{wanted()}"
    words: Addresses = {
        "two characters": lambda: dice.choice(["返金", "返品", "電源"]),
        "a longer word": lambda: dice.choice(["届きません", "キャンセルをお願い", "電気ケトル"]),
        "a rare word": lambda: f"符丁{dice.randrange(1000):03}",
        "two words": lambda: f"{dice.choice(ARTICLES)} 返金",
        "a sentence": lambda: "電源を入れても動きません",
        "what is not there": lambda: "宇宙旅行のお土産",
        "common pairs, never together": lambda: "返品は動きません",
        "a customer's name": lambda: dice.choice(FAMILY) + dice.choice(GIVEN),
        "a family name": lambda: dice.choice(FAMILY),
        "an order number": lambda: order_number(dice.randrange(1, filled.customers)),
        "a phone number": lambda: f"090{dice.randrange(1, filled.customers):08}",
    }
    for name, wanted in words.items():
        found[f"search: {name}"] = lambda wanted=wanted: f"/desk/?q={wanted()}"
    names = _talks(desk)
    found["a conversation"] = lambda: f"/desk/c/{dice.choice(names)}"
    found["a conversation of 400 messages"] = lambda: f"/desk/c/{filled.long_talk}"
    return found


def _talks(desk: Desk) -> list[str]:
    with desk.store.reading() as session:
        found = [
            session.query(Conversation.id).filter_by(owner=owner).limit(200).all()
            for owner in ("waiting", "agent", "closed")
        ]
    return [name for part in found for (name,) in part]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="closed conversations")
    parser.add_argument("--open", type=int, default=10_000, help="open conversations")
    parser.add_argument("--rounds", type=int, default=40, help="how often each page is asked for")
    parser.add_argument("--on", nargs="+", choices=("sqlite", "postgresql"), default=["sqlite", "postgresql"])
    parser.add_argument("--database", help="an address to use instead: empty, or filled by an earlier run")
    parser.add_argument("--keep", help="a folder in which the SQLite file is kept for the next run")
    return parser.parse_args()


if __name__ == "__main__":
    main()
