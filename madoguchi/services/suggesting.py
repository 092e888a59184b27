"""The next sentence of an answer, as the bot would go on: what stands, else what the policy offers today.

Nothing is promised that the store does not hold. What stands on the case comes first: a refund, an open return, a
question to the seller, frozen money. Where nothing stands, the policy decides anew on the facts of this moment.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from madoguchi.policy.requests import RequestKind
from madoguchi.services import outlines
from madoguchi.services.deciding import Subject
from madoguchi.services.desk import Desk
from madoguchi.services.outlines import Step
from madoguchi.services.planning import WISHES, Act, Missing, Planned, plan_for
from madoguchi.services.views import Money
from madoguchi.store import Case, Conversation, Inquiry, Membership, Order, Payment, Refund, ReturnAuthorization

AT_FAULT = frozenset(
    {
        RequestKind.DEFECT,
        RequestKind.WRONG_SIZE,
        RequestKind.WRONG_ITEM,
        RequestKind.MISSING_PART,
        RequestKind.NOT_DELIVERED,
        RequestKind.SELLER_STOCKOUT,
        RequestKind.CONFLICTING_NOTICE,
    }
)
"""What nobody but the shop, the carrier or the seller can be blamed for, and an apology is owed for."""


@dataclass(frozen=True)
class Suggestion:
    """What the next sentence says: `code` is where the case of this `kind` stands; the template has the words."""

    code: str
    kind: str
    article: str = ""
    sorry: bool = False
    steps: tuple[Step, ...] = ()
    values: dict[str, object] = field(default_factory=dict)


def suggest(desk: Desk, conversation_id: str) -> Suggestion | None:
    """Return what could be said next; None where there is no open case, or nothing true to say about it."""
    with desk.store.reading() as session:
        talk = session.get(Conversation, conversation_id)
        case = session.scalar(
            select(Case)
            .where(Case.conversation_id == conversation_id, Case.state != "closed")
            .order_by(Case.id.desc())
            .limit(1)
        )
        if talk is None or case is None:
            return None
        subject = _subject(session, case)
        if subject is None:
            return None
        sorry = case.kind in AT_FAULT
        found = _standing(session, case, subject) or _offer(session, desk, case, subject)
        if found is None:
            return None
        code, steps, values = found
        return Suggestion(code, case.kind, _article(subject), sorry, steps, values)


type _Found = tuple[str, tuple[Step, ...], dict[str, object]]


def _standing(session: Session, case: Case, subject: Subject) -> _Found | None:
    """Return what stands already on the case or its order."""
    number = subject.order.number if subject.order else None
    if subject.order is not None and subject.order.frozen_at is not None:
        return _waiting(session, number) or ("frozen", (), {})
    refund = session.scalar(
        select(Refund).where(Refund.case_id == case.id, Refund.state != "voided").order_by(Refund.id.desc()).limit(1)
    )
    if refund is not None:
        return _refund(session, refund)
    opened = session.scalar(
        select(ReturnAuthorization)
        .where(ReturnAuthorization.order_number == number, ReturnAuthorization.state == "open")
        .order_by(ReturnAuthorization.id.desc())
        .limit(1)
    )
    if opened is not None:
        amount = Money(opened.refund_amount, opened.order.currency)
        told = {"rma": opened.number, "payer": opened.payer, "amount": amount, "expires": opened.expires_at}
        return "return_open", (), told
    return _waiting(session, number)


def _refund(session: Session, refund: Refund) -> _Found:
    """All parts that were written together, as one sum."""
    parts = session.scalars(
        select(Refund).where(
            Refund.case_id == refund.case_id, Refund.created_at == refund.created_at, Refund.state != "voided"
        )
    ).all()
    payment = session.get_one(Payment, refund.payment_id)
    label = (payment.label or payment.method) if refund.destination == "original_payment" else refund.destination
    amount = Money(sum(part.amount for part in parts), payment.currency)
    return f"refund_{refund.state}", (), {"amount": amount, "label": label, "sent_at": refund.sent_at}


def _waiting(session: Session, number: str | None) -> _Found | None:
    asked = session.scalar(select(Inquiry).where(Inquiry.order_number == number, Inquiry.state == "open"))
    return None if asked is None else ("seller_asked", (), {"deadline": asked.deadline})


def _offer(session: Session, desk: Desk, case: Case, subject: Subject) -> _Found | None:
    """Return what the policy says to the case's own wish on the facts of this moment."""
    if case.kind not in WISHES:
        return None
    act = Act(case.kind, case.order_number, case.membership_id)
    outcome = plan_for(session, desk, act, subject, desk.clock())
    if isinstance(outcome, Planned):
        steps = outlines.of_plan(session, outcome.plan)
        return ("offer", steps, {}) if steps else None
    if isinstance(outcome, Missing):
        return "missing", (), {"fact": outcome.fact}
    return "unclear", (), {}  # the policy says no, or asks a human: the human says what can be done


def _subject(session: Session, case: Case) -> Subject | None:
    if case.order_number is not None:
        return Subject(order=session.get_one(Order, case.order_number))
    if case.membership_id is not None:
        return Subject(membership=session.get_one(Membership, case.membership_id))
    return None


def _article(subject: Subject) -> str:
    if subject.membership is not None:
        return subject.membership.product.title
    assert subject.order is not None
    titles = [line.title for line in subject.order.lines]
    return titles[0] if titles else ""
