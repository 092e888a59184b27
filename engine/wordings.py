"""The wording of a reply that a rule says by itself: never the one that was read last."""

from __future__ import annotations

import copy
from typing import Any, Dict, List, Optional

from rasa.core.nlg import TemplatedNaturalLanguageGenerator
from rasa.core.nlg.generator import ResponseVariationFilter
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import BotUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig


class FreshWordings(TemplatedNaturalLanguageGenerator):
    """Rasa's templates, chosen by what this customer has read instead of by chance."""

    def __init__(self, endpoint_config: Optional[EndpointConfig] = None, domain: Optional[Domain] = None) -> None:
        """Take the responses of the domain; Rasa gives the endpoint's settings too, of which there are none."""
        super().__init__((domain or Domain.empty()).responses)

    async def generate(
        self, utter_action: str, tracker: DialogueStateTracker, output_channel: str, **kwargs: Any
    ) -> Optional[Dict[str, Any]]:
        """Return the wording that was read longest ago, or never."""
        slots = tracker.current_slot_values()
        wordings = ResponseVariationFilter(self.responses).responses_for_utter_action(
            utter_action, output_channel, slots
        )
        if not wordings:
            return None
        read = [event.text for event in tracker.events if isinstance(event, BotUttered)]
        chosen = freshest([wording.get("text") for wording in wordings], read)
        return self._fill_response(copy.deepcopy(wordings[chosen]), slots, **kwargs)


def freshest(wordings: List[Optional[str]], read: List[Optional[str]]) -> int:
    """Return the place of the wording that stands furthest back in what was read; among equals they take turns."""
    latest = {text: place for place, text in enumerate(read)}
    turns = range(len(read), len(read) + len(wordings))
    return min((turn % len(wordings) for turn in turns), key=lambda place: latest.get(wordings[place], -1))
