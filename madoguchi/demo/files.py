"""Where the demo shop's own files are, and how they are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

FOLDER = Path(__file__).resolve().parents[2] / "data" / "demo"


def read(name: str) -> Any:
    """Return the content of one YAML file of data/demo/."""
    return YAML(typ="safe").load(FOLDER / name)
