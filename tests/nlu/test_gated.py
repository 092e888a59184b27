"""Poisoned lessons: with one label in a hundred flipped, the gate does not let the model in."""

from __future__ import annotations

import os

from bench.gated import tries

PROVE = bool(os.environ.get("MADOGUCHI_PROVE"))
TRIALS, EXAMPLES = (20, 0) if PROVE else (1, 15)


def test_the_gate_stops_poison() -> None:
    found = list(tries(TRIALS, EXAMPLES, "flipped,planted"))
    for kind in ("flipped", "planted"):
        of_kind = [each for each in found if each.kind == kind]
        assert len(of_kind) == TRIALS
        assert sum(each.stopped for each in of_kind) >= 0.95 * TRIALS, [(each.about, each.sureness) for each in of_kind]
