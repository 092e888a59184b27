"""Groups of word vectors: which kind of thing a word names, for a tagger of discrete features."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

import numpy as np
from rasa.nlu.tokenizers.tokenizer import Token
from sklearn.cluster import MiniBatchKMeans
from spacy.vocab import Vocab

from engine.nlu.dense import token_vectors
from engine.nlu.tokenizer import NORM

_FILE = "clusters.npz"
_MOST_REMEMBERED = 50_000


@dataclass(frozen=True)
class Clusters:
    """The centres of coarse and fine groups, and the groups of the words met so far."""

    centres: Tuple[np.ndarray, ...]
    # Most words of a message were in an earlier one.
    _seen: Dict[Tuple[str, str, str], Tuple[str, ...]] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def fit(cls, texts: Sequence[Sequence[Token]], vocab: Vocab, sizes: Sequence[int], seed: int) -> Clusters:
        """Group the vectors of the words that stand in the texts, each word once."""
        words = {token.text: token for tokens in texts for token in tokens}
        vectors = token_vectors([words[word] for word in sorted(words)], vocab)
        vectors = vectors[vectors.any(axis=1)]
        fitted = [
            MiniBatchKMeans(min(size, len(vectors)), random_state=seed, n_init=1, batch_size=2048).fit(vectors)
            for size in sizes
            if size and len(vectors)
        ]
        return cls(tuple(machine.cluster_centers_.astype(np.float32) for machine in fitted))

    def of(self, tokens: Sequence[Token], vocab: Vocab) -> List[Tuple[str, ...]]:
        """Return the groups of each token, none for a word without a vector."""
        unknown = [token for token in tokens if _forms(token) not in self._seen]
        if unknown:
            if len(self._seen) > _MOST_REMEMBERED:
                self._seen.clear()
            self._seen.update(zip(map(_forms, unknown), self._nearest(unknown, vocab), strict=True))
        return [self._seen[_forms(token)] for token in tokens]

    def _nearest(self, tokens: Sequence[Token], vocab: Vocab) -> List[Tuple[str, ...]]:
        vectors = token_vectors(list(tokens), vocab)
        has_vector = vectors.any(axis=1)
        # |v - c|^2 without its constant part.
        nearest = [(vectors @ c.T - (c**2).sum(axis=1) / 2).argmax(axis=1) for c in self.centres]
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


def _forms(token: Token) -> Tuple[str, str, str]:
    return token.text, token.lemma, token.get(NORM)
