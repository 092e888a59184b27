"""Import of a shop's own orders: streamed in batches, one transaction each, and harmless to start again.

An order whose number is in the store already is passed over, so that a broken import goes on where it stopped.
A row that cannot be taken is reported by its line and reason, and holds nothing else up.
"""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from madoguchi.policy.vocabulary import OrderState, PaymentMethod
from madoguchi.services import import_rows
from madoguchi.store import Store

BATCH = 1_000
Text = Annotated[str, Field(min_length=1, max_length=200)]
Name = Annotated[str, Field(min_length=1, max_length=120)]
Reference = Annotated[str, Field(min_length=1, max_length=64)]
Minor = Annotated[int, Field(strict=True, ge=0, lt=2**31)]
Count = Annotated[int, Field(strict=True, gt=0, lt=10_000)]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Buyer(_Row):
    """Whose order it is, by the shop's own reference."""

    reference: Reference
    name: Name
    email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)]
    phone: Annotated[str, Field(pattern=r"^\+[1-9]\d{6,14}$")] | None = None


class Line(_Row):
    """So many of one article, at the price paid."""

    sku: Reference
    title: Text
    category: Annotated[str, Field(min_length=1, max_length=40)] = "other"
    kind: Literal["article", "digital"] = "article"
    size: Annotated[str, Field(max_length=20)] | None = None
    unit_price: Minor
    quantity: Count = 1


class Paid(_Row):
    """One payment; `account` is the saved means it was made with, where there is one."""

    reference: Reference
    method: PaymentMethod
    amount: Minor
    account: Annotated[str, Field(min_length=1, max_length=80)] | None = None
    label: Annotated[str, Field(max_length=60)] = ""
    refunded: Minor | None = None
    """What went back of it already; it must be said for a canceled order, or it would be refunded again."""


class OrderRow(_Row):
    """One order of the file."""

    number: Annotated[str, Field(min_length=1, max_length=32)]
    customer: Buyer
    state: OrderState
    placed_at: AwareDatetime
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "JPY"
    shipping_fee: Minor = 0
    discount: Minor = 0
    promised_on: date | None = None
    shipped_at: AwareDatetime | None = None
    delivered_at: AwareDatetime | None = None
    seller: Name | None = None
    lines: Annotated[tuple[Line, ...], Field(min_length=1)]
    payments: Annotated[tuple[Paid, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _adds_up(self) -> OrderRow:
        total = sum(line.unit_price * line.quantity for line in self.lines) + self.shipping_fee - self.discount
        paid = sum(payment.amount for payment in self.payments)
        if total != paid:
            raise ValueError(f"the payments come to {paid}, lines, postage and discount to {total}")
        if any((payment.refunded or 0) > payment.amount for payment in self.payments):
            raise ValueError("a payment was refunded beyond its amount")
        if self.state is OrderState.CANCELED and any(payment.refunded is None for payment in self.payments):
            raise ValueError("a canceled order must say what was refunded of each payment")
        if self.state is OrderState.CANCEL_REQUESTED:
            raise ValueError("an order that waits for a cancellation cannot be taken over in the middle of it")
        if self.state is OrderState.DELIVERED and self.delivered_at is None:
            raise ValueError("a delivered order needs delivered_at")
        if self.state in (OrderState.SHIPPED, OrderState.DELIVERED) and self.shipped_at is None:
            raise ValueError("an order that has left needs shipped_at")
        return self


@dataclass(frozen=True)
class Refused:
    """A row that was not taken: where it stands, and why in one sentence."""

    line: int
    reason: str


@dataclass
class Report:
    """What became of the rows of a file."""

    taken: int = 0
    there: int = 0
    refused: int = 0


@dataclass(frozen=True)
class Read:
    """One order as it stands in the file, where it begins, and how far the file has been read, in bytes."""

    line: int
    content: Any
    position: int


def load(
    store: Store,
    path: Path,
    *,
    on_refused: Callable[[Refused], None],
    on_progress: Callable[[int], None] = lambda _position: None,
) -> Report:
    """Read the orders of a .jsonl or .csv file into the store; `on_progress` hears the bytes read so far."""
    report = Report()

    def refuse(line: int, reason: str) -> None:
        report.refused += 1
        on_refused(Refused(line, reason))

    for batch in itertools.batched(_read(path), BATCH):
        rows = [(read.line, row) for read in batch if (row := _checked(read, refuse)) is not None]
        taken, there = import_rows.write(store, rows, refuse)
        report.taken += taken
        report.there += there
        on_progress(batch[-1].position)
    return report


def _read(path: Path) -> Iterator[Read]:
    if path.suffix not in (".jsonl", ".csv"):
        raise ValueError(f"{path.name} must end in .jsonl or .csv")
    return _read_jsonl(path) if path.suffix == ".jsonl" else _read_csv(path)


def _read_jsonl(path: Path) -> Iterator[Read]:
    with path.open("rb") as file:
        position = 0
        for number, line in enumerate(file, start=1):
            position += len(line)
            if not line.strip():
                continue
            try:
                content = json.loads(line)
            except (json.JSONDecodeError, UnicodeDecodeError):
                content = None
            yield Read(number, content, position)


def _read_csv(path: Path) -> Iterator[Read]:
    """Yield the orders of a table with a row a line of an order; the rows of one order follow each other."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        numbered = ((rows.line_num, row) for row in rows)
        position = 0
        for _, group in itertools.groupby(numbered, key=lambda each: each[1].get("number")):
            found = list(group)
            position += sum(
                len(value or "") + 1 for _, row in found for value in row.values() if not isinstance(value, list)
            )
            yield Read(found[0][0], _order_of_table([row for _, row in found]), position)


def _order_of_table(rows: list[dict[str, Any]]) -> Any:
    first = {name: value for name, value in rows[0].items() if value not in (None, "")}
    order: dict[str, Any] = {name: first[name] for name in _PLAIN if name in first}
    try:
        for name in ("shipping_fee", "discount"):
            if name in first:
                order[name] = int(first[name])
        order["customer"] = _part(first, "customer_")
        order["lines"] = [_line_of_table(row) for row in rows]
        total = sum(line["unit_price"] * line.get("quantity", 1) for line in order["lines"])
        paid = total + order.get("shipping_fee", 0) - order.get("discount", 0)
        order["payments"] = [{"reference": f"{first.get('number')}:1", "amount": paid, **_part(first, "payment_")}]
        if "payment_refunded" in first:
            order["payments"][0]["refunded"] = int(first["payment_refunded"])
    except (KeyError, ValueError):
        return None
    return order


_PLAIN = ("number", "state", "placed_at", "currency", "promised_on", "shipped_at", "delivered_at", "seller")


def _line_of_table(row: dict[str, Any]) -> dict[str, Any]:
    line = {name: row[name] for name in ("sku", "title", "category", "kind", "size") if row.get(name)}
    numbers = {name: int(row[name]) for name in ("unit_price", "quantity") if row.get(name)}
    return {**line, "unit_price": numbers["unit_price"], **numbers}


def _part(row: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): value for name, value in row.items() if name.startswith(prefix)}


def _checked(read: Read, refuse: Callable[[int, str], None]) -> OrderRow | None:
    if read.content is None:
        refuse(read.line, "this is not readable")
        return None
    try:
        return OrderRow.model_validate_json(json.dumps(read.content)) if isinstance(read.content, dict) else _no(read)
    except ValidationError as error:
        refuse(read.line, _sentence(error.errors()))
    except ValueError as error:
        refuse(read.line, str(error))
    return None


def _no(read: Read) -> OrderRow:
    raise ValueError(f"an order is an object, not {type(read.content).__name__}")


def _sentence(problems: Iterable[Any]) -> str:
    first = next(iter(problems))
    place = ".".join(str(part) for part in first["loc"])
    message = str(first["msg"]).removeprefix("Value error, ")
    return f"{place}: {message}" if place else message
