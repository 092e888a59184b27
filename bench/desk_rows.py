"""Fills an empty store with a desk's years of work: customers, orders, cases, conversations and what was said.

Everything goes in by bulk, past the models: the driver's own statements on SQLite, COPY on PostgreSQL, where the
index of the search is made once at the end. `fill` prints how far it is.
"""

from __future__ import annotations

import functools
import hashlib
import json
import random
import secrets
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, insert, select, text

from madoguchi.store import (
    AuditRow,
    Base,
    Case,
    Conversation,
    Customer,
    Message,
    Order,
    OrderLine,
    Payment,
    Product,
    Staff,
    StaffSession,
    Store,
    Variant,
    search,
)

NOW = datetime.now(UTC)
BATCH = 10_000
CUSTOMERS_PER_TALK = 0.25
LONGEST_TALK = 400
REASONS = ("refund_over_limit", "used_by_customer", "requested", "anger", "not_understood")
ARTICLES = (
    *("電気ケトル", "ワンピース", "一眼カメラ", "加湿器", "スニーカー"),
    *("文庫本", "本棚", "羽毛布団", "フライパン", "水筒"),
)
TROUBLES = (
    "{}が届いたのですが、電源を入れても動きません。返金していただけますか。",
    "{}のサイズが合わないので返品したいです。返送料はかかりますか。",
    "{}を注文しましたが、やはり不要になったのでキャンセルをお願いします。",
    "出品者から{}が品切れだと言われました。お金は戻りますか。",
    "{}がまだ届きません。いつ頃になりますか。",
    "昨日届いた{}に傷がありました。交換は可能でしょうか。",
)
ANSWERS = (
    "ご不便をおかけして申し訳ございません。{}の件、すぐにお調べいたします。",
    "かしこまりました。{}の返品を承ります。",
    "返金の手続きが完了いたしました。カードへの反映には3〜5営業日かかります。",
)
FAMILY = (
    *("佐藤", "鈴木", "高橋", "田中", "伊藤", "渡辺", "山本", "中村"),
    *("小林", "加藤", "吉田", "山田", "佐々木", "山口", "松本"),
)
GIVEN = ("太郎", "花子", "健", "美咲", "翔", "陽菜", "大輔", "結衣", "誠", "真由美")

type Row = dict[str, Any]


@dataclass(frozen=True)
class Filled:
    """What a measurement needs to know of a store: a session's secret, and how many customers there are."""

    secret: str
    customers: int
    long_talk: str


def order_number(number: int) -> str:
    """Return the number of a customer's order."""
    return f"250-{number:07}-{number:07}"


def fill(store: Store, waiting: int, closed: int) -> Filled:
    """Write everything once; a store that an earlier run has filled gets a fresh session only."""
    customers = max(1, int((waiting + closed) * CUSTOMERS_PER_TALK))
    dice, secret = random.Random(1), secrets.token_urlsafe(32)
    with store.reading() as session:
        empty = session.get(Staff, 1) is None
    if empty:
        with store.engine.begin() as connection:
            if not store.is_sqlite:
                connection.execute(text("DROP INDEX ix_search_grams"))  # made anew at the end, at once
            _shop(connection)
        _in_parts(store, "customers", customers, functools.partial(_customers, dice))
        _in_parts(store, "conversations", waiting + closed, functools.partial(_talks, dice, customers, closed))
        with store.engine.begin() as connection:
            _long_talk(connection)
        _at_last(store)
    with store.engine.begin() as connection:
        row = {"secret_hash": hashlib.sha256(secret.encode()).hexdigest(), "staff_id": 1, "opened_at": NOW}
        connection.execute(insert(StaffSession).values(**row, seen_at=NOW, expires_at=NOW + timedelta(hours=12)))
    return Filled(secret, customers, _LONG)


_LONG = str(uuid.UUID(int=1))


def _at_last(store: Store) -> None:
    begun = time.monotonic()
    if store.is_sqlite:
        with store.engine.connect() as connection:
            connection.exec_driver_sql("ANALYZE")
            connection.commit()
            connection.exec_driver_sql("COMMIT")  # the store begins every transaction; a checkpoint wants none
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    else:
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("SET maintenance_work_mem = '512MB'"))
            connection.execute(text(search.statements("postgresql")[1]))
            for model in (Customer, Order, OrderLine, Payment, Conversation, Message, Case, AuditRow):
                _catch_up(connection, model.__tablename__)
            connection.execute(text("VACUUM ANALYZE"))
    print(f"  indexes and statistics: {time.monotonic() - begun:.0f} s", flush=True)


def _catch_up(connection: Connection, table: str) -> None:
    """Let a PostgreSQL sequence go on after the ids that were written by hand."""
    if "id" in Base.metadata.tables[table].c and connection.scalar(func.pg_get_serial_sequence(table, "id")):
        last = connection.scalar(select(func.max(Base.metadata.tables[table].c.id)))
        connection.execute(select(func.setval(func.pg_get_serial_sequence(table, "id"), last)))


def _in_parts(store: Store, what: str, count: int, make: Any) -> None:
    """Write so many things in batches of one transaction each, and say how far it is every ten seconds."""
    begun = told = time.monotonic()
    for start in range(0, count, BATCH):
        with store.engine.begin() as connection:
            if store.is_sqlite:
                connection.exec_driver_sql("PRAGMA cache_size = -262144")
            make(connection, start, min(BATCH, count - start))
        if time.monotonic() - told > 10:
            told, done = time.monotonic(), start + BATCH
            left = (told - begun) / done * (count - done)
            print(f"  {what}: {done:,} of {count:,}, about {max(0, left):.0f} s left", flush=True)
    print(f"  {what}: {count:,} in {time.monotonic() - begun:.0f} s", flush=True)


def _shop(connection: Connection) -> None:
    """One member of the staff, and the articles."""
    staff = {"login": "me", "name": "私", "role": "admin", "password_hash": "-", "must_change": False}
    _write(connection, Staff, [{"id": 1, **staff, "failures": 0, "active": True, "version": 1, "created_at": NOW}])
    articles = list(enumerate(ARTICLES, start=1))
    products = [{"id": number, "reference": f"p{number}", "title": title} for number, title in articles]
    _write(connection, Product, [each | {"category": "appliance"} for each in products])
    variants = [{"id": number, "reference": f"v{number}", "product_id": number} for number, _ in articles]
    _write(connection, Variant, [each | {"price": 9_800, "stock": 9} for each in variants])


def _customers(dice: random.Random, connection: Connection, start: int, count: int) -> None:
    """Customers, each with an order, its line and its payment."""
    people, orders, lines, payments = [], list[Row](), list[Row](), list[Row]()
    for number in range(start + 1, start + count + 1):
        name = f"{dice.choice(FAMILY)} {dice.choice(GIVEN)}"
        person = {"id": number, "reference": f"K-{number}", "name": name, "kana": "", "email": f"k{number}@example.jp"}
        people.append(person | {"phone": f"+8190{number:08}"})
        article, price = dice.randrange(len(ARTICLES)), dice.randrange(500, 150_000)
        orders.append(_order(dice, number))
        line = {"id": number, "order_number": order_number(number), "variant_id": article + 1}
        lines.append(line | {"title": ARTICLES[article], "unit_price": price, "quantity": 1})
        paid = {"id": number, "reference": f"P-{number}", "customer_id": number, "order_number": order_number(number)}
        payments.append(paid | {"method": "card", "captured": price, "captured_at": NOW})
    _write(connection, Customer, people)
    _write(connection, Order, orders)
    _write(connection, OrderLine, lines)
    _write(connection, Payment, payments)
    _index(connection, ((-each["id"], search.customer_text(Customer(**each))) for each in people))


def _order(dice: random.Random, number: int) -> Row:
    return {
        "number": order_number(number),
        "customer_id": number,
        "state": dice.choice(["placed", "shipped", "delivered"]),
        "placed_at": NOW - timedelta(days=dice.randrange(1, 400)),
        "frozen_at": NOW if dice.random() < 0.01 else None,
    }


def _talks(dice: random.Random, customers: int, closed: int, connection: Connection, start: int, count: int) -> None:
    """Conversations, the closed ones first, each of three messages; a third of them with a case."""
    talks, messages, cases, acts = list[Row](), list[Row](), list[Row](), list[Row]()
    for number in range(start, start + count):
        name, customer = str(uuid.UUID(int=dice.getrandbits(128))), dice.randint(1, customers)
        at = NOW - timedelta(minutes=(closed - number) if number < closed else 0, seconds=dice.randrange(60))
        owner = "closed" if number < closed else dice.choice(["waiting", "waiting", "agent", "bot"])
        talks.append(_talk(dice, name, customer, owner, at))
        article = dice.choice(ARTICLES)
        first = dice.choice(TROUBLES).format(article)
        if dice.random() < 0.001:
            first += f" 符丁{dice.randrange(1000):03}"
        for author, words in (("customer", first), ("bot", dice.choice(ANSWERS).format(article)), ("customer", "はい")):
            messages.append(_message(start * 3 + len(messages) + 1, name, author, words, at))
        if owner != "closed" or dice.random() < 0.3:
            cases.append(_case(number + 1, name, customer, at))
        if owner != "bot":
            acts.append(_act(number + 1, name, at))
    _write(connection, Conversation, talks)
    _write(connection, Message, messages)
    _write(connection, Case, cases)
    _write(connection, AuditRow, acts)
    _index(connection, ((row["id"], row["text"]) for row in messages))


def _talk(dice: random.Random, name: str, customer: int, owner: str, at: datetime) -> Row:
    waits = owner == "waiting"
    return {
        "id": name,
        "customer_id": customer,
        "owner": owner,
        "agent": dice.choice(["me", "she", "he"]) if owner == "agent" else None,
        "handoff_reason": dice.choice(REASONS) if owner in ("waiting", "agent") else None,
        "flagged": dice.random() < 0.02,
        "proved_orders": [],
        "opened_at": at,
        "last_at": at,
        "waiting_since": at if waits else None,
        "promised_at": at + timedelta(minutes=dice.randrange(60)) if waits else None,
        "version": 1,
    }


def _message(number: int, name: str, author: str, words: str, at: datetime) -> Row:
    return {
        "id": number,
        "conversation_id": name,
        "client_id": str(number),
        "author": author,
        "text": words,
        "content": {},
        "state": "answered",
        "attempts": 0,
        "intent": "report_defect" if author == "customer" else None,
        "created_at": at,
    }


def _case(number: int, name: str, customer: int, at: datetime) -> Row:
    order = {"order_number": order_number(customer), "kind": "defect", "opened_at": at, "state": "open"}
    return {"id": number, "reference": f"C-{number:08}", "customer_id": customer, "conversation_id": name, **order}


def _act(number: int, name: str, at: datetime) -> Row:
    """A row of the audit; only its place matters here, so its hash is no chain's."""
    what = {"actor": "bot", "action": "handed_over", "subject": f"conversation:{name}", "detail": {}}
    return {"id": number, "at": at, **what, "previous_hash": "-", "hash": f"{number:064}"}


def _long_talk(connection: Connection) -> None:
    """One conversation that went on and on."""
    dice, first = random.Random(2), 10**9
    _write(connection, Conversation, [_talk(dice, _LONG, 1, "agent", NOW) | {"agent": "me"}])
    said = [
        _message(first + place, _LONG, ("customer", "bot")[place % 2], dice.choice(TROUBLES).format("水筒"), NOW)
        for place in range(LONGEST_TALK)
    ]
    _write(connection, Message, said)
    _index(connection, ((row["id"], row["text"]) for row in said))


def _write(connection: Connection, model: type[Base], rows: list[Row]) -> None:
    """Insert rows past the models: by COPY on PostgreSQL, by the driver's own statement on SQLite."""
    if not rows:
        return
    full = [_defaults(model) | row for row in rows]
    target = f"{model.__tablename__} ({', '.join(full[0])})"
    values = (tuple(map(_plain, row.values())) for row in full)
    if connection.dialect.name == "postgresql":
        _copy(connection, target, values)
    else:
        marks = ", ".join("?" * len(full[0]))
        statement = f"INSERT INTO {target} VALUES ({marks})"  # noqa: S608 - names of our own models
        connection.exec_driver_sql(statement, list(values))


@functools.cache
def _defaults(model: type[Base]) -> Row:
    """Return what the model itself would put where a row says nothing."""
    found: Row = {}
    for column in model.__table__.columns:
        if column.default is not None:
            found[column.name] = column.default.arg if column.default.is_scalar else {}
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    return json.dumps(value) if isinstance(value, dict | list) else value


def _copy(connection: Connection, target: str, rows: Iterable[tuple[Any, ...]]) -> None:
    cursor = connection.connection.cursor()
    with cursor.copy(f"COPY {target} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _index(connection: Connection, rows: Iterator[tuple[int, str]]) -> None:
    if connection.dialect.name == "postgresql":
        told = ((number, " ".join(f"'{term}'" for term in _grams(words).split())) for number, words in rows)
        _copy(connection, "search (id, grams)", told)
    else:
        terms = [(number, _grams(words)) for number, words in rows]
        connection.exec_driver_sql("INSERT INTO search(rowid, grams) VALUES (?, ?)", terms)


@functools.lru_cache(maxsize=4096)
def _grams(words: str) -> str:
    return " ".join(search.grams(words))
