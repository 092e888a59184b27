"""What the engine remembers of a conversation: its newest session, kept short however long the talk becomes.

Every step of a turn costs time in proportion to the events of the session: they are read, replayed, copied for each
action and sent to it. So a session that has grown long is ended before the next message, and one is begun that carries
over everything a turn can need: the slots, the open form and what was said last. docs/adr/0007 has the figures.
"""

from __future__ import annotations

from typing import List

from rasa.shared.core.constants import ACTION_LISTEN_NAME, SESSION_START_METADATA_SLOT
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, ActiveLoop, BotUttered, Event, SessionStarted, SlotSet
from rasa.shared.core.trackers import DialogueStateTracker

LONGEST_SESSION = 50
"""Events after which a session is ended: about five messages and their answers."""
LAST_WORDS = 4
"""The newest replies that go over into the next session, so that none of them is said again at once."""


def shorten(tracker: DialogueStateTracker, domain: Domain) -> None:
    """Begin a new session where the one that runs has grown long; call it before a message, never within a turn."""
    if len(tracker.events) > LONGEST_SESSION:
        tracker.update_with_events(_carried_over(tracker), domain)


def _carried_over(tracker: DialogueStateTracker) -> List[Event]:
    """Return the events that begin a session where the last one has ended."""
    filled = {name: slot.value for name, slot in tracker.slots.items() if slot.value is not None}
    filled.pop(SESSION_START_METADATA_SLOT, None)
    said = [event for event in tracker.events if isinstance(event, BotUttered)][-LAST_WORDS:]
    form = [ActiveLoop(tracker.active_loop_name)] if tracker.active_loop_name else []
    slots = [SlotSet(name, value) for name, value in filled.items()]
    return [SessionStarted(), *slots, *map(_again, said), *form, ActionExecuted(ACTION_LISTEN_NAME)]


def _again(said: BotUttered) -> BotUttered:
    return BotUttered(said.text, said.data, said.metadata)
