"""How much a training slows the chat: `python -m bench.training [--pairs 12] [--seconds 5]`.

Starts an engine of its own and lets customers talk while a real training runs behind everything else. The training is
held (SIGSTOP) and let go on in turn, a few seconds each, so that whatever else the machine does falls on both alike;
the turns of the two are compared, whole and pair by pair. No model comes of it.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.swaps import Talkers, engine_with
from madoguchi.bootstrap import Settings
from madoguchi.training import signing, workshop
from madoguchi.training.workshop import Place

PAUSE_S = 0.25
WARM_UP_S = 15
SETTLE_S = 0.5


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="bench.training", description=__doc__)
    parser.add_argument("--pairs", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--talkers", type=int, default=2)
    options = parser.parse_args()
    settings = Settings()
    place, secret = Place.of(settings), settings.secret_for("engine")
    paths = sorted(place.models.glob(f"*{signing.SUFFIX}"), key=lambda path: -path.stat().st_mtime)
    name = next(path.name for path in paths if place.fault_of(path.name) is None)
    with engine_with(place, name, secret) as (url, _process), tempfile.TemporaryDirectory() as folder:
        measure(url, secret, options.talkers, WARM_UP_S)
        pairs: list[tuple[list[float], list[float]]] = []
        with Training(replace(place, models=Path(folder, "models")), Path(folder, "work")) as training:
            for _ in range(options.pairs):
                training.hold()
                quiet = measure(url, secret, options.talkers, options.seconds)
                training.go_on()
                pairs.append((quiet, measure(url, secret, options.talkers, options.seconds)))
    _tell(pairs)
    return 0


class Training:
    """Real trainings in the background, one after the other, stopped at the end of the block."""

    def __init__(self, place: Place, folder: Path) -> None:
        self._place, self._folder = place, folder
        self._stop, self._begun = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._train)
        self._held: list[int] = []

    def __enter__(self) -> Training:
        self._place.models.mkdir(parents=True)
        self._thread.start()
        self._begun.wait(300)  # until the engine says its first word, the import of its libraries behind it
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self.go_on()
        self._thread.join()

    def hold(self) -> None:
        """Stop the training where it stands."""
        self._held = _groups_of(os.getpid(), "engine.train")
        for group in self._held:
            os.killpg(group, signal.SIGSTOP)
        time.sleep(SETTLE_S)

    def go_on(self) -> None:
        """Let it run again."""
        for group in self._held:
            os.killpg(group, signal.SIGCONT)
        self._held = []
        time.sleep(SETTLE_S)

    def _train(self) -> None:
        try:
            while not self._stop.is_set():
                workshop.train(self._place, self._folder, lambda _line: self._begun.set(), self._stop.is_set)
        except workshop.Stopped:
            return


def measure(url: str, secret: str, talkers: int, seconds: float) -> list[float]:
    """Let customers talk for so long and return how many milliseconds their turns took."""
    with Talkers(url, secret, talkers, pause_s=PAUSE_S) as talk:
        time.sleep(seconds)
    assert talk.failed == []
    return talk.milliseconds


def _groups_of(parent: int, word: str) -> list[int]:
    """Return the process groups that this program has begun with a command that holds this word."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            above = int((each / "stat").read_text().rpartition(")")[2].split()[1])
            if above == parent and word in (each / "cmdline").read_text():
                found.append(int(each.name))
        except (OSError, ValueError):
            continue  # it has ended meanwhile
    return found


def _tell(pairs: Sequence[tuple[list[float], list[float]]]) -> None:
    quiet, busy = ([each for pair in pairs for each in pair[side]] for side in (0, 1))
    for name, times in (("quiet", quiet), ("training", busy)):
        p95 = statistics.quantiles(times, n=20)[-1]
        print(f"{name:9} {len(times):5} turns, p50 {statistics.median(times):.0f} ms, p95 {p95:.0f} ms")
    slower = statistics.median(busy) / statistics.median(quiet) - 1
    each = sorted(statistics.median(two) / statistics.median(one) - 1 for one, two in pairs)
    print(f"the median turn is slower by {slower:+.1%}; pair by pair {each[0]:+.0%} to {each[-1]:+.0%}, ", end="")
    print(f"in the middle {statistics.median(each):+.1%}")


if __name__ == "__main__":
    sys.exit(main())
