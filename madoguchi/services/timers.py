"""Timers: what a plan wanted looked at again at a certain moment, whatever was restarted in between.

A due timer is claimed with a lease and worked off in one transaction together with its mark as done, so that a
crash anywhere leaves it either undone or done once. Every effect's key begins with the timer's.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from madoguchi.policy import effects as e
from madoguchi.policy.calendar import local_day
from madoguchi.policy.decisions import Approved, NeedsAgent, Wait
from madoguchi.policy.requests import Request, RequestKind
from madoguchi.policy.vocabulary import TimerKind
from madoguchi.services import deciding, handoffs, letters
from madoguchi.services.deciding import Subject
from madoguchi.services.desk import Desk
from madoguchi.services.performing import Work, perform
from madoguchi.services.views import Money, Values
from madoguchi.store import Case, Inquiry, Order, ReturnAuthorization, Timer

LEASE = timedelta(seconds=60)
"""How long a claimed timer is left to the program that claimed it; doubled with every attempt that failed."""
ACTOR = "worker"


def run_due(desk: Desk, *, limit: int = 100) -> int:
    """Work off the timers that are due, up to so many, and return how many there were."""
    done = 0
    while done < limit:
        timer_id = _claim(desk)
        if timer_id is None:
            break
        _work_off(desk, timer_id)
        done += 1
    return done


def _claim(desk: Desk) -> int | None:
    now = desk.clock()
    with desk.store.writing() as session:
        timer = session.scalar(
            select(Timer)
            .where(
                Timer.done_at.is_(None),
                Timer.due_at <= now,
                or_(Timer.leased_until.is_(None), Timer.leased_until <= now),
            )
            .order_by(Timer.due_at, Timer.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if timer is None:
            return None
        timer.leased_until = now + LEASE * 2 ** min(timer.attempts, 6)
        timer.attempts += 1
        return timer.id


def _work_off(desk: Desk, timer_id: int) -> None:
    with desk.store.writing() as session:
        timer = session.get_one(Timer, timer_id, with_for_update=True)
        if timer.done_at is None:
            KINDS[TimerKind(timer.kind)](session, desk, timer)
            timer.done_at, timer.leased_until = desk.clock(), None


def _seller_deadline(session: Session, desk: Desk, timer: Timer) -> None:
    """The seller's clock ran out: the guarantee pays, or a human looks at it (rule 14)."""
    inquiry = session.get_one(Inquiry, int(timer.subject))
    order = _locked_order(session, inquiry.order_number)
    session.refresh(inquiry)
    if inquiry.state != "open":
        return
    case = session.get_one(Case, inquiry.case_id)
    request = Request(RequestKind.GUARANTEE)
    decision, _ = deciding.settle(session, desk, request, case, Subject(order), key=_key(timer), actor=ACTOR)
    if isinstance(decision, NeedsAgent):
        handoffs.hand_over_case(session, desk, case, decision.reason.value)
    if isinstance(decision, Approved):
        amount = Money(decision.plan.refund_amount, decision.plan.currency)
        _write(session, desk, timer, "guarantee_paid", order, {"amount": amount})


def _return_overdue(session: Session, desk: Desk, timer: Timer) -> None:
    """The parcel of a return has not come: a reminder, or the end of the authorization (rule 19)."""
    authorization = session.get_one(ReturnAuthorization, int(timer.subject))
    order, case = _locked_order(session, authorization.order_number), authorization.case
    session.refresh(authorization)
    if authorization.state != "open":
        return
    request = Request(RequestKind.RETURN_OVERDUE, authorization_id=str(authorization.id))
    decision, _ = deciding.settle(session, desk, request, case, Subject(order), key=_key(timer), actor=ACTOR)
    if not isinstance(decision, Approved):
        return
    kinds = {type(effect) for effect in decision.plan.effects}
    calendar = desk.terms.at(order.placed_at).calendar
    values: Values = {"rma": authorization.number, "expires_on": local_day(authorization.expires_at, calendar)}
    if e.SendReminder in kinds:
        _write(session, desk, timer, "return_reminder", order, values, authorization)
    if e.ExpireAuthorization in kinds:
        _write(session, desk, timer, "return_expired", order, values, authorization)


def _missing_parcel(session: Session, desk: Desk, timer: Timer) -> None:
    """The wait for a parcel is over: the customer is told that they may choose; money needs their yes (rule 16)."""
    order, now = _locked_order(session, timer.subject), desk.clock()
    case = session.scalar(
        select(Case)
        .where(Case.order_number == order.number, Case.kind == RequestKind.NOT_DELIVERED.value, Case.state != "closed")
        .order_by(Case.id.desc())
        .limit(1)
    )
    if case is None:
        return
    request, subject = Request(RequestKind.NOT_DELIVERED), Subject(order)
    decision = deciding.judge(session, desk, request, subject, now)
    deciding.keep_receipt(session, request, decision, case, now)
    if isinstance(decision, Wait):
        perform(Work(session, now, _key(timer), ACTOR, case, order), decision.plan)
    if isinstance(decision, Approved | NeedsAgent):
        _write(session, desk, timer, "parcel_missing", order, {})


KINDS: dict[TimerKind, Callable[[Session, Desk, Timer], None]] = {
    TimerKind.SELLER_DEADLINE: _seller_deadline,
    TimerKind.RETURN_REMINDER: _return_overdue,
    TimerKind.RETURN_EXPIRY: _return_overdue,
    TimerKind.MISSING_PARCEL: _missing_parcel,
}


def _key(timer: Timer) -> str:
    return f"timer:{timer.id}"


def _locked_order(session: Session, number: str) -> Order:
    """Return the order locked; it is always the first row that is, so that nobody waits in a circle."""
    return session.get_one(Order, number, with_for_update=True)


def _write(
    session: Session,
    desk: Desk,
    timer: Timer,
    kind: str,
    order: Order,
    values: Values,
    authorization: ReturnAuthorization | None = None,
) -> None:
    named = {part["line_id"] for part in authorization.lines} if authorization else set()
    titles = [line.title for line in order.lines if not named or str(line.id) in named]
    letters.write(
        session,
        f"{_key(timer)}:{kind}",
        kind,
        order.customer_id,
        desk.clock(),
        {"article": titles[0], "order_number": order.number, **values},
        order_number=order.number,
        zone=desk.terms.at(order.placed_at).calendar.zone,
    )
