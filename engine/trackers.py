"""What the engine remembers of a conversation: its newest session, kept short however long the talk becomes.

Every step of a turn costs time in proportion to the events of the session: they are read, replayed, copied for each
action and sent to it. So a session that has grown long is ended before the next message, and one is begun that carries
over everything a turn can need: the slots, the open form and what was said last. docs/adr/0007 has the figures.
"""

from __future__ import annotations

import itertools
import json
from collections import OrderedDict
from typing import Any, Dict, List, Optional

import sqlalchemy as sa
from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.constants import ACTION_LISTEN_NAME, SESSION_START_METADATA_SLOT
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, ActiveLoop, BotUttered, Event, SessionStarted, SlotSet
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy.event import listen
from sqlalchemy.orm import sessionmaker
from sqlalchemy.pool import QueuePool

LONGEST_SESSION = 50
"""Events after which a session is ended: about five messages and their answers."""
KEPT = 256
"""The talks that are held in memory between their turns: those that spoke last."""
LAST_WORDS = 4
"""The newest replies that go over into the next session, so that none of them is said again at once."""

_STORED = "stored_events"
_NEWEST_ID = "newest_stored_id"
_EVENTS = SQLTrackerStore.SQLEvent.__table__
_BEGUN = (
    sa.select(_EVENTS.c.id)
    .where(_EVENTS.c.sender_id == sa.bindparam("sender"), _EVENTS.c.type_name == SessionStarted.type_name)
    .order_by(_EVENTS.c.id.desc())
    .limit(1)
)
_NEWEST = (
    sa.select(_EVENTS.c.id).where(_EVENTS.c.sender_id == sa.bindparam("sender")).order_by(_EVENTS.c.id.desc()).limit(1)
)
_SINCE = (
    sa.select(_EVENTS.c.data)
    .where(_EVENTS.c.sender_id == sa.bindparam("sender"), _EVENTS.c.id >= sa.bindparam("start"))
    .order_by(_EVENTS.c.id)
)


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
    """Rasa's SQL store with the same table, one statement to read a session and one to write a turn.

    Rasa cuts the history by time stamp, which hides messages when a clock steps back, counts what it has stored before
    each writing, and opens the database anew for every statement. Here the order of writing cuts, the tracker knows how
    much of it is stored, and a connection is kept.

    The tracker of a turn that was saved is held for the next one, and taken up where the table still ends with what it
    wrote. A turn takes it out, so that one that breaks off leaves none; whatever else changes the table (another
    program, an erasure) has it read again.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Open the store; on SQLite with a write-ahead log."""
        self._held: OrderedDict[str, DialogueStateTracker] = OrderedDict()
        super().__init__(*args, **kwargs)
        if self.engine.dialect.name == "sqlite":
            url = self.engine.url
            self.engine.dispose()
            self.engine = sa.create_engine(url, poolclass=QueuePool, connect_args={"check_same_thread": False})
            listen(self.engine, "connect", _prepare)
            self.sessionmaker = sessionmaker(bind=self.engine)

    async def _retrieve(self, sender_id: str, fetch_events_from_all_sessions: bool) -> Optional[DialogueStateTracker]:
        sender = {"sender": sender_id}
        held = None if fetch_events_from_all_sessions else self._held.pop(sender_id, None)
        with self.engine.connect() as connection:
            if held is not None and connection.execute(_NEWEST, sender).scalar() == getattr(held, _NEWEST_ID):
                return held
            start = 0 if fetch_events_from_all_sessions else connection.execute(_BEGUN, sender).scalar()
            found = connection.execute(_SINCE, {**sender, "start": start or 0}).scalars().all()
        if not found:
            return None
        tracker = DialogueStateTracker.from_dict(sender_id, [json.loads(each) for each in found], self.domain.slots)
        setattr(tracker, _STORED, len(tracker.events))
        return tracker

    @property
    def domain(self) -> Domain:
        """The domain whose slots the trackers have."""
        return self._domain

    @domain.setter
    def domain(self, domain: Optional[Domain]) -> None:
        """Take another model's domain: what is held has the slots of the one before."""
        self._domain = domain or Domain.empty()
        self._held.clear()

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Write the events that the tracker has gained since it was read."""
        await self.stream_events(tracker)
        gained = list(itertools.islice(tracker.events, getattr(tracker, _STORED, 0), None))
        if gained:
            with self.engine.begin() as connection:
                connection.execute(_EVENTS.insert(), [_row(tracker.sender_id, event) for event in gained])
                newest = connection.execute(_NEWEST, {"sender": tracker.sender_id}).scalar()
            setattr(tracker, _STORED, len(tracker.events))
            setattr(tracker, _NEWEST_ID, newest)
            self._hold(tracker)

    def _hold(self, tracker: DialogueStateTracker) -> None:
        """Hold a tracker for its next turn, unless a second session has begun in it: a reader would see that one."""
        if sum(isinstance(event, SessionStarted) for event in tracker.events) > 1:
            return
        self._held[tracker.sender_id] = tracker
        if len(self._held) > KEPT:
            self._held.popitem(last=False)


def _row(sender_id: str, event: Event) -> Dict[str, Any]:
    data = event.as_dict()
    return {
        "sender_id": sender_id,
        "type_name": event.type_name,
        "timestamp": data.get("timestamp"),
        "intent_name": data.get("parse_data", {}).get("intent", {}).get("name"),
        "action_name": data.get("name"),
        "data": json.dumps(data),
    }


def _prepare(connection: Any, _record: Any) -> None:
    """Survive the end of any program; a power cut may cost the last turns, but no file.

    What was agreed to stands in the order store, which flushes every commit, under the key that the yes named: a turn
    that the engine has forgotten is said again, and does nothing twice.
    """
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA busy_timeout=1000")
