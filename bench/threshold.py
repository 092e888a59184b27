"""Where the desk should ask again, by cross-validation: `python -m bench.threshold [--folds N] [--messages N]`.

Trains config.yml's way to an intent on all folds of data/nlu but one, reads messages of the one left out and
babble, and writes docs/evaluation/threshold.json: for each threshold the share of real messages asked about
again, the share wrong among those answered, and the share of babble taken for a wish (out_of_scope is none).
`make evaluate` draws it.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.measured import own_pipeline, parse, train
from engine.curve import CURVE
from engine.examples import Example, read_examples
from engine.scores import likeliest

_SEED = 20
_NOT_NEEDED = ("RuleEntityExtractor", "RefundMethodExtractor", "ProductExtractor", "FallbackClassifier")
_STEPS = [step / 20 for step in range(20)]
_BABBLE = 300
_LETTERS = (
    "あいうえおかがきくけこさしすせそただちつてとなにぬねのはばひふへほまみむめもやゆよらりるれろわん",
    "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワンー",
    "abcdefghijklmnopqrstuvwxyz",
)


@dataclass(frozen=True)
class Answer:
    """A message that was left out: what it means, what it was taken for, and how surely."""

    text: str
    intent: str | None
    predicted: str | None
    confidence: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cross-validation, write the curve and print it."""
    parser = argparse.ArgumentParser(prog="bench.threshold", description="Measure the threshold of the fallback.")
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--messages", type=int, default=3000, help="how many left-out messages to read in all")
    parser.add_argument("--output", type=Path, default=CURVE)
    options = parser.parse_args(arguments)
    if options.folds < 2:
        print("There must be two folds or more.", file=sys.stderr)
        return 2
    answers: list[Answer] = []
    for fold in range(options.folds):
        print(f"fold {fold + 1} of {options.folds} …", flush=True)
        answers += _answers_of(fold, options.folds, options.messages // options.folds)
        # After every fold, so that a long run that is cut short leaves what it has read.
        _keep(curve(answers, options.folds, fold + 1), options.output)
    return 0


def _keep(content: dict[str, Any], path: Path) -> None:
    """Write the curve and print it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"cross-validated accuracy {content['accuracy']} over {content['messages']} messages")
    for point in content["points"]:
        print("  ".join(f"{name} {value}" for name, value in point.items()), flush=True)


def curve(answers: Sequence[Answer], folds: int, folds_read: int) -> dict[str, Any]:
    """Return the points of the curve and the commonest confusions."""
    real = [each for each in answers if each.intent]
    babble = [each for each in answers if not each.intent]
    wrong = Counter((each.intent, each.predicted) for each in real if each.intent != each.predicted)
    return {
        "folds": folds,
        "folds_read": folds_read,
        "messages": len(real),
        "babble": len(babble),
        "accuracy": round(1 - wrong.total() / len(real), 4),
        "points": [_point(step, real, babble) for step in _STEPS],
        "confusions": [{"intent": a, "predicted": b, "count": n} for (a, b), n in wrong.most_common(20)],
    }


def _point(threshold: float, real: Sequence[Answer], babble: Sequence[Answer]) -> dict[str, float]:
    answered = [each for each in real if each.confidence >= threshold]
    asked = [each for each in real if each.confidence < threshold]
    return {
        "threshold": threshold,
        "asked_again": round(len(asked) / len(real), 4),
        "asked_again_though_right": round(sum(a.intent == a.predicted for a in asked) / len(real), 4),
        "wrong_among_answered": round(sum(a.intent != a.predicted for a in answered) / (len(answered) or 1), 4),
        "babble_answered": round(sum(_a_wish(a, threshold) for a in babble) / (len(babble) or 1), 4),
    }


def _a_wish(answer: Answer, threshold: float) -> bool:
    return answer.confidence >= threshold and answer.predicted != "out_of_scope"


def _answers_of(fold: int, folds: int, count: int) -> list[Answer]:
    chance = random.Random(_SEED)
    examples = read_examples()
    places = [chance.randrange(folds) for _ in examples]
    left_out = [each for each, place in zip(examples, places, strict=True) if place == fold]
    left_out = chance.sample(left_out, min(count, len(left_out)))
    texts = [each.text for each in left_out] + babble(random.Random(_SEED + fold), _BABBLE // folds)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        learned = [each for each, place in zip(examples, places, strict=True) if place != fold]
        train(_pipeline(), _written(learned, folder), folder / "fold.tar.gz")
        found = [likeliest(each) for each in parse(folder / "fold.tar.gz", texts, folder)["predictions"]]
    intents = [each.intent for each in left_out] + [None] * (len(texts) - len(left_out))
    return [Answer(t, i, *f) for t, i, f in zip(texts, intents, found, strict=True)]


def _pipeline() -> list[dict[str, Any]]:
    return [part for part in own_pipeline() if not part["name"].endswith(_NOT_NEEDED)]


def _written(examples: Sequence[Example], folder: Path) -> Path:
    path = folder / "learned.json"
    rows = [{"text": each.text, "intent": each.intent} for each in examples]
    path.write_text(json.dumps({"rasa_nlu_data": {"common_examples": rows}}), encoding="utf-8")
    return path


def babble(chance: random.Random, count: int) -> list[str]:
    """Return lines of letters that mean nothing: kana of one kind, or Latin ones."""
    return ["".join(chance.choices(chance.choice(_LETTERS), k=chance.randint(5, 14))) for _ in range(count)]


if __name__ == "__main__":
    sys.exit(main())
