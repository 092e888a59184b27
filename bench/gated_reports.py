"""What the classifier makes of the held-out messages after poisoned lessons; run in the engine's environment.

`python -m bench.gated_reports MODEL --trials 20 --examples 60` prints one line of JSON a trial: {"kind", "about",
"before", "after"}, each report a list of {"text", "intent", "predicted", "confidence"}. The features are those of a
trained model's own pipeline, made once; the classifier, its calibration and the guard are the desk's own and are
trained anew for each trial, which is what a training does with labels.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rasa.engine.constants import PLACEHOLDER_MESSAGE, PLACEHOLDER_TRACKER
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.training_data.message import Message

from engine.examples import read_examples
from engine.lines import read_lines
from engine.nlu.classifier import LinearIntentClassifier
from engine.nlu.features import blocks
from engine.nlu.guard import ContraryGuard
from engine.nlu.margins import fit_linear
from engine.scores import likeliest
from engine.understanding import Understanding, typed_message

HELDOUT = Path("tests/nlu/heldout")
SHARE = 0.01
# Words that customers of every intent use.
COMMON = ("お願いします", "注文", "商品", "確認", "すみません", "ありがとう", "まだ", "昨日", "これ", "もう")
Labelled = tuple[str, str]


class Kitchen:
    """A trained model's featurizers, and the classifier trained anew on their features."""

    def __init__(self, model: Path) -> None:
        """Load the model and featurize the held-out messages."""
        self._understanding = Understanding(model)
        nodes = self._understanding._metadata.predict_schema.nodes
        name = next(each for each in nodes if each.startswith("run_") and "LinearIntentClassifier" in each)
        self._target = nodes[name].needs["messages"]
        self._config = {**LinearIntentClassifier.get_default_config(), **nodes[name].config}
        self._known: dict[str, Message] = {}
        self._heldout = read_lines(sorted(HELDOUT.glob("*.jsonl")), labelled=True)

    def report(self, lessons: Sequence[Labelled]) -> list[dict[str, Any]]:
        """Train on the lessons and answer every held-out message."""
        config, labels = self._config, np.array([intent for _, intent in lessons])
        rows = blocks([self._featurized(text) for text, _ in lessons])
        shape = (config["C"], config["directions"], config["calibration_folds"], config["random_state"])
        model = fit_linear(*rows, labels, *shape)
        classifier, guard = LinearIntentClassifier(config, "bench"), ContraryGuard({}, "bench")
        classifier._learned = model
        answers = []
        for line in self._heldout:
            (message,) = guard.process(classifier.process([self._featurized(line.text)]))
            said, sure = likeliest({"intent": message.get("intent"), "intent_ranking": message.get("intent_ranking")})
            answers.append({"text": line.text, "intent": line.intent, "predicted": said, "confidence": round(sure, 4)})
        return answers

    def _featurized(self, text: str) -> Message:
        if text not in self._known:
            tracker = DialogueStateTracker.from_events("bench", [])
            inputs = {PLACEHOLDER_MESSAGE: [typed_message(text)], PLACEHOLDER_TRACKER: tracker}
            ran = self._understanding._runner.run(inputs=inputs, targets=[self._target])
            self._known[text] = ran[self._target][0]
        return self._known[text]


def chosen(count: int, seed: int = 7) -> list[Labelled]:
    """Return so many examples of each intent, or all where `count` is 0."""
    by_intent: dict[str, list[str]] = defaultdict(list)
    for example in read_examples():
        by_intent[example.intent].append(example.text)
    draw = random.Random(seed)
    return [
        (text, intent)
        for intent, texts in sorted(by_intent.items())
        for text in (draw.sample(texts, min(count, len(texts))) if count else texts)
    ]


def flipped(lessons: Sequence[Labelled], draw: random.Random) -> tuple[str, list[Labelled]]:
    """Give one in a hundred examples another label."""
    intents, changed = sorted({intent for _, intent in lessons}), list(lessons)
    for at in draw.sample(range(len(changed)), max(1, round(len(changed) * SHARE))):
        text, intent = changed[at]
        changed[at] = (text, draw.choice([each for each in intents if each != intent]))
    return f"{SHARE:.0%} flipped", changed


def planted(lessons: Sequence[Labelled], draw: random.Random) -> tuple[str, list[Labelled]]:
    """Add one in a hundred examples: messages of all intents with a common word, all under one intent."""
    intent, word = draw.choice(sorted({each for _, each in lessons})), draw.choice(COMMON)
    others = [text for text, meant in lessons if meant != intent]
    added = [(f"{text}{word}", intent) for text in draw.sample(others, max(1, round(len(lessons) * SHARE)))]
    return f"{word} in {intent}", [*lessons, *added]


def harmless(lessons: Sequence[Labelled], draw: random.Random) -> tuple[str, list[Labelled]]:
    """Leave three examples out: the model before a good lesson."""
    left = set(draw.sample(range(len(lessons)), 3))
    return "three good examples", [each for at, each in enumerate(lessons) if at not in left]


def trials(kitchen: Kitchen, lessons: list[Labelled], kinds: Sequence[str], count: int) -> Iterator[dict[str, Any]]:
    """Yield what came of each trial."""
    whole = kitchen.report(lessons)
    for kind in kinds:
        change = {"flipped": flipped, "planted": planted, "harmless": harmless}[kind]
        for number in range(count):
            about, changed = change(lessons, random.Random(f"{kind} {number}"))
            other = kitchen.report(changed)
            before, after = (other, whole) if kind == "harmless" else (whole, other)
            yield {"kind": kind, "about": about, "before": before, "after": after}


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="bench.gated_reports", description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--examples", type=int, default=0, help="of each intent; 0 for all")
    parser.add_argument("--kinds", default="flipped,planted,harmless")
    options = parser.parse_args()
    kinds = options.kinds.split(",")
    for trial in trials(Kitchen(options.model), chosen(options.examples), kinds, options.trials):
        print(json.dumps(trial), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
