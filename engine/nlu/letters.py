"""How much a line of kana looks like what customers write: a model of which letter follows which three.

Counts of runs of one to four letters, each interpolated with the shorter run in the manner of Witten and Bell
(The zero-frequency problem, IEEE Transactions on Information Theory 37, 1991).
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterable, Iterator, Tuple

_LONGEST = 4
_UNSEEN = 500
"""Letters that may yet come, beside those known."""
_ALLOWANCE = 3.0
"""What a text's length is forgiven, spread over its letters: a single rare letter says little against so few."""
_MAIL = re.compile(r"[\w.+-]+@[\w.-]+")
_DIGITS = re.compile(r"\d+")
_FILE, _FADE = "letters.json", "fade.json"


@dataclass(frozen=True)
class LetterModel:
    """Counts of runs of letters; `after` counts what followed a run, and how many different letters did."""

    runs: Counter[str]
    after: Counter[str] = field(init=False, repr=False)
    followers: Counter[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Derive the counts of what follows a run."""
        after: Counter[str] = Counter()
        followers: Counter[str] = Counter()
        for run, count in self.runs.items():
            before = sys.intern(run[:-1])
            after[before] += count
            followers[before] += 1
        object.__setattr__(self, "after", after)
        object.__setattr__(self, "followers", followers)

    @classmethod
    def fit(cls, readings: Iterable[str]) -> LetterModel:
        """Learn from the readings of messages."""
        runs: Counter[str] = Counter()
        for reading in readings:
            for place in _places(reading):
                runs.update(place[start:] for start in range(_LONGEST))
        return cls(runs)

    def plausibility(self, reading: str) -> float:
        """Return the mean log-probability of a reading's letters, with an allowance for short ones; 0 is certain."""
        logs = [math.log(self._probability(place)) for place in _places(reading)]
        return (sum(logs) + _ALLOWANCE) / len(logs)

    def _probability(self, place: str) -> float:
        letters = self.followers[""] + _UNSEEN
        found = (self.runs[place[-1]] + 0.5) / (self.after[""] + 0.5 * letters)
        for start in range(_LONGEST - 2, -1, -1):
            before = place[start:-1]
            count = self.after[before]
            if count == 0:
                break
            followers = self.followers[before]
            found = (self.runs[place[start:]] + followers * found) / (count + followers)
        return found

    def save(self, directory: Path) -> None:
        """Write the counts as JSON."""
        (directory / _FILE).write_text(json.dumps(self.runs, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> LetterModel:
        """Read what `save` wrote; models of a process share the runs that they have in common."""
        counts = json.loads((directory / _FILE).read_text(encoding="utf-8"))
        return cls(Counter({sys.intern(run): count for run, count in counts.items()}))


@dataclass(frozen=True)
class Fading:
    """How much confidence a reading keeps: nothing up to one plausibility, the whole from another one on."""

    letters: LetterModel
    nothing: float
    whole: float

    def share(self, reading: str) -> float:
        """Return the share of confidence that a reading keeps, from 0 to 1."""
        if self.whole <= self.nothing:  # too few examples to tell
            return 1.0
        place = (self.letters.plausibility(reading) - self.nothing) / (self.whole - self.nothing)
        return min(1.0, max(0.0, place))

    def save(self, directory: Path) -> None:
        """Write the letters, and between what plausibilities confidence fades."""
        self.letters.save(directory)
        (directory / _FADE).write_text(json.dumps([self.nothing, self.whole]), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> Fading:
        """Read what `save` wrote."""
        nothing, whole = json.loads((directory / _FADE).read_text(encoding="utf-8"))
        return cls(LetterModel.load(directory), nothing, whole)


def _places(reading: str) -> Iterator[str]:
    """Yield every letter of a reading with the three before it, its end included."""
    plain = _DIGITS.sub("0", _MAIL.sub("@", reading))
    padded = " " * (_LONGEST - 1) + plain + " "
    return (padded[end - _LONGEST : end] for end in range(_LONGEST, len(padded) + 1))


def quantiles(values: Iterable[float], shares: Iterable[float]) -> Tuple[float, ...]:
    """Return below which values these shares of all lie."""
    ordered = sorted(values)
    return tuple(ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in shares)
