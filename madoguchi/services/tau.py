"""The τ-bench retail shop as our store: its folder read in, and its orders read back in its own words.

Prices are dollars with cents there and integer cents here. An order's lines are its items one by one, so that an
item bought twice is two lines. What the desk does not keep (addresses, which item lies in which parcel) is not
read, and no write of the desk could change it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from madoguchi.services import ledger
from madoguchi.store import (
    Account,
    Case,
    Customer,
    Intent,
    Order,
    OrderLine,
    Payment,
    Product,
    Refund,
    Reorder,
    ReturnAuthorization,
    Shipment,
    Variant,
)

type Told = Mapping[str, Any]

CURRENCY = "USD"
PLACED_AT = datetime(2024, 5, 1, 12, tzinfo=UTC)
"""The data names no dates; any will do, for its terms know no windows."""
STATES = {"pending": "placed", "processed": "preparing", "delivered": "delivered", "cancelled": "canceled"}
METHODS = {"credit_card": "card", "paypal": "wallet", "gift_card": "gift_balance"}
PLENTY = 1_000_000
"""The stock of a variant that is available; the data has a yes or no only."""


def read_json(path: Path) -> Any:
    """Return a JSON file with its decimal numbers exact."""
    return json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)


def load(session: Session, folder: Path) -> None:
    """Read users, products and orders of `folder` into an empty store, inside the caller's transaction."""
    users, products, orders = (read_json(folder / f"{name}.json") for name in ("users", "products", "orders"))
    _products(session, products.values())
    customers = _customers(session, users)
    variants = {variant.reference: variant for variant in session.scalars(select(Variant))}
    for order in orders.values():
        _order(session, order, customers[order["user_id"]], variants)


def cents(amount: Decimal | float) -> int:
    """Return an amount of dollars in cents; some sums in the data carry the dust of binary fractions."""
    return int((Decimal(amount) * 100).to_integral_value(ROUND_HALF_UP))


def status_of(session: Session, order: Order) -> str:
    """Return what the data would call the order's state."""
    returned = _authorization(session, order)
    if returned is not None:
        return "exchange requested" if returned.exchange else "return requested"
    if order.changed and order.state == "placed":
        return "pending (item modified)"
    return next((word for word, state in STATES.items() if state == order.state), order.state)


def order_as_told(session: Session, order: Order) -> dict[str, Any]:
    """Return an order as the data would write it, its amounts in cents."""
    told: dict[str, Any] = {
        "order_id": order.number,
        "user_id": order.customer.reference,
        "status": status_of(session, order),
        "items": [_item(line) for line in order.lines],
        "tracking_id": sorted(shipment.tracking for shipment in order.shipments),
        "payment_history": _history(session, order),
    }
    if (reason := _cancel_reason(session, order)) is not None:
        told["cancel_reason"] = reason
    if (returned := _authorization(session, order)) is not None:
        told |= _exchange(session, order, returned) if returned.exchange else _return(order, returned)
    return told


def as_compared(told: Told) -> dict[str, Any]:
    """Return an order of the data in the form of `order_as_told`."""
    kept = {name: value for name, value in told.items() if name not in ("address", "fulfillments")}
    kept["items"] = [{**item, "price": cents(item["price"])} for item in told["items"]]
    kept["tracking_id"] = sorted(number for parcel in told["fulfillments"] for number in parcel["tracking_id"])
    kept["payment_history"] = [{**entry, "amount": cents(entry["amount"])} for entry in told["payment_history"]]
    if "exchange_price_difference" in kept:
        kept["exchange_price_difference"] = cents(kept["exchange_price_difference"])
    return kept


def _products(session: Session, products: Iterable[Told]) -> None:
    for told in products:
        product = Product(reference=told["product_id"], title=told["name"], category="retail")
        product.variants = [
            Variant(
                reference=each["item_id"],
                options=each["options"],
                price=cents(each["price"]),
                stock=PLENTY if each["available"] else 0,
            )
            for each in told["variants"].values()
        ]
        session.add(product)
    session.flush()


def _customers(session: Session, users: Mapping[str, Told]) -> dict[str, Customer]:
    made = {}
    for reference, told in users.items():
        name = f"{told['name']['first_name']} {told['name']['last_name']}"
        made[reference] = Customer(reference=reference, name=name, email=told["email"])
    session.add_all(made.values())
    session.flush()
    for reference, told in users.items():
        for method in told["payment_methods"].values():
            _account(session, made[reference], method)
    return made


def _account(session: Session, customer: Customer, told: Told) -> None:
    account = Account(reference=told["id"], customer_id=customer.id, method=METHODS[told["source"]], label=told["id"])
    session.add(account)
    session.flush()
    if balance := cents(told.get("balance", 0)):
        ledger.post(
            session,
            f"opening:{account.reference}",
            debit="opening",
            credit=account.reference,
            amount=balance,
            currency=CURRENCY,
            reason="opening",
            at=PLACED_AT,
        )


def _order(session: Session, told: Told, customer: Customer, variants: Mapping[str, Variant]) -> None:
    order = Order(
        number=told["order_id"],
        customer_id=customer.id,
        state=STATES[told["status"]],
        currency=CURRENCY,
        placed_at=PLACED_AT,
        canceled_at=PLACED_AT if told["status"] == "cancelled" else None,
    )
    session.add(order)
    for item in told["items"]:
        line = OrderLine(
            variant_id=variants[item["item_id"]].id, title=item["name"], unit_price=cents(item["price"]), quantity=1
        )
        line.canceled_quantity = int(told["status"] == "cancelled")
        order.lines.append(line)
    for parcel in told["fulfillments"]:
        for number in parcel["tracking_id"]:
            order.shipments.append(Shipment(carrier="", tracking=number, shipped_at=PLACED_AT))
    session.flush()
    _payments(session, order, told["payment_history"])


def _payments(session: Session, order: Order, history: Iterable[Told]) -> None:
    for number, entry in enumerate(history):
        account = session.get_one(Account, entry["payment_method_id"])
        amount, key = cents(entry["amount"]), f"{order.number}:{number}"
        if entry["transaction_type"] == "payment":
            payment = Payment(
                reference=key,
                customer_id=order.customer_id,
                method=account.method,
                account_reference=account.reference,
                currency=CURRENCY,
                captured=amount,
                captured_at=PLACED_AT,
            )
            order.payments.append(payment)
            session.flush()
        else:
            payment = next(each for each in order.payments if each.account_reference == account.reference)
            session.add(_past_refund(order, payment, key, amount))
            session.flush()


def _past_refund(order: Order, payment: Payment, key: str, amount: int) -> Refund:
    return Refund(
        key=key,
        order_number=order.number,
        payment_id=payment.id,
        amount=amount,
        destination="original_payment",
        account_reference=payment.account_reference,
        reason="cancel",
        state="settled",
        created_at=PLACED_AT,
        sent_at=PLACED_AT,
        settled_at=PLACED_AT,
    )


def _authorization(session: Session, order: Order) -> ReturnAuthorization | None:
    return session.scalar(
        select(ReturnAuthorization).where(
            ReturnAuthorization.order_number == order.number, ReturnAuthorization.state == "open"
        )
    )


def _cancel_reason(session: Session, order: Order) -> str | None:
    """Return the reason the customer gave for a cancellation that was performed."""
    if order.state != "canceled":
        return None
    agreed = select(Intent).join(Case).where(Case.order_number == order.number, Intent.confirmed_at.is_not(None))
    intent = session.scalar(agreed.order_by(Intent.confirmed_at.desc()).limit(1))
    return None if intent is None else intent.request.get("cancel_reason")


def _item(line: OrderLine) -> dict[str, Any]:
    variant = line.variant
    return {
        "name": line.title,
        "product_id": variant.product.reference,
        "item_id": variant.reference,
        "price": line.unit_price,
        "options": variant.options,
    }


def _history(session: Session, order: Order) -> list[dict[str, Any]]:
    refunds = session.scalars(
        select(Refund).where(Refund.order_number == order.number, Refund.state.in_(("sent", "settled")))
        .order_by(Refund.id)
    )  # fmt: skip
    paid = [("payment", payment.captured, payment.account_reference) for payment in order.payments]
    back = [("refund", refund.amount, refund.account_reference) for refund in refunds]
    return [
        {"transaction_type": kind, "amount": amount, "payment_method_id": account}
        for kind, amount, account in (*paid, *back)
    ]


def _return(order: Order, returned: ReturnAuthorization) -> dict[str, Any]:
    return {
        "return_items": sorted(_references(order, returned)),
        "return_payment_method_id": returned.account_reference,
    }


def _exchange(session: Session, order: Order, returned: ReturnAuthorization) -> dict[str, Any]:
    reorders = session.scalars(select(Reorder).where(Reorder.order_number == order.number)).all()
    sent = [(session.get_one(Variant, each.variant_id), each) for each in reorders for _ in range(each.quantity)]
    lines = {line.id: line for line in order.lines}
    return {
        "exchange_items": sorted(_references(order, returned)),
        "exchange_new_items": sorted(variant.reference for variant, _ in sent),
        "exchange_payment_method_id": returned.account_reference,
        "exchange_price_difference": sum(each.unit_price - lines[each.line_id].unit_price for _, each in sent),
    }


def _references(order: Order, returned: ReturnAuthorization) -> list[str]:
    lines = {str(line.id): line.variant.reference for line in order.lines}
    return [lines[part["line_id"]] for part in returned.lines for _ in range(part["quantity"])]
