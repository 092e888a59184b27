"""Groups of word vectors: which kind of thing a word names, for a tagger of discrete features."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import List, Sequence, Tuple

import numpy as np
from rasa.nlu.tokenizers.tokenizer import Token
from sklearn.cluster import MiniBatchKMeans
from spacy.vocab import Vocab

from engine.nlu.dense import token_vectors

_FILE = "clusters.npz"


@dataclass(frozen=True)
class Clusters:
    """The centres of coarse and fine groups."""

    centres: Tuple[np.ndarray, ...]

    @classmethod
    def fit(cls, texts: Sequence[Sequence[Token]], vocab: Vocab, sizes: Sequence[int], seed: int) -> Clusters:
        """Group the vectors of the words that stand in the texts, each word once."""
        words = {token.text: token for tokens in texts for token in tokens}
        vectors = token_vectors([words[word] for word in sorted(words)], vocab)
        vectors = vectors[vectors.any(axis=1)]
        fitted = [
            MiniBatchKMeans(min(size, len(vectors)), random_state=seed, n_init=3, batch_size=2048).fit(vectors)
            for size in sizes
            if size and len(vectors)
        ]
        return cls(tuple(machine.cluster_centers_.astype(np.float32) for machine in fitted))

    def of(self, tokens: Sequence[Token], vocab: Vocab) -> List[Tuple[str, ...]]:
        """Return the groups of each token, none for a word without a vector."""
        vectors = token_vectors(list(tokens), vocab)
        has_vector = vectors.any(axis=1)
        nearest = []
        for centres in self.centres:
            # |v - c|^2 without its constant part.
            nearest.append((vectors @ centres.T - (centres**2).sum(axis=1) / 2).argmax(axis=1))
        return [
            tuple(f"{level}.{group[row]}" for level, group in enumerate(nearest)) if has_vector[row] else ()
            for row in range(len(tokens))
        ]

    def save(self, directory: Path) -> None:
        """Write the centres as plain arrays."""
        np.savez(directory / _FILE, **{f"level{i}": centres for i, centres in enumerate(self.centres)})

    @classmethod
    def load(cls, directory: Path) -> Clusters:
        """Read centres that `save` wrote."""
        arrays = np.load(directory / _FILE, allow_pickle=False)
        return cls(tuple(arrays[name] for name in sorted(arrays.files)))
