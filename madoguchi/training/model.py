"""The model: trained anew when what it is made of has changed, and only then.

Beside each model file lies `<name>.made-of.json` with a digest of the training data, the domain, the
configuration, the components and the engine's locked versions.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

MODELS = Path("models")
ENGINE = Path("engine/.venv/bin")
INGREDIENTS = (
    "config.yml",
    "domain.yml",
    "engine/requirements.lock",
    "data/nlu",
    "data/rules",
    "data/stories",
    "engine/nlu",
)


class TrainingFailed(Exception):
    """The engine could not train a model; its own words were printed."""


def newest_model() -> Path | None:
    """Return the newest model file, or None."""
    found = sorted(MODELS.glob("*.tar.gz"), key=lambda path: path.stat().st_mtime)
    return found[-1] if found else None


def is_up_to_date() -> bool:
    """Whether the newest model was made of what lies here now."""
    model = newest_model()
    note = _note(model) if model else None
    return bool(note and note.exists() and json.loads(note.read_text())["digest"] == digest())


def train() -> Path:
    """Train a model and return its file; the engine's progress goes to the terminal.

    Raises TrainingFailed.
    """
    wanted = digest()
    environment = {
        **os.environ,
        "RASA_TELEMETRY_ENABLED": "false",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "PYTHONWARNINGS": "ignore",
    }
    command = [str(ENGINE / "rasa"), "train", "--out", str(MODELS), "--num-threads", str(os.cpu_count() or 1)]
    if subprocess.run(command, env=environment, check=False).returncode != 0:
        raise TrainingFailed
    model = newest_model()
    if model is None:
        raise TrainingFailed
    _note(model).write_text(json.dumps({"digest": wanted}) + "\n")
    return model


def digest() -> str:
    """Return a digest of everything a model is made of."""
    total = hashlib.sha256()
    for path in _files():
        total.update(f"{path}\0".encode())
        total.update(path.read_bytes())
    return total.hexdigest()


def _note(model: Path) -> Path:
    return model.with_name(model.name.removesuffix(".tar.gz") + ".made-of.json")


def _files() -> Iterator[Path]:
    for name in INGREDIENTS:
        path = Path(name)
        if path.is_dir():
            yield from sorted(each for each in path.rglob("*") if each.suffix in (".yml", ".py", ".json", ".txt"))
        elif path.exists():
            yield path
