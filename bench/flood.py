"""Measures what a flood does to everybody else: p95 of a few customers alone, and beside an attacker at 100 times.

    .venv/bin/python -m bench.flood [--turns 20]

Starts a desk of its own. Five customers write a message a second each; then the same again while an attacker sends
500 requests a second from a process of its own: messages under one session, new visitors under invented forwarding
addresses, invented sessions. The bar: the others' p95 grows by half at most, and nobody of them is refused.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import secrets
import time
import uuid
from itertools import count
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event

from bench.chat import LINES
from bench.customers import Connection, Customer, Refused
from bench.running import Stack, running_desk

OTHERS = 5
REQUESTS_PER_S = 100 * OTHERS
BAR = 1.5


def main() -> None:
    """Measure, print, and exit with 1 where the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=20, help="messages of each customer")
    turns = parser.parse_args().turns
    with running_desk() as desk:
        asyncio.run(others(desk, 5, offset=20))  # what is loaded at the first use is no part of the figures
        alone, _ = asyncio.run(others(desk, turns, offset=0))
        stop, sent = multiprocessing.Event(), multiprocessing.Value("i", 0)
        attacker = multiprocessing.Process(
            target=attack, args=(desk.url, desk.token(desk.customers(30)[-1]), stop, sent)
        )
        attacker.start()
        began = time.monotonic()
        beside, refused = asyncio.run(others(desk, turns, offset=10))
        stop.set()
        attacker.join(30)
        rate = sent.value / (time.monotonic() - began)
    print(f"alone   p95 {alone:6.1f} ms")
    print(f"beside  p95 {beside:6.1f} ms  the attacker sent {rate:.0f} requests/s  load {os.getloadavg()[0]:.1f}")
    print(f"{beside / alone:.2f} times; {refused} of the others' messages were refused")
    raise SystemExit(0 if beside <= BAR * alone and not refused else 1)


async def others(desk: Stack, turns: int, *, offset: int) -> tuple[float, int]:
    """Return the p95 of five customers who write a message a second each, and how many of them were refused."""
    customers = [Customer(desk.url, desk.token(name)) for name in desk.customers(offset + OTHERS)[offset:]]
    for customer in customers:
        await customer.open()
    times: list[float] = []
    refused = 0

    async def talk(customer: Customer, number: int) -> None:
        nonlocal refused
        await asyncio.sleep(number / OTHERS)
        for turn in range(turns):
            began = time.perf_counter()
            try:
                times.append(await customer.round_trip(LINES[(number + turn) % 6]))
            except Refused:
                refused += 1
            await asyncio.sleep(max(0.0, 1 - (time.perf_counter() - began)))

    await asyncio.gather(*(talk(customer, number) for number, customer in enumerate(customers)))
    for customer in customers:
        await customer.close()
    ordered = sorted(times)
    return ordered[int(len(ordered) * 0.95)] * 1000, refused


def attack(url: str, token: str, stop: Event, sent: Synchronized[int]) -> None:
    """Flood the desk until told to stop."""
    asyncio.run(_attack(url, token, stop, sent))


async def _attack(url: str, token: str, stop: Event, sent: Synchronized[int]) -> None:
    own = Customer(url, token)
    await own.open()
    numbers = count()

    async def hammer() -> None:
        connection = Connection(own._up.host, own._up.port)
        while not stop.is_set():
            number = next(numbers)
            began = time.perf_counter()
            connection.cookie = own._up.cookie if number % 3 == 0 else f"madoguchi_session={secrets.token_urlsafe(32)}"
            connection.forged = f"203.0.{number // 256 % 256}.{number % 256}"
            path = "/chat/session" if number % 3 == 1 else "/chat/messages"
            try:
                await connection.ask("POST", path, {} if number % 3 == 1 else {"id": str(uuid.uuid4()), "text": "洪水"})
            except OSError:
                connection.close()
            sent.value += 1
            await asyncio.sleep(max(0.0, 20 / REQUESTS_PER_S - (time.perf_counter() - began)))

    await asyncio.gather(*(hammer() for _ in range(20)))
    await own.close()


if __name__ == "__main__":
    main()
