"""Lets time pass for the people of one scene: everything that happened to them moves so far into the past."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.orm import Session

from madoguchi.demo.scene_format import When
from madoguchi.services import timers
from madoguchi.services.desk import Desk
from madoguchi.store import Case, Inquiry, Membership, Notice, Order, Refund, ReturnAuthorization, Shipment, Timer


def shift(desk: Desk, names: Mapping[str, Any], span: str) -> None:
    """Move the scene's past by a span such as +48h, and let the worker do what has become due."""
    by = TypeAdapter(When).validate_python(span)
    with desk.store.writing() as session:
        for row in _rows(session, names):
            for column in type(row).__table__.columns:
                value = getattr(row, column.key)
                if isinstance(value, date):  # a date alone, such as the promised day, moves by whole days
                    setattr(row, column.key, value - by)
    timers.run_due(desk)


def _rows(session: Session, names: Mapping[str, Any]) -> list[Any]:
    orders = list(names.get("orders", {}).values())
    people = list(names.get("customers", {}).values())
    of_orders = [Order.number, Inquiry.order_number, ReturnAuthorization.order_number, Refund.order_number]
    found: list[Any] = []
    for column in (*of_orders, Shipment.order_number):
        found += session.scalars(select(column.class_).where(column.in_(orders))).all()
    for table in (Case, Membership, Notice):
        found += session.scalars(select(table).where(table.customer_id.in_(people))).all()
    subjects = [*orders, *(str(row.id) for row in found if isinstance(row, Inquiry | ReturnAuthorization))]
    found += session.scalars(select(Timer).where(Timer.subject.in_(subjects), Timer.done_at.is_(None))).all()
    return found
