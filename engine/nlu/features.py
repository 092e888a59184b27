"""Feature rows of whole messages: made, told apart and read in the fewest steps.

Rasa's own `Features` are kept, so that any Rasa component can use what stands in a message. But Rasa
prints every matrix to tell whether it has changed, and stacks all features of a message anew for each
reader; with some thousand examples that took longer than the learning did.
"""

from __future__ import annotations

import copy
import functools
import hashlib
from typing import Any, List, Sequence, Text, Tuple, Union

import numpy as np
from rasa.shared.nlu.constants import FEATURE_TYPE_SENTENCE, TEXT
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from scipy.sparse import csr_matrix, hstack

Row = Union[csr_matrix, np.ndarray]


class SentenceRow(Features):
    """One row of features for a whole message, sparse or dense."""

    def __init__(self, row: Row, origin: Text) -> None:
        """Hold the row and the name of the component that made it."""
        super().__init__(row, FEATURE_TYPE_SENTENCE, TEXT, origin)

    def fingerprint(self) -> Text:
        """Return a hash of the row's bytes."""
        if self._cached_fingerprint is None:
            digest = hashlib.md5(f"{self.origin} {self.features.shape}".encode(), usedforsecurity=False)
            parts = (self.features,) if self.is_dense() else (self.features.indices, self.features.data)
            for part in parts:
                digest.update(np.ascontiguousarray(part))
            self._cached_fingerprint = digest.hexdigest()
        return self._cached_fingerprint


def sparse_row(columns: Sequence[int], weights: Sequence[float], width: int) -> csr_matrix:
    """Return a row of a sparse matrix without the checks that scipy makes of foreign data."""
    row = copy.copy(_empty_row(width))
    order = np.argsort(np.array(columns, dtype=np.int32))
    row.indices = np.array(columns, dtype=np.int32)[order]
    row.data = np.array(weights, dtype=np.float32)[order]
    row.indptr = np.array([0, len(row.indices)], dtype=np.int32)
    return row


@functools.lru_cache(maxsize=64)
def _empty_row(width: int) -> csr_matrix:
    return csr_matrix((1, width), dtype=np.float32)


def sentence_rows(message: Message) -> List[Row]:
    """Return the rows of a message, one a featurizer: the sparse ones, then the dense ones."""
    features = [each for each in message.features if each.attribute == TEXT and each.type == FEATURE_TYPE_SENTENCE]
    return [each.features for each in sorted(features, key=Features.is_dense)]


def blocks(messages: Sequence[Message]) -> Tuple[csr_matrix, np.ndarray]:
    """Return one row a message, the featurizers' rows side by side: the sparse ones, and the dense ones."""
    columns = list(zip(*[sentence_rows(message) for message in messages], strict=True))
    sparse = [_stacked(column) for column in columns if not isinstance(column[0], np.ndarray)]
    dense = [np.vstack(column) for column in columns if isinstance(column[0], np.ndarray)]
    count = len(messages)
    return (
        hstack(sparse, format="csr", dtype=np.float32) if sparse else csr_matrix((count, 0), dtype=np.float32),
        np.hstack(dense) if dense else np.zeros((count, 0), dtype=np.float32),
    )


def _stacked(rows: Sequence[csr_matrix]) -> csr_matrix:
    ends = np.concatenate([[0], np.cumsum([row.nnz for row in rows])])
    parts: Tuple[Any, Any] = (np.concatenate([r.data for r in rows]), np.concatenate([r.indices for r in rows]))
    return csr_matrix((*parts, ends), shape=(len(rows), rows[0].shape[1]))


def times(rows: Sequence[Row], weights: np.ndarray) -> np.ndarray:
    """Return the product of a message's rows, side by side, with weights of one row a feature.

    einsum, for `@` wakes the threads of BLAS, which costs more than so small a product.
    """
    result = np.zeros(weights.shape[1], dtype=np.float32)
    offset = 0
    for row in rows:
        width = row.shape[1]
        if isinstance(row, np.ndarray):
            result += np.einsum("i,ij->j", row[0], weights[offset : offset + width])
        elif row.nnz:
            result += np.einsum("i,ij->j", row.data, weights[row.indices + offset])
        offset += width
    return result
