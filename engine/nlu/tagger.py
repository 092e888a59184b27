"""What the product extractor learns: a conditional random field, the groups of words and the names it tags by."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterator, List, Optional, Sequence, Tuple

import pycrfsuite
from rasa.nlu.tokenizers.tokenizer import Token
from spacy.vocab import Vocab

from engine.nlu.clusters import Clusters
from engine.nlu.product_features import Names, token_features

_MODEL, _NAMES = "tagger.crfsuite", "names.json"
Label = Tuple[str, int, int]  # entity, first token, one past the last token


@dataclass(frozen=True)
class ProductTagger:
    """A trained field as CRFsuite writes it, and what its features are made of beside the tokens."""

    model: bytes = field(repr=False)
    clusters: Clusters
    known: Names
    _tagger: pycrfsuite.Tagger = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Open the field: CRFsuite reads the bytes in place and does not own them, so they live as long as it."""
        tagger = pycrfsuite.Tagger()
        tagger.open_inmemory(self.model)
        object.__setattr__(self, "_tagger", tagger)

    def labels(self, tokens: Sequence[Token], vocab: Vocab, purchases: Names) -> Iterator[Label]:
        """Yield the entities among the tokens, with the names of what the customer bought as context."""
        features = token_features(tokens, self.clusters.of(tokens, vocab), self.known, purchases)
        return _labels(self._tagger.tag(features))

    def save(self, directory: Path) -> None:
        """Write the field in CRFsuite's own format, the rest as JSON and plain arrays."""
        (directory / _MODEL).write_bytes(self.model)
        (directory / _NAMES).write_text(json.dumps(sorted(self.known), ensure_ascii=False), encoding="utf-8")
        self.clusters.save(directory)

    @classmethod
    def load(cls, directory: Path) -> Optional[ProductTagger]:
        """Read what `save` wrote; None where nothing was."""
        if not (directory / _MODEL).exists():
            return None
        names = json.loads((directory / _NAMES).read_text(encoding="utf-8"))
        known = frozenset(tuple(name) for name in names)
        return cls((directory / _MODEL).read_bytes(), Clusters.load(directory), known)


def tags(length: int, labels: Sequence[Label]) -> List[str]:
    """Return the tags of so many tokens: B- at an entity's first, I- at its others, O elsewhere."""
    found = ["O"] * length
    for entity, first, last in labels:
        found[first:last] = [f"B-{entity}"] + [f"I-{entity}"] * (last - first - 1)
    return found


def _labels(tagged: Sequence[str]) -> Iterator[Label]:
    start, entity = 0, ""
    for position, tag in enumerate([*tagged, "O"]):
        if entity and tag != f"I-{entity}":
            yield entity, start, position
            entity = ""
        if tag.startswith("B-") or (tag.startswith("I-") and not entity):
            start, entity = position, tag[2:]
