"""GiNZA, loaded once and shared by the components that need it."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from typing import Any, Dict, List, Text, Tuple

import spacy
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.nlu.model import InvalidModelError
from spacy.language import Language

from engine.nlu.component import Component

_DISTRIBUTIONS = ("spacy", "ginza", "SudachiPy", "SudachiDict-core")


@dataclass
class GinzaModel:
    """A loaded GiNZA pipeline and the versions that its output depends on."""

    nlp: Language
    version: str

    def fingerprint(self) -> Text:
        """Return a text that changes with the model, the libraries and the pipes kept."""
        return self.version


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MODEL_LOADER, is_trainable=False)
class GinzaNLP(Component):
    """Loads GiNZA with the pipes asked for and provides it to the other components."""

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        """Return the defaults, each with its reason."""
        return {
            # The installed model package.
            "model": "ja_ginza",
            # The pipes to run on each message. With none, the Sudachi tokenizer alone gives tags,
            # lemmas, norms and vectors in 0.3 ms; every statistical pipe needs tok2vec, 13 ms.
            "pipes": [],
        }

    def __init__(self, config: Dict[Text, Any], name: Text) -> None:
        """Load the model; raises InvalidModelError where it is not installed."""
        super().__init__(config, name)
        self._model = load_ginza(config["model"], tuple(config["pipes"]))

    @classmethod
    def fingerprint_addon(cls, config: Dict[Text, Any]) -> Text:
        """Make a model trained with another tokenizer or dictionary stale."""
        return _versions()

    @staticmethod
    def required_packages() -> List[Text]:
        """Return the packages that must be installed."""
        return ["spacy", "ginza", "ja_ginza"]

    def provide(self) -> GinzaModel:
        """Provide the model to the graph."""
        return self._model


def load_ginza(name: str, pipes: Tuple[str, ...] = ()) -> GinzaModel:
    """Load a GiNZA model with only the pipes named; raises InvalidModelError for an unknown one."""
    if not spacy.util.is_package(name):
        raise InvalidModelError(f"The GiNZA model '{name}' is not installed.")
    known = spacy.util.load_meta(spacy.util.get_package_path(name) / "meta.json")["pipeline"]
    unknown = sorted(set(pipes) - set(known))
    if unknown:
        raise InvalidModelError(f"'{name}' has no pipe {', '.join(unknown)}; it has {', '.join(known)}.")
    nlp = spacy.load(name, exclude=[pipe for pipe in known if pipe not in pipes])
    kept = "+".join(nlp.pipe_names) or "tokenizer"
    return GinzaModel(nlp, f"{name} {nlp.meta['version']} {kept} {_versions()}")


def _versions() -> str:
    return " ".join(f"{name} {importlib.metadata.version(name)}" for name in _DISTRIBUTIONS)
