"""Scores of predictions against labelled lines: intents, entities, and whether confidence tells the truth."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple
from typing import Counter as CounterType

from engine.lines import GoldEntity, Line
from engine.nlu.text import normalize

FALLBACK = "nlu_fallback"
_BINS = 10


@dataclass(frozen=True)
class Judged:
    """One message: what it means, what the model took it for, and how sure it was of that."""

    text: str
    intent: str
    predicted: Optional[str]
    confidence: float
    fell_back: bool
    missed: Tuple[str, ...] = ()
    spurious: Tuple[str, ...] = ()

    @property
    def right(self) -> bool:
        """Whether the likeliest intent is the right one."""
        return self.intent == self.predicted


@dataclass(frozen=True)
class Score:
    """Hits, false alarms and misses of one intent or entity."""

    hits: int
    spurious: int
    missed: int

    @property
    def precision(self) -> float:
        """Share of what was said that is right; 1 where nothing was said."""
        said = self.hits + self.spurious
        return self.hits / said if said else 1.0

    @property
    def recall(self) -> float:
        """Share of what is there that was found; 1 where nothing is there."""
        there = self.hits + self.missed
        return self.hits / there if there else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        total = 2 * self.hits + self.spurious + self.missed
        return 2 * self.hits / total if total else 1.0

    def as_json(self) -> Dict[str, Any]:
        """Return the score as the report keeps it."""
        return {
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "hits": self.hits,
            "spurious": self.spurious,
            "missed": self.missed,
        }


@dataclass(frozen=True)
class Scores:
    """Everything that is said about a file of messages."""

    messages: Tuple[Judged, ...]
    intents: Mapping[str, Score]
    entities: Mapping[str, Score]

    @property
    def accuracy(self) -> float:
        """Share of messages whose likeliest intent is the right one, whether or not the desk asks again."""
        return sum(each.right for each in self.messages) / len(self.messages)

    @property
    def macro_f1(self) -> float:
        """The mean of the F1 of every intent that stands in the file."""
        labels = {each.intent for each in self.messages}
        return sum(self.intents[name].f1 for name in labels) / len(labels)

    @property
    def fallback_rate(self) -> float:
        """Share of messages after which the desk asks again."""
        return sum(each.fell_back for each in self.messages) / len(self.messages)


def judge(lines: Sequence[Line], predictions: Sequence[Mapping[str, Any]]) -> Scores:
    """Compare predictions with labelled lines; entities count only where a line says which it has."""
    messages: List[Judged] = []
    counts: CounterType[Tuple[str, str]] = Counter()
    for line, prediction in zip(lines, predictions, strict=True):
        name, confidence = likeliest(prediction)
        missed, spurious = _compare(line.entities, prediction["entities"], counts)
        fell_back = prediction["intent"]["name"] in (None, FALLBACK)
        messages.append(Judged(line.text, line.intent or "", name, confidence, fell_back, missed, spurious))
    entities = {
        name: Score(counts[name, "hit"], counts[name, "spurious"], counts[name, "missed"])
        for name in sorted({name for name, _ in counts})
    }
    return Scores(tuple(messages), intent_scores(messages), entities)


def likeliest(prediction: Mapping[str, Any]) -> Tuple[Optional[str], float]:
    """Return the likeliest intent and its probability, seen through a fallback."""
    for intent in [prediction["intent"], *(prediction.get("intent_ranking") or [])]:
        if intent["name"] not in (None, FALLBACK):
            return intent["name"], float(intent["confidence"])
    return None, 0.0


def intent_scores(messages: Sequence[Judged]) -> Dict[str, Score]:
    """Return the score of each intent that is meant or predicted."""
    hits = Counter(each.intent for each in messages if each.right)
    missed = Counter(each.intent for each in messages if not each.right)
    spurious = Counter(each.predicted for each in messages if each.predicted and not each.right)
    return {name: Score(hits[name], spurious[name], missed[name]) for name in sorted({*hits, *missed, *spurious})}


def calibration(messages: Sequence[Judged]) -> List[Tuple[float, float, int]]:
    """Return mean confidence, accuracy and number of messages of each tenth of confidence that has any."""
    bins: Dict[int, List[Judged]] = {}
    for each in messages:
        bins.setdefault(min(int(each.confidence * _BINS), _BINS - 1), []).append(each)
    return [
        (sum(m.confidence for m in found) / len(found), sum(m.right for m in found) / len(found), len(found))
        for _, found in sorted(bins.items())
    ]


def calibration_error(messages: Sequence[Judged]) -> float:
    """Return the mean distance of confidence from accuracy, each tenth weighed by its messages."""
    return sum(abs(said - true) * count for said, true, count in calibration(messages)) / len(messages)


def risk_coverage(messages: Sequence[Judged]) -> List[Tuple[float, float]]:
    """Return for each number of surest messages the share answered and the share of these that is wrong."""
    wrong, points = 0, []
    for rank, each in enumerate(sorted(messages, key=lambda m: -m.confidence), start=1):
        wrong += not each.right
        points.append((rank / len(messages), wrong / rank))
    return points


def _compare(
    gold: Optional[Tuple[GoldEntity, ...]], found: Sequence[Mapping[str, Any]], counts: CounterType[Tuple[str, str]]
) -> Tuple[Tuple[str, ...], Tuple[str, ...]]:
    """Count the entities of one message; return those missed and those found for nothing."""
    if gold is None:
        return (), ()
    left = [(entity["entity"], str(entity["value"]), entity) for entity in found]
    missed = []
    for wanted in gold:
        match = next((each for each in left if _same(wanted, each[0], each[1])), None)
        counts[wanted.entity, "missed" if match is None else "hit"] += 1
        if match is None:
            missed.append(f"{wanted.entity}={wanted.value or wanted.surface}")
        else:
            left.remove(match)
    for name, _, _ in left:
        counts[name, "spurious"] += 1
    return tuple(missed), tuple(f"{name}={value}" for name, value, _ in left)


def _same(wanted: GoldEntity, name: str, value: str) -> bool:
    """Say whether an entity is the wanted one: by its value where the line has one, else by its surface."""
    expected = wanted.value if wanted.value is not None else wanted.surface
    return wanted.entity == name and normalize(expected or "").text.lower() == normalize(value).text.lower()
