"""The intent classifier: a linear model on all features, with calibrated probabilities."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Optional, Text, Type

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.featurizers.featurizer import Featurizer
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from engine.nlu import margins
from engine.nlu.features import blocks, sentence_rows
from engine.nlu.margins import LinearModel, fit_linear
from engine.nlu.normalizer import normalized_of
from engine.nlu.sources import sources_hash

_FILE = "linear"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class LinearIntentClassifier(IntentClassifier, GraphComponent):
    """Classifies a message by a linear support vector machine over its sparse and dense features."""

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

    def __init__(
        self,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        model: Optional[LinearModel] = None,
    ) -> None:
        """Hold the configuration, and the model where one was trained."""
        self._config = config
        self._model_storage = model_storage
        self._resource = resource
        self._model = model

    @classmethod
    def create(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> LinearIntentClassifier:
        """Create an untrained component."""
        return cls({**cls.get_default_config(), **config}, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> LinearIntentClassifier:
        """Load a trained component."""
        with model_storage.read_from(resource) as directory:
            classes = json.loads((directory / f"{_FILE}.json").read_text(encoding="utf-8"))
            arrays = np.load(directory / f"{_FILE}.npz", allow_pickle=False)
            model = LinearModel(tuple(classes), arrays["weights"], arrays["bias"], float(arrays["sharpness"]))
        return cls({**cls.get_default_config(), **config}, model_storage, resource, model)

    @classmethod
    def fingerprint_addon(cls, config: Dict[Text, Any]) -> Text:
        """Make a model trained in another way stale."""
        return sources_hash(margins)

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
        with self._model_storage.write_to(self._resource) as directory:
            (directory / f"{_FILE}.json").write_text(json.dumps(model.classes), encoding="utf-8")
            np.savez(directory / f"{_FILE}.npz", weights=model.weights, bias=model.bias, sharpness=model.sharpness)
        return self._resource

    def process(self, messages: List[Message]) -> List[Message]:
        """Set the intent and the ranking of every message; an empty one has no intent."""
        for message in messages:
            ranking = self._ranking(message)[: self._config["ranking_length"]]
            message.set("intent", ranking[0] if ranking else _NOTHING, add_to_output=True)
            message.set("intent_ranking", ranking, add_to_output=True)
        return messages

    def _ranking(self, message: Message) -> List[Dict[Text, Any]]:
        assert self._model is not None, "the graph loads a classifier before it runs it"
        if not normalized_of(message).text:
            return []
        probabilities = self._model.probabilities(sentence_rows(message))
        order = np.argsort(-probabilities)
        return [{"name": self._model.classes[i], "confidence": float(probabilities[i])} for i in order]


_NOTHING: Dict[Text, Any] = {"name": None, "confidence": 0.0}
