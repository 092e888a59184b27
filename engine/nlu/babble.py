"""The component that keeps babble from being taken for a wish: confidence fades with what nobody would write."""

from __future__ import annotations

from typing import Any, Dict, List, Text, Type

import numpy as np
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from engine.nlu import letters
from engine.nlu.component import LearningComponent
from engine.nlu.letters import Fading, LetterModel
from engine.nlu.tokenizer import GinzaTokenizer, read, tokens_in


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class BabbleGuard(LearningComponent, IntentClassifier):
    """Takes confidence from messages whose letters do not follow each other as in the examples."""

    learns = Fading
    sources = (letters,)

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

    def train(self, training_data: TrainingData) -> Resource:
        """Learn the letters of all examples, and how plausible examples are that were left out."""
        readings = [reading_of(message) for message in training_data.training_examples if message.get(TEXT)]
        nothing, whole = letters.quantiles(self._left_out(readings), self._config["shares"])
        return self._keep(Fading(LetterModel.fit(readings), nothing, whole))

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
            ranking, share = message.get("intent_ranking") or [], self._learned.share(reading_of(message))
            if ranking and share < 1:
                faded = [{**each, "confidence": each["confidence"] * share} for each in ranking]
                message.set("intent", faded[0], add_to_output=True)
                message.set("intent_ranking", faded, add_to_output=True)
        return messages


def reading_of(message: Message) -> Text:
    """Return how a message is read: one form for kanji, kana and wrong conversions."""
    return "".join(map(read, tokens_in(message))).lower()
