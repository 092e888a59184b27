"""The engine's memory of the talks: Rasa's SQL tracker store, told not to read again what it has just written.

Rasa reads all events of a talk at the beginning of each turn, builds every object anew, and counts all of them
again before it saves: four tenths of a turn, and more the longer the talk is. This engine is the only writer of
its database while a talk goes on, so the tracker of the last turn is kept, and used as long as the newest stored
event is still the one it was saved with. A talk that was erased or changed behind our back is read again.

Rasa also finds the newest session of a talk by time stamp, among all its events; a clock that steps back would hide
messages. Here it is found by the order in which the events were written, from the newest one back.

A kept tracker is given away for the turn and comes back only with its save; so a turn that breaks off leaves
nothing half-changed behind. SQLite runs in WAL with synchronous=FULL, as the desk's own store does.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import Any, NamedTuple, Optional

import sqlalchemy as sa
from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.events import Event, SessionStarted
from rasa.shared.core.trackers import DialogueStateTracker

KEPT_TALKS = 500
EVENTS = SQLTrackerStore.SQLEvent.__table__
_NEWEST = sa.select(sa.func.max(EVENTS.c.id)).where(EVENTS.c.sender_id == sa.bindparam("talk"))


class _Kept(NamedTuple):
    tracker: DialogueStateTracker
    stored: int
    """How many of the tracker's events are in the database."""
    newest: Optional[int]


class DeskTrackerStore(SQLTrackerStore):
    """Rasa's SQL tracker store with the trackers of the talks that go on kept in memory."""

    def __init__(self, *args: Any, kept_talks: int = KEPT_TALKS, **kwargs: Any) -> None:
        """Open the database as Rasa does, and make SQLite safe and quick."""
        super().__init__(*args, **kwargs)
        self._most = kept_talks
        self._kept: "OrderedDict[str, _Kept]" = OrderedDict()
        self._given: "OrderedDict[str, _Kept]" = OrderedDict()
        if self.engine.dialect.name == "sqlite":
            sa.event.listen(self.engine, "connect", _make_durable)
            self.engine.dispose()

    async def retrieve(self, sender_id: str) -> Optional[DialogueStateTracker]:
        """Return the tracker of a talk, the kept one where the database still stands where it was left."""
        kept = self._kept.pop(sender_id, None)
        if kept is not None and kept.newest is not None and kept.newest == self._newest(sender_id):
            self._given[sender_id] = kept
            return kept.tracker
        self._given.pop(sender_id, None)
        return await super().retrieve(sender_id)

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Store the events of this turn, and keep the tracker for the next one."""
        await self.stream_events(tracker)
        given = self._given.pop(tracker.sender_id, None)
        events = list(tracker.events)
        with self.session_scope() as session:
            stored = given.stored if given is not None and given.tracker is tracker else self._stored(session, tracker)
            new = events[stored:]
            if new:
                session.execute(EVENTS.insert(), [_row(tracker.sender_id, event) for event in new])
                session.commit()
            newest = session.execute(_NEWEST, {"talk": tracker.sender_id}).scalar()
        # A talk that has begun anew is read once: Rasa goes on with what was said since, and so must this.
        if stored == 0 or not any(isinstance(event, SessionStarted) for event in new):
            self._keep(tracker, _Kept(tracker, len(events), newest))

    def _event_query(self, session: Any, sender_id: str, fetch_events_from_all_sessions: bool) -> Any:
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

    def _stored(self, session: Any, tracker: DialogueStateTracker) -> int:
        return int(self._event_query(session, tracker.sender_id, fetch_events_from_all_sessions=False).count())

    def _newest(self, sender_id: str) -> Optional[int]:
        with self.engine.connect() as connection:
            return connection.execute(_NEWEST, {"talk": sender_id}).scalar()

    def _keep(self, tracker: DialogueStateTracker, kept: _Kept) -> None:
        self._kept[tracker.sender_id] = kept
        for store in (self._kept, self._given):
            while len(store) > self._most:
                store.popitem(last=False)


def _row(sender_id: str, event: Event) -> Any:
    data = event.as_dict()
    return {
        "sender_id": sender_id,
        "type_name": event.type_name,
        "timestamp": data.get("timestamp"),
        "intent_name": data.get("parse_data", {}).get("intent", {}).get("name"),
        "action_name": data.get("name"),
        "data": json.dumps(data),
    }


def _make_durable(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = wal")
    cursor.execute("PRAGMA synchronous = full")
    cursor.execute("PRAGMA busy_timeout = 5000")
    cursor.close()
