"""Customers' words that mean one thing whatever the intent is; the words are data, in data/words/words.yml."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ruamel.yaml import YAML

WORDS = Path("data/words/words.yml")
_ENDS = re.compile(r"[、。,!?\n]+")


@dataclass(frozen=True)
class Saying:
    """One thing that can be meant, with the expressions that say it and those that take it back."""

    value: str
    says: tuple[re.Pattern[str], ...]
    unless: tuple[re.Pattern[str], ...] = ()

    def fits(self, text: str) -> bool:
        """Whether the folded text says it."""
        said = any(pattern.search(text) for pattern in self.says)
        return said and not any(pattern.search(text) for pattern in self.unless)


def meant(topic: str, text: str) -> str | None:
    """Return what the text says on a topic of words.yml, or None; LookupError for an unknown topic."""
    plain = folded(text)
    return next((saying.value for saying in _table()[topic] if saying.fits(plain)), None)


def folded(text: str) -> str:
    """Return the text as the expressions of words.yml see it: half-width digits and letters, lower case."""
    return unicodedata.normalize("NFKC", text).casefold()


def clauses(text: str) -> list[str]:
    """Return what stands between commas and full stops, folded."""
    return [clause for clause in _ENDS.split(folded(text)) if clause]


def load() -> None:
    """Read the words now, so that a mistake in them is found at the start and not in a talk."""
    _table()


@cache
def _table() -> dict[str, tuple[Saying, ...]]:
    data = YAML(typ="safe").load(WORDS)
    return {topic: tuple(map(_saying, entries)) for topic, entries in data.items()}


def _saying(entry: dict[str, str | list[str]]) -> Saying:
    says, unless = entry["says"], entry.get("unless", [])
    return Saying(str(entry["value"]), tuple(map(re.compile, says)), tuple(map(re.compile, unless)))
