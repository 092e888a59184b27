"""Writes a batch of imported orders in one transaction, by statements over many rows at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Table, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from madoguchi.services import ledger
from madoguchi.store import (
    Account,
    Customer,
    LedgerEntry,
    Order,
    OrderLine,
    Payment,
    Product,
    Refund,
    Seller,
    Shipment,
    Store,
    Variant,
)
from madoguchi.store.base import Base

if TYPE_CHECKING:
    from madoguchi.services.importing import OrderRow, Paid

type Numbered = tuple[int, "OrderRow"]
type Refuse = Callable[[int, str], None]

SAVED = ("card", "wallet", "gift_balance")


def write(store: Store, rows: Sequence[Numbered], refuse: Refuse) -> tuple[int, int]:
    """Write the orders that are new, and return how many were written and how many were there already."""
    if not rows:
        return 0, 0
    with store.writing() as session:
        there = _known(session, Order.number, (row.number for _, row in rows))
        new = _without_twins(session, [each for each in rows if each[1].number not in there], refuse)
        new = _without_foreign_accounts(session, new, refuse)
        if new:
            orders = [row for _, row in new]
            _write_orders(session, orders, _customers(session, orders), _sellers(session, orders))
            _write_refunds(session, orders)
            _write_lines(session, orders, _variants(session, orders))
        return len(new), sum(row.number in there for _, row in rows)


def _without_twins(session: Session, rows: Sequence[Numbered], refuse: Refuse) -> list[Numbered]:
    """Drop orders and payments that come twice, in the file or beside the store."""
    numbers: set[str] = set()
    references = _known(session, Payment.reference, (paid.reference for _, row in rows for paid in row.payments))
    kept = []
    for line, row in rows:
        own = [paid.reference for paid in row.payments]
        if row.number in numbers:
            refuse(line, f"number: {row.number} stands in the file twice")
        elif len(set(own)) < len(own) or references & set(own):
            refuse(line, "payments: a reference is used twice")
        else:
            kept.append((line, row))
            numbers.add(row.number)
            references |= set(own)
    return kept


def _without_foreign_accounts(session: Session, rows: Sequence[Numbered], refuse: Refuse) -> list[Numbered]:
    """Drop orders paid with somebody else's account; the first to name an account is its owner."""
    named = [paid.account for _, row in rows for paid in row.payments if paid.account]
    known = session.execute(
        select(Account.reference, Customer.reference, Account.method)
        .join(Customer, Account.customer_id == Customer.id)
        .where(Account.reference.in_(named))
    )
    owners = {reference: (customer, method) for reference, customer, method in known}
    kept = []
    for line, row in rows:
        own = {paid.account: (row.customer.reference, paid.method.value) for paid in row.payments if paid.account}
        if any(method not in SAVED for _, method in own.values()):
            refuse(line, "payments: only cards, wallets and gift balances have an account")
        elif any(owners.setdefault(account, owner) != owner for account, owner in own.items()):
            refuse(line, "payments: the account is another customer's, or of another kind")
        else:
            kept.append((line, row))
    return kept


def _customers(session: Session, orders: Iterable[OrderRow]) -> dict[str, int]:
    buyers = {row.customer.reference: row.customer for row in orders}
    _add(session, Customer, [{**buyer.model_dump(), "kana": ""} for buyer in buyers.values()])
    return _ids(session, Customer.reference, Customer.id, buyers)


def _sellers(session: Session, orders: Iterable[OrderRow]) -> dict[str, int]:
    names = {row.seller for row in orders if row.seller}
    missing = names - _known(session, Seller.name, names)
    if missing:
        session.execute(insert(Seller), [{"name": name, "email": ""} for name in sorted(missing)])
    return _ids(session, Seller.name, Seller.id, names)


def _variants(session: Session, orders: Iterable[OrderRow]) -> dict[str, int]:
    lines = {line.sku: line for row in orders for line in row.lines}
    known = _known(session, Variant.reference, lines)
    missing = [line for sku, line in lines.items() if sku not in known]
    products = [
        {"reference": each.sku, "title": each.title, "category": each.category, "kind": each.kind, "final_sale": False}
        for each in missing
    ]
    _add(session, Product, products)
    ids = _ids(session, Product.reference, Product.id, [line.sku for line in missing])
    _add(
        session,
        Variant,
        [
            {
                "reference": line.sku,
                "product_id": ids[line.sku],
                "size": line.size,
                "options": {},
                "price": line.unit_price,
            }
            for line in missing
        ],
    )
    return _ids(session, Variant.reference, Variant.id, lines)


def _write_orders(
    session: Session, orders: Sequence[OrderRow], customers: dict[str, int], sellers: dict[str, int]
) -> None:
    session.execute(insert(Order), [_order(row, customers, sellers) for row in orders])
    saved = {
        paid.account: {
            "reference": paid.account,
            "customer_id": customers[row.customer.reference],
            "method": paid.method.value,
            "label": paid.label,
            "balance": 0,
        }
        for row in orders
        for paid in row.payments
        if paid.account
    }
    _add(session, Account, list(saved.values()))
    session.execute(
        insert(Payment),
        [
            {
                "reference": paid.reference,
                "customer_id": customers[row.customer.reference],
                "order_number": row.number,
                "method": paid.method.value,
                "account_reference": paid.account,
                "label": paid.label,
                "currency": row.currency,
                "captured": paid.amount,
                "captured_at": row.placed_at,
            }
            for row in orders
            for paid in row.payments
        ],
    )


def _write_refunds(session: Session, orders: Sequence[OrderRow]) -> None:
    """Write what the shop has refunded before, so that it is never refunded again."""
    back = {paid.reference: (row, paid) for row in orders for paid in row.payments if paid.refunded}
    payments = _ids(session, Payment.reference, Payment.id, back)
    rows: list[dict[str, Any]] = [
        {
            "key": f"imported:{reference}",
            "order_number": row.number,
            "payment_id": payments[reference],
            "amount": paid.refunded,
            "destination": "original_payment",
            "account_reference": paid.account,
            "lines": [],
            "reason": "imported",
            "state": "settled",
            "created_at": row.placed_at,
            "sent_at": row.placed_at,
            "settled_at": row.placed_at,
        }
        for reference, (row, paid) in back.items()
    ]
    if rows:
        session.execute(insert(Refund), rows)
        session.execute(insert(LedgerEntry), [entry for row, paid in back.values() for entry in _booked(row, paid)])


def _booked(row: OrderRow, paid: Paid) -> Iterable[dict[str, Any]]:
    """Yield the two entries of a refund that was sent long ago; no gift balance of today follows from them."""
    steps = ((ledger.SALES, ledger.PAYABLE, "released"), (ledger.PAYABLE, ledger.cash(paid.method.value), "sent"))
    for debit, credit, step in steps:
        yield {
            "key": f"imported:{paid.reference}:{step}",
            "debit": debit,
            "credit": credit,
            "amount": paid.refunded,
            "currency": row.currency,
            "reason": "imported",
            "booked_at": row.placed_at,
        }


def _order(row: OrderRow, customers: dict[str, int], sellers: dict[str, int]) -> dict[str, Any]:
    plain = row.model_dump(include={"number", "currency", "shipping_fee", "discount", "placed_at", "promised_on"})
    return {
        **plain,
        "state": row.state.value,
        "customer_id": customers[row.customer.reference],
        "seller_id": sellers[row.seller] if row.seller else None,
        "shipped_at": row.shipped_at,
        "delivered_at": row.delivered_at,
        "canceled_at": row.placed_at if row.state == "canceled" else None,
    }


def _write_lines(session: Session, orders: Sequence[OrderRow], variants: dict[str, int]) -> None:
    session.execute(
        insert(OrderLine),
        [
            {
                "order_number": row.number,
                "variant_id": variants[line.sku],
                "title": line.title,
                "unit_price": line.unit_price,
                "quantity": line.quantity,
                "canceled_quantity": line.quantity if row.state == "canceled" else 0,
            }
            for row in orders
            for line in row.lines
        ],
    )
    parcels = [
        {"order_number": row.number, "carrier": "", "tracking": "", "shipped_at": row.shipped_at,
         "delivered_at": row.delivered_at}
        for row in orders
        if row.shipped_at is not None
    ]  # fmt: skip
    if parcels:
        session.execute(insert(Shipment), parcels)


def _known(session: Session, column: Any, values: Iterable[Any]) -> set[Any]:
    wanted = list(values)
    return set(session.scalars(select(column).where(column.in_(wanted)))) if wanted else set()


def _ids(session: Session, name: Any, number: Any, values: Iterable[Any]) -> dict[str, int]:
    wanted = list(values)
    if not wanted:
        return {}
    return {row[0]: row[1] for row in session.execute(select(name, number).where(name.in_(wanted)))}


def _add(session: Session, model: type[Base], rows: list[dict[str, Any]]) -> None:
    """Insert rows, and leave those alone that are there by their unique name."""
    if not rows:
        return
    assert isinstance(model.__table__, Table)
    make = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    session.execute(make(model).on_conflict_do_nothing(), rows)
