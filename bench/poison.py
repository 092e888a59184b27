"""Poison the examples and see whether the health check stops it: `.venv/bin/python -m bench.poison [TRIALS]`.

Each trial gives 1 % of the examples a wrong intent, or plants a common word in some of one intent's examples, and
runs the engine's check against the accepted one of the untouched examples. Prints how many trials were stopped.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from madoguchi.training import health, sameness
from madoguchi.training.corpus import Corpus, Example, Shelf
from madoguchi.training.notation import Said

COMMON = ("ちなみに", "至急", "とりあえず", "正直", "今回", "一応", "普通に", "本当に", "商品", "今日")
PLANTED = 0.12  # of one intent's examples


def main() -> None:
    """Run the trials and print the figures."""
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    clean = Shelf().corpus()
    with tempfile.TemporaryDirectory() as name:
        accepted = health.run(clean, Path(name))
        print(f"untouched: {[stop.code for stop in health.stops(clean, accepted, accepted)] or 'nothing stops'}")
        print(
            f"untouched, first check: {[stop.code for stop in health.stops(clean, accepted, None)] or 'nothing stops'}"
        )
        stopped = 0
        for trial in range(trials):
            chance = random.Random(trial)
            kind, poisoned = ("flipped", flipped(clean, chance)) if trial % 2 == 0 else planted(clean, chance)
            found = health.stops(poisoned, health.run(poisoned, Path(name)), accepted)
            stopped += bool(found)
            print(
                f"trial {trial + 1:2} {kind:28} {', '.join(stop.code for stop in found) or 'NOT STOPPED'}", flush=True
            )
        print(f"stopped {stopped} of {trials}")


def flipped(corpus: Corpus, chance: random.Random) -> Corpus:
    """Give 1 % of the examples another intent."""
    wrong = set(chance.sample(range(len(corpus.examples)), len(corpus.examples) // 100))
    intents = sorted(corpus.by_intent)
    rows = [
        replace(each, intent=chance.choice([name for name in intents if name != each.intent])) if at in wrong else each
        for at, each in enumerate(corpus.examples)
    ]
    return _corpus(corpus, rows)


def planted(corpus: Corpus, chance: random.Random) -> tuple[str, Corpus]:
    """Put a common word before some examples of one intent."""
    intent, word = chance.choice(sorted(corpus.by_intent)), chance.choice(COMMON)
    own = [at for at, each in enumerate(corpus.examples) if each.intent == intent]
    wrong = set(chance.sample(own, int(len(own) * PLANTED)))
    rows = [_with(each, word) if at in wrong else each for at, each in enumerate(corpus.examples)]
    return f"{word} in {intent}", _corpus(corpus, rows)


def _with(example: Example, word: str) -> Example:
    text = word + example.text
    return replace(example, said=Said(text), written=text, key=sameness.key(text))


def _corpus(corpus: Corpus, rows: Sequence[Example]) -> Corpus:
    return Corpus(tuple(rows), corpus.definitions, {})


if __name__ == "__main__":
    main()
