"""The way to the database: one `Store` with a reading and a writing transaction, SQLite or PostgreSQL alike.

SQLite runs in WAL with synchronous=FULL (a committed refund survives a power cut), foreign keys on, and every
writing transaction takes the write lock at its start (BEGIN IMMEDIATE), so that no caller ever meets a failed
lock upgrade. Each connection's pragmas are read back; a connection without them is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session, sessionmaker

BUSY_TIMEOUT = timedelta(seconds=15)
PLANNED_ANEW = "-c plan_cache_mode=force_custom_plan"
"""PostgreSQL plans each statement for its own values: a plan for any words reads every message for a rare one."""
PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


class Store:
    """The order store behind one database URL."""

    def __init__(self, url: str, *, pool_size: int = 10, busy_timeout: timedelta = BUSY_TIMEOUT) -> None:
        self.url = make_url(url)
        self._busy_timeout_s = busy_timeout.total_seconds()
        self._line = Lock()
        if self.is_sqlite:
            self.engine = _sqlite(url, pool_size, int(busy_timeout.total_seconds() * 1000))
        else:
            args = {"options": PLANNED_ANEW}
            self.engine = create_engine(url, pool_size=pool_size, pool_pre_ping=True, connect_args=args)
        self._writing = sessionmaker(self.engine, expire_on_commit=False)
        self._reading = sessionmaker(
            self.engine.execution_options(madoguchi_reading=True), expire_on_commit=False, autoflush=False
        )

    @property
    def is_sqlite(self) -> bool:
        """Whether this is SQLite."""
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Open one writing transaction: committed at the end, rolled back on any exception."""
        with self._in_line(), self._writing() as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open one reading transaction: a consistent view that takes no lock."""
        with self._reading() as session, session.begin():
            yield session

    @contextmanager
    def _in_line(self) -> Iterator[None]:
        """Let the writers of this program wait for each other here, one after the other.

        SQLite has those who wait for its lock ask again and again, at ever longer intervals, so that under load some
        wait for a second while others pass them. Whoever has waited here for too long asks it all the same.
        """
        first = self.is_sqlite and self._line.acquire(timeout=self._busy_timeout_s)
        try:
            yield
        finally:
            if first:
                self._line.release()

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def _sqlite(url: str, pool_size: int, busy_timeout_ms: int) -> Engine:
    path = make_url(url).database
    if path and path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    # The connection used last is the one whose statements and pages are at hand.
    pool = {} if path in (None, "", ":memory:") else {"pool_size": pool_size, "pool_use_lifo": True}
    engine = create_engine(url, connect_args={"check_same_thread": False}, **pool)
    wanted = {"busy_timeout": busy_timeout_ms, **PRAGMAS}
    event.listen(engine, "connect", lambda connection, _record: _prepare_connection(connection, wanted))
    event.listen(engine, "begin", _begin)
    return engine


def _prepare_connection(connection: Any, pragmas: dict[str, Any]) -> None:
    connection.isolation_level = None  # the driver must not open transactions behind our back
    cursor = connection.cursor()
    for name, wanted in pragmas.items():
        cursor.execute(f"PRAGMA {name} = {wanted}")
        got = cursor.execute(f"PRAGMA {name}").fetchone()[0]
        if got != wanted and not (name == "journal_mode" and got == "memory"):
            raise RuntimeError(f"SQLite refused PRAGMA {name} = {wanted}: it is {got}")
    cursor.close()


def _begin(connection: Connection) -> None:
    reading = connection.get_execution_options().get("madoguchi_reading")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
