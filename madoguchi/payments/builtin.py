"""The built-in processor: the embedded default, an outside party in miniature with a book of its own.

It keeps its own database (a file beside the shop's, or the schema `processor` on PostgreSQL), performs a key
once, answers the same again, refuses changed content and refuses to send back more than a charge holds.
A row in `processor_behaviours` makes it misbehave as real processors do, for one key, one charge, or all ("*").
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, create_engine, event, func, insert, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from madoguchi.payments.builtin_tables import MISBEHAVIOURS, Misbehaviour, behaviours, calls, charges, notices, tables
from madoguchi.payments.port import Accepted, Ambiguous, Notice, Payee, Refused, Unavailable

SETTLES_AFTER = timedelta(days=3)
"""How long a refund takes from the call to the customer's statement."""


@dataclass(frozen=True)
class Captured:
    """What a charge holds, in minor units."""

    amount: int
    currency: str


@dataclass(frozen=True)
class _Call:
    key: str
    kind: str
    subject: str
    amount: int
    currency: str


class BuiltinProcessor:
    """A card processor inside the program; every call is one transaction of its own database."""

    def __init__(
        self,
        engine: Engine,
        *,
        captured: Callable[[str], Captured | None] = lambda _charge: None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        settles_after: timedelta = SETTLES_AFTER,
    ) -> None:
        """Take the processor's own engine; `captured` tells of charges made before it kept its book."""
        self._engine = engine
        self._captured = captured
        self._clock = clock
        self._settles_after = settles_after
        self._ready = False

    def refund(self, key: str, charge: str, amount: int, currency: str) -> Accepted | Refused:
        """Send `amount` of the charge back. Raises Ambiguous or Unavailable."""
        return self._perform(_Call(key, "refund", charge, amount, currency), self._refund)

    def find_refund(self, key: str, charge: str) -> Accepted | Refused | None:
        """Return what became of the refund with this key, or None if it never arrived. Raises Unavailable."""
        return self._find(key, "refund", charge)

    def charge(self, key: str, source: str, amount: int, currency: str) -> Accepted | Refused:
        """Capture `amount` from a stored means of payment. Raises Ambiguous or Unavailable."""
        return self._perform(_Call(key, "charge", source, amount, currency), self._charge)

    def find_charge(self, key: str, source: str) -> Accepted | Refused | None:
        """Return what became of the charge with this key, or None if it never arrived. Raises Unavailable."""
        return self._find(key, "charge", source)

    def transfer(self, key: str, payee: Payee, amount: int, currency: str) -> Accepted | Refused:
        """Send `amount` to a bank account. Raises Ambiguous or Unavailable."""
        return self._perform(_Call(key, "transfer", _account(payee), amount, currency), self._transfer)

    def find_transfer(self, key: str, payee: Payee) -> Accepted | Refused | None:
        """Return what became of the transfer with this key, or None if it never arrived. Raises Unavailable."""
        return self._find(key, "transfer", _account(payee))

    def close(self) -> None:
        """Let go of every connection; the next call opens a new one."""
        self._engine.dispose()

    def misbehave(self, target: str, how: Misbehaviour, *, times: int | None = None, seconds: float = 0) -> None:
        """Misbehave so many times (None: always) for a key, a charge, a source, or "*" for everything."""
        if how not in MISBEHAVIOURS:
            raise ValueError(f"unknown misbehaviour {how!r}")
        with self._writing() as connection:
            connection.execute(insert(behaviours).values(target=target, how=how, times=times, seconds=seconds))

    def behave(self) -> None:
        """Forget every misbehaviour."""
        with self._writing() as connection:
            connection.execute(behaviours.delete())

    def notices_due(self, now: datetime, limit: int = 100) -> tuple[Notice, ...]:
        """Return notices that are due and not acknowledged, oldest first; the same one may come twice."""
        with self._writing() as connection:
            rows = connection.execute(
                select(notices)
                .where(notices.c.copies > 0, notices.c.due_at <= _stamp(now))
                .order_by(notices.c.due_at, notices.c.id)
                .limit(limit)
            ).mappings()
            return tuple(Notice(row["id"], row["kind"], row["key"], row["reference"]) for row in rows)

    def acknowledge(self, notice_id: str) -> None:
        """Note that a notice was taken in."""
        with self._writing() as connection:
            connection.execute(
                update(notices)
                .where(notices.c.id == notice_id, notices.c.copies > 0)
                .values(copies=notices.c.copies - 1)
            )

    def sent_back(self, charge: str) -> int:
        """Return how much of a charge this processor has sent back, in minor units: the outside's own truth."""
        with self._writing() as connection:
            total = select(func.coalesce(func.sum(calls.c.amount), 0)).where(
                calls.c.kind == "refund", calls.c.subject == charge, calls.c.reference.is_not(None)
            )
            return int(connection.execute(total).scalar_one())

    def _perform(self, call: _Call, carry_out: Callable[[Connection, _Call], RowMapping]) -> Accepted | Refused:
        with self._writing(away=Unavailable) as connection:
            how, seconds = _take_misbehaviour(connection, call)
        if how == "delay":
            time.sleep(seconds)
        if how == "unavailable":
            raise Unavailable(f"the built-in processor was told to be away for {call.key}")
        captured = self._captured(call.subject) if call.kind == "refund" else None
        with self._writing() as connection:
            row, changed = self._once(connection, call, carry_out, how, captured)
            if how == "twice":
                connection.execute(update(notices).where(notices.c.key == call.key).values(copies=2))
        if changed:
            return Refused("key_reused_with_other_content")
        if how == "lost_reply":
            raise Ambiguous(f"the built-in processor was told to lose its reply for {call.key}")
        return _answer(row)

    def _once(
        self,
        connection: Connection,
        call: _Call,
        carry_out: Callable[[Connection, _Call], RowMapping],
        how: str | None,
        captured: Captured | None,
    ) -> tuple[RowMapping, bool]:
        if not _reserve(connection, call, self._clock()):
            earlier = _call(connection, call.key)
            same = all(earlier[name] == getattr(call, name) for name in ("kind", "subject", "amount", "currency"))
            return earlier, not same
        if how == "refuse":
            return _close(connection, call, code="refused_by_bank"), False
        if captured is not None:
            _adopt(connection, call.subject, captured)
        return carry_out(connection, call), False

    def _refund(self, connection: Connection, call: _Call) -> RowMapping:
        charge = connection.execute(
            select(charges).where(charges.c.reference == call.subject).with_for_update()
        ).mappings()
        row = charge.one_or_none()
        if row is None:
            return _close(connection, call, code="unknown_charge")
        if row["currency"] != call.currency:
            return _close(connection, call, code="other_currency")
        if call.amount <= 0 or row["refunded"] + call.amount > row["captured"]:
            return _close(connection, call, code="more_than_charged")
        connection.execute(
            update(charges).where(charges.c.reference == call.subject).values(refunded=row["refunded"] + call.amount)
        )
        return self._sent(connection, call, f"re_{secrets.token_hex(12)}")

    def _transfer(self, connection: Connection, call: _Call) -> RowMapping:
        if call.amount <= 0:
            return _close(connection, call, code="amount_not_positive")
        return self._sent(connection, call, f"tr_{secrets.token_hex(12)}")

    def _sent(self, connection: Connection, call: _Call, reference: str) -> RowMapping:
        """Note that the money is on its way, and that its arrival is to be reported later."""
        closed = _close(connection, call, reference=reference)
        connection.execute(
            insert(notices).values(
                id=f"settled:{hashlib.sha256(call.key.encode()).hexdigest()[:40]}",
                kind="processor.refund_settled",
                key=call.key,
                reference=closed["reference"],
                due_at=_stamp(self._clock() + self._settles_after),
                copies=1,
            )
        )
        return closed

    def _charge(self, connection: Connection, call: _Call) -> RowMapping:
        if call.amount <= 0:
            return _close(connection, call, code="amount_not_positive")
        reference = f"ch_{secrets.token_hex(12)}"
        connection.execute(
            insert(charges).values(reference=reference, captured=call.amount, refunded=0, currency=call.currency)
        )
        return _close(connection, call, reference=reference)

    def _find(self, key: str, kind: str, subject: str) -> Accepted | Refused | None:
        with self._writing(away=Unavailable) as connection:
            how, _ = _take_misbehaviour(connection, _Call(f"find:{key}", kind, f"find:{subject}", 0, ""))
            row = connection.execute(select(calls).where(calls.c.key == key)).mappings().one_or_none()
        if how is not None:
            raise Unavailable(f"the built-in processor was told not to answer about {key}")
        if row is None or (row["kind"], row["subject"]) != (kind, subject):
            return None
        return _answer(row)

    @contextmanager
    def _writing(self, away: type[Ambiguous | Unavailable] = Ambiguous) -> Iterator[Connection]:
        """Open one transaction; where the database goes away, nobody knows whether a commit got through."""
        try:
            if not self._ready:
                _create_tables(self._engine)
                self._ready = True
            with self._engine.begin() as connection:
                yield connection
        except OperationalError as error:
            raise away("the built-in processor's database went away") from error


def processor_engine(beside: Engine) -> Engine:
    """Return the processor's own engine: a second file beside an SQLite database, a schema of its own otherwise."""
    url = make_url(beside.url)
    if beside.dialect.name != "sqlite":
        return beside.execution_options(schema_translate_map={None: "processor"})
    if not url.database or url.database == ":memory:":
        raise ValueError("the built-in processor needs a database file to live beside")
    path = Path(url.database)
    engine = create_engine(url.set(database=str(path.with_name(f"{path.stem}-processor{path.suffix}"))))
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _prepare(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver must not open transactions behind our back
    for pragma in ("journal_mode = wal", "synchronous = full", "busy_timeout = 15000"):
        connection.execute(f"PRAGMA {pragma}")


def _create_tables(engine: Engine) -> None:
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            # Two programs that start at once must not both create the schema.
            connection.execute(text("SELECT pg_advisory_xact_lock(7309)"))
            connection.execute(text("CREATE SCHEMA IF NOT EXISTS processor"))
        tables.create_all(connection)


def _reserve(connection: Connection, call: _Call, now: datetime) -> bool:
    """Take the key; False where it was taken before. A rival with the same key waits here for our commit."""
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    values = {"key": call.key, "kind": call.kind, "subject": call.subject, "amount": call.amount}
    statement = make(calls).values(**values, currency=call.currency, at=_stamp(now)).on_conflict_do_nothing()
    return connection.execute(statement.returning(calls.c.key)).one_or_none() is not None


def _adopt(connection: Connection, reference: str, captured: Captured) -> None:
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = {"reference": reference, "captured": captured.amount, "refunded": 0, "currency": captured.currency}
    connection.execute(make(charges).values(**row).on_conflict_do_nothing())


def _close(connection: Connection, call: _Call, *, reference: str | None = None, code: str | None = None) -> RowMapping:
    connection.execute(update(calls).where(calls.c.key == call.key).values(reference=reference, code=code))
    return _call(connection, call.key)


def _call(connection: Connection, key: str) -> RowMapping:
    return connection.execute(select(calls).where(calls.c.key == key)).mappings().one()


def _take_misbehaviour(connection: Connection, call: _Call) -> tuple[str | None, float]:
    wanted = (call.key, call.subject, "find:*" if call.key.startswith("find:") else "*")
    row = (
        connection.execute(
            select(behaviours)
            .where(behaviours.c.target.in_(wanted), (behaviours.c.times.is_(None)) | (behaviours.c.times > 0))
            .order_by(behaviours.c.id)
            .limit(1)
            .with_for_update()
        )
        .mappings()
        .one_or_none()
    )
    if row is None:
        return None, 0.0
    if row["times"] is not None:
        connection.execute(update(behaviours).where(behaviours.c.id == row["id"]).values(times=behaviours.c.times - 1))
    return row["how"], row["seconds"]


def _answer(row: RowMapping) -> Accepted | Refused:
    return Accepted(row["reference"]) if row["reference"] else Refused(row["code"])


def _account(payee: Payee) -> str:
    """Return a name for the account from which it cannot be read; the book holds no account."""
    whole = "/".join((payee.bank, payee.branch, payee.kind, payee.number, payee.holder))
    return f"bank:{hashlib.sha256(whole.encode()).hexdigest()[:40]}"


def _stamp(moment: datetime) -> float:
    return moment.timestamp()
