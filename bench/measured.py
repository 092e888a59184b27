"""What the measurements of the understanding share: a pipeline trained and timed in processes of their own.

`python -m bench.measured train CONFIG DATA ARCHIVE` and `python -m bench.measured parse ARCHIVE MESSAGES
PREDICTIONS` do one thing each and print one line of JSON; a process of its own makes the memory its own.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

_MEGABYTE = 1024 * 1024


def own_pipeline() -> list[dict[str, Any]]:
    """Return the pipeline of config.yml."""
    return YAML(typ="safe").load(Path("config.yml").read_text(encoding="utf-8"))["pipeline"]


def train(pipeline: Sequence[dict[str, Any]], data: Path, archive: Path) -> dict[str, Any]:
    """Train a pipeline and return its seconds, peak memory and size on disk in MB."""
    config = archive.with_suffix(".config.yml")
    content = {"recipe": "default.v1", "assistant_id": "bench", "language": "ja", "pipeline": list(pipeline)}
    # Rasa reads YAML, and JSON is YAML.
    config.write_text(json.dumps(content), encoding="utf-8")
    return {**_run("train", config, data, archive), "disk_mb": archive.stat().st_size / _MEGABYTE}


def parse(archive: Path, texts: Sequence[str], folder: Path) -> dict[str, Any]:
    """Parse texts one by one; return the predictions, milliseconds each, seconds of loading and peak memory."""
    messages, predictions = folder / "messages.json", folder / "predictions.json"
    messages.write_text(json.dumps(list(texts)), encoding="utf-8")
    measured = _run("parse", archive, messages, predictions)
    return {**measured, "predictions": json.loads(predictions.read_text(encoding="utf-8"))}


def _run(*arguments: object) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as cache:
        # A cache of its own: what an earlier run has computed would make this one look fast.
        environment = {**os.environ, "RASA_CACHE_DIRECTORY": cache, "RASA_TELEMETRY_ENABLED": "false"}
        environment |= {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore", "LOG_LEVEL": "ERROR"}
        command = [sys.executable, "-m", "bench.measured", *map(str, arguments)]
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if run.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{run.stderr[-3000:]}")
    return json.loads(run.stdout.splitlines()[-1])


def _train_here(config: Path, data: Path, archive: Path) -> dict[str, Any]:
    from rasa.model_training import train_nlu

    begun = time.perf_counter()
    name = archive.name[: -len(".tar.gz")]
    train_nlu(str(config), str(data), str(archive.parent), fixed_model_name=name)
    return {"train_seconds": time.perf_counter() - begun, "train_memory_mb": _peak_memory()}


def _parse_here(archive: Path, messages: Path, predictions: Path) -> dict[str, Any]:
    from engine.understanding import Understanding

    begun = time.perf_counter()
    understanding = Understanding(archive)
    loaded = time.perf_counter() - begun
    texts = json.loads(messages.read_text(encoding="utf-8"))
    for text in texts[:30]:
        understanding.parse(text)
    found, milliseconds = [], []
    for text in texts:
        begun = time.perf_counter()
        found.append(understanding.parse(text))
        milliseconds.append((time.perf_counter() - begun) * 1000)
    predictions.write_text(json.dumps(found), encoding="utf-8")
    return {"load_seconds": loaded, "milliseconds": milliseconds, "memory_mb": _peak_memory()}


def _peak_memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    todo = {"train": _train_here, "parse": _parse_here}[sys.argv[1]]
    print(json.dumps(todo(*map(Path, sys.argv[2:]))))
