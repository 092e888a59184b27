"""The way the money is to come back: its names are found by rule, what each one means is learned."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence, Text, Tuple, Type

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.shared.nlu.constants import ENTITIES, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression

from engine.nlu import ways
from engine.nlu.component import LearningComponent
from engine.nlu.normalizer import JapaneseNormalizer, normalized_of
from engine.nlu.rules import refunds
from engine.nlu.rules.refunds import ways_named
from engine.nlu.rules.span import Span
from engine.nlu.ways import WayBack, contexts

ENTITY = "refund_method"
Place = Tuple[int, int]  # of the text as the customer typed it


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=True)
class RefundMethodExtractor(LearningComponent, EntityExtractorMixin):
    """Adds the card, gift balance or bank of a message where it is the way the money comes back."""

    learns = WayBack
    sources = (refunds, ways)

    @classmethod
    def required_components(cls) -> List[Type]:
        """Return what must stand before it in the pipeline."""
        return [JapaneseNormalizer]

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        """Return the defaults, each with its reason."""
        return {
            # Regularisation, by cross-validation on the training files: F1 0.3 0.912, 1 0.915, 3 0.912.
            "c": 1.0,
            # A name is the way back from this chance on.
            "threshold": 0.5,
        }

    @staticmethod
    def required_packages() -> List[Text]:
        """Return the packages that must be installed."""
        return ["sklearn"]

    def train(self, training_data: TrainingData) -> Resource:
        """Learn from every name of a way in the examples; where nothing is annotated there is nothing to tell."""
        found: List[Dict[str, float]] = []
        truths: List[bool] = []
        for message in training_data.nlu_examples:
            if not message.get(TEXT):
                continue
            annotated = {(e["start"], e["end"]) for e in message.get(ENTITIES, []) if e["entity"] == ENTITY}
            names = _names(message)
            found.extend(contexts(normalized_of(message).text, names))
            truths.extend(_place(message, name) in annotated for name in names)
        return self._keep(_weigh(found, truths, self._config["c"]) if len(set(truths)) == 2 else None)

    def process(self, messages: List[Message]) -> List[Message]:
        """Add the ways back that every message names."""
        for message in messages:
            if self._learned and isinstance(message.get(TEXT), str):
                message.set(ENTITIES, message.get(ENTITIES, []) + self._extract(message), add_to_output=True)
        return messages

    def _extract(self, message: Message) -> List[Dict[Text, Any]]:
        names = _names(message)
        entities = []
        for name, context in zip(names, contexts(normalized_of(message).text, names), strict=True):
            if self._learned.chance(context) >= self._config["threshold"]:
                start, end = _place(message, name)
                entities.append(
                    {"entity": ENTITY, "start": start, "end": end, "value": name.value, "extractor": self.name}
                )
        return entities


def _weigh(features: Sequence[Mapping[str, float]], truths: Sequence[bool], c: float) -> WayBack:
    """Learn from the features of names, and whether each was the way back."""
    vectorizer = DictVectorizer()
    model = LogisticRegression(C=c, max_iter=2000).fit(vectorizer.fit_transform(features), truths)
    weights = zip(vectorizer.get_feature_names_out(), model.coef_[0], strict=True)
    return WayBack({str(name): float(weight) for name, weight in weights}, float(model.intercept_[0]))


def _names(message: Message) -> List[Span]:
    return ways_named(normalized_of(message).text)


def _place(message: Message, name: Span) -> Place:
    start, end = normalized_of(message).span(name.start, name.end)
    return start, end
