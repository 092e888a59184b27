"""This pipeline against Rasa's stock one, spaCy and DIET, in one run: `python -m bench.nlu`.

This pipeline learns from all of data/nlu; the stock one from so many examples an intent, in so many epochs, as
`--examples` and `--epochs` say, for all of them take the better part of an hour. The time of a message depends
on neither; accuracy and training time of the stock pipeline do, and are printed with what they belong to. Both
then read the held-out messages in turn, one message by one, so that both meet the same machine.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.measured import components, own_pipeline, parse, race, train
from bench.stock import pipeline as stock_pipeline
from engine.evaluate import HELDOUT
from engine.examples import EXAMPLES
from engine.lines import Line, WrongLine, read_lines
from engine.scores import judge

_SEED = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison and return the exit code."""
    parser = argparse.ArgumentParser(prog="bench.nlu", description="Time this pipeline and the stock one.")
    parser.add_argument("--examples", type=int, default=50, help="an intent, for the stock pipeline; 0: all")
    parser.add_argument("--epochs", type=int, default=20, help="of the stock pipeline's DIET")
    parser.add_argument("--messages", type=int, default=400, help="how many held-out messages to read")
    options = parser.parse_args(arguments)
    try:
        lines = read_lines(sorted(HELDOUT.glob("*.jsonl")), labelled=True)
    except WrongLine as error:
        print(error, file=sys.stderr)
        return 2
    lines = random.Random(_SEED).sample(lines, min(options.messages, len(lines)))
    with tempfile.TemporaryDirectory() as name:
        _compare(Path(name), lines, options.examples, options.epochs)
    return 0


def _compare(folder: Path, lines: Sequence[Line], examples: int, epochs: int) -> None:
    sampled, count = sample(EXAMPLES, folder / "sampled", examples)
    stock = f"stock (SpacyNLP with the whole of ja_ginza, DIET), {epochs} epochs on {count} examples"
    archives = []
    for name, pipeline, data in (
        ("this", own_pipeline(), EXAMPLES),
        (stock, stock_pipeline(epochs), sampled),
    ):
        print(f"{name}: training …", flush=True)
        archive = folder / f"model{len(archives)}.tar.gz"
        trained = train(pipeline, data, archive)
        print(f"  each component: {components(trained)}", flush=True)
        parsed = parse(archive, [line.text for line in lines], folder)
        print(_row(trained, parsed, judge(lines, parsed["predictions"]).accuracy), flush=True)
        archives.append(archive)
    _tell(race(archives, [line.text for line in lines], folder), len(lines))


def sample(source: Path, target: Path, count: int) -> tuple[Path, int]:
    """Write `count` examples an intent, all for 0, into the folder `target`; return it and how many there are."""
    target.mkdir()
    rows: dict[str, list[str]] = defaultdict(list)
    for path in sorted(source.glob("*.yml")):
        head, _, examples = path.read_text(encoding="utf-8").partition("examples: |\n")
        rows[head] = [row for row in examples.splitlines() if row.startswith("    - ")]
    for number, (head, found) in enumerate(rows.items()):
        kept = random.Random(_SEED).sample(found, count) if 0 < count < len(found) else found
        rows[head] = kept
        text = head + "examples: |\n" + "\n".join(kept) + "\n"
        (target / f"{number}.yml").write_text(text, encoding="utf-8")
    return target, sum(map(len, rows.values()))


def _row(trained: dict[str, Any], parsed: dict[str, Any], accuracy: float) -> str:
    return (
        f"  training {trained['train_seconds']:.0f} s ({trained['train_cpu_seconds']:.0f} s of processor time), "
        f"memory {parsed['memory_mb']:.0f} MB (training {trained['train_memory_mb']:.0f} MB), "
        f"on disk {trained['disk_mb']:.1f} MB, held-out accuracy {accuracy:.3f}"
    )


def _tell(milliseconds: Sequence[Sequence[float]], count: int) -> None:
    quantiles = [np.percentile(times, [50, 95]) for times in milliseconds]
    for name, (p50, p95) in zip(("this", "stock"), quantiles, strict=True):
        print(f"{name}: {count} messages in turn, p50 {p50:.1f} ms, p95 {p95:.1f} ms")
    print(f"this / stock: p50 {quantiles[0][0] / quantiles[1][0]:.2f}, p95 {quantiles[0][1] / quantiles[1][1]:.2f}")


if __name__ == "__main__":
    sys.exit(main())
