"""The graph component that puts a normalised text beside what the customer typed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Text

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from engine.nlu import kana, text
from engine.nlu.component import LearningComponent
from engine.nlu.kana import ForeignWords
from engine.nlu.text import NormalizedText, normalize

# Never written into TEXT: offsets, the tracker and Rasa's own handler of payloads read that one.
NORMALIZED = "normalized"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class JapaneseNormalizer(LearningComponent):
    """Sets the attribute `normalized` of every message that has a text."""

    learns = ForeignWords
    sources = (text, kana)

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        """Return the defaults, each with its reason."""
        return {
            # Longer messages are understood by their beginning; Sudachi refuses over 49,149 bytes.
            "max_characters": text.MAX_CHARACTERS,
        }

    def train(self, training_data: TrainingData) -> Resource:
        """Learn which words the examples write in katakana."""
        texts = (self._normalized(each.get(TEXT) or "").text for each in training_data.intent_examples)
        return self._keep(ForeignWords.fit(texts))

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Normalise every training example."""
        self.process(training_data.training_examples)
        return training_data

    def process(self, messages: List[Message]) -> List[Message]:
        """Normalise every message."""
        words = self._learned or ForeignWords()
        for message in messages:
            typed = message.get(TEXT)
            if isinstance(typed, str):
                plain = self._normalized(typed)
                message.set(NORMALIZED, replace(plain, text=words.usual_script(plain.text)))
        return messages

    def _normalized(self, typed: Text) -> NormalizedText:
        return normalize(typed, self._config["max_characters"])


def normalized_of(message: Message) -> NormalizedText:
    """Return the normalised text of a message, an empty one where it has none."""
    return message.get(NORMALIZED) or normalize("")
