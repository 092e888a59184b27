"""Classifiers on the very same features: `python -m bench.classifiers [--examples N]`.

Takes so many examples an intent of data/nlu, learns from four fifths and reads the rest: the linear machine of
engine/nlu, gradient boosting and a small neural net on the leading components of the same rows, and DIET on the
rows themselves. Prints accuracy, macro-F1, and seconds of processor time to learn; docs/adr/0005 keeps the table.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.metrics import accuracy_score, f1_score

from bench.measured import own_pipeline, parse, train
from engine.examples import Example, read_examples
from engine.scores import likeliest

_SEED = 20
_COMPONENTS = 200
_NOT_FEATURES = ("LinearIntentClassifier", "ContraryGuard", "BabbleGuard", "Extractor", "FallbackClassifier")
Rows = tuple[csr_matrix, np.ndarray]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison and return the exit code."""
    parser = argparse.ArgumentParser(prog="bench.classifiers", description="Compare classifiers on one set of rows.")
    parser.add_argument("--examples", type=int, default=60, help="an intent")
    parser.add_argument("--epochs", type=int, default=40, help="of DIET")
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    learned, asked = _split(options.examples)
    print(f"{len(learned)} examples learned from, {len(asked)} asked about", flush=True)
    rows, others = _rows(learned, asked)
    labels = np.array([each.intent for each in learned])
    meant = [each.intent for each in asked]
    for name, said in (("linear", _linear), ("gradient boosting", _boosting), ("neural net", _net)):
        begun = time.process_time()
        _tell(name, meant, said(rows, labels, others), time.process_time() - begun)
    _diet(learned, asked, options.epochs)
    return 0


def _split(count: int) -> tuple[list[Example], list[Example]]:
    chance = random.Random(_SEED)
    by_intent: dict[str, list[Example]] = {}
    for each in read_examples():
        by_intent.setdefault(each.intent, []).append(each)
    taken = [chance.sample(found, min(count, len(found))) for found in by_intent.values()]
    learned = [each for found in taken for each in found[len(found) // 5 :]]
    return learned, [each for found in taken for each in found[: len(found) // 5]]


def _rows(learned: Sequence[Example], asked: Sequence[Example]) -> tuple[Rows, Rows]:
    """Return the features of both parts, their terms learned from the first alone."""
    from rasa.shared.nlu.training_data.message import Message
    from rasa.shared.nlu.training_data.training_data import TrainingData

    from engine.nlu import sparse
    from engine.nlu.dense import GinzaVectorFeaturizer
    from engine.nlu.features import blocks
    from engine.nlu.ginza import load_ginza
    from engine.nlu.normalizer import JapaneseNormalizer
    from engine.nlu.tokenizer import GinzaTokenizer

    model = load_ginza("ja_ginza")
    parts = [[Message.build(each.text, each.intent) for each in part] for part in (learned, asked)]
    storage: Any = SimpleNamespace(write_to=_somewhere)
    named: Any = SimpleNamespace(node_name="bench")
    dense = GinzaVectorFeaturizer.create({}, storage, storage, named)
    for part in parts:
        data = TrainingData(part)
        JapaneseNormalizer.create({}, storage, storage, named).process_training_data(data)
        GinzaTokenizer.create({}, storage, storage, named).process_training_data(data, model)
        dense.process_training_data(data, model)
    for kind in ("CharacterFeaturizer", "ReadingFeaturizer", "WordFeaturizer", "GrammarFeaturizer"):
        featurizer = getattr(sparse, kind).create({}, storage, storage, SimpleNamespace(node_name=kind))
        featurizer.train(TrainingData(parts[0]))
        for part in parts:
            featurizer.process(part)
    return blocks(parts[0]), blocks(parts[1])


@contextlib.contextmanager
def _somewhere(resource: object) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def _linear(rows: Rows, labels: np.ndarray, others: Rows) -> list[str]:
    from engine.nlu.margins import fit_linear

    model = fit_linear(*rows, labels, 0.5, 100, 3, _SEED)
    found = [model.probabilities([others[0][i], others[1][i : i + 1]]) for i in range(len(others[1]))]
    return [model.classes[each.argmax()] for each in found]


def _boosting(rows: Rows, labels: np.ndarray, others: Rows) -> list[str]:
    from sklearn.ensemble import HistGradientBoostingClassifier

    machine = HistGradientBoostingClassifier(max_iter=60, learning_rate=0.15, max_leaf_nodes=15, random_state=_SEED)
    return _on_components(machine, rows, labels, others)


def _net(rows: Rows, labels: np.ndarray, others: Rows) -> list[str]:
    from sklearn.neural_network import MLPClassifier

    return _on_components(MLPClassifier((256,), alpha=1e-3, max_iter=80, random_state=_SEED), rows, labels, others)


def _on_components(machine: Any, rows: Rows, labels: np.ndarray, others: Rows) -> list[str]:
    """Learn from the leading components of the sparse rows beside those of the dense ones."""
    from sklearn.decomposition import PCA, TruncatedSVD

    makers = TruncatedSVD(_COMPONENTS, random_state=_SEED), PCA(100, random_state=_SEED)
    made = np.hstack([maker.fit_transform(part) for maker, part in zip(makers, rows, strict=True)])
    asked = np.hstack([maker.transform(part) for maker, part in zip(makers, others, strict=True)])
    scale = made.std(axis=0) + 1e-6
    return list(machine.fit(made / scale, labels).predict(asked / scale))


def _diet(learned: Sequence[Example], asked: Sequence[Example], epochs: int) -> None:
    features = [part for part in own_pipeline() if not part["name"].endswith(_NOT_FEATURES)]
    # DIET reads nothing without rows of single tokens; those of Rasa's own featurizer are the smallest there are.
    features.append({"name": "LexicalSyntacticFeaturizer"})
    diet = {"name": "DIETClassifier", "epochs": epochs, "entity_recognition": False, "random_seed": _SEED}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [{"text": each.text, "intent": each.intent} for each in learned]
        (folder / "data.json").write_text(json.dumps({"rasa_nlu_data": {"common_examples": rows}}), encoding="utf-8")
        trained = train([*features, diet], folder / "data.json", folder / "diet.tar.gz")
        found = parse(folder / "diet.tar.gz", [each.text for each in asked], folder)["predictions"]
    said = [str(likeliest(each)[0]) for each in found]
    _tell(f"DIET, {epochs} epochs", [each.intent for each in asked], said, trained["train_cpu_seconds"])


def _tell(name: str, meant: Sequence[str], said: Sequence[str], seconds: float) -> None:
    accuracy, macro = accuracy_score(meant, said), f1_score(meant, said, average="macro")
    print(f"{name}: accuracy {accuracy:.3f}, macro-F1 {macro:.3f}, {seconds:.0f} s of processor time", flush=True)


if __name__ == "__main__":
    sys.exit(main())
