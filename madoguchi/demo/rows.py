"""Rows in the making: they get their ids ahead, so that they can point at each other, and are written all at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from random import Random
from typing import Any

from sqlalchemy import Integer, func, select, text
from sqlalchemy.orm import Session

from madoguchi.store import Account, Base, LedgerEntry, Order

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # without the ones that look alike


class Rows:
    """The rows of one transaction, with the moment and the dice they are made with."""

    def __init__(self, session: Session, *, now: datetime, rng: Random) -> None:
        """Take an open writing transaction, the zone-aware present and the source of everything random."""
        self.session = session
        self.now = now
        self.rng = rng
        self.accounts: dict[str, Account] = {}
        """Means of payment made so far, by reference."""
        self._next: dict[type[Base], int] = {}
        self._made: dict[str, list[Any]] = defaultdict(list)
        self._names: set[str] = set()
        self._has_orders = session.scalar(select(Order.number).limit(1)) is not None

    def add[R: Base](self, row: R) -> R:
        """Take a row and return it, now with its id where the table numbers its rows (the ledger later)."""
        model = type(row)
        if _is_numbered(model) and model is not LedgerEntry:
            row.id = self._take(model)  # type: ignore[attr-defined]
        self._made[model.__tablename__].append(row)
        return row

    def made[R: Base](self, model: type[R]) -> Sequence[R]:
        """Return the rows of one kind that were taken so far."""
        return self._made[model.__tablename__]

    def order_number(self) -> str:
        """Return an order number (3-7-7 digits) that neither this transaction nor the store has."""
        while True:
            number = f"250-{self.rng.randrange(10**7):07}-{self.rng.randrange(10**7):07}"
            if number not in self._names and not self._is_in_store(number):
                self._names.add(number)
                return number

    def letters(self, count: int) -> str:
        """Return so many random letters and digits that are easy to read aloud."""
        return "".join(self.rng.choice(_LETTERS) for _ in range(count))

    def write(self) -> None:
        """Write everything, each table after those it points at, and at last the ledger in the order of time."""
        # The balances follow the ledger by a trigger, so the accounts must stand before its first entry.
        ledger = sorted(self._made.pop(LedgerEntry.__tablename__, []), key=lambda entry: entry.booked_at)
        for table in Base.metadata.sorted_tables:
            self._insert(self._made.pop(table.name, []))
        for entry in ledger:
            entry.id = self._take(LedgerEntry)
        self._insert(ledger)
        self._move_sequences()
        self.session.expunge_all()  # the triggers have changed some of the rows behind these objects

    def _insert(self, rows: list[Any]) -> None:
        self.session.add_all(rows)
        self.session.flush()

    def _is_in_store(self, number: str) -> bool:
        # An empty store, such as the one the demo shop is put into, need not be asked thousands of times.
        return self._has_orders and self.session.get(Order, number) is not None

    def _take(self, model: type[Base]) -> int:
        if model not in self._next:
            highest = self.session.scalar(select(func.max(model.id)))  # type: ignore[attr-defined]
            self._next[model] = (highest or 0) + 1
        number = self._next[model]
        self._next[model] += 1
        return number

    def _move_sequences(self) -> None:
        """Tell PostgreSQL, whose sequences don't notice ids given by hand, which ids are taken."""
        if self.session.get_bind().dialect.name != "postgresql":
            return
        for model, following in self._next.items():
            self.session.execute(
                text("SELECT setval(pg_get_serial_sequence(:table, 'id'), :last)"),
                {"table": model.__tablename__, "last": following - 1},
            )


def _is_numbered(model: type[Base]) -> bool:
    column = model.__table__.columns.get("id")
    return column is not None and isinstance(column.type, Integer)
