"""Reading the engine's reports on the held-out messages: what the pages show of them, and what changed between two."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from madoguchi.training import gate
from madoguchi.training.workshop import Place

type Report = Mapping[str, Any]

SCORES = ("accuracy", "macro_f1", "fallback_rate", "calibration_error")
FALLBACK = "nlu_fallback"
BINS = 10


@dataclass(frozen=True)
class Cell:
    """One place of the confusion matrix: how often one intent was meant and another, or the same, was said."""

    meant: str
    said: str
    count: int


@dataclass(frozen=True)
class Bin:
    """A tenth of confidence: the mean confidence in it, the share that was right, and how many messages it holds."""

    said: float
    true: float
    count: int


@dataclass(frozen=True)
class Change:
    """A message whose answer changed: what it means where that is known, and both answers."""

    text: str
    intent: str | None
    before: str | None
    now: str | None
    confidence_before: float
    confidence: float

    @property
    def better(self) -> bool | None:
        """Whether the new answer is the right one, or the old one was; None where neither is, or nobody knows."""
        if self.intent is None or self.intent not in (self.before, self.now):
            return None
        return self.now == self.intent


def folder(place: Place, name: str) -> Path:
    """Return where the reports of a model lie."""
    return place.var / "evaluations" / name


def read(place: Place, name: str) -> dict[str, Any] | None:
    """Return a model's report on the held-out messages; None where there is none."""
    try:
        content = json.loads((folder(place, name) / "report.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) and "messages" in content else None


def confusion(report: Report) -> tuple[list[str], dict[tuple[str, str], int]]:
    """Return the intents that are meant or said, and how often each pair occurs."""
    counts = Counter((each["intent"], each["predicted"] or FALLBACK) for each in report["messages"])
    return sorted({name for pair in counts for name in pair}), dict(counts)


def confused(report: Report) -> list[Cell]:
    """Return the pairs that are taken for each other, the most frequent first."""
    _, counts = confusion(report)
    wrong = [Cell(meant, said, count) for (meant, said), count in counts.items() if meant != said]
    return sorted(wrong, key=lambda cell: (-cell.count, cell.meant, cell.said))


def in_cell(report: Report, meant: str, said: str) -> list[Mapping[str, Any]]:
    """Return the messages of one place of the matrix, the surest first."""
    found = [each for each in report["messages"] if (each["intent"], each["predicted"] or FALLBACK) == (meant, said)]
    return sorted(found, key=lambda each: -each["confidence"])


def calibration(report: Report) -> list[Bin]:
    """Return each tenth of confidence that has any message."""
    bins: dict[int, list[Mapping[str, Any]]] = {}
    for each in report["messages"]:
        bins.setdefault(min(int(each["confidence"] * BINS), BINS - 1), []).append(each)
    return [
        Bin(
            sum(each["confidence"] for each in found) / len(found),
            sum(each["intent"] == each["predicted"] for each in found) / len(found),
            len(found),
        )
        for _, found in sorted(bins.items())
    ]


def changes(before: Report, now: Report) -> list[Change]:
    """Return the held-out messages whose answer changed, what got worse first."""
    pairs = zip(*gate.shared(before["messages"], now["messages"]), strict=True)
    found = [
        Change(new["text"], new["intent"], old["predicted"], new["predicted"], old["confidence"], new["confidence"])
        for old, new in pairs
        if old["predicted"] != new["predicted"]
    ]
    order = {False: 0, None: 1, True: 2}
    return sorted(found, key=lambda change: (order[change.better], change.text))


def beside(reports: Sequence[Report | None]) -> list[tuple[str, list[Mapping[str, Any] | None]]]:
    """Return each intent with its scores in several reports, those that differ the most first."""
    names = sorted({name for report in reports if report for name in report["intents"]})
    rows = [(name, [report["intents"].get(name) if report else None for report in reports]) for name in names]

    def spread(row: tuple[str, list[Mapping[str, Any] | None]]) -> float:
        scores = [each["f1"] for each in row[1] if each]
        return float(max(scores) - min(scores))

    return sorted(rows, key=lambda row: (-spread(row), row[0]))
