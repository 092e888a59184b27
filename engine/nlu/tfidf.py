"""TF-IDF over terms of any kind, that counts what it has never seen.

Scikit-learn's vectorizer drops unknown terms before it scales a row to length one, so that one known
pair of letters in a line of garbage looks like a whole message of them. Here the unknown terms keep
their share of the length: the less of a message is known, the shorter its row, and the nearer a linear
classifier comes to saying that it does not know.
"""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterable, List, Sequence, Tuple

import numpy as np

_FILE = "terms"


@dataclass(frozen=True)
class TfidfIndex:
    """The columns and inverse document frequencies of known terms."""

    columns: Dict[str, int]
    idf: np.ndarray
    unseen_idf: float

    @classmethod
    def fit(cls, documents: Sequence[Iterable[str]], min_documents: int = 1) -> TfidfIndex:
        """Learn the terms that stand in at least `min_documents` documents."""
        frequencies: Counter[str] = Counter()
        for terms in documents:
            frequencies.update(set(terms))
        kept = sorted(term for term, count in frequencies.items() if count >= min_documents)
        total = len(documents)
        idf = [math.log((1 + total) / (1 + frequencies[term])) + 1 for term in kept]
        columns = {term: column for column, term in enumerate(kept)}
        return cls(columns, np.array(idf, dtype=np.float32), math.log(1 + total) + 1)

    def row(self, terms: Iterable[str]) -> Tuple[List[int], List[float]]:
        """Return the columns and weights of one document."""
        columns: List[int] = []
        weights: List[float] = []
        squares = 0.0
        for term, count in Counter(terms).items():
            column = self.columns.get(term)
            weight = (1 + math.log(count)) * (self.unseen_idf if column is None else float(self.idf[column]))
            squares += weight * weight
            if column is not None:
                columns.append(column)
                weights.append(weight)
        length = math.sqrt(squares) or 1.0
        return columns, [weight / length for weight in weights]

    def save(self, directory: Path) -> None:
        """Write the index as JSON and a plain array: nothing in it can run."""
        terms = sorted(self.columns, key=lambda term: self.columns[term])
        content = {"terms": terms, "unseen_idf": self.unseen_idf}
        (directory / f"{_FILE}.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        np.save(directory / f"{_FILE}.npy", self.idf, allow_pickle=False)

    @classmethod
    def load(cls, directory: Path) -> TfidfIndex:
        """Read an index that `save` wrote; models of a process share the terms that they have in common."""
        content = json.loads((directory / f"{_FILE}.json").read_text(encoding="utf-8"))
        idf = np.load(directory / f"{_FILE}.npy", allow_pickle=False)
        columns = {sys.intern(term): column for column, term in enumerate(content["terms"])}
        return cls(columns, idf, content["unseen_idf"])
