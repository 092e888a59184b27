"""The learned entities: a conditional random field over GiNZA's tokens."""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from pathlib import Path
from typing import AbstractSet, Any, Dict, FrozenSet, Iterator, List, Sequence, Text, Tuple, Type

import pycrfsuite
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.shared.nlu.constants import ENTITIES, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from engine.nlu import clusters as clustering
from engine.nlu import product_features, tagger
from engine.nlu.clusters import Clusters
from engine.nlu.component import LearningComponent
from engine.nlu.ginza import GinzaModel
from engine.nlu.normalizer import normalized_of
from engine.nlu.product_features import Names, name_of, noun_phrases, token_features
from engine.nlu.tagger import Label, ProductTagger, tags
from engine.nlu.text import normalize
from engine.nlu.tokenizer import GinzaTokenizer, tokens_in, tokens_of

_MOST_PURCHASES = 50


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=True, model_from="GinzaNLP")
class ProductExtractor(LearningComponent, EntityExtractorMixin):
    """Tags the articles that a message names, with the customer's purchases as context."""

    learns = ProductTagger
    sources = (product_features, clustering, tagger)

    @classmethod
    def required_components(cls) -> List[Type]:
        """Return what must stand before it in the pipeline."""
        return [GinzaTokenizer]

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        """Return the defaults, each with its reason."""
        return {
            # The entities to learn; an empty list means every one that is annotated.
            "entities": ["product"],
            # Regularisation and length of training, by cross-validation on the training files.
            "c1": 0.05,
            "c2": 0.05,
            "max_iterations": 40,
            # How many of the examples without an entity are learned from: they are the many. By
            # cross-validation 0.3 finds too much (F1 0.870), all of them too little (0.875); this 0.884.
            "others_share": 0.6,
            # Word vectors are seen as membership in groups, so that an article never read before is
            # recognised by its kind; 0 leaves them out.
            "clusters": [64, 256],
            # How often a training example is shown with purchases: both cases must be learned.
            "purchase_share": 0.4,
            "random_state": 20,
        }

    @staticmethod
    def required_packages() -> List[Text]:
        """Return the packages that must be installed."""
        return ["sklearn_crfsuite", "sklearn"]

    def train(self, training_data: TrainingData, model: GinzaModel) -> Resource:
        """Train the tagger on every example that has a text; with none annotated nothing will be tagged."""
        examples = [m for m in training_data.nlu_examples if m.get(TEXT) and tokens_in(m)]
        labels = [list(self._labels(message)) for message in examples]
        if not any(labels):
            return self._keep(None)
        sizes, seed = self._config["clusters"], self._config["random_state"]
        clusters = Clusters.fit([tokens_in(m) for m in examples], model.nlp.vocab, sizes, seed)
        counts = Counter(name for m, found in zip(examples, labels, strict=True) for name in set(_names(m, found)))
        return self._keep(
            ProductTagger(self._fit(examples, labels, counts, clusters, model), clusters, frozenset(counts))
        )

    def _fit(
        self,
        examples: Sequence[Message],
        labels: Sequence[Sequence[Label]],
        counts: Counter[Tuple[str, ...]],
        clusters: Clusters,
        model: GinzaModel,
    ) -> bytes:
        trainer = pycrfsuite.Trainer(verbose=False)
        keys = ("c1", "c2", "max_iterations")
        trainer.set_params({**{key: self._config[key] for key in keys}, "feature.possible_transitions": True})
        chance = random.Random(self._config["random_state"])
        everything, all_names = sorted(counts), frozenset(counts)
        share = self._config["others_share"]
        for message, found in zip(examples, labels, strict=True):
            if not found and chance.random() >= share:
                continue
            tokens, names = tokens_in(message), set(_names(message, found))
            # A name counts as known only if another example bears it too: what the tagger meets in
            # training is then as often unknown as what it will meet in service.
            known = all_names - {name for name in names if counts[name] == 1}
            bought = _bought(names, everything, chance)
            shown = bought if chance.random() < self._config["purchase_share"] else frozenset()
            features = token_features(tokens, clusters.of(tokens, model.nlp.vocab), known, shown)
            trainer.append(features, tags(len(tokens), found))
        with tempfile.TemporaryDirectory() as folder:  # CRFsuite writes files only
            path = Path(folder) / "model"
            trainer.train(str(path))
            return path.read_bytes()

    def process(self, messages: List[Message], model: GinzaModel) -> List[Message]:
        """Add the learned entities of every message, where no rule has claimed the place."""
        for message in messages:
            taken = message.get(ENTITIES, [])
            found = [entity for entity in self._extract(message, model) if not _overlaps(entity, taken)]
            message.set(ENTITIES, taken + found, add_to_output=True)
        return messages

    def _extract(self, message: Message, model: GinzaModel) -> Iterator[Dict[Text, Any]]:
        tokens = tokens_in(message)
        if self._learned is None or not tokens:
            return
        normalized = normalized_of(message)
        for entity, first, last in self._learned.labels(tokens, model.nlp.vocab, _purchases(message, model)):
            start, end = tokens[first].start, tokens[last - 1].end
            value = normalized.text[tokens[first].get("normalized_start") : tokens[last - 1].get("normalized_end")]
            yield {"entity": entity, "start": start, "end": end, "value": value, "extractor": self.name}

    def _labels(self, message: Message) -> Iterator[Label]:
        """Yield the annotated entities as runs of tokens."""
        wanted, tokens = self._config["entities"], tokens_in(message)
        for annotation in message.get(ENTITIES, []):
            if wanted and annotation["entity"] not in wanted:
                continue
            inside = [i for i, t in enumerate(tokens) if t.start < annotation["end"] and t.end > annotation["start"]]
            if inside:
                yield annotation["entity"], inside[0], inside[-1] + 1


def _names(message: Message, labels: Sequence[Label]) -> List[Tuple[str, ...]]:
    return [name_of(tokens_in(message)[first:last]) for _, first, last in labels]


def _bought(names: AbstractSet[Tuple[str, ...]], everything: Sequence[Tuple[str, ...]], chance: random.Random) -> Names:
    """Return purchases for an example: a few of all, and mostly what it names."""
    others = chance.sample(everything, min(3, len(everything)))
    # In order: a set has another one in every process, and the same data must give the same model.
    return frozenset(others) | frozenset(name for name in sorted(names) if chance.random() < 0.8)


def _purchases(message: Message, model: GinzaModel) -> Names:
    """Return the names by which the customer may call what they bought lately."""
    titles = (message.get("metadata") or {}).get("purchases")
    if not isinstance(titles, list):
        return frozenset()
    names: FrozenSet[Tuple[str, ...]] = frozenset()
    for title in titles[:_MOST_PURCHASES]:
        if isinstance(title, str):
            names |= noun_phrases(tokens_of(normalize(title, 200), model))
    return names


def _overlaps(entity: Dict[Text, Any], others: Sequence[Dict[Text, Any]]) -> bool:
    return any(entity["start"] < other["end"] and other["start"] < entity["end"] for other in others)
