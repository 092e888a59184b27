"""The component that keeps a message from being read as what it says the contrary of."""

from __future__ import annotations

from typing import Any, Dict, List, Text, Type

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.training_data.message import Message

from engine.nlu import contrary
from engine.nlu.component import Component
from engine.nlu.contrary import contradicted, is_asserted, meant_instead
from engine.nlu.normalizer import normalized_of

Ranking = List[Dict[Text, Any]]


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class ContraryGuard(Component, IntentClassifier):
    """Replaces an intent that the message denies by the one that it asserts, or by its contrary."""

    sources = (contrary,)

    @classmethod
    def required_components(cls) -> List[Type]:
        """Return what must stand before it in the pipeline."""
        return [IntentClassifier]

    def process(self, messages: List[Message]) -> List[Message]:
        """Rank anew every message whose likeliest intent is denied by it."""
        for message in messages:
            ranking = guarded(normalized_of(message).text, message.get("intent_ranking") or [])
            if ranking:
                message.set("intent", ranking[0], add_to_output=True)
                message.set("intent_ranking", ranking, add_to_output=True)
        return messages


def guarded(text: Text, ranking: Ranking) -> Ranking:
    """Return the ranking without what the text denies at its head; the probability goes to what is meant."""
    if not ranking or ranking[0]["name"] not in (denied := contradicted(text)):
        return ranking
    head = ranking[0]["name"]
    others = [each for each in ranking if each["name"] not in denied]
    asserted = next((each["name"] for each in others if is_asserted(text, each["name"])), None)
    wanted = asserted or meant_instead(head)
    freed = sum(each["confidence"] for each in ranking if each["name"] in denied or each["name"] == wanted)
    return [{"name": wanted, "confidence": freed}] + [each for each in others if each["name"] != wanted]
