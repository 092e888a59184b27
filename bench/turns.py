"""Whole turns over HTTP, at the engine's door: how long the customer waits, and what a turn costs.

    .venv/bin/python -m bench.turns [--seconds 20] [--longest 2000] [--stock]

starts a desk of its own on free ports, lets customers play the same short talk one, four and sixteen at a time, then
one customer without end, and prints p50, p95 and p99 in milliseconds, turns a second and CPU milliseconds a turn (of
the engine and of the actions; this program, which makes the load, runs on the same cores). With --stock the same talk
goes to an engine as Rasa's own guide sets one up: SpaCy and DIET, TED beside the rules, REST, no change to Rasa.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle

from bench.doors import Door, OwnDoor, RestDoor
from bench.running import cpu_s, running_desk
from bench.stock_engine import stock_engine
from madoguchi.bootstrap import build_desk
from madoguchi.demo.scene import build
from madoguchi.services import conversations
from madoguchi.services.desk import Desk, wall_clock

ANSWER, ACTION = "answer", "action"
TALK = (
    (ANSWER, "ありがとうございます"),
    (ACTION, "電気ケトルの電源が入りません"),
    (ACTION, "返送料はかかりますか"),
    (ACTION, "はい、お願いします"),
    (ACTION, "いいえ、結構です"),
    (ANSWER, "どうもありがとうございました"),
)
"""What each customer says: two answers from the rules, four turns with actions, one of which writes to the store."""
QUESTIONS = ("ありがとうございます", "返送料はかかりますか", "返金はいつになりますか", "注文の状況を教えてください")
"""What a customer says without end: an answer from the rules and three questions, none of which changes the store."""
SCENE = {"orders": {"kettle": {"title": "電気ケトル", "category": "electronics", "price": 4980, "delivered": "-3d"}}}
AT_ONCE = (1, 4, 16)
WINDOW = 24
"""Turns on either side of a place of a long conversation whose median is taken."""
BARS_MS = {ANSWER: 15.0, ACTION: 25.0}
BAR_TURNS_A_SECOND = 70.0
BARS_LONG = ((500, 5, 1.3), (2000, 10, 1.5))


@dataclass
class Times:
    """Milliseconds of turns by their kind."""

    of: dict[str, list[float]] = field(default_factory=lambda: {ANSWER: [], ACTION: []})

    failed: int = 0
    """Turns without a good answer, which end the talk they were said in."""

    def add(self, other: Times) -> None:
        """Take another's turns in."""
        self.failed += other.failed
        for kind, found in other.of.items():
            self.of[kind] += found

    @property
    def everything(self) -> list[float]:
        """All turns of both kinds."""
        return [each for found in self.of.values() for each in found]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and return 1 where a bar is missed."""
    options = _options(arguments)
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores before the start", flush=True)
    missed: list[str] = []
    with running_desk() as running:
        desk = build_desk(running.settings)
        programs = {name: running.pid(name) for name in ("engine", "actions")}
        own = _measure("this desk", programs, desk, lambda: OwnDoor(running.settings), options)
        missed += own.missed
        if options.stock:
            with stock_engine(running, options.examples, options.epochs) as (port, process):
                programs["engine"] = process
                other = _measure("stock Rasa", programs, desk, lambda: RestDoor(port), options)
            ratio = own.p50 / other.p50
            print(f"this desk's median turn takes {ratio:.2f} of the stock one's (bar 0.50)")
            missed += ["half of the stock time"] if ratio > 0.5 else []
        desk.store.close()
    print(f"load average {os.getloadavg()[0]:.1f} at the end")
    print("every bar is met" if not missed else f"missed: {', '.join(missed)}")
    return 1 if missed else 0


@dataclass(frozen=True)
class Result:
    """What one set-up gave: the median turn at one at a time, and the bars that were missed."""

    p50: float
    missed: list[str]


def _measure(
    name: str, programs: Mapping[str, int], desk: Desk, door: Callable[[], Door], options: argparse.Namespace
) -> Result:
    print(f"── {name}", flush=True)
    _play(desk, door(), 2.0)  # the first turns load and compile what the others find ready
    missed: list[str] = []
    alone, best = 0.0, 0.0
    for count in AT_ONCE:
        before = {program: cpu_s(process) for program, process in programs.items()}
        times, seconds = _together(desk, door, count, options.seconds)
        turns = len(times.everything)
        spent = {program: (cpu_s(process) - before[program]) / turns for program, process in programs.items()}
        best = max(best, turns / seconds)
        each = ", ".join(f"{program} {taken * 1000:.1f} ms" for program, taken in spent.items())
        print(f"{count:3} at a time: {turns / seconds:6.1f} turns/s, CPU a turn: {each}")
        for kind, found in (*times.of.items(), ("all", times.everything)):
            print(f"    {kind:7} {_row(found)}", flush=True)
        if times.failed:
            print(f"    {times.failed} turns failed", flush=True)
            missed.append(f"every turn answered at {count} at a time")
        if count == 1:
            alone = statistics.median(times.everything)
            missed += [f"p50 of an {kind}" for kind, bar in BARS_MS.items() if statistics.median(times.of[kind]) > bar]
    missed += [f"{BAR_TURNS_A_SECOND:.0f} turns/s"] if best < BAR_TURNS_A_SECOND else []
    return Result(alone, missed + _long(desk, door, options.longest))


def _together(desk: Desk, door: Callable[[], Door], count: int, seconds: float) -> tuple[Times, float]:
    """Let so many customers talk at the same time, each one talk after the other."""
    found: list[Times] = []
    threads = [threading.Thread(target=lambda: found.append(_play(desk, door(), seconds))) for _ in range(count)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total, spent = Times(), time.perf_counter() - began
    for each in found:
        total.add(each)
    return total, spent


def _play(desk: Desk, door: Door, seconds: float) -> Times:
    """Play talks of new customers for so long; each talk is played to its end."""
    times, ends = Times(), time.perf_counter() + seconds
    while time.perf_counter() < ends:
        conversation = _conversation(desk)
        try:
            for kind, text in TALK:
                times.of[kind].append(door.say(conversation, text))
        except (RuntimeError, OSError):
            times.failed += 1
    door.close()
    return times


def _long(desk: Desk, door: Callable[[], Door], longest: int) -> list[str]:
    """Compare late turns of one conversation with early ones of many, with the same messages at both places."""
    connection, missed = door(), []
    try:
        taken = list(_without_end(desk, connection, longest + WINDOW))
        for late, early, bar in BARS_LONG:
            if late > longest:
                continue
            after = statistics.median(taken[late - WINDOW : late + WINDOW])
            before = statistics.median(_early(desk, connection, early))
            place = f"turn {late}: {after:.1f} ms, turn {early}: {before:.1f} ms"
            print(f"    {place}, {after / before:.2f} times (bar {bar})")
            missed += [f"turn {late} against {early}"] if after / before > bar else []
    finally:
        connection.close()
    return missed


def _without_end(desk: Desk, door: Door, turns: int) -> Iterator[float]:
    conversation, said = _conversation(desk), cycle(QUESTIONS)
    for _ in range(turns):
        yield door.say(conversation, next(said))


def _early(desk: Desk, door: Door, place: int) -> list[float]:
    """Return the times around a turn near the beginning, of as many conversations as give a fair sample.

    Turns before and after it are taken as well, so that each message comes in as often as in the late ones.
    """
    found: list[float] = []
    half = len(QUESTIONS) // 2
    while len(found) < 2 * WINDOW:
        times = list(_without_end(desk, door, place + half))
        found += times[place - half : place + half]
    return found


def _conversation(desk: Desk) -> str:
    """Put a customer with a fresh order into the store, and open their conversation."""
    now = wall_clock()
    names = build(desk.store, SCENE, now)
    with desk.store.writing() as session:
        return conversations.open_conversation(session, names["customers"]["customer"], now).id


def _row(milliseconds: Sequence[float]) -> str:
    ordered = sorted(milliseconds)
    p50, p95, p99 = (ordered[min(len(ordered) - 1, int(len(ordered) * part))] for part in (0.50, 0.95, 0.99))
    return f"p50 {p50:6.1f} ms   p95 {p95:6.1f} ms   p99 {p99:6.1f} ms   ({len(ordered)} turns)"


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0, help="of load at each number of customers")
    parser.add_argument("--longest", type=int, default=2000, help="messages of the long conversation")
    parser.add_argument("--stock", action="store_true", help="measure Rasa's stock set-up in the same run")
    parser.add_argument("--examples", type=int, default=40, help="of each intent that the stock model learns from")
    parser.add_argument("--epochs", type=int, default=15, help="of the stock model's DIET and TED")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
