"""The end of a conversation: what the store holds for the people of one scene, and where that is not as expected.

Whatever a file does not name must be as it was when the talk began.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from madoguchi.services.audit import broken_rows
from madoguchi.services.desk import Desk
from madoguchi.store import (
    Callback,
    Case,
    Conversation,
    GuaranteeClaim,
    Inquiry,
    LedgerEntry,
    Membership,
    Notice,
    Order,
    Payment,
    Refund,
    Reorder,
    ReturnAuthorization,
    Score,
    Variant,
)

type Ends = dict[str, Any]


def snapshot(desk: Desk, names: Mapping[str, Any], conversation: str) -> Ends:
    """Return everything of the scene's people that a talk can change."""
    with desk.store.reading() as session:
        orders = {name: session.get_one(Order, number) for name, number in names.get("orders", {}).items()}
        by_number = {order.number: name for name, order in orders.items()}
        talk = session.get_one(Conversation, conversation)
        people = list(names.get("customers", {}).values())
        return {
            "orders": {name: _order(order) for name, order in orders.items()},
            "memberships": {
                name: {"state": session.get_one(Membership, number).state}
                for name, number in names.get("memberships", {}).items()
            },
            "returns": [_return(row, by_number) for row in _of_orders(session, ReturnAuthorization, by_number)],
            "refunds": [_refund(row, by_number) for row in _refunds(session, people)],
            "reorders": [_reorder(session, row, by_number) for row in _of_orders(session, Reorder, by_number)],
            "inquiries": [_inquiry(row, by_number) for row in _of_orders(session, Inquiry, by_number)],
            "guarantees": [
                {"order": by_number[row.order_number], "state": row.state, "amount": row.amount}
                for row in _of_orders(session, GuaranteeClaim, by_number)
            ],
            "callbacks": _count(session, select(Callback.id).where(Callback.conversation_id == conversation)),
            "mails_resent": _count(
                session, select(Notice.id).where(Notice.customer_id.in_(people), Notice.resent_from.is_not(None))
            ),
            "scores": _count(
                session, select(Score.case_id).join(Case, Case.id == Score.case_id).where(Case.customer_id.in_(people))
            ),
            "flagged_cases": _count(session, select(Case.id).where(Case.customer_id.in_(people), Case.flagged)),
            "owner": talk.owner,
            "handoff": talk.handoff_reason,
            "flagged": talk.flagged,
            "stock": {
                name: session.scalar(select(Variant.stock).where(Variant.reference == reference))
                for name, reference in _variants(names)
            },
        }


def compare(
    desk: Desk, names: Mapping[str, Any], conversation: str, before: Ends, expected: Mapping[str, Any]
) -> list[str]:
    """Return a line for everything that is not as it should be, the invariants of money among it."""
    after = snapshot(desk, names, conversation)
    problems = [f"store: unknown {key}" for key in expected if key not in after]
    for key, found in after.items():
        if isinstance(found, dict):
            wanted = expected.get(key) or {}
            for name, each in found.items():
                problems += _differs(f"{key}.{name}", each, wanted.get(name), before[key][name])
            problems += [f"store: {key} has no {name}" for name in wanted if name not in found]
        elif isinstance(found, list):
            problems += _list_differs(key, found, expected.get(key), before[key])
        elif found != expected.get(key, before[key]):
            problems.append(f"store: {key} is {found!r}, not {expected.get(key, before[key])!r}")
    return problems + _money(desk, names)


def _differs(place: str, found: Any, wanted: Any, before: Any) -> list[str]:
    if not isinstance(found, dict):
        should = before if wanted is None else wanted
        return [] if found == should else [f"store: {place} is {found!r}, not {should!r}"]
    should = {**before, **(wanted or {})}
    return [
        f"store: {place}.{key} is {found.get(key)!r}, not {value!r}"
        for key, value in should.items()
        if found.get(key) != value
    ]


def _list_differs(key: str, found: Sequence[dict[str, Any]], wanted: Any, before: Any) -> list[str]:
    if wanted is None:
        return [] if found == before else [f"store: {key} changed to {found}"]
    if len(found) != len(wanted):
        return [f"store: there are {len(found)} {key}, not {len(wanted)}: {found}"]
    rest, problems = list(found), []
    for each in wanted:
        fits = next((row for row in rest if all(row.get(name) == value for name, value in each.items())), None)
        if fits is None:
            problems.append(f"store: no {key} like {each} among {rest}")
        else:
            rest.remove(fits)
    return problems


def _order(order: Order) -> Ends:
    return {
        "state": order.state,
        "frozen": order.frozen_at is not None,
        "canceled": [line.canceled_quantity for line in order.lines],
        "returned": [line.returned_quantity for line in order.lines],
    }


def _return(row: ReturnAuthorization, by_number: Mapping[str, str]) -> Ends:
    return {
        "order": by_number[row.order_number],
        "state": row.state,
        "payer": row.payer,
        "route": row.route,
        "amount": row.refund_amount,
        "reason": row.reason,
        "method": row.method,
    }


def _refund(row: Refund, by_number: Mapping[str, str]) -> Ends:
    return {
        "order": by_number.get(row.order_number or ""),
        "amount": row.amount,
        "to": row.destination,
        "state": row.state,
    }


def _reorder(session: Session, row: Reorder, by_number: Mapping[str, str]) -> Ends:
    return {
        "order": by_number[row.order_number],
        "state": row.state,
        "size": session.get_one(Variant, row.variant_id).size,
        "price": row.unit_price,
        "failure": row.failure,
    }


def _inquiry(row: Inquiry, by_number: Mapping[str, str]) -> Ends:
    hours = round((row.deadline - row.asked_at).total_seconds() / 3600)
    return {"order": by_number[row.order_number], "state": row.state, "hours": hours, "answer": row.answer}


def _of_orders(session: Session, table: Any, by_number: Mapping[str, str]) -> Sequence[Any]:
    return session.scalars(select(table).where(table.order_number.in_(list(by_number))).order_by(table.id)).all()


def _refunds(session: Session, people: Sequence[int]) -> Sequence[Refund]:
    paid = select(Payment.id).where(Payment.customer_id.in_(people))
    return session.scalars(select(Refund).where(Refund.payment_id.in_(paid)).order_by(Refund.id)).all()


def _count(session: Session, rows: Any) -> int:
    return len(session.scalars(rows).all())


def _variants(names: Mapping[str, Any]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in names.get("variants", {}).items():
        if isinstance(value, Mapping):
            found += [(f"{name}/{size}" if size else name, reference) for size, reference in value.items()]
        else:
            found.append((name, value))
    return found


def _money(desk: Desk, names: Mapping[str, Any]) -> list[str]:
    """The invariants: never more back than captured, every refund booked once as it is, the audit whole."""
    problems = []
    with desk.store.reading() as session:
        people = list(names.get("customers", {}).values())
        for payment in session.scalars(select(Payment).where(Payment.customer_id.in_(people))):
            refunds = session.scalars(
                select(Refund).where(Refund.payment_id == payment.id, Refund.state != "voided")
            ).all()
            if sum(refund.amount for refund in refunds) > payment.captured:
                problems.append(f"payment {payment.id}: more refunded than captured")
            for refund in refunds:
                booked = session.scalars(select(LedgerEntry).where(LedgerEntry.key == f"{refund.key}:released")).all()
                left = refund.state in ("pending", "sent", "settled", "failed")
                if not left and booked:
                    problems.append(f"refund {refund.id} is {refund.state}, yet booked")
                if booked and booked[0].amount != refund.amount:
                    problems.append(f"refund {refund.id}: booked {booked[0].amount} of {refund.amount}")
        broken = list(broken_rows(session))
    return problems + [f"audit row {row} is broken" for row in broken]
