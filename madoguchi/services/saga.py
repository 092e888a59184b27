"""The saga of what was agreed: an intent goes from its yes to its end, and every effect happens exactly once.

It passes named recovery points, each its own transaction: proposed → confirmed → canceled → refund_sent →
reordered → finished. Whatever happens in between, `carry_on` goes on from the last one, and every effect's key
keeps it from happening twice.
"""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import String, bindparam, func, select
from sqlalchemy.orm import Session, joinedload

from madoguchi.policy import effects as e
from madoguchi.policy.decisions import Approved
from madoguchi.policy.plans import Plan
from madoguchi.policy.requests import CLAIMS
from madoguchi.services import audit, deciding, outbox, reorders
from madoguchi.services.deciding import Subject
from madoguchi.services.desk import Desk
from madoguchi.services.performing import Work, perform
from madoguchi.services.wishes import REORDER
from madoguchi.store import Case, Customer, Intent, Order, OutboxCall
from madoguchi.store import Membership as MembershipRow

_COUNTED = frozenset(kind.value for kind in CLAIMS)
WITH_CASE = joinedload(Intent.case, innerjoin=True)
_WITH_PAYMENTS = joinedload(Order.payments)
_CALLS = bindparam("calls", type_=String)
_WAITING = (
    select(OutboxCall.id)
    .where(OutboxCall.state == "ready", func.substr(OutboxCall.key, 1, func.length(_CALLS)) == _CALLS)
    .limit(1)
)


def carry_on(desk: Desk, intent_key: str) -> str:
    """Take a confirmed intent as far as it goes now, and return its recovery point.

    Raises nothing for what is merely not there yet (a payment on its way); the worker comes back for it.
    """
    steps = {"confirmed": _perform, "canceled": _send, "refund_sent": _reorder, "reordered": _finish}
    point, before = _perform(desk, intent_key), ""
    while point in steps and point != before:
        before, point = point, steps[point](desk, intent_key)
    return point


def resume_unfinished(desk: Desk, *, limit: int = 100) -> int:
    """Carry on with every confirmed intent that is not finished, and return how many there were."""
    unfinished = ("confirmed", "canceled", "refund_sent", "reordered")
    with desk.store.reading() as session:
        keys = session.scalars(
            select(Intent.key).where(Intent.recovery_point.in_(unfinished)).order_by(Intent.confirmed_at).limit(limit)
        ).all()
    for key in keys:
        carry_on(desk, key)
    return len(keys)


def _perform(desk: Desk, intent_key: str) -> str:
    """confirmed → canceled: everything in the store, in one transaction, if the facts still give the same plan.

    Where that makes no call to the outside, as when a return is authorized, it goes on at once.
    """
    with desk.store.writing() as session:
        intent = session.get_one(Intent, intent_key, options=[WITH_CASE])
        subject = _subject(session, intent.case)
        session.refresh(intent, ["recovery_point"], with_for_update=True)
        if intent.recovery_point != "confirmed":
            return intent.recovery_point
        plan = Plan.from_json(json.dumps(intent.plan))
        if intent.case.kind in _COUNTED:
            # A customer's claims are decided one after the other, for each counts those before it.
            session.get_one(Customer, intent.case.customer_id, with_for_update=True)
        if intent.request["kind"] != REORDER and not _still(session, desk, intent, subject):
            intent.recovery_point = "dropped"
            return intent.recovery_point
        work = Work(session, desk.clock(), intent.key, "bot", intent.case, subject.order, subject.membership)
        perform(work, plan)
        intent.result = work.result
        intent.recovery_point = "canceled"
        _move_on(session, intent, work.now)
        detail = {"plan": intent.fingerprint, "amount": plan.refund_amount}
        audit.note(session, work.now, "bot", "performed", f"intent:{intent.key}", detail)
        return intent.recovery_point


def _subject(session: Session, case: Case) -> Subject:
    """Return what a case is about, locked until the transaction ends."""
    if case.membership_id is not None:
        membership = session.get_one(MembershipRow, case.membership_id, with_for_update=True, populate_existing=True)
        return Subject(membership=membership)
    return Subject(
        order=session.get_one(
            Order,
            case.order_number,
            options=[_WITH_PAYMENTS],
            with_for_update={"of": Order},
            populate_existing=True,
        )
    )


def _still(session: Session, desk: Desk, intent: Intent, subject: Subject) -> bool:
    """Whether the policy, asked anew, still says what the customer agreed to."""
    decision = deciding.judge(session, desk, deciding.request_from(intent.request), subject, desk.clock())
    return isinstance(decision, Approved) and decision.plan.fingerprint() == intent.fingerprint


def _send(desk: Desk, intent_key: str) -> str:
    """canceled → refund_sent, once no call to the outside is left to make."""
    outbox.send_for(desk, intent_key)
    with desk.store.writing() as session:
        intent = session.get_one(Intent, intent_key, with_for_update=True)
        if intent.recovery_point == "canceled":
            _move_on(session, intent, desk.clock())
        return intent.recovery_point


def _move_on(session: Session, intent: Intent, now: datetime) -> None:
    """canceled → refund_sent where no call waits in the outbox; → finished where nothing is reordered."""
    if session.scalar(_WAITING, {"calls": f"{intent.key}:"}) is None:
        intent.recovery_point = "refund_sent"
        if _linked(intent) is None:
            _end(intent, now)


def _reorder(desk: Desk, intent_key: str) -> str:
    """refund_sent → reordered: hold the stock once, ask for the payment, and wait for its word."""
    with desk.store.writing() as session:
        intent = session.get_one(Intent, intent_key, options=[WITH_CASE])
        linked, subject = _linked(intent), _subject(session, intent.case)
        if linked is not None and not reorders.of_intent(session, intent_key):
            reorders.hold(Work(session, desk.clock(), intent.key, "bot", intent.case, subject.order), linked)
    outbox.send_for(desk, intent_key)
    with desk.store.writing() as session:
        intent = session.get_one(Intent, intent_key, with_for_update=True)
        rows = reorders.of_intent(session, intent_key)
        if intent.recovery_point == "refund_sent" and all(row.state != "held" for row in rows):
            intent.recovery_point = "reordered"
        return intent.recovery_point


def _finish(desk: Desk, intent_key: str) -> str:
    """reordered → finished."""
    with desk.store.writing() as session:
        intent = session.get_one(Intent, intent_key, with_for_update=True)
        if intent.recovery_point == "reordered":
            _end(intent, desk.clock())
        return intent.recovery_point


def _end(intent: Intent, now: datetime) -> None:
    intent.recovery_point, intent.finished_at = "finished", now


def _linked(intent: Intent) -> e.LinkedReorder | None:
    """Return what an intent reorders, if anything."""
    effects = Plan.from_json(json.dumps(intent.plan)).effects
    return next((effect for effect in effects if isinstance(effect, e.LinkedReorder)), None)
