"""What a model is made of, and whether the newest one is made of what lies here now.

Beside each model file lies `<name>.made-of.json` with two digests: of everything (training data, domain,
configuration, components, the engine's locked versions), and of its frame: everything but the examples. Models of one
frame may take each other's place while the desk runs; one of another frame belongs to another state of the program.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML

from madoguchi.training import signing

MODELS = Path("models")
ENGINE = Path("engine/.venv/bin")
EXAMPLES = "data/nlu"
INGREDIENTS = (
    "config.yml",
    "domain.yml",
    "engine/requirements.lock",
    EXAMPLES,
    "data/rules",
    "data/stories",
    "engine/nlu",
)
FRAME = tuple(name for name in INGREDIENTS if name != EXAMPLES)
_KINDS = (".yml", ".py", ".json", ".txt")


class TrainingFailed(Exception):
    """The engine could not train a model; its own words were shown."""


@dataclass(frozen=True)
class MadeOf:
    """The digests of what a model was made of; the frame is empty in notes of older versions."""

    digest: str
    frame: str = ""

    def fits(self, here: MadeOf) -> bool:
        """Whether a model made of this can serve the program that lies `here`."""
        return self.digest == here.digest or (bool(self.frame) and self.frame == here.frame)


def newest_model(folder: Path = MODELS) -> Path | None:
    """Return the newest model file, or None."""
    found = sorted(folder.glob(f"*{signing.SUFFIX}"), key=lambda path: path.stat().st_mtime)
    return found[-1] if found else None


def is_up_to_date(key: bytes, folder: Path = MODELS) -> bool:
    """Whether the newest model is signed and was made of what lies here now."""
    model = newest_model(folder)
    if model is None or signing.fault_of(model, key) is not None:
        return False
    made_of = read_note(model)
    return made_of is not None and made_of.digest == digest()


def made_of_here(root: Path = Path()) -> MadeOf:
    """Return the digests of what lies under a root now."""
    return MadeOf(digest(root), digest(root, FRAME))


def digest(root: Path = Path(), ingredients: tuple[str, ...] = INGREDIENTS) -> str:
    """Return a digest of everything a model is made of, or of some of it."""
    total = hashlib.sha256()
    for path in files(root, ingredients):
        total.update(f"{path.relative_to(root)}\0".encode())
        total.update(path.read_bytes())
    return total.hexdigest()


def files(root: Path, ingredients: tuple[str, ...] = INGREDIENTS) -> Iterator[Path]:
    """Yield every file of the ingredients under a root, in a fixed order."""
    for name in ingredients:
        path = root / name
        if path.is_dir():
            yield from sorted(each for each in path.rglob("*") if each.suffix in _KINDS)
        elif path.exists():
            yield path


def write_note(model: Path, made_of: MadeOf) -> None:
    """Write down beside a model what it was made of."""
    note_of(model).write_text(json.dumps({"digest": made_of.digest, "frame": made_of.frame}) + "\n", encoding="utf-8")


def read_note(model: Path) -> MadeOf | None:
    """Return what a model was made of; None where that is not known."""
    try:
        note = json.loads(note_of(model).read_text(encoding="utf-8"))
        return MadeOf(str(note["digest"]), str(note.get("frame", "")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def note_of(model: Path) -> Path:
    """Return where the note of a model lies."""
    return model.with_name(model.name.removesuffix(signing.SUFFIX) + ".made-of.json")


def trained_components(root: Path = Path()) -> tuple[str, ...]:
    """Return the names of the pipeline's and the policies' classes, as the engine says them while it trains."""
    config = YAML(typ="safe").load(root / "config.yml")
    named = [*(config.get("pipeline") or ()), *(config.get("policies") or ())]
    return tuple(str(each["name"]).rpartition(".")[2] for each in named)
