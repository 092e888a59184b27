"""Full-text search that works in Japanese, where no spaces part the words, on SQLite and PostgreSQL alike.

A text is cut into pairs of neighbouring characters (返金して → 返金 金し して て), Latin words and numbers are kept
whole. SQLite keeps them in an FTS5 table without content, PostgreSQL as a tsvector under a GIN index. Rows are
numbered by message; customers stand under their negated id. The rows follow the models by the events below, in the
same transaction; what was written past the models is added by `fill_gaps`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, event, inspect, text
from sqlalchemy.orm import Mapper, Session

from madoguchi.store.conversations import Message
from madoguchi.store.shop import Customer

_RUNS = re.compile(r"[a-z0-9]+|[^\W_a-z0-9]+")
_KATAKANA = {code: code - 0x60 for code in range(0x30A1, 0x30F7)}
NEWEST = 10_000
"""So many rows are looked through one by one on PostgreSQL before its index is asked."""
_SQLITE = "CREATE VIRTUAL TABLE search USING fts5(grams, content='', detail='none', tokenize='ascii')"
_POSTGRESQL = (
    "CREATE TABLE search (id BIGINT PRIMARY KEY, grams TSVECTOR NOT NULL)",
    "CREATE INDEX ix_search_grams ON search USING gin (grams) WITH (fastupdate = off)",
)


def statements(dialect: str) -> list[str]:
    """Return the statements that create the index for "sqlite" or "postgresql"."""
    return list(_POSTGRESQL) if dialect == "postgresql" else [_SQLITE]


def described(_object: Any, name: str | None, kind: str, *_rest: Any) -> bool:
    """Tell Alembic to leave the index alone, which no model describes."""
    return not (kind == "table" and name is not None and (name == "search" or name.startswith("search_")))


def fold(words: str) -> str:
    """Return the text as it is compared: one width, lower case, hiragana for katakana."""
    return unicodedata.normalize("NFKC", words).lower().translate(_KATAKANA)


def runs(words: str) -> list[str]:
    """Return the unbroken runs of a text, folded: what a search must find as it stands."""
    return _RUNS.findall(fold(words))


def grams(words: str) -> list[str]:
    """Return the index's terms of a text, sorted, each once."""
    found: set[str] = set()
    for run in runs(words):
        if run[0].isascii():
            found.add(run[:40])
        else:
            found.update(run[at : at + 2] for at in range(len(run)))
    return sorted(found)


def matching(session: Session, words: str, *, below: int | None, limit: int, customers: bool = False) -> list[int]:
    """Return ids of rows that hold every term, the newest first; candidates only, for terms may lie apart."""
    wanted = runs(words)
    if not wanted:
        return []
    side = "< 0" if customers else "> 0"
    values: dict[str, Any] = {"limit": limit} | ({} if below is None else {"below": below})
    if session.get_bind().dialect.name == "sqlite":
        under = "" if below is None else "AND rowid < :below"
        statement = f"SELECT rowid FROM search WHERE search MATCH :query AND rowid {side} {under}"  # noqa: S608
        values["query"] = " AND ".join(_sqlite_term(run) for run in wanted)
        return list(session.scalars(text(f"{statement} ORDER BY rowid DESC LIMIT :limit"), values))
    values["query"] = " & ".join(_postgresql_term(run) for run in wanted)
    return _matching_on_postgresql(session, side, values)


def _matching_on_postgresql(session: Session, side: str, values: dict[str, Any]) -> list[int]:
    """Look through the newest rows one by one first, and ask the index for what is rarer than that.

    PostgreSQL takes the pairs of a word for independent of each other, expects next to no row, and would fetch every
    row that the index knows: hundreds of thousands for a common phrase. The inner LIMIT keeps it from that.
    """
    holds, under = "grams @@ CAST(:query AS tsquery)", "AND id < :below" if "below" in values else ""
    newest = f"SELECT id, grams FROM search WHERE id {side} {under} ORDER BY id DESC LIMIT {NEWEST}"  # noqa: S608
    statement = f"SELECT id FROM ({newest}) AS newest WHERE {holds} LIMIT :limit"  # noqa: S608 - no input in it
    found = list(session.scalars(text(statement), values))
    if len(found) == values["limit"]:
        return found
    last = session.scalar(text(f"SELECT min(id) FROM ({newest}) AS newest"), values)  # noqa: S608 - no input in it
    rest = {**values, "below": last or 0, "limit": values["limit"] - len(found)}
    older = f"SELECT id FROM search WHERE {holds} AND id {side} AND id < :below"  # noqa: S608 - no input in it
    return found + list(session.scalars(text(f"{older} ORDER BY id DESC LIMIT :limit"), rest))


def put(connection: Connection, rows: Iterable[tuple[int, str]]) -> None:
    """Add rows of (id, text) to the index; texts without a word are left out."""
    given = [(number, terms) for number, words in rows if (terms := grams(words))]
    if not given:
        return
    if connection.dialect.name == "sqlite":
        statement = text("INSERT INTO search(rowid, grams) VALUES (:id, :grams)")
        connection.execute(statement, [{"id": number, "grams": " ".join(terms)} for number, terms in given])
    else:
        statement = text("INSERT INTO search(id, grams) VALUES (:id, array_to_tsvector(CAST(:grams AS text[])))")
        connection.execute(statement, [{"id": number, "grams": terms} for number, terms in given])


def remove(connection: Connection, rows: Sequence[tuple[int, str]]) -> None:
    """Take rows of (id, text as it was indexed) out of the index."""
    given = [(number, terms) for number, words in rows if (terms := grams(words))]
    if not given:
        return
    if connection.dialect.name == "sqlite":
        statement = text("INSERT INTO search(search, rowid, grams) VALUES ('delete', :id, :grams)")
        connection.execute(statement, [{"id": number, "grams": " ".join(terms)} for number, terms in given])
    else:
        connection.execute(text("DELETE FROM search WHERE id = :id"), [{"id": number} for number, _ in given])


def fill_gaps(session: Session, *, batch: int = 2000) -> int:
    """Index the messages and customers that were written past the models; returns how many."""
    known = "SELECT id FROM search_docsize" if session.get_bind().dialect.name == "sqlite" else "SELECT id FROM search"
    added, after = 0, 0
    while True:
        query = text(
            f"SELECT id, text FROM messages WHERE id > :after AND id NOT IN ({known}) ORDER BY id LIMIT :batch"  # noqa: S608
        )
        rows = [(row.id, row.text) for row in session.execute(query, {"after": after, "batch": batch})]
        if not rows:
            break
        put(session.connection(), rows)
        added, after = added + len(rows), rows[-1][0]
    missing = text(f"SELECT id FROM customers WHERE -id NOT IN ({known})")  # noqa: S608 - no input in it
    people = [session.get_one(Customer, number) for number in session.scalars(missing).all()]
    put(session.connection(), [(-person.id, customer_text(person)) for person in people])
    return added + len(people)


def customer_text(customer: Customer) -> str:
    """Return what a customer is found by."""
    phone = (customer.phone or "").removeprefix("+81")
    return f"{customer.name} {customer.name.replace(' ', '')} {customer.kana} {customer.email} {phone} 0{phone}"


def _sqlite_term(run: str) -> str:
    if run[0].isascii():
        return f'"{run[:40]}" *'
    return f'"{run}" *' if len(run) == 1 else " AND ".join(f'"{pair}"' for pair in _pairs(run))


def _postgresql_term(run: str) -> str:
    if run[0].isascii() or len(run) == 1:
        return f"'{run[:40]}':*"
    return " & ".join(f"'{pair}'" for pair in _pairs(run))


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(len(run) - 1)]


@event.listens_for(Message, "after_insert")
def _message_added(_mapper: Mapper[Message], connection: Connection, message: Message) -> None:
    put(connection, [(message.id, message.text or "")])


@event.listens_for(Customer, "after_insert")
def _customer_added(_mapper: Mapper[Customer], connection: Connection, customer: Customer) -> None:
    put(connection, [(-customer.id, customer_text(customer))])


@event.listens_for(Message, "after_update")
def _message_changed(_mapper: Mapper[Message], connection: Connection, message: Message) -> None:
    before = inspect(message).attrs.text.history.deleted
    if before:
        remove(connection, [(message.id, before[0] or "")])
        put(connection, [(message.id, message.text)])


@event.listens_for(Customer, "after_update")
def _customer_changed(_mapper: Mapper[Customer], connection: Connection, customer: Customer) -> None:
    attributes = inspect(customer).attrs
    old = {name: attributes[name].history.deleted for name in ("name", "kana", "email", "phone")}
    if not any(old.values()):
        return
    now = {name: getattr(customer, name) for name in old}
    was = Customer(**(now | {name: values[0] for name, values in old.items() if values}))
    remove(connection, [(-customer.id, customer_text(was))])
    put(connection, [(-customer.id, customer_text(customer))])
