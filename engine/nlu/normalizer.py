"""The graph component that puts a normalised text beside what the customer typed."""

from __future__ import annotations

from typing import Any, Dict, List, Text

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from engine.nlu import text
from engine.nlu.sources import sources_hash
from engine.nlu.text import NormalizedText, normalize

# Never written into TEXT: offsets, the tracker and Rasa's own handler of payloads read that one.
NORMALIZED = "normalized"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class JapaneseNormalizer(GraphComponent):
    """Sets the attribute `normalized` of every message that has a text."""

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        """Return the defaults, each with its reason."""
        return {
            # Longer messages are understood by their beginning; Sudachi refuses over 49,149 bytes.
            "max_characters": text.MAX_CHARACTERS,
        }

    def __init__(self, config: Dict[Text, Any]) -> None:
        """Hold the configuration."""
        self._max_characters = int(config["max_characters"])

    @classmethod
    def create(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> JapaneseNormalizer:
        """Create the component."""
        return cls({**cls.get_default_config(), **config})

    @classmethod
    def fingerprint_addon(cls, config: Dict[Text, Any]) -> Text:
        """Make a model trained with other rules stale."""
        return sources_hash(text)

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Normalise every training example."""
        self.process(training_data.training_examples)
        return training_data

    def process(self, messages: List[Message]) -> List[Message]:
        """Normalise every message."""
        for message in messages:
            typed = message.get(TEXT)
            if isinstance(typed, str):
                message.set(NORMALIZED, normalize(typed, self._max_characters))
        return messages


def normalized_of(message: Message) -> NormalizedText:
    """Return the normalised text of a message, an empty one where it has none."""
    return message.get(NORMALIZED) or normalize("")
