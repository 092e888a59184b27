"""The intent classifier: a linear model on all features, with calibrated probabilities."""

from __future__ import annotations

from typing import Any, Dict, List, Text, Type

import numpy as np
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.featurizers.featurizer import Featurizer
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from engine.nlu import margins
from engine.nlu.component import LearningComponent
from engine.nlu.features import blocks, sentence_rows
from engine.nlu.margins import LinearModel, fit_linear
from engine.nlu.normalizer import normalized_of


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class LinearIntentClassifier(LearningComponent, IntentClassifier):
    """Classifies a message by a linear support vector machine over its sparse and dense features."""

    learns = LinearModel
    sources = (margins,)

    @classmethod
    def required_components(cls) -> List[Type]:
        """Return what must stand before it in the pipeline."""
        return [Featurizer]

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        """Return the defaults, each with its reason."""
        return {
            # How hard training errors weigh against simplicity; flat between 0.2 and 1.
            "C": 0.5,
            # Along how many directions the word vectors are learned from; all 1,200 are no better and take
            # three times as long.
            "directions": 100,
            # Folds whose left-out predictions set the temperature of the probabilities.
            "calibration_folds": 3,
            # How many of the likeliest intents a prediction lists; the desk asks between two, and every turn
            # stores and sends them all.
            "ranking_length": 5,
            # The same data gives the same model.
            "random_state": 20,
        }

    @staticmethod
    def required_packages() -> List[Text]:
        """Return the packages that must be installed."""
        return ["sklearn", "scipy", "numpy"]

    def train(self, training_data: TrainingData) -> Resource:
        """Train on every example that has a text and an intent."""
        examples = [m for m in training_data.intent_examples if m.get(INTENT) and m.get(TEXT)]
        model = fit_linear(
            *blocks(examples),
            np.array([message.get(INTENT) for message in examples]),
            self._config["C"],
            self._config["directions"],
            self._config["calibration_folds"],
            self._config["random_state"],
        )
        return self._keep(model)

    def process(self, messages: List[Message]) -> List[Message]:
        """Set the intent and the ranking of every message; an empty one has no intent."""
        for message in messages:
            ranking = self._ranking(message)[: self._config["ranking_length"]]
            message.set("intent", ranking[0] if ranking else _NOTHING, add_to_output=True)
            message.set("intent_ranking", ranking, add_to_output=True)
        return messages

    def _ranking(self, message: Message) -> List[Dict[Text, Any]]:
        if not normalized_of(message).text:
            return []
        probabilities = self._learned.probabilities(sentence_rows(message))
        order = np.argsort(-probabilities)
        return [{"name": self._learned.classes[i], "confidence": float(probabilities[i])} for i in order]


_NOTHING: Dict[Text, Any] = {"name": None, "confidence": 0.0}
