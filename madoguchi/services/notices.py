"""The message centre: mails that were sent or came from a seller, with their delivery, to be sent once more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select

from madoguchi.services import audit, finding
from madoguchi.services.desk import Desk
from madoguchi.store import Notice, OutboxCall

SHOWN = 60


@dataclass(frozen=True)
class Mail:
    """A mail as its customer sees it; `sender` is shop or seller, `delivery` queued, sent, delivered or bounced."""

    id: int
    at: datetime
    sender: str
    subject: str
    body: str
    delivery: str
    order_number: str | None
    again: bool
    """It is a copy of an earlier one."""


def of_conversation(desk: Desk, conversation_id: str) -> tuple[Mail, ...]:
    """Return the newest mails of a conversation's customer, or on the orders that a visitor has proved."""
    with desk.store.reading() as session:
        person = finding.whose(session, conversation_id)
        mine: ColumnElement[bool] = Notice.order_number.in_(person.proved)
        if person.customer_id is not None:
            mine = or_(mine, Notice.customer_id == person.customer_id)
        shown = select(Notice).where(mine, Notice.sender != "customer").order_by(Notice.at.desc(), Notice.id.desc())
        return tuple(_mail(row) for row in session.scalars(shown.limit(SHOWN)))


def resend(desk: Desk, conversation_id: str, notice_id: int) -> str | None:
    """Send a mail of the shop's again and return its subject; None where it is not this customer's to read."""
    with desk.store.writing() as session:
        person = finding.whose(session, conversation_id)
        first = session.get(Notice, notice_id)
        if first is None or first.sender != "shop":
            return None
        mine = person.customer_id is not None and first.customer_id == person.customer_id
        if not mine and first.order_number not in person.proved:
            return None
        if first.resent_from is not None:  # a copy of a copy is a copy of the first one
            first = session.get_one(Notice, first.resent_from)
        now = desk.clock()
        count = session.scalar(select(func.count()).where(Notice.resent_from == first.id)) or 0
        again = Notice(
            key=f"{first.key}:again:{count + 1}",
            customer_id=first.customer_id,
            order_number=first.order_number,
            sender="shop",
            kind=first.kind,
            subject=first.subject,
            body=first.body,
            resent_from=first.id,
            at=now,
        )
        session.add(again)
        session.flush()
        session.add(OutboxCall(key=f"{again.key}:mail", kind="mail", subject=str(again.id), due_at=now, payload={}))
        audit.note(session, now, "customer", "mail_resent", f"notice:{first.id}")
        return first.subject


def _mail(row: Notice) -> Mail:
    return Mail(
        id=row.id,
        at=row.at,
        sender=row.sender,
        subject=row.subject,
        body=row.body,
        delivery=row.delivery,
        order_number=row.order_number,
        again=row.resent_from is not None,
    )
