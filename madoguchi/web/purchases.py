"""What the demo shop's pages show: one dataclass a page, read from the store in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from madoguchi.services import progress
from madoguchi.services.desk import Desk
from madoguchi.services.progress import Progress
from madoguchi.store import (
    Customer,
    Membership,
    Order,
    OrderLine,
    Product,
    ReturnAuthorization,
    Variant,
)

ORDERS_SHOWN = 20


@dataclass(frozen=True)
class Article:
    """One line of an order."""

    title: str
    image: str | None
    size: str | None
    quantity: int
    price: int
    returned: int
    canceled: int


@dataclass(frozen=True)
class Purchase:
    """One order with its articles; `total` in yen with postage and discount."""

    number: str
    state: str
    seller: str | None
    placed_at: datetime
    delivered_at: datetime | None
    promised_on: date | None
    total: int
    articles: tuple[Article, ...]
    cases: tuple[Progress, ...] = ()


@dataclass(frozen=True)
class Joined:
    """One paid membership; `price` in yen a period."""

    title: str
    image: str | None
    state: str
    main: bool
    price: int
    joined_at: datetime
    renews_at: datetime


@dataclass(frozen=True)
class History:
    """Everything on the page 注文履歴."""

    reference: str
    name: str
    orders: tuple[Purchase, ...]
    memberships: tuple[Joined, ...]
    other_cases: tuple[Progress, ...]
    """What is under way and belongs to none of the orders, as the end of a membership."""


@dataclass(frozen=True)
class ExpectedParcel:
    """A return that was agreed on and has not come in yet; the amount in yen."""

    number: str
    order_number: str
    customer: str
    articles: tuple[tuple[str, int], ...]
    reason: str
    payer: str
    refund: int
    created_at: datetime
    expires_at: datetime


def customer_named(desk: Desk, reference: str) -> str | None:
    """Return the name of the customer with this reference."""
    with desk.store.reading() as session:
        return session.scalar(
            select(Customer.name).where(Customer.reference == reference, Customer.erased_at.is_(None))
        )


def history(desk: Desk, reference: str) -> History | None:
    """Return a customer's newest orders and all their memberships; None for a stranger."""
    with desk.store.reading() as session:
        customer = session.scalar(select(Customer).where(Customer.reference == reference, Customer.erased_at.is_(None)))
        if customer is None:
            return None
        newest = (
            select(Order)
            .where(Order.customer_id == customer.id)
            .order_by(Order.placed_at.desc())
            .limit(ORDERS_SHOWN)
            .options(
                selectinload(Order.lines).selectinload(OrderLine.variant).selectinload(Variant.product),
                selectinload(Order.seller),
            )
        )
        cases = progress.of_customer(session, desk, customer.id)
        orders = tuple(_purchase(order, cases) for order in session.scalars(newest))
        numbers = {order.number for order in orders}
        return History(
            reference=customer.reference,
            name=customer.name,
            orders=orders,
            other_cases=tuple(case for case in cases if case.order_number not in numbers),
            memberships=tuple(_joined(row) for row in customer.memberships),
        )


def open_returns(desk: Desk) -> tuple[ExpectedParcel, ...]:
    """Return the parcels that are expected back, newest first."""
    waiting = (
        select(ReturnAuthorization)
        .where(ReturnAuthorization.state == "open")
        .order_by(ReturnAuthorization.created_at.desc(), ReturnAuthorization.id.desc())
        .limit(100)
        .options(
            selectinload(ReturnAuthorization.units),
            selectinload(ReturnAuthorization.order).selectinload(Order.customer),
        )
    )
    with desk.store.reading() as session:
        return tuple(_expected(session, row) for row in session.scalars(waiting))


def _purchase(order: Order, cases: tuple[Progress, ...]) -> Purchase:
    articles = tuple(_article(line) for line in order.lines)
    goods = sum(article.price * article.quantity for article in articles)
    return Purchase(
        number=order.number,
        state=order.state,
        seller=order.seller.name if order.seller else None,
        placed_at=order.placed_at,
        delivered_at=order.delivered_at,
        promised_on=order.promised_on,
        total=goods + order.shipping_fee - order.discount,
        articles=articles,
        cases=tuple(case for case in cases if case.order_number == order.number),
    )


def _article(line: OrderLine) -> Article:
    return Article(
        title=line.title,
        image=line.variant.product.image,
        size=line.variant.size,
        quantity=line.quantity,
        price=line.unit_price,
        returned=line.returned_quantity,
        canceled=line.canceled_quantity,
    )


def _joined(membership: Membership) -> Joined:
    product: Product = membership.product
    charged = membership.charges[-1].payment.captured if membership.charges else product.variants[0].price
    return Joined(
        title=product.title,
        image=product.image,
        state=membership.state,
        main=membership.main,
        price=charged,
        joined_at=membership.joined_at,
        renews_at=membership.period_ends_at,
    )


def _expected(session: Session, row: ReturnAuthorization) -> ExpectedParcel:
    counted: dict[int, int] = {}
    for unit in row.units:
        counted[unit.line_id] = counted.get(unit.line_id, 0) + 1
    articles = tuple((session.get_one(OrderLine, line).title, count) for line, count in counted.items())
    return ExpectedParcel(
        number=row.number,
        order_number=row.order_number,
        customer=row.order.customer.name,
        articles=articles,
        reason=row.reason,
        payer=row.payer,
        refund=row.refund_amount,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
