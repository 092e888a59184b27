"""When two texts are the same to the engine: its own normalisation decides, so that no conflict slips between two.

The engine's `nlu/text.py` is plain Python without imports from Rasa. It is read here as a file, because a copy of
its rules would drift from them, and what drifts lets the same text stand under two intents.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import math
import os
import sys
import unicodedata
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from heapq import nlargest
from pathlib import Path
from typing import Any

_RULES = Path(__file__).parents[2] / "engine" / "nlu" / "text.py"
_known: dict[str, str] = {}
_MOST_KNOWN = 400_000


def key(text: str) -> str:
    """Return the letters and digits of a text after normalisation; equal keys are one text to the engine."""
    found = _known.get(text)
    if found is None:
        plain = str(_normalize()(text).text).lower()
        found = "".join(char for char in plain if unicodedata.category(char)[0] in "LN") or text
        if len(_known) < _MOST_KNOWN:
            _known[text] = found
    return found


def recall(path: Path) -> None:
    """Take over the keys an earlier run has kept, unless the rules have changed since."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    if kept.get("rules") == _rules():
        _known.update(kept["keys"])


def keep(path: Path, texts: Sequence[str]) -> None:
    """Keep the keys of these texts: to work one out takes half a millisecond, which 50,000 examples make long."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(f".{os.getpid()}")
    content = {"rules": _rules(), "keys": {text: key(text) for text in texts}}
    new.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    new.replace(path)


class Likeness:
    """Texts by their pairs of letters, each pair weighed by how rare it is."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._places: dict[str, array[int]] = {}
        for place, text in enumerate(keys):
            for pair in _pairs(text):
                self._places.setdefault(pair, array("I")).append(place)
        self._weights = {pair: math.log(1 + len(keys) / len(found)) for pair, found in self._places.items()}
        self._lengths = [math.sqrt(sum(self._weights[pair] ** 2 for pair in _pairs(text))) for text in keys]
        self._rarest = math.log(1 + max(len(keys), 1))

    def nearest(self, wanted: str, count: int = 5, least: float = 0.15) -> list[tuple[int, float]]:
        """Return the places of the keys most like this one with their likeness (0 to 1), the most alike first."""
        pairs = _pairs(wanted)
        length = math.sqrt(sum(self._weights.get(pair, self._rarest) ** 2 for pair in pairs))
        shared: Counter[int] = Counter()
        for pair in pairs:
            weight = self._weights.get(pair, 0.0) ** 2
            for place in self._places.get(pair, ()):
                shared[place] += weight  # type: ignore[assignment]
        alike = ((place, weight / (length * self._lengths[place])) for place, weight in shared.items())
        return nlargest(count, (each for each in alike if each[1] >= least), key=lambda each: each[1])


def _pairs(text: str) -> set[str]:
    edged = f"^{text}$"
    return {edged[at : at + 2] for at in range(len(edged) - 1)}


@cache
def _rules() -> str:
    return hashlib.sha256(_RULES.read_bytes()).hexdigest()


@cache
def _normalize() -> Callable[[str], Any]:
    spec = importlib.util.spec_from_file_location("madoguchi_engine_text", _RULES)
    if spec is None or spec.loader is None:
        raise RuntimeError(f"{_RULES} is missing: it is a part of the repository.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.normalize  # type: ignore[no-any-return]
