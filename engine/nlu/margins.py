"""One-against-rest linear margins and the probabilities made of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence, Tuple

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix, hstack
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC

from engine.nlu.features import Row, times

_FILE = "linear"


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

    def save(self, directory: Path) -> None:
        """Write the classes as JSON and the rest as plain arrays."""
        (directory / f"{_FILE}.json").write_text(json.dumps(self.classes), encoding="utf-8")
        np.savez(directory / f"{_FILE}.npz", weights=self.weights, bias=self.bias, sharpness=self.sharpness)

    @classmethod
    def load(cls, directory: Path) -> LinearModel:
        """Read what `save` wrote."""
        classes = json.loads((directory / f"{_FILE}.json").read_text(encoding="utf-8"))
        arrays = np.load(directory / f"{_FILE}.npz", allow_pickle=False)
        return cls(tuple(classes), arrays["weights"], arrays["bias"], float(arrays["sharpness"]))


def fit_linear(
    sparse: csr_matrix, dense: np.ndarray, labels: np.ndarray, c: float, directions: int, folds: int, seed: int
) -> LinearModel:
    """Fit the margins on all rows, and their sharpness on rows that were left out.

    The dense features are learned from in their main directions, where most of the work would be spent on
    them otherwise, and the weights are turned back to the features themselves: a message is read as it is.
    """
    classes, targets = np.unique(labels, return_inverse=True)
    mean, axes = _main_directions(dense, directions)
    rows = hstack([sparse, csr_matrix((dense - mean) @ axes)], format="csr", dtype=np.float64)
    sharpness = _sharpness_left_out(rows, targets, c, folds, seed)
    weights, bias = _fit(rows, targets, c, seed)
    turned = weights[sparse.shape[1] :]
    weights = np.vstack([weights[: sparse.shape[1]], axes @ turned]).astype(np.float32)
    bias = (bias - mean @ axes @ turned).astype(np.float32)
    return LinearModel(tuple(str(name) for name in classes), np.ascontiguousarray(weights), bias, sharpness)


def _main_directions(dense: np.ndarray, directions: int) -> Tuple[np.ndarray, np.ndarray]:
    """Return the mean of the rows and the axes along which they differ most, one a column."""
    mean = dense.mean(axis=0)
    spread = (dense - mean).T @ (dense - mean)
    return mean, np.linalg.eigh(spread)[1][:, ::-1][:, :directions]


def _sharpness_left_out(rows: csr_matrix, targets: np.ndarray, c: float, folds: int, seed: int) -> float:
    folds = min(folds, int(np.bincount(targets).min()))
    if folds < 2:
        return 1.0
    left_out = np.zeros((len(targets), int(targets.max()) + 1))
    # One after the other: liblinear draws from one generator for all threads, and the same data must give
    # the same model.
    for train, test in StratifiedKFold(folds, shuffle=True, random_state=seed).split(rows, targets):
        weights, bias = _fit(rows[train], targets[train], c, seed)
        left_out[test] = rows[test] @ weights + bias
    return _sharpness(left_out, targets)


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
    return weights.T, bias


def _sharpness(margins: np.ndarray, targets: np.ndarray) -> float:
    """Return the factor under which the margins' probabilities are the most likely to be right."""

    def surprise(log_sharpness: float) -> float:
        probabilities = softmax(margins * np.exp(log_sharpness))
        return -float(np.log(probabilities[np.arange(len(targets)), targets] + 1e-12).mean())

    return float(np.exp(minimize_scalar(surprise, bounds=(-2.0, 4.0), method="bounded").x))
