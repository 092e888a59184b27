"""The entities that rules find: numbers, dates, sizes and quantities."""

from __future__ import annotations

import datetime
from typing import Any, Dict, List, Text
from zoneinfo import ZoneInfo

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.shared.nlu.constants import ENTITIES, TEXT
from rasa.shared.nlu.training_data.message import Message

from engine.nlu.component import Component
from engine.nlu.normalizer import normalized_of
from engine.nlu.rules.find import ENTITIES as KNOWN
from engine.nlu.rules.find import find_entities


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class RuleEntityExtractor(Component, EntityExtractorMixin):
    """Adds the entities that rules find, with normalised values and the customer's own offsets."""

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        """Return the defaults, each with its reason."""
        return {
            # Which entities to look for; a bot that knows fewer leaves out the rest.
            "entities": list(KNOWN),
            # Where 今日 begins, for messages whose metadata does not bring their day.
            "timezone": "Asia/Tokyo",
        }

    def __init__(self, config: Dict[Text, Any], name: Text) -> None:
        """Hold the configuration."""
        super().__init__(config, name)
        self._entities = frozenset(config["entities"])
        self._timezone = ZoneInfo(config["timezone"])

    def process(self, messages: List[Message]) -> List[Message]:
        """Add the entities of every message that has a text."""
        for message in messages:
            if isinstance(message.get(TEXT), str):
                found = message.get(ENTITIES, []) + self._extract(message)
                message.set(ENTITIES, found, add_to_output=True)
        return messages

    def _extract(self, message: Message) -> List[Dict[Text, Any]]:
        normalized = normalized_of(message)
        entities = []
        for span in find_entities(normalized.text, self._day(message)):
            if span.entity not in self._entities:
                continue
            start, end = normalized.span(span.start, span.end)
            entities.append(
                {"entity": span.entity, "start": start, "end": end, "value": span.value, "extractor": self.name}
            )
        return entities

    def _day(self, message: Message) -> datetime.date:
        """Return the day of the message: of its metadata where that has one, else today."""
        day = (message.get("metadata") or {}).get("day")
        if isinstance(day, str):
            try:
                return datetime.date.fromisoformat(day)
            except ValueError:
                pass  # A day that is none is no reason to leave a customer without an answer.
        return datetime.datetime.now(self._timezone).date()
