"""The two ends of a recorded talk: its orders as they were before it, and the store as it was left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from madoguchi.store import (
    Callback,
    Conversation,
    Inquiry,
    Order,
    OrderLine,
    Product,
    Refund,
    Reorder,
    ReturnAuthorization,
    Variant,
)


def before(session: Session, order: Order, begun: datetime) -> dict[str, Any]:
    """Return an order as a scene tells it, at the time when the talk began."""
    scene: dict[str, Any] = {"placed": _ago(order.placed_at, begun)}
    for name, at in (("shipped", order.shipped_at), ("delivered", order.delivered_at)):
        if at is not None and at <= begun:
            scene[name] = _ago(at, begun)
    if not {"shipped", "delivered"} & set(scene):
        scene["state"] = "canceled" if order.canceled_at and order.canceled_at < begun else "placed"
    if order.seller_id is not None:
        scene["seller"] = True
    scene |= {key: value for key in ("shipping_fee", "discount") if (value := getattr(order, key))}
    methods = {payment.method for payment in order.payments}
    if len(methods) == 1 and "card" not in methods:
        scene["payment"] = methods.pop()
    lines = [_line(line) for line in order.lines]
    return {**scene, **lines[0]} if len(lines) == 1 else {**scene, "lines": lines}


def products(session: Session, orders: Sequence[Order], begun: datetime) -> dict[str, Any]:
    """Return the products that have sizes, with the stock there was before the talk."""
    found: dict[str, Any] = {}
    for line in (line for order in orders for line in order.lines if line.variant.size):
        product = line.variant.product
        sizes = {each.size: each.stock - _moved(session, each, orders, begun) for each in product.variants if each.size}
        scene = {"title": product.title, "category": product.category, "price": line.unit_price}
        found[_name(product)] = {**scene, "sizes": sizes}
    return found


def after(
    session: Session, talk: Conversation, orders: Sequence[Order], names: Mapping[str, str], begun: datetime
) -> dict[str, Any]:
    """Return what the talk changed, in the words of a test's `store`."""
    numbers = [order.number for order in orders]
    ends: dict[str, Any] = {}
    changed = {names[order.number]: _changed(order, begun) for order in orders}
    ends["orders"] = {name: each for name, each in changed.items() if each}
    ends["returns"] = [
        {"order": names[row.order_number], "state": row.state, "payer": row.payer, "amount": row.refund_amount}
        for row in _since(session, ReturnAuthorization, numbers, begun)
    ]
    ends["refunds"] = [
        {"order": names[row.order_number], "amount": row.amount, "to": row.destination}
        for row in _since(session, Refund, numbers, begun)
    ]
    ends["reorders"] = [{"order": names[row.order_number]} for row in _since(session, Reorder, numbers, begun)]
    asked = select(Inquiry).where(Inquiry.order_number.in_(numbers), Inquiry.asked_at >= begun).order_by(Inquiry.id)
    ends["inquiries"] = [{"order": names[row.order_number], "state": row.state} for row in session.scalars(asked)]
    calls = select(func.count()).select_from(Callback).where(Callback.conversation_id == talk.id)
    ends["callbacks"] = session.scalar(calls) or 0
    ends["stock"] = {line.title: STOCK + line.canceled_quantity for order in orders for line in _put_back(order, begun)}
    ends["stock"] |= {
        f"{_name(line.variant.product)} {variant.size}": variant.stock
        for order in orders
        for line in order.lines
        for variant in line.variant.product.variants
        if line.variant.size and _moved(session, variant, orders, begun)
    }
    if talk.owner != "bot":
        ends["owner"] = "waiting" if talk.owner == "agent" else talk.owner
        ends["handoff"] = talk.handoff_reason
    if talk.flagged:
        ends["flagged"] = True
    return {key: value for key, value in ends.items() if value}


STOCK = 5
"""How many of a product there are in a scene that does not say."""


def _line(line: OrderLine) -> dict[str, Any]:
    product = line.variant.product
    if line.variant.size:
        scene: dict[str, Any] = {"product": _name(product), "size": line.variant.size}
    else:
        scene = {"title": line.title, "category": product.category, "price": line.unit_price}
        if product.kind != "article":
            scene["kind"] = product.kind
    if line.quantity != 1:
        scene["quantity"] = line.quantity
    return scene


def _changed(order: Order, begun: datetime) -> dict[str, Any]:
    units: dict[str, Any] = {}
    if order.canceled_at is not None and order.canceled_at >= begun:
        units = {"state": order.state, "canceled": [line.canceled_quantity for line in order.lines]}
    elif order.state == "cancel_requested":
        units = {"state": order.state}
    if any(line.returned_quantity for line in order.lines):
        units["returned"] = [line.returned_quantity for line in order.lines]
    if order.frozen_at is not None and order.frozen_at >= begun:
        units["frozen"] = True
    return units


def _put_back(order: Order, begun: datetime) -> list[OrderLine]:
    if order.canceled_at is None or order.canceled_at < begun:
        return []
    return [line for line in order.lines if line.canceled_quantity and not line.variant.size]


def _moved(session: Session, variant: Variant, orders: Sequence[Order], begun: datetime) -> int:
    """Return by how much the talk changed a variant's stock: put back by a cancellation, taken by a new order."""
    back = sum(
        line.canceled_quantity
        for order in orders
        for line in order.lines
        if line.variant_id == variant.id and order.canceled_at is not None and order.canceled_at >= begun
    )
    numbers = [order.number for order in orders]
    taken = [
        row.quantity
        for row in _since(session, Reorder, numbers, begun)
        if row.variant_id == variant.id and row.state in ("held", "placed")
    ]
    return back - int(sum(taken))


def _name(product: Product) -> str:
    return f"product_{product.id}"


def _since(session: Session, table: Any, numbers: Sequence[str], begun: datetime) -> Sequence[Any]:
    wanted = select(table).where(table.order_number.in_(numbers), table.created_at >= begun).order_by(table.id)
    return session.scalars(wanted).all()


def _ago(at: datetime, begun: datetime) -> str:
    minutes = max(1, round((begun - at).total_seconds() / 60))
    days, rest = divmod(minutes, 1440)
    hours, minutes = divmod(rest, 60)
    parts = [f"{count}{unit}" for count, unit in ((days, "d"), (hours, "h"), (minutes, "m")) if count]
    return "-" + "".join(parts)
