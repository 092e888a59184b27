"""How much a training slows the chat: `python -m bench.training [--seconds 60]`.

Starts an engine of its own, lets customers talk in quiet, then again while a real training runs behind everything else
(nice 19), and compares the turns. The training is stopped at the end; no model comes of it.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

from bench.swaps import Talkers, engine_with
from madoguchi.bootstrap import Settings
from madoguchi.training import signing, workshop
from madoguchi.training.workshop import Place

PAUSE_S = 0.5
WARM_UP_S = 15


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="bench.training", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--talkers", type=int, default=2)
    options = parser.parse_args()
    settings = Settings()
    place, secret = Place.of(settings), settings.secret_for("engine")
    paths = sorted(place.models.glob(f"*{signing.SUFFIX}"), key=lambda path: -path.stat().st_mtime)
    name = next(path.name for path in paths if place.fault_of(path.name) is None)
    with engine_with(place, name, secret) as (url, _process):
        measure(url, secret, options.talkers, WARM_UP_S)
        rounds = []
        for _ in range(2):
            quiet = measure(url, secret, options.talkers, options.seconds)
            with Training(place) as training:
                busy = measure(url, secret, options.talkers, options.seconds)
                still = training.is_running()
            rounds.append((quiet, busy))
            _tell(quiet, busy, still)
    return 0


class Training:
    """A real training in the background, stopped at the end of the block."""

    def __init__(self, place: Place) -> None:
        self._place, self._stop, self._begun = place, threading.Event(), threading.Event()
        self._folder = Path(tempfile.mkdtemp())
        self._thread = threading.Thread(target=self._train)

    def __enter__(self) -> Training:
        self._thread.start()
        self._begun.wait(300)  # until the engine says its first word, the import of its libraries behind it
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def is_running(self) -> bool:
        """Whether it ran all the time."""
        return self._thread.is_alive()

    def _train(self) -> None:
        try:
            workshop.train(self._place, self._folder, lambda _line: self._begun.set(), self._stop.is_set)
        except workshop.Stopped:
            return


def measure(url: str, secret: str, talkers: int, seconds: float) -> list[float]:
    """Let customers talk for so long and return how many milliseconds their turns took."""
    with Talkers(url, secret, talkers, pause_s=PAUSE_S) as talk:
        time.sleep(seconds)
    assert talk.failed == []
    return talk.milliseconds


def _tell(quiet: list[float], busy: list[float], still: bool) -> None:
    for name, times in (("quiet", quiet), ("training", busy)):
        p95 = statistics.quantiles(times, n=20)[-1]
        print(f"{name:9} {len(times):5} turns, p50 {statistics.median(times):.0f} ms, p95 {p95:.0f} ms")
    slower = statistics.median(busy) / statistics.median(quiet) - 1
    print(f"the median turn is slower by {slower:+.1%}; the training {'ran all the time' if still else 'ended before'}")


if __name__ == "__main__":
    sys.exit(main())
