"""How far a customer's cases have come: steps from accepted to money arrived, amounts, both refund clocks, deadlines.

Everything is read from the rows themselves (the return, the refunds, the question to the seller), so that whatever
changes them (a scan, a bank, a seller, an agent) changes what the customer sees. Codes only, no Japanese.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session, joinedload

from madoguchi.services import conversations, scores, steps
from madoguchi.services.describing import clock_values
from madoguchi.services.desk import Desk
from madoguchi.services.steps import Rows, Step
from madoguchi.services.talk import Head
from madoguchi.services.views import Money, Values, payment_label
from madoguchi.store import (
    BankAccount,
    Case,
    Conversation,
    GuaranteeClaim,
    Inquiry,
    Order,
    OrderLine,
    Payment,
    Refund,
    ReturnAuthorization,
    Score,
)

SHOWN, LOOKED_AT = 6, 12
LOOK_BACK = timedelta(days=90)
"""Cases opened earlier are over, one way or the other."""
KEPT = timedelta(days=14)
"""So long after its last step a case that is over is still shown."""


@dataclass(frozen=True)
class Clocks:
    """How long both ways of a refund take: gift balance at once, card or bank in so many business days."""

    days_from: int
    days_to: int
    by_from: date
    by_to: date


@dataclass(frozen=True)
class Progress:
    """One case as its customer sees it; `kind` is one of `steps.FLOWS`."""

    case: str
    kind: str
    article: str
    image: str | None
    order_number: str | None
    amount: Money
    method: str
    method_label: str
    rma: str | None
    expires_at: datetime | None
    payer: str | None
    steps: tuple[Step, ...]
    clocks: Clocks
    seller: str
    deadline: datetime | None
    """Until when the seller is to answer, while the question is open."""
    needs_account: bool
    """A bank transfer waits for the customer's account."""
    account_end: str | None
    """The last digits of the account that was given."""
    asks_score: bool

    @property
    def now(self) -> Step:
        """The step the case is at: the first one not done, or the last one."""
        return next((step for step in self.steps if step.state != "done"), self.steps[-1])

    @property
    def over(self) -> bool:
        """Whether nothing more is to come."""
        return all(step.state == "done" for step in self.steps)

    @property
    def last_at(self) -> datetime:
        """When something happened last."""
        return max(step.at for step in self.steps if step.at is not None)


def of_conversation(desk: Desk, conversation_id: str) -> tuple[Progress, ...]:
    """Return the cases of a conversation's customer that are under way or were over lately, newest first."""
    with desk.store.reading() as session:
        talk = session.get(Conversation, conversation_id)
        if talk is None:
            return ()
        own = Case.conversation_id == talk.id
        return _of(session, desk, or_(own, Case.customer_id == talk.customer_id) if talk.customer_id else own)


def of_customer(session: Session, desk: Desk, customer_id: int) -> tuple[Progress, ...]:
    """Return the same for a customer, inside the caller's transaction."""
    return _of(session, desk, Case.customer_id == customer_id)


def heads(desk: Desk, conversation_ids: Sequence[str]) -> dict[str, tuple[Head, frozenset[tuple[Any, ...]]]]:
    """Return where each conversation stands, and a mark that changes with every step of its customer's cases."""
    marks: dict[str, set[tuple[Any, ...]]] = {}
    with desk.store.reading() as session:
        for place, question in enumerate(_questions(conversation_ids)):
            for row in session.execute(question):
                marks.setdefault(str(row[0]), set()).add((place, *row[1:]))
    found = conversations.heads(desk, conversation_ids)
    return {name: (head, frozenset(marks.get(name, ()))) for name, head in found.items()}


def _questions(conversation_ids: Sequence[str]) -> Iterable[Select[*tuple[Any, ...]]]:
    """Count the rows of each kind by their state; every step of a case moves one of these counts."""
    of_these = Conversation.id.in_(conversation_ids)
    cases = select(Conversation.id, Case.state, func.count()).join(Case, _mine())
    yield cases.where(of_these).group_by(Conversation.id, Case.state)
    for model in (Refund, ReturnAuthorization, Inquiry, GuaranteeClaim):
        counted = select(Conversation.id, model.state, func.count()).join(Case, _mine())
        yield counted.join(model, model.case_id == Case.id).where(of_these).group_by(Conversation.id, model.state)
    orders = select(Conversation.id, Order.number, Order.version).join(Case, _mine())
    yield orders.join(Order, Order.number == Case.order_number).where(of_these)
    given = select(Conversation.id, BankAccount.id, Case.id).join(Case, _mine())
    yield given.join(BankAccount, BankAccount.case_id == Case.id).where(of_these)
    yield select(Conversation.id, Score.case_id).join(Case, _mine()).join(Score).where(of_these)


def _mine() -> ColumnElement[bool]:
    return or_(Case.customer_id == Conversation.customer_id, Case.conversation_id == Conversation.id)


def _of(session: Session, desk: Desk, mine: ColumnElement[bool]) -> tuple[Progress, ...]:
    now = desk.clock()
    lately = select(Case).where(mine, Case.opened_at > now - LOOK_BACK)
    newest = lately.options(joinedload(Case.order)).order_by(Case.opened_at.desc(), Case.id.desc())
    cases = session.scalars(newest.limit(LOOKED_AT)).all()
    found = [each for case in cases if (each := of_case(session, desk, case)) is not None]
    shown = [each for each in found if not each.over or now - each.last_at <= KEPT]
    return tuple(sorted(shown, key=lambda each: (each.over, -each.last_at.timestamp()))[:SHOWN])


def of_case(session: Session, desk: Desk, case: Case) -> Progress | None:
    """Return how far one case has come; None where nothing was done about it, or it was all taken back."""
    rows = Rows.of(session, case)
    kind = steps.kind_of(rows)
    if kind is None:
        return None
    placed_at = rows.order.placed_at if rows.order else rows.membership.joined_at if rows.membership else case.opened_at
    sent = [refund.sent_at for refund in rows.refunds if refund.sent_at is not None]
    clocks = clock_values(desk.terms.at(placed_at), max(sent, default=desk.clock()))
    method, label = _way(session, rows)
    article, image = _article(session, rows)
    inquiry = rows.inquiry if rows.inquiry is not None and rows.inquiry.state == "open" else None
    account = session.scalar(select(BankAccount).where(BankAccount.case_id == case.id).order_by(BankAccount.id.desc()))
    return Progress(
        case=case.reference,
        kind=kind,
        article=article,
        image=image,
        order_number=case.order_number,
        amount=_amount(rows),
        method=method,
        method_label=label,
        rma=rows.authorization.number if rows.authorization else None,
        expires_at=rows.authorization.expires_at if rows.authorization else None,
        payer=rows.authorization.payer if rows.authorization else None,
        steps=steps.of(kind, rows),
        clocks=_clocks(clocks),
        seller=rows.order.seller.name if rows.order and rows.order.seller else "",
        deadline=inquiry.deadline if inquiry else None,
        needs_account=_by_bank(rows) and account is None,
        account_end=account.end or None if account else None,
        asks_score=scores.is_due(session, case),
    )


def _clocks(values: Values) -> Clocks:
    names = ("days_from", "days_to", "refund_by_from", "refund_by_to")
    return Clocks(*(values[name] for name in names))  # type: ignore[arg-type]


def _by_bank(rows: Rows) -> bool:
    if any(refund.destination == "bank_transfer" and refund.state in ("planned", "pending") for refund in rows.refunds):
        return True
    waiting = rows.authorization is not None and not rows.refunds
    return waiting and rows.authorization is not None and rows.authorization.method == "bank_transfer"


def _amount(rows: Rows) -> Money:
    if rows.refunds:
        return Money(sum(refund.amount for refund in rows.refunds), rows.refunds[0].payment.currency)
    if rows.authorization is not None:
        return Money(rows.authorization.refund_amount, rows.authorization.order.currency)
    return Money(rows.claim.amount if rows.claim else 0)


def _way(session: Session, rows: Rows) -> tuple[str, str]:
    """Return how the money comes back, as a code, and what the customer may see of the card."""
    ways = [(refund.destination, refund.payment) for refund in rows.refunds]
    if not ways and rows.authorization is not None:
        ids = [(split["method"], int(split["payment_id"])) for split in rows.authorization.splits]
        ways = [(method, session.get_one(Payment, number)) for method, number in ids]
    if not ways:
        return ("gift_balance" if rows.claim else "none"), ""
    kinds = {payment.method if method == "original_payment" else method for method, payment in ways}
    if len(kinds) > 1:
        return "split", ""
    labels = {payment_label(payment) for method, payment in ways if method == "original_payment" and payment.label}
    return kinds.pop(), labels.pop() if len(labels) == 1 else ""


def _article(session: Session, rows: Rows) -> tuple[str, str | None]:
    if rows.membership is not None:
        return rows.membership.product.title, rows.membership.product.image
    if rows.order is None:
        return "", None
    parts = rows.authorization.lines if rows.authorization else [part for each in rows.refunds for part in each.lines]
    meant = [session.get(OrderLine, int(part["line_id"])) for part in parts]
    line = next((each for each in meant if each is not None), rows.order.lines[0])
    return line.title, line.variant.product.image
