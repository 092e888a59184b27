"""The mails of the demo shop: templates from data/demo/notices.yml, written into the message centre."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from madoguchi.demo.files import read
from madoguchi.demo.rows import Rows
from madoguchi.store import Customer, Notice


class Letter(BaseModel):
    """One template."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subject: str
    body: str
    sender: Literal["shop", "seller"] = "shop"
    kind: str | None = None


@cache
def letters() -> Mapping[str, Letter]:
    """Return every template by its name."""
    return TypeAdapter(dict[str, Letter]).validate_python(read("notices.yml"))


def yen(amount: int) -> str:
    """Return an amount of yen as a mail writes it."""
    return f"{amount:,}円"


def send(
    rows: Rows,
    customer: Customer,
    template: str,
    at: datetime,
    *,
    order_number: str | None = None,
    delivery: str = "delivered",
    **values: str,
) -> Notice:
    """Write the mail that `template` gives with these values; never later than now.

    KeyError for an unknown template, or for a value it needs and did not get.
    """
    letter = letters()[template]
    known = {"name": customer.name, "number": order_number or "", **values}
    notice = rows.add(
        Notice(
            customer_id=customer.id,
            order_number=order_number,
            sender=letter.sender,
            kind=letter.kind or template,
            subject=letter.subject.format_map(known),
            body=letter.body.format_map(known),
            delivery=delivery,
            at=min(at, rows.now),
        )
    )
    notice.key = f"demo:{template}:{notice.id}"
    return notice
