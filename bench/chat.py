"""Measures the way of a message: from the POST to the reply on the event stream, for 1 to 50 customers at once.

    .venv/bin/python -m bench.chat [--turns 12] [--streams 500]

Starts a desk of its own (about a minute), has customers of the demo shop talk, and prints for each number of
customers the turns a second, p50 and p95, and each stage's share; then the processor time a turn costs each program,
and the memory of idle event streams. The crowds write their next message as soon as they are answered, which no
customer does: they show how much the desk can take, and how it bears more. A last crowd of 20 writes 32 messages a
second together, each at its time whether or not others wait. The bars: the web program adds 10 ms at most to the
engine's turn (p50, one customer); those 20 get 30 turns a second with p95 within 300 ms; no error anywhere; 500 idle
streams cost 100 MB. What else runs on the machine counts in, so the load average is printed with the figures.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import statistics
import time
from itertools import cycle, islice

from bench.customers import Customer, Refused
from bench.running import PROGRAMS, Stack, running_desk

CROWDS = (1, 5, 10, 20, 50)
PACED, PER_S = 20, 32.0
LINES = (
    "返品の送料はどちらの負担になりますか",
    "返金はいつ頃になりますか",
    "返品の手続きを教えてください",
    "こんにちは",
    "返金の方法を教えてください",
    "会員の特典について教えてください",
    "返品したいです",
    "やっぱりやめておきます",
    "ありがとうございます",
)
STAGES = ("accept", "queue", "engine", "store", "deliver")
_ENGINE_MS = re.compile(r'"engine_ms": ([\d.]+)')
_SAMPLE = re.compile(r'^madoguchi_turn_seconds_(sum|count)\{stage="(\w+)"\} (\S+)$', re.M)


def main() -> None:
    """Measure, print, and exit with 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=12, help="turns of each customer")
    parser.add_argument("--streams", type=int, default=500, help="idle event streams")
    options = parser.parse_args()
    with running_desk() as desk:
        missed = asyncio.run(measure(desk, options.turns, options.streams))
    print("every bar is met" if not missed else f"missed: {'; '.join(missed)}")
    raise SystemExit(1 if missed else 0)


async def measure(desk: Stack, turns: int, streams: int) -> list[str]:
    """Measure all and return which bars were missed."""
    # Nobody talks in two crowds: the limit of messages for each customer is no part of the figures either.
    people = iter(desk.customers(5 + sum(CROWDS) + PACED))
    await _crowd(
        desk, list(islice(people, 5)), turns
    )  # what is loaded and compiled at the first use is no part of the figures
    missed = []
    for size, per_s in [*((size, None) for size in CROWDS), (PACED, PER_S)]:
        told = desk.log.stat().st_size
        before, used = _stages(desk), {name: desk.cpu_s(name) for name in PROGRAMS}
        began = time.perf_counter()
        count = turns if size > 1 and per_s is None else turns * 3
        times, errors = await _crowd(desk, list(islice(people, size)), count, per_s)
        took = time.perf_counter() - began
        spent = {name: (desk.cpu_s(name) - used[name]) * 1000 / len(times) for name in PROGRAMS}
        means = _means(before, _stages(desk))
        _print(f"{size:3} customers" + ("" if per_s is None else f", {per_s:g}/s"), times, errors, took, means, spent)
        if errors:
            missed.append(f"{size} customers: {errors} errors")
        if size == 1:
            missed += _missed_alone(times, _engine_p50_ms(desk, told))
        if per_s is not None:
            missed += _missed_paced(times, took)
    memory = await _idle(desk, streams)
    print(f"{streams} idle event streams: {memory:.0f} MB")
    return missed + ([f"{streams} streams cost {memory:.0f} MB"] if memory > 100 else [])


async def _crowd(desk: Stack, references: list[str], turns: int, per_s: float | None = None) -> tuple[list[float], int]:
    """Have customers talk, so many messages a second together or as fast as they are answered.

    Returns the seconds of each round trip, and how many failed.
    """
    customers = [Customer(desk.url, desk.token(reference)) for reference in references]
    for customer in customers:
        await customer.open()
    times: list[float] = []
    errors = 0

    began = time.perf_counter()

    async def talk(customer: Customer, number: int) -> None:
        nonlocal errors
        for turn, line in enumerate(islice(cycle(LINES), number % len(LINES), number % len(LINES) + turns)):
            if per_s is not None:
                due = began + (number + turn * len(customers)) / per_s
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
            try:
                times.append(await customer.round_trip(line))
            except (Refused, OSError, TimeoutError):
                errors += 1

    await asyncio.gather(*(talk(customer, number) for number, customer in enumerate(customers)))
    errors += sum(1 for customer in customers if customer.owner != "bot")
    for customer in customers:
        await customer.close()
    return times, errors


async def _idle(desk: Stack, count: int) -> float:
    """Return the megabytes that so many streams of one customer, on which nothing happens, cost the web program."""
    customer = Customer(desk.url, desk.token(desk.customers(1)[0]))
    await customer.open()
    await asyncio.sleep(2)
    before = desk.memory_mb("web")
    streams = [customer.listener() for _ in range(count)]
    for stream in streams:
        stream.start()
        await asyncio.sleep(0.005)
    await asyncio.sleep(5)
    grown = desk.memory_mb("web") - before
    for stream in streams:
        await stream.stop()
    await customer.close()
    return grown


def _stages(desk: Stack) -> dict[tuple[str, str], float]:
    return {(kind, stage): float(value) for kind, stage, value in _SAMPLE.findall(desk.metrics())}


def _means(before: dict[tuple[str, str], float], after: dict[tuple[str, str], float]) -> dict[str, float]:
    """Return the mean milliseconds of each stage between two looks."""
    grown = {key: value - before.get(key, 0.0) for key, value in after.items()}
    names = {stage for _, stage in grown}
    return {name: 1000 * grown["sum", name] / max(1.0, grown["count", name]) for name in names}


def _print(
    who: str, times: list[float], errors: int, took: float, means: dict[str, float], spent: dict[str, float]
) -> None:
    p50, p95 = _percentiles(times)
    print(
        f"{who}  {len(times) / took:5.1f} turns/s  p50 {p50:6.1f} ms  p95 {p95:6.1f} ms  "
        f"errors {errors}  load {os.getloadavg()[0]:.1f}"
    )
    whole = sum(means.get(stage, 0.0) for stage in STAGES) or 1.0
    shares = "  ".join(f"{s} {means.get(s, 0.0):.1f} ms ({means.get(s, 0.0) / whole:.0%})" for s in STAGES)
    inside = "  ".join(f"{s} {means[s]:.1f} ms" for s in ("understand", "actions") if s in means)
    print(f"      {shares};  within the engine: {inside}")
    print(f"      processor time a turn: {'  '.join(f'{name} {ms:.1f} ms' for name, ms in spent.items())}")


def _engine_p50_ms(desk: Stack, since: int) -> float:
    """Return the median of the engine's turns that the log tells of since a place in it."""
    with desk.log.open("rb") as log:
        log.seek(since)
        return statistics.median(float(ms) for ms in _ENGINE_MS.findall(log.read().decode()))


def _missed_alone(times: list[float], engine_p50_ms: float) -> list[str]:
    added = _percentiles(times)[0] - engine_p50_ms
    print(f"      the web program adds {added:.1f} ms to the engine's turn")
    return [f"the web program adds {added:.1f} ms"] if added > 10 else []


def _missed_paced(times: list[float], took: float) -> list[str]:
    p95 = _percentiles(times)[1]
    if len(times) / took >= 30 and p95 <= 300:
        return []
    return [f"{PACED} customers: {len(times) / took:.1f} turns/s, p95 {p95:.0f} ms"]


def _percentiles(times: list[float]) -> tuple[float, float]:
    ordered = sorted(times)
    return statistics.median(ordered) * 1000, ordered[int(len(ordered) * 0.95)] * 1000


if __name__ == "__main__":
    main()
