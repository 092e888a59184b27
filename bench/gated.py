"""How many poisoned lessons the gate stops: `python -m bench.gated [--trials 20] [--examples 60]`.

One in a hundred labels flipped, or a common word planted in one intent, each as many times; and as many harmless
lessons of three examples, which should pass. Only the held-out comparison is asked; the behaviour tests and the health
page, which look too, are left out. See bench/gated_reports.py for how a trial is made.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from madoguchi.bootstrap import Settings
from madoguchi.training import gate, model, signing, workshop
from madoguchi.training.gate import Check, Examined, Objected
from madoguchi.training.workshop import Place

KINDS = "flipped,planted,harmless"


@dataclass(frozen=True)
class Tried:
    """One trial: what was done to the lessons, and what the gate said."""

    kind: str
    about: str
    objections: tuple[Objected, ...]
    sureness: float
    """How far the mean confidence in right answers moved."""

    @property
    def stopped(self) -> bool:
        """Whether the model would not have gone into service."""
        return bool(self.objections)


def tries(trials: int, examples: int, kinds: str = KINDS) -> Iterator[Tried]:
    """Yield each trial as it is done."""
    place = Place.of(Settings())
    paths = sorted(place.models.glob(f"*{signing.SUFFIX}"), key=lambda path: -path.stat().st_mtime)
    newest = next(path for path in paths if place.fault_of(path.name) is None)
    command = [str(model.ENGINE / "python"), "-m", "bench.gated_reports", str(newest)]
    process = subprocess.Popen(
        [*command, "--trials", str(trials), "--examples", str(examples), "--kinds", kinds],
        env={**workshop.environment(workshop.engine_environment(place)), "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.PIPE,
        stderr=None if os.environ.get("MADOGUCHI_VERBOSE") else subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    for row in process.stdout:
        trial = json.loads(row)
        passed = (Check("left out here", True),)
        before, after = trial["before"], trial["after"]
        objections = gate.judge(Examined(passed, after), Examined(passed, before))
        yield Tried(trial["kind"], trial["about"], objections, gate.sureness(after) - gate.sureness(before))
    assert process.wait() == 0, "the engine's part failed; MADOGUCHI_VERBOSE=1 shows its words"


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="bench.gated", description=__doc__)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--examples", type=int, default=0, help="of each intent; 0 for all")
    options = parser.parse_args()
    found: defaultdict[str, list[Tried]] = defaultdict(list)
    for tried in tries(options.trials, options.examples):
        found[tried.kind].append(tried)
        said = ", ".join(f"{each.what} {each.subject}".strip() for each in tried.objections) or "passes"
        print(f"{tried.kind:9} {tried.about:40} sureness {tried.sureness:+.4f}  {said}", flush=True)
    for kind, all_of_it in found.items():
        print(f"{kind}: stopped {sum(each.stopped for each in all_of_it)} of {len(all_of_it)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
