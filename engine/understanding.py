"""A trained model outside Rasa's server, and the one way in which typed text is understood.

Rasa ends every pipeline with RegexMessageHandler, which takes a text that begins with a slash for an
intent with entities. What a customer types must never be that, so typed text is run through the graph up
to the node before it: nothing is filtered or escaped, the handler is simply not asked.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Dict, List, Optional

from rasa.core.channels.channel import UserMessage
from rasa.engine.constants import PLACEHOLDER_MESSAGE, PLACEHOLDER_TRACKER
from rasa.engine.loader import load_predict_graph_runner
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.engine.runner.interface import GraphRunner
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.storage import ModelMetadata
from rasa.shared.core.trackers import DialogueStateTracker

from engine import archives

_OUTPUT = ("text", "intent", "entities", "intent_ranking")


def typed_message(text: str, metadata: Optional[Dict[str, Any]] = None, **kwargs: Any) -> UserMessage:
    """Return a message that keeps the text as typed: Rasa would strip it, and shift every offset."""
    message = UserMessage(text, metadata=metadata, **kwargs)
    message.text = text
    return message


def understand(
    message: UserMessage,
    runner: GraphRunner,
    metadata: ModelMetadata,
    tracker: Optional[DialogueStateTracker] = None,
) -> Dict[str, Any]:
    """Return the intent and entities of typed text, whatever it looks like."""
    target = last_node_before_payloads(metadata)
    tracker = tracker or DialogueStateTracker.from_events(message.sender_id, [])
    inputs = {PLACEHOLDER_MESSAGE: [message], PLACEHOLDER_TRACKER: tracker}
    parsed = runner.run(inputs=inputs, targets=[target])[target][0]
    found = parsed.as_dict(only_output_properties=True)
    nothing = {"text": message.text, "intent": {"name": None, "confidence": 0.0}, "entities": []}
    return {**nothing, **found}


def last_node_before_payloads(metadata: ModelMetadata) -> str:
    """Return the node whose output Rasa's handler of payloads would read."""
    return str(metadata.predict_schema.nodes[str(metadata.nlu_target)].needs["messages"])


class Understanding:
    """A model loaded from its archive."""

    def __init__(self, archive: Path) -> None:
        """Load the model; raises OSError or tarfile.ReadError where there is none, archives.Refused for a foreign."""
        archives.guard()
        self.name = archive.name
        with tempfile.TemporaryDirectory() as directory:
            self._metadata, self._runner = load_predict_graph_runner(
                Path(directory), archive, LocalModelStorage, DaskGraphRunner
            )

    def parse(self, text: str, day: Optional[str] = None, purchases: Optional[List[str]] = None) -> Dict[str, Any]:
        """Return the text, the intent, its ranking and the entities of one message."""
        context = {"day": day, "purchases": purchases}
        metadata = {key: value for key, value in context.items() if value is not None}
        found = understand(typed_message(text, metadata), self._runner, self._metadata)
        return {key: found.get(key) for key in _OUTPUT}


def newest_model(directory: Path) -> Optional[Path]:
    """Return the model archive that was written last, or None."""
    archives = sorted(directory.glob("*.tar.gz"), key=lambda path: path.stat().st_mtime)
    return archives[-1] if archives else None
