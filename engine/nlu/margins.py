"""One-against-rest linear margins and the probabilities made of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence, Tuple

import numpy as np
from joblib import Parallel, delayed
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC

from engine.nlu.features import Row, times


@dataclass(frozen=True)
class LinearModel:
    """A margin a class; `sharpness` turns margins into probabilities that tell the truth."""

    classes: Tuple[str, ...]
    weights: np.ndarray  # one row a feature, one column a class
    bias: np.ndarray
    sharpness: float

    def probabilities(self, rows: Sequence[Row]) -> np.ndarray:
        """Return one probability a class for the feature rows of one message."""
        margins = times(rows, self.weights) + self.bias
        return softmax(margins[None, :] * self.sharpness)[0]


def fit_linear(rows: csr_matrix, labels: np.ndarray, c: float, folds: int, seed: int) -> LinearModel:
    """Fit the margins on all rows, and their sharpness on rows that were left out."""
    classes, targets = np.unique(labels, return_inverse=True)
    folds = min(folds, int(np.bincount(targets).min()))
    splits = list(StratifiedKFold(folds, shuffle=True, random_state=seed).split(rows, targets)) if folds > 1 else []
    jobs = [delayed(_margins)(rows, labels, train, test, c, seed) for train, test in splits]
    left_out = Parallel(n_jobs=2, prefer="threads")(jobs)
    order = np.concatenate([test for _, test in splits]) if splits else np.array([], dtype=int)
    sharpness = _sharpness(np.vstack(left_out), targets[order]) if splits else 1.0
    weights, bias = _fit(rows, labels, c, seed)
    return LinearModel(tuple(str(name) for name in classes), weights, bias, sharpness)


def softmax(scores: np.ndarray) -> np.ndarray:
    """Return rows that sum to one."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _fit(rows: csr_matrix, labels: np.ndarray, c: float, seed: int) -> Tuple[np.ndarray, np.ndarray]:
    machine = LinearSVC(C=c, tol=1e-2, random_state=seed).fit(rows, labels)
    weights, bias = machine.coef_, machine.intercept_
    if len(machine.classes_) == 2:
        # For two classes scikit-learn keeps one margin; a class each is simpler to use.
        weights, bias = np.vstack([-weights, weights]), np.concatenate([-bias, bias])
    return np.ascontiguousarray(weights.T, dtype=np.float32), bias.astype(np.float32)


def _margins(
    rows: csr_matrix, labels: np.ndarray, train: np.ndarray, test: np.ndarray, c: float, seed: int
) -> np.ndarray:
    weights, bias = _fit(rows[train], labels[train], c, seed)
    return np.asarray(rows[test] @ weights + bias)


def _sharpness(margins: np.ndarray, targets: np.ndarray) -> float:
    """Return the factor under which the margins' probabilities are the most likely to be right."""

    def surprise(log_sharpness: float) -> float:
        probabilities = softmax(margins * np.exp(log_sharpness))
        return -float(np.log(probabilities[np.arange(len(targets)), targets] + 1e-12).mean())

    return float(np.exp(minimize_scalar(surprise, bounds=(-2.0, 4.0), method="bounded").x))
