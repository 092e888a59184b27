"""Sparse features: TF-IDF rows over letters, readings, words and grammar."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Dict, List, Text, Type

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.nlu.featurizers.sparse_featurizer.sparse_featurizer import SparseFeaturizer
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from engine.nlu import grammar, numbers, tfidf
from engine.nlu.component import LearningComponent
from engine.nlu.features import SentenceRow, sparse_row
from engine.nlu.grammar import grammar_terms
from engine.nlu.normalizer import normalized_of
from engine.nlu.numbers import masked
from engine.nlu.tfidf import TfidfIndex
from engine.nlu.tokenizer import NORM, GinzaTokenizer, read, tokens_in


class TermFeaturizer(LearningComponent, SparseFeaturizer):
    """Turns the terms that a subclass reads from a message into one TF-IDF row."""

    learns = TfidfIndex
    sources = (tfidf, grammar, numbers)

    @classmethod
    def required_components(cls) -> List[Type]:
        """Return what must stand before it in the pipeline."""
        return [GinzaTokenizer]

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        """Return the defaults, each with its reason."""
        return {
            **SparseFeaturizer.get_default_config(),
            # A term counts as known from this many training examples on; with 1 the model is three times
            # as large and no better.
            "min_documents": 2,
        }

    def __init__(self, config: Dict[Text, Any], name: Text) -> None:
        """Hold the configuration, and the name that marks the rows."""
        LearningComponent.__init__(self, config, name)
        SparseFeaturizer.__init__(self, name, config)

    @classmethod
    def validate_config(cls, config: Dict[Text, Any]) -> None:
        """Refuse a threshold that would drop every term."""
        if config["min_documents"] < 1:
            raise ValueError("min_documents must be 1 or more.")

    @abstractmethod
    def terms(self, message: Message) -> List[str]:
        """Return the terms of a message, repeated as often as they stand in it."""

    def train(self, training_data: TrainingData) -> Resource:
        """Learn the known terms and their weights."""
        documents = [self.terms(message) for message in training_data.training_examples if message.get(TEXT)]
        return self._keep(TfidfIndex.fit(documents, self._config["min_documents"]))

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Featurize every training example."""
        self.process(training_data.training_examples)
        return training_data

    def process(self, messages: List[Message]) -> List[Message]:
        """Featurize every message that has a text."""
        for message in messages:
            if isinstance(message.get(TEXT), str):
                columns, weights = self._learned.row(self.terms(message))
                row = sparse_row(columns, weights, len(self._learned.columns))
                message.add_features(SentenceRow(row, self._identifier))
        return messages


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class CharacterFeaturizer(TermFeaturizer):
    """Runs of letters of the normalised text."""

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        """Return the defaults, each with its reason."""
        # One to four letters reach from a kanji to the usual verb ending; five add bulk, no accuracy.
        return {**TermFeaturizer.get_default_config(), "shortest": 1, "longest": 4}

    def terms(self, message: Message) -> List[str]:
        """Return the runs of letters, the text's ends marked by a space."""
        text = masked(normalized_of(message).text).lower()
        return ngrams(f" {text} " if text else "", self._config["shortest"], self._config["longest"])


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class ReadingFeaturizer(TermFeaturizer):
    """Runs of kana of how the message is read: one form for kanji, kana and wrong conversions."""

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        """Return the defaults, each with its reason."""
        # A single kana says nothing; five span most words.
        return {**TermFeaturizer.get_default_config(), "shortest": 2, "longest": 5}

    def terms(self, message: Message) -> List[str]:
        """Return the runs of kana."""
        reading = "".join(map(read, tokens_in(message)))
        return ngrams(reading, self._config["shortest"], self._config["longest"])


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class WordFeaturizer(TermFeaturizer):
    """Words in their normalised dictionary form, alone and in pairs."""

    def terms(self, message: Message) -> List[str]:
        """Return words and pairs of words, the text's ends included."""
        words = [masked(token.get(NORM)) for token in tokens_in(message)]
        pairs = [f"{first} {second}" for first, second in zip(["^", *words], [*words, "$"], strict=True)]
        return words + pairs if words else []


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class GrammarFeaturizer(TermFeaturizer):
    """Negation, desire, request, question and the rest, with the word they attach to."""

    def terms(self, message: Message) -> List[str]:
        """Return the grammar of the message."""
        return grammar_terms(tokens_in(message))


def ngrams(text: str, shortest: int, longest: int) -> List[str]:
    """Return all runs of `shortest` to `longest` characters."""
    return [
        text[start : start + length]
        for length in range(shortest, longest + 1)
        for start in range(len(text) - length + 1)
    ]
