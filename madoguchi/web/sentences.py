"""The Japanese that pages and answers need outside of HTML, read from `templates/sentences.yml`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from ruamel.yaml import YAML

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class ProblemText:
    """What a refused request is answered with."""

    status: int
    title: str
    detail: str


@dataclass(frozen=True)
class ProgressText:
    """The words of a case's progress, each by its code."""

    kinds: dict[str, str]
    steps: dict[str, str]
    now: dict[str, str]
    rows: dict[str, str]
    ways: dict[str, str]
    payers: dict[str, str]
    clocks: dict[str, str]


@dataclass(frozen=True)
class Sentences:
    """Everything in the file, by its sections."""

    problems: dict[str, ProblemText]
    turn_late: str
    turn_failed: str
    photo_received: str
    deliveries: dict[str, str]
    senders: dict[str, str]
    weekdays: list[str]
    confirm: dict[str, str]
    order_states: dict[str, str]
    membership_states: dict[str, str]
    return_reasons: dict[str, str]
    progress: ProgressText


@cache
def load_sentences() -> Sentences:
    """Read the file; a section that is missing or misspelt is an error at start-up, not at three in the morning."""
    raw: Any = YAML(typ="safe").load(TEMPLATES / "sentences.yml")
    return TypeAdapter(Sentences).validate_python(raw)
