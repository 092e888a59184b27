"""What no rule sees in the examples: likely wrong labels, near duplicates, words that give an intent away.

`python -m engine.health EXAMPLES.jsonl` reads lines of {"id", "intent", "text"} and prints one JSON object:

    labels     [{"id", "intent", "likely", "given", "other"}]  cleanlab over cross-validated probabilities, worst first
    near       [{"one", "other", "likeness"}]                  pairs whose letters are nearly the same
    giveaways  [{"word", "intent", "count", "share"}]          words that stand in one intent almost only
    words      {intent: {word: count}}                         for comparison with an earlier check

Lines on stderr tell the progress as a number from 0 to 1. Probabilities come from the letters alone: the same kind of
linear model as in service, without the parts that need a trained pipeline.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, DefaultDict, Dict, Iterator, List, Optional, Sequence, Tuple

import numpy as np
from cleanlab.filter import find_label_issues
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC

from engine.nlu.margins import softmax
from engine.nlu.text import normalize

FOLDS = 5
SHARPNESS = 3.0  # margins of such a machine times this are about as sure as they are right
NEAR = 0.9
MOST_FOUND = 400
_CHUNK = 1000
_GIVEAWAY_COUNT, _GIVEAWAY_SHARE, _GIVEAWAY_PART = 12, 0.97, 0.08
_FEWEST_KEPT = 3
_CONTENT = frozenset(("NOUN", "PROPN", "VERB", "ADJ", "ADV", "INTJ"))


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the check and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="engine.health", description="Check the examples by what a model makes of them."
    )
    parser.add_argument("file", type=Path)
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    rows = [json.loads(line) for line in options.file.read_text(encoding="utf-8").split("\n") if line.strip()]
    print(json.dumps(check(rows), ensure_ascii=False))
    return 0


def check(rows: Sequence[Dict[str, str]]) -> Dict[str, Any]:
    """Return what was found in the examples."""
    texts = [normalize(row["text"]).text.lower() for row in rows]
    features = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True, min_df=2).fit_transform(texts)
    _progress(0.1)
    found = {"labels": labels(rows, features), "near": near(rows, features)}
    _progress(0.8)
    words = list(_words(texts))
    _progress(0.95)
    return {**found, **_by_words(rows, words)}


def labels(rows: Sequence[Dict[str, str]], features: csr_matrix) -> List[Dict[str, Any]]:
    """Return the examples whose intent is likely wrong, the worst first."""
    classes, targets = np.unique([row["intent"] for row in rows], return_inverse=True)
    folds = min(FOLDS, int(np.bincount(targets).min()))
    if folds < 2 or len(classes) < 3:
        return []
    probabilities = np.zeros((len(rows), len(classes)))
    splits = StratifiedKFold(folds, shuffle=True, random_state=20).split(features, targets)
    for number, (train, test) in enumerate(splits, start=1):
        machine = LinearSVC(C=0.5, tol=1e-2, random_state=20).fit(features[train], targets[train])
        probabilities[test] = softmax(machine.decision_function(features[test]) * SHARPNESS)
        _progress(0.1 + 0.5 * number / folds)
    suspects = find_label_issues(targets, probabilities, return_indices_ranked_by="self_confidence", n_jobs=1)
    return [
        {
            "id": rows[at]["id"],
            "intent": rows[at]["intent"],
            "likely": str(classes[probabilities[at].argmax()]),
            "given": round(float(probabilities[at, targets[at]]), 4),
            "other": round(float(probabilities[at].max()), 4),
        }
        for at in suspects[:MOST_FOUND]
    ]


def near(rows: Sequence[Dict[str, str]], features: csr_matrix) -> List[Dict[str, Any]]:
    """Return pairs of texts that are nearly the same, the nearest first."""
    pairs: List[Tuple[float, int, int]] = []
    for start in range(0, features.shape[0], _CHUNK):
        likeness = (features[start : start + _CHUNK] @ features.T).tocoo()
        close = likeness.data >= NEAR
        for one, other, value in zip(likeness.row[close], likeness.col[close], likeness.data[close], strict=True):
            if start + one < other:
                pairs.append((float(value), int(start + one), int(other)))
    pairs.sort(reverse=True)
    return [
        {"one": rows[one]["id"], "other": rows[other]["id"], "likeness": round(value, 3)}
        for value, one, other in pairs[:MOST_FOUND]
    ]


def _words(texts: Sequence[str]) -> Iterator[List[str]]:
    """Yield the content words of each text in their normal form."""
    import spacy

    nlp = spacy.load("ja_ginza", exclude=["tok2vec", "parser", "ner", "morphologizer", "attribute_ruler"])
    for text in texts:
        yield [word.norm_ for word in nlp.make_doc(text) if word.pos_ in _CONTENT and not word.is_space]


def _by_words(rows: Sequence[Dict[str, str]], words: Sequence[List[str]]) -> Dict[str, Any]:
    by_intent: DefaultDict[str, Counter[str]] = defaultdict(Counter)
    sizes: Counter[str] = Counter(row["intent"] for row in rows)
    for row, found in zip(rows, words, strict=True):
        by_intent[row["intent"]].update(set(found))
    total: Counter[str] = Counter()
    for counts in by_intent.values():
        total.update(counts)
    giveaways = [
        {"word": word, "intent": intent, "count": count, "share": round(count / total[word], 3)}
        for intent, counts in by_intent.items()
        for word, count in counts.items()
        if count >= _GIVEAWAY_COUNT
        and count / total[word] >= _GIVEAWAY_SHARE
        and count / sizes[intent] >= _GIVEAWAY_PART
    ]
    giveaways.sort(key=lambda each: -int(each["count"]))
    kept = {
        intent: {word: count for word, count in counts.items() if count >= _FEWEST_KEPT}
        for intent, counts in by_intent.items()
    }
    return {"giveaways": giveaways[:MOST_FOUND], "words": kept, "sizes": dict(sizes)}


def _progress(share: float) -> None:
    print(f"{share:.2f}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
