"""The components of config.yml on MASSIVE ja-JP: `python -m bench.massive [--test FILE] [--train FILE]`.

Trains on train.jsonl and prints intent accuracy and macro-F1, slot F1, training time and milliseconds a
message. Only what belongs to the shop is taken off: the rules for its entities, the list of entities that
the tagger learns, and the fallback.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, f1_score

from bench.measured import components, own_pipeline, parse, train

FOLDER = Path("../shared/bench/massive_ja")
_SHOP = ("RuleEntityExtractor", "RefundMethodExtractor", "FallbackClassifier")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and return the exit code."""
    parser = argparse.ArgumentParser(prog="bench.massive", description="Score the components on MASSIVE ja-JP.")
    parser.add_argument("--test", type=Path, default=FOLDER / "dev.jsonl", help="lines like those of dev.jsonl")
    parser.add_argument("--train", type=Path, default=FOLDER / "train.jsonl")
    options = parser.parse_args(arguments)
    for path in (options.train, options.test):
        if not path.is_file():
            print(f"{path} is not there.", file=sys.stderr)
            return 2
    rows = _rows(options.test)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        training = _rows(options.train)
        print(f"training on {len(training)} messages of {options.train} …", flush=True)
        trained = train(_pipeline(), _training_file(training, folder), folder / "massive.tar.gz")
        print(f"reading {len(rows)} messages of {options.test} …", flush=True)
        parsed = parse(folder / "massive.tar.gz", [row["text"] for row in rows], folder)
    _tell(rows, trained, parsed)
    return 0


def _pipeline() -> list[dict[str, Any]]:
    kept = [part for part in own_pipeline() if not part["name"].endswith(_SHOP)]
    return [{**part, "entities": []} if part["name"].endswith("ProductExtractor") else part for part in kept]


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(row) for row in path.read_text(encoding="utf-8").split("\n") if row.strip()]


def _training_file(rows: Sequence[dict[str, Any]], folder: Path) -> Path:
    """Write the rows in the JSON that Rasa reads, and return the file."""
    examples = [
        {
            "text": row["text"],
            "intent": row["intent"],
            "entities": [
                {"entity": s["slot"], "start": s["start"], "end": s["end"], "value": s["value"]} for s in row["slots"]
            ],
        }
        for row in rows
    ]
    path = folder / "train.json"
    path.write_text(json.dumps({"rasa_nlu_data": {"common_examples": examples}}), encoding="utf-8")
    return path


def _tell(rows: Sequence[dict[str, Any]], trained: dict[str, Any], parsed: dict[str, Any]) -> None:
    meant = [row["intent"] for row in rows]
    said = [str(each["intent"]["name"]) for each in parsed["predictions"]]
    precision, recall, f1 = _slots(rows, parsed["predictions"])
    print(f"intent accuracy {accuracy_score(meant, said):.4f}")
    print(f"intent macro-F1 {f1_score(meant, said, labels=sorted(set(meant)), average='macro', zero_division=0):.4f}")
    print(f"slot F1 {f1:.4f} precision {precision:.4f} recall {recall:.4f} (name and exact place)")
    print(
        f"training {trained['train_seconds']:.0f} s ({trained['train_cpu_seconds']:.0f} s of processor time), "
        f"peak {trained['train_memory_mb']:.0f} MB"
    )
    print(f"training, each component: {components(trained)}")
    p50, p95 = np.percentile(parsed["milliseconds"], [50, 95])
    print(f"a message p50 {p50:.1f} ms, p95 {p95:.1f} ms")
    print(f"messages {len(rows)}")


def _slots(rows: Sequence[dict[str, Any]], predictions: Sequence[dict[str, Any]]) -> tuple[float, float, float]:
    counts: Counter[str] = Counter()
    for row, prediction in zip(rows, predictions, strict=True):
        gold: set[tuple[str, int, int]] = {(s["slot"], s["start"], s["end"]) for s in row["slots"]}
        found = {(e["entity"], e["start"], e["end"]) for e in prediction["entities"]}
        counts.update(hits=len(gold & found), found=len(found), gold=len(gold))
    precision = counts["hits"] / (counts["found"] or 1)
    recall = counts["hits"] / (counts["gold"] or 1)
    return precision, recall, 2 * counts["hits"] / ((counts["found"] + counts["gold"]) or 1)


if __name__ == "__main__":
    sys.exit(main())
