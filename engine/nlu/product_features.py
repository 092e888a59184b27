"""What the product tagger sees of each token."""

from __future__ import annotations

import functools
import unicodedata
from typing import Dict, FrozenSet, List, Mapping, Sequence, Set, Tuple

from rasa.nlu.tokenizers.tokenizer import Token

from engine.nlu.tokenizer import INFLECTION, NORM, POS, TAG

Features = Dict[str, float]
Names = FrozenSet[Tuple[str, ...]]
_LONGEST_NAME = 6


def token_features(
    tokens: Sequence[Token], clusters: Sequence[Tuple[str, ...]], known: Names, purchases: Names
) -> List[Features]:
    """Return the features of each token: itself, its neighbours, and the names that cover it."""
    own = [_own(token, cluster) for token, cluster in zip(tokens, clusters, strict=True)]
    in_known, in_purchases = covered(tokens, known), covered(tokens, purchases)
    return [_in_context(own, position, in_known, in_purchases, bool(purchases)) for position in range(len(own))]


def name_of(tokens: Sequence[Token]) -> Tuple[str, ...]:
    """Return a name as it is compared: the norms of its tokens."""
    return tuple(token.get(NORM) for token in tokens)


def covered(tokens: Sequence[Token], names: Names) -> List[str]:
    """Return for each token B or I where a name covers it, the longest first, else O."""
    norms = name_of(tokens)
    marks = ["O"] * len(norms)
    start = 0
    while start < len(norms):
        longest = min(_LONGEST_NAME, len(norms) - start)
        length = next((n for n in range(longest, 0, -1) if norms[start : start + n] in names), 0)
        if length:
            marks[start : start + length] = ["B"] + ["I"] * (length - 1)
        start += length or 1
    return marks


def noun_phrases(tokens: Sequence[Token]) -> Set[Tuple[str, ...]]:
    """Return every run of nouns of a title: the names by which a customer may call the article."""
    runs: Set[Tuple[str, ...]] = set()
    for start in range(len(tokens)):
        for end in range(start + 1, min(start + _LONGEST_NAME, len(tokens)) + 1):
            if not all(token.get(POS) in ("NOUN", "PROPN", "VERB", "ADJ") for token in tokens[start:end]):
                break
            if len("".join(token.text for token in tokens[start:end])) > 1:
                runs.add(name_of(tokens[start:end]))
    return runs


def _own(token: Token, clusters: Tuple[str, ...]) -> List[str]:
    text, norm, tag = token.text.lower(), token.get(NORM), token.get(TAG)
    features = [f"w={text}", f"n={norm}", f"pos={token.get(POS)}", f"tag={tag}", f"shape={_shape(text)}"]
    features.extend(f"c={cluster}" for cluster in clusters)
    if token.get(INFLECTION):
        features.append(f"inf={token.get(INFLECTION).split(';')[-1]}")
    return features


def _in_context(
    own: Sequence[Sequence[str]], position: int, known: Sequence[str], purchases: Sequence[str], context: bool
) -> Features:
    features: Features = {"bias": 1.0}
    for offset in (-3, -2, -1, 0, 1, 2, 3):
        there = position + offset
        if not 0 <= there < len(own):
            features[f"{offset}:edge"] = 1.0
            continue
        # Far neighbours are seen by their norm and part of speech only.
        seen = own[there] if abs(offset) <= 1 else own[there][1:4]
        features.update({f"{offset}:{feature}": 1.0 for feature in seen})
        if abs(offset) <= 1:
            features[f"{offset}:known={known[there]}"] = 1.0
            if context:
                features[f"{offset}:bought={purchases[there]}"] = 1.0
    word = own[position][0][2:]
    for length in (1, 2, 3):
        features[f"pre={word[:length]}"] = 1.0
        features[f"suf={word[-length:]}"] = 1.0
    if position + 1 < len(own):
        features[f"pair={own[position][2]}>{own[position + 1][1]}"] = 1.0
    if position:
        features[f"pair={own[position - 1][1]}<{own[position][2]}"] = 1.0
    return features


def _shape(text: str) -> str:
    kinds: List[str] = []
    for char in text:
        kind = _kind(char)
        if not kinds or kinds[-1] != kind:
            kinds.append(kind)
    return "".join(kinds)


@functools.lru_cache(maxsize=8192)
def _kind(char: str) -> str:
    name = unicodedata.name(char, "")
    for start, kind in _KINDS.items():
        if name.startswith(start):
            return kind
    return "9" if char.isdigit() else "." if not char.isalnum() else "x"


_KINDS: Mapping[str, str] = {"HIRAGANA": "h", "KATAKANA": "k", "CJK": "c", "LATIN": "a"}
