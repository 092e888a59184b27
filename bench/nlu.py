"""This pipeline against Rasa's stock one, spaCy and DIET, in one run: `python -m bench.nlu [--epochs N]`.

Both are trained on data/nlu and read the held-out messages. The time of a message does not depend on the
epochs; the accuracy and the training time of the stock pipeline do.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.measured import own_pipeline, parse, train
from bench.stock import pipeline as stock_pipeline
from engine.evaluate import HELDOUT
from engine.examples import EXAMPLES
from engine.lines import WrongLine, read_lines
from engine.scores import judge


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison and return the exit code."""
    parser = argparse.ArgumentParser(prog="bench.nlu", description="Time this pipeline and the stock one.")
    parser.add_argument("--epochs", type=int, default=100, help="of the stock pipeline's DIET; default: 100")
    parser.add_argument("--data", type=Path, default=EXAMPLES, help=f"training data; default: {EXAMPLES}")
    options = parser.parse_args(arguments)
    try:
        lines = read_lines(sorted(HELDOUT.glob("*.jsonl")), labelled=True)
    except WrongLine as error:
        print(error, file=sys.stderr)
        return 2
    pipelines = {"this": own_pipeline(), f"stock, {options.epochs} epochs": stock_pipeline(options.epochs)}
    times = []
    for name, pipeline in pipelines.items():
        with tempfile.TemporaryDirectory() as folder:
            archive = Path(folder) / "bench.tar.gz"
            trained = train(pipeline, options.data, archive)
            parsed = parse(archive, [line.text for line in lines], Path(folder))
        times.append(np.percentile(parsed["milliseconds"], [50, 95]))
        print(_row(name, trained, parsed, judge(lines, parsed["predictions"]).accuracy), flush=True)
    print(f"this / stock: p50 {times[0][0] / times[1][0]:.2f}, p95 {times[0][1] / times[1][1]:.2f}")
    return 0


def _row(name: str, trained: dict[str, Any], parsed: dict[str, Any], accuracy: float) -> str:
    p50, p95 = np.percentile(parsed["milliseconds"], [50, 95])
    return (
        f"{name}: p50 {p50:.1f} ms, p95 {p95:.1f} ms, training {trained['train_seconds']:.0f} s, "
        f"memory {parsed['memory_mb']:.0f} MB (training {trained['train_memory_mb']:.0f} MB), "
        f"on disk {trained['disk_mb']:.1f} MB, held-out accuracy {accuracy:.3f}"
    )


if __name__ == "__main__":
    sys.exit(main())
