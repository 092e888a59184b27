"""What every component here is to Rasa: how it is made, what makes its model stale, how what it learns is kept.

Rasa runs a pipeline of graph components. It makes each by `create` for a training and by `load` from a trained model,
and trains anew what differs in its configuration, its own source or its `fingerprint_addon`. All that is the same for
every component and stands here; a component says what it learns and what it does with a message.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Dict, Optional, Text, Tuple, Type

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from typing_extensions import Protocol

from engine.nlu.sources import sources_hash


class Component(GraphComponent):
    """A component that knows its configuration and nothing else."""

    sources: ClassVar[Tuple[ModuleType, ...]] = ()
    """The modules, beside its own, whose change makes a model stale."""

    def __init__(self, config: Dict[Text, Any], name: Text) -> None:
        """Hold the configuration; the name is the component's own in its pipeline."""
        self._config = config

    @classmethod
    def create(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> Component:
        """Create the component."""
        return cls({**cls.get_default_config(), **config}, execution_context.node_name)

    @classmethod
    def fingerprint_addon(cls, config: Dict[Text, Any]) -> Text:
        """Make a model stale whose component was another: Rasa itself looks at the class and not around it."""
        return sources_hash(Component, cls, *cls.sources)


class Learned(Protocol):
    """What a component learns: it writes itself into a folder, as data that cannot run, and reads itself from there."""

    def save(self, directory: Path) -> None:
        """Write itself into a folder."""

    @classmethod
    def load(cls, directory: Path) -> Optional[Learned]:
        """Read what `save` wrote; None where there was nothing to learn."""


class LearningComponent(Component):
    """A component that learns from the examples; its `train` ends in `self._keep(what it learned)`."""

    learns: ClassVar[Type[Learned]]
    """The type of what it learns, which it then holds as `_learned`."""

    _model_storage: Optional[ModelStorage] = None
    _resource: Optional[Resource] = None
    _learned: Optional[Learned] = None

    @classmethod
    def create(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> LearningComponent:
        """Create an untrained component, which knows where to keep what it will learn."""
        component = super().create(config, model_storage, resource, execution_context)
        component._model_storage, component._resource = model_storage, resource
        return component

    @classmethod
    def load(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> LearningComponent:
        """Load a trained component."""
        component = cls.create(config, model_storage, resource, execution_context)
        with model_storage.read_from(resource) as directory:
            component._learned = cls.learns.load(directory)
        return component

    def _keep(self, learned: Optional[Learned]) -> Resource:
        """Keep what was learned with the model; None, where there was nothing to learn, leaves an empty folder."""
        self._learned = learned
        with self._model_storage.write_to(self._resource) as directory:
            if learned is not None:
                learned.save(directory)
        return self._resource
