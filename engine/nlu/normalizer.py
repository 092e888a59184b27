"""The graph component that puts a normalised text beside what the customer typed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, FrozenSet, List, Text

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from rasa.shared.utils.io import dump_obj_as_json_to_file, read_json_file

from engine.nlu import kana, text
from engine.nlu.sources import sources_hash
from engine.nlu.text import NormalizedText, normalize

# Never written into TEXT: offsets, the tracker and Rasa's own handler of payloads read that one.
NORMALIZED = "normalized"
WORDS_FILE = "katakana-words.json"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class JapaneseNormalizer(GraphComponent):
    """Sets the attribute `normalized` of every message that has a text."""

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        """Return the defaults, each with its reason."""
        return {
            # Longer messages are understood by their beginning; Sudachi refuses over 49,149 bytes.
            "max_characters": text.MAX_CHARACTERS,
        }

    def __init__(
        self,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        words: FrozenSet[Text] = frozenset(),
    ) -> None:
        """Hold the configuration, and the words that are written in katakana."""
        self._max_characters = int(config["max_characters"])
        self._model_storage = model_storage
        self._resource = resource
        self._words = words

    @classmethod
    def create(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> JapaneseNormalizer:
        """Create the component, untrained."""
        return cls({**cls.get_default_config(), **config}, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> JapaneseNormalizer:
        """Load the component with the words it learned."""
        with model_storage.read_from(resource) as folder:
            words = frozenset(read_json_file(folder / WORDS_FILE))
        return cls({**cls.get_default_config(), **config}, model_storage, resource, words)

    @classmethod
    def fingerprint_addon(cls, config: Dict[Text, Any]) -> Text:
        """Make a model trained with other rules stale."""
        return sources_hash(text, kana)

    def train(self, training_data: TrainingData) -> Resource:
        """Learn which words the examples write in katakana."""
        self._words = kana.foreign_words(
            self._normalized(e.get(TEXT) or "").text for e in training_data.intent_examples
        )
        with self._model_storage.write_to(self._resource) as folder:
            dump_obj_as_json_to_file(folder / WORDS_FILE, sorted(self._words))
        return self._resource

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Normalise every training example."""
        self.process(training_data.training_examples)
        return training_data

    def process(self, messages: List[Message]) -> List[Message]:
        """Normalise every message."""
        for message in messages:
            typed = message.get(TEXT)
            if isinstance(typed, str):
                plain = self._normalized(typed)
                message.set(NORMALIZED, replace(plain, text=kana.usual_script(plain.text, self._words)))
        return messages

    def _normalized(self, typed: Text) -> NormalizedText:
        return normalize(typed, self._max_characters)


def normalized_of(message: Message) -> NormalizedText:
    """Return the normalised text of a message, an empty one where it has none."""
    return message.get(NORMALIZED) or normalize("")
