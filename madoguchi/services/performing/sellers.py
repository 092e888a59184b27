"""Performs the effects on seller inquiries, and sets the timers of a plan."""

from __future__ import annotations

from sqlalchemy import select

from madoguchi.policy import effects as e
from madoguchi.policy.vocabulary import TimerKind
from madoguchi.services.performing.returns import note_expiry
from madoguchi.services.performing.work import Work
from madoguchi.store import Inquiry, Timer


def open_seller_inquiry(work: Work, effect: e.OpenSellerInquiry, key: str) -> None:
    """Ask the seller; an older open question is replaced, and its clock with it."""
    order = work.the_order
    if order.seller_id is None:
        raise LookupError("only a marketplace order has a seller to ask")
    open_ones = select(Inquiry).where(Inquiry.order_number == order.number, Inquiry.state == "open")
    for older in work.session.scalars(open_ones):
        older.state = "replaced"
        _stop_clock(work, older)
    work.session.flush()
    inquiry = Inquiry(
        case_id=work.case.id,
        order_number=order.number,
        seller_id=order.seller_id,
        subject=work.case.kind,
        asked_at=work.now,
        deadline=effect.deadline,
    )
    work.session.add(inquiry)
    work.session.flush()
    work.inquiry = inquiry
    work.result["seller"] = order.seller.name if order.seller else ""
    work.result["deadline"] = effect.deadline.isoformat()


def close_seller_inquiry(work: Work, effect: e.CloseSellerInquiry, _key: str) -> None:
    """The question is settled; its clock stops."""
    inquiry = work.session.get_one(Inquiry, int(effect.inquiry_id))
    inquiry.state = "answered" if inquiry.answer else "closed"
    _stop_clock(work, inquiry)


def set_timer(work: Work, effect: e.SetTimer, key: str) -> None:
    """Wake the worker at the time the plan names; what about, follows from the timer's kind."""
    note_expiry(work, effect)
    work.session.add(
        Timer(key=key, kind=effect.kind.value, subject=_subject(work, effect.kind), due_at=effect.due, payload={})
    )


def _subject(work: Work, kind: TimerKind) -> str:
    if kind is TimerKind.SELLER_DEADLINE:
        if work.inquiry is None:
            raise LookupError("a seller's deadline needs an inquiry")
        return str(work.inquiry.id)
    if kind in (TimerKind.RETURN_REMINDER, TimerKind.RETURN_EXPIRY):
        if work.authorization is None:
            raise LookupError("a return's timer needs an authorization")
        return str(work.authorization.id)
    return work.the_order.number


def _stop_clock(work: Work, inquiry: Inquiry) -> None:
    kind = TimerKind.SELLER_DEADLINE.value
    running = select(Timer).where(Timer.kind == kind, Timer.subject == str(inquiry.id), Timer.done_at.is_(None))
    for timer in work.session.scalars(running):
        timer.done_at = work.now
