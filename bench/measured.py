"""What the measurements of the understanding share: a pipeline trained and timed in processes of their own.

`python -m bench.measured train CONFIG DATA ARCHIVE`, `… parse ARCHIVE MESSAGES PREDICTIONS` and `… race ARCHIVE
ARCHIVE MESSAGES` do one thing each and print one line of JSON; a process of its own makes the memory its own.
"""

from __future__ import annotations

import json
import os
import resource
import secrets
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
_A_WORD_EVERY = 30  # seconds
_WARM_UP = 30  # messages
_KEY = secrets.token_hex(16)
"""Signs the models of one measurement: the desk's own key stays out of it."""


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


def components(trained: dict[str, Any]) -> str:
    """Return the seconds that each component of a pipeline took in training, the longest first."""
    ordered = sorted(trained["component_seconds"].items(), key=lambda each: -each[1])
    return ", ".join(f"{name} {seconds:.1f} s" for name, seconds in ordered if seconds >= 0.1)


def parse(archive: Path, texts: Sequence[str], folder: Path) -> dict[str, Any]:
    """Parse texts one by one; return the predictions, milliseconds each, seconds of loading and peak memory."""
    messages, predictions = folder / "messages.json", folder / "predictions.json"
    messages.write_text(json.dumps(list(texts)), encoding="utf-8")
    measured = _run("parse", archive, messages, predictions)
    return {**measured, "predictions": json.loads(predictions.read_text(encoding="utf-8"))}


def race(archives: Sequence[Path], texts: Sequence[str], folder: Path) -> list[list[float]]:
    """Return the milliseconds of each message by two models in turn, so that both meet the same machine."""
    messages = folder / "race.json"
    messages.write_text(json.dumps(list(texts)), encoding="utf-8")
    milliseconds: list[list[float]] = _run("race", *archives, messages)["milliseconds"]
    return milliseconds


def _run(*arguments: object) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as cache:
        # A cache of its own: what an earlier run has computed would make this one look fast.
        environment = {**os.environ, "RASA_CACHE_DIRECTORY": cache, "RASA_TELEMETRY_ENABLED": "false"}
        environment |= {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore", "LOG_LEVEL": "ERROR"}
        environment["MADOGUCHI_MODELS_SECRET"] = _KEY
        command = [sys.executable, "-m", "bench.measured", *map(str, arguments)]
        run = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        )
        said = _wait(run, arguments[0])
    if run.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{said[1][-3000:]}")
    return json.loads(said[0].splitlines()[-1])


def _wait(run: subprocess.Popen[str], doing: object) -> tuple[str, str]:
    """Wait for a process and tell every half minute that it is still at work."""
    begun = time.perf_counter()
    while True:
        try:
            return run.communicate(timeout=_A_WORD_EVERY)
        except subprocess.TimeoutExpired:
            print(f"  … {doing}, {time.perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)


def _train_here(config: Path, data: Path, archive: Path) -> dict[str, Any]:
    from rasa.engine.graph import GraphNode
    from rasa.model_training import train_nlu

    from engine.archives import signature

    seconds: dict[str, float] = {}
    run_node = GraphNode.__call__

    def timed(node: GraphNode, *inputs: Any) -> Any:
        begun = time.perf_counter()
        try:
            return run_node(node, *inputs)
        finally:
            name = node._node_name.split(".")[-1].rstrip("0123456789")
            seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - begun

    GraphNode.__call__ = timed
    begun, begun_cpu = time.perf_counter(), time.process_time()
    name = archive.name[: -len(".tar.gz")]
    train_nlu(str(config), str(data), str(archive.parent), fixed_model_name=name)
    took, took_cpu = time.perf_counter() - begun, time.process_time() - begun_cpu
    sealed = signature(archive.name, archive.read_bytes())
    archive.with_name(f"{archive.name}.signature").write_text(sealed, encoding="ascii")
    return {
        "train_seconds": took,
        "train_cpu_seconds": took_cpu,
        "train_memory_mb": _peak_memory(),
        "component_seconds": seconds,
    }


def _parse_here(archive: Path, messages: Path, predictions: Path) -> dict[str, Any]:
    from engine.understanding import Understanding

    begun = time.perf_counter()
    understanding = Understanding(archive)
    loaded = time.perf_counter() - begun
    texts = json.loads(messages.read_text(encoding="utf-8"))
    for text in texts[:_WARM_UP]:
        understanding.parse(text)
    found, milliseconds = [], []
    for text in texts:
        begun = time.perf_counter()
        found.append(understanding.parse(text))
        milliseconds.append((time.perf_counter() - begun) * 1000)
    predictions.write_text(json.dumps(found), encoding="utf-8")
    return {"load_seconds": loaded, "milliseconds": milliseconds, "memory_mb": _peak_memory()}


def _race_here(first: Path, second: Path, messages: Path) -> dict[str, Any]:
    from engine.understanding import Understanding

    runners = [Understanding(first), Understanding(second)]
    texts = json.loads(messages.read_text(encoding="utf-8"))
    milliseconds: list[list[float]] = [[], []]
    for text in texts[:_WARM_UP] + texts:
        for understanding, times in zip(runners, milliseconds, strict=True):
            begun = time.perf_counter()
            understanding.parse(text)
            times.append((time.perf_counter() - begun) * 1000)
    return {"milliseconds": [times[-len(texts) :] for times in milliseconds]}


def _peak_memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    todo = {"train": _train_here, "parse": _parse_here, "race": _race_here}[sys.argv[1]]
    print(json.dumps(todo(*map(Path, sys.argv[2:]))))
