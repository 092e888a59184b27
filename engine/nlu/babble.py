"""The component that keeps babble from being taken for a wish: confidence fades with what nobody would write."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Optional, Text, Tuple, Type

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from engine.nlu import letters
from engine.nlu.letters import LetterModel
from engine.nlu.sources import sources_hash
from engine.nlu.tokenizer import READING, GinzaTokenizer, tokens_in

_FADE = "fade.json"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class BabbleGuard(GraphComponent, IntentClassifier):
    """Takes confidence from messages whose letters do not follow each other as in the examples."""

    @classmethod
    def required_components(cls) -> List[Type]:
        """Return what must stand before it in the pipeline."""
        return [GinzaTokenizer]

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        """Return the defaults, each with its reason."""
        return {
            # Confidence is nothing below the plausibility of the first share of examples, whole above that of the
            # second, each judged by a model that has not seen it. Three in 100 real messages are touched at all.
            "shares": [0.005, 0.03],
            # Parts of the examples that are left out in turn to measure those shares.
            "folds": 3,
            # The same data gives the same model.
            "random_state": 20,
        }

    def __init__(
        self,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        model: Optional[LetterModel] = None,
        fade: Tuple[float, float] = (0.0, 0.0),
    ) -> None:
        """Hold the configuration, and the model and where confidence fades, once learned."""
        self._config = config
        self._model_storage = model_storage
        self._resource = resource
        self._model = model
        self._fade = fade

    @classmethod
    def create(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> BabbleGuard:
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
    ) -> BabbleGuard:
        """Load a trained component."""
        with model_storage.read_from(resource) as directory:
            model = LetterModel.load(directory)
            nothing, whole = json.loads((directory / _FADE).read_text(encoding="utf-8"))
        return cls({**cls.get_default_config(), **config}, model_storage, resource, model, (nothing, whole))

    @classmethod
    def fingerprint_addon(cls, config: Dict[Text, Any]) -> Text:
        """Make a model with another way of counting stale."""
        return sources_hash(letters)

    def train(self, training_data: TrainingData) -> Resource:
        """Learn the letters of all examples, and how plausible examples are that were left out."""
        readings = [reading_of(message) for message in training_data.training_examples if message.get(TEXT)]
        model = LetterModel.fit(readings)
        nothing, whole = letters.quantiles(self._left_out(readings), self._config["shares"])
        with self._model_storage.write_to(self._resource) as directory:
            model.save(directory)
            (directory / _FADE).write_text(json.dumps([nothing, whole]), encoding="utf-8")
        return self._resource

    def _left_out(self, readings: List[Text]) -> List[float]:
        folds = self._config["folds"]
        places = np.random.default_rng(self._config["random_state"]).integers(folds, size=len(readings))
        found: List[float] = []
        for fold in range(folds):
            model = LetterModel.fit(each for each, place in zip(readings, places, strict=True) if place != fold)
            found += [model.plausibility(each) for each, place in zip(readings, places, strict=True) if place == fold]
        return found

    def process(self, messages: List[Message]) -> List[Message]:
        """Scale the confidence of every intent of a message by how plausible its letters are."""
        for message in messages:
            ranking, share = message.get("intent_ranking") or [], self._share(reading_of(message))
            if ranking and share < 1:
                faded = [{**each, "confidence": each["confidence"] * share} for each in ranking]
                message.set("intent", faded[0], add_to_output=True)
                message.set("intent_ranking", faded, add_to_output=True)
        return messages

    def _share(self, reading: Text) -> float:
        assert self._model is not None, "the graph loads a component before it runs it"
        nothing, whole = self._fade
        if whole <= nothing:  # too few examples to tell
            return 1.0
        return min(1.0, max(0.0, (self._model.plausibility(reading) - nothing) / (whole - nothing)))


def reading_of(message: Message) -> Text:
    """Return how a message is read: one form for kanji, kana and wrong conversions."""
    return "".join(token.get(READING) or token.text for token in tokens_in(message)).lower()
