"""What the engine remembers of a conversation: its newest session, kept short however long the talk becomes.

Every step of a turn costs time in proportion to the events of the session: they are read, replayed, copied for each
action and sent to it. So a session that has grown long is ended before the next message, and one is begun that carries
over everything a turn can need: the slots, the open form and what was said last. docs/adr/0007 has the figures.
"""

from __future__ import annotations

from typing import Any, List

import sqlalchemy as sa
from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.constants import ACTION_LISTEN_NAME, SESSION_START_METADATA_SLOT
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, ActiveLoop, BotUttered, Event, SessionStarted, SlotSet
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy.event import listen

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


class DeskTrackerStore(SQLTrackerStore):
    """Rasa's SQL store, which reads the newest session by the order in which events were written.

    Rasa cuts by time stamp; a clock that steps back would hide messages, or show half a session. It also looks through
    all events of a conversation for that; here the search walks back from the newest one.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Open the store; on SQLite with a write-ahead log, flushed at every commit."""
        super().__init__(*args, **kwargs)
        if self.engine.dialect.name == "sqlite":
            listen(self.engine, "connect", _durable)
            self.engine.dispose()

    def _event_query(
        self, session: "sa.orm.Session", sender_id: str, fetch_events_from_all_sessions: bool
    ) -> "sa.orm.Query":
        event = self.SQLEvent
        mine = session.query(event).filter(event.sender_id == sender_id).order_by(event.id)
        if fetch_events_from_all_sessions:
            return mine
        begun = (
            session.query(event.id)
            .filter(event.sender_id == sender_id, event.type_name == SessionStarted.type_name)
            .order_by(event.id.desc())
            .limit(1)
            .scalar()
        )
        return mine if begun is None else mine.filter(event.id >= begun)


def _durable(connection: Any, _record: Any) -> None:
    """A turn that was answered must survive a power cut, and readers must not wait for the writer."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA busy_timeout=1000")
