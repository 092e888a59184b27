"""What services hand to the talk and the pages: typed values and choices, with no Japanese of their own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from madoguchi.store import Order, OrderLine, Payment


@dataclass(frozen=True)
class Money:
    """An amount in the smallest unit of its currency."""

    amount: int
    currency: str = "JPY"


type Value = bool | int | str | date | datetime | Money | tuple[Value, ...] | None
type Values = dict[str, Value]


def titles_of(lines: Iterable[OrderLine]) -> str | tuple[str, ...]:
    """Return the title of the lines and the size that was bought, or all of them where they are several articles."""
    named = (f"{line.title}（{line.variant.size}）" if line.variant.size else line.title for line in lines)
    titles = tuple(dict.fromkeys(named))
    return titles[0] if len(titles) == 1 else titles


@dataclass(frozen=True)
class Choice:
    """One of several things the customer may mean; `value` names it to `resolve.consider`."""

    value: str
    title: str
    image: str | None = None
    price: Money | None = None
    on: date | datetime | None = None
    detail: str = ""


@dataclass(frozen=True)
class Answer:
    """A reply by its name, the values it needs, and what can be chosen."""

    reply: str
    values: Values = field(default_factory=dict)
    choices: tuple[Choice, ...] = ()


def line_choice(line: OrderLine) -> Choice:
    """Return the choice of one line of an order."""
    order = line.order
    return Choice(
        value=f"line:{line.id}",
        title=line.title,
        image=line.variant.product.image,
        price=Money(line.unit_price * line.quantity, order.currency),
        on=order.delivered_at or order.placed_at,
        detail=line.variant.size or "",
    )


def order_choice(order: Order) -> Choice:
    """Return the choice of one whole order."""
    first = order.lines[0]
    return Choice(
        value=f"order:{order.number}",
        title=first.title,
        image=first.variant.product.image,
        price=Money(sum(payment.captured for payment in order.payments), order.currency),
        on=order.placed_at,
        detail=order.number,
    )


def payment_label(payment: Payment) -> str:
    """Return what the customer may see of a payment: its label, else its method's code."""
    return payment.label or payment.method
