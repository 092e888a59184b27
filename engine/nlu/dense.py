"""GiNZA's word vectors, with the lemma and then the norm where a surface form has none."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence, Text, Type

import numpy as np
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.nlu.featurizers.dense_featurizer.dense_featurizer import DenseFeaturizer
from rasa.nlu.tokenizers.tokenizer import Token
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from spacy.vocab import Vocab

from engine.nlu import numbers
from engine.nlu.component import Component
from engine.nlu.features import SentenceRow
from engine.nlu.ginza import GinzaModel
from engine.nlu.numbers import is_long
from engine.nlu.tokenizer import NORM, POS, GinzaTokenizer, tokens_in

_CONTENT = frozenset(("NOUN", "VERB", "ADJ", "PROPN", "ADV", "PRON", "NUM", "INTJ"))


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False, model_from="GinzaNLP")
class GinzaVectorFeaturizer(Component, DenseFeaturizer):
    """Adds a vector a token, and for the sentence the pooled ones side by side."""

    sources = (numbers,)

    @classmethod
    def required_components(cls) -> List[Type]:
        """Return what must stand before it in the pipeline."""
        return [GinzaTokenizer]

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        """Return the defaults, each with its reason."""
        return {
            **DenseFeaturizer.get_default_config(),
            # What the sentence's vector is made of: the mean of all tokens, the mean of the content
            # words alone, and the extremes; each adds a little on MASSIVE, docs/adr has the figures.
            "pooling": ["mean", "content_mean", "extremes"],
            # Whether each token carries its vector too; only neural classifiers read them.
            "sequence": False,
        }

    def __init__(self, config: Dict[Text, Any], name: Text) -> None:
        """Hold the configuration, and the name that marks the rows."""
        DenseFeaturizer.__init__(self, name, config)

    @classmethod
    def validate_config(cls, config: Dict[Text, Any]) -> None:
        """Refuse an unknown pooling."""
        unknown = set(config["pooling"]) - set(_POOLINGS)
        if unknown:
            raise ValueError(f"Unknown pooling {sorted(unknown)}; known are {sorted(_POOLINGS)}.")

    @staticmethod
    def required_packages() -> List[Text]:
        """Return the packages that must be installed."""
        return ["spacy", "numpy"]

    def process_training_data(self, training_data: TrainingData, model: GinzaModel) -> TrainingData:
        """Featurize every training example."""
        self.process(training_data.training_examples, model)
        return training_data

    def process(self, messages: List[Message], model: GinzaModel) -> List[Message]:
        """Featurize every message that has a text."""
        for message in messages:
            if isinstance(message.get(TEXT), str):
                self._featurize(message, model.nlp.vocab)
        return messages

    def _featurize(self, message: Message, vocab: Vocab) -> None:
        tokens = tokens_in(message)
        vectors = token_vectors(tokens, vocab)
        sentence = np.concatenate([_POOLINGS[name](tokens, vectors) for name in self._config["pooling"]])
        message.add_features(SentenceRow(sentence.reshape(1, -1), self._identifier))
        if self._config["sequence"]:
            self.add_features_to_message(_never_empty(vectors), None, TEXT, message)


def token_vectors(tokens: Sequence[Token], vocab: Vocab) -> np.ndarray:
    """Return one unit vector a token, zeros for those that no form of has one, and for long numbers."""
    vectors = np.zeros((len(tokens), vocab.vectors_length), dtype=np.float32)
    for row, token in enumerate(tokens):
        if is_long(token.text):
            continue
        for form in (token.text, token.lemma, token.get(NORM)):
            key = vocab.strings[form]
            if key in vocab.vectors:
                vectors[row] = vocab.vectors[key]
                break
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    return vectors / np.where(lengths, lengths, 1)[:, None]


def _never_empty(vectors: np.ndarray) -> np.ndarray:
    return vectors if len(vectors) else np.zeros((1, vectors.shape[1]), dtype=np.float32)


def _unit(vector: np.ndarray) -> np.ndarray:
    length = float(np.linalg.norm(vector))
    return vector / length if length else vector


def _mean(tokens: Sequence[Token], vectors: np.ndarray) -> np.ndarray:
    known = vectors[vectors.any(axis=1)]
    return _unit(known.mean(axis=0)) if len(known) else np.zeros(vectors.shape[1], dtype=np.float32)


def _content_mean(tokens: Sequence[Token], vectors: np.ndarray) -> np.ndarray:
    return _mean(tokens, vectors[[token.get(POS) in _CONTENT for token in tokens]])


def _extremes(tokens: Sequence[Token], vectors: np.ndarray) -> np.ndarray:
    if not len(vectors):
        return np.zeros(2 * vectors.shape[1], dtype=np.float32)
    return _unit(np.concatenate([vectors.max(axis=0), vectors.min(axis=0)]))


_POOLINGS = {"mean": _mean, "content_mean": _content_mean, "extremes": _extremes}
