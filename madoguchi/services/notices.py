"""The message centre: mails that were sent, to be sent once more."""

from __future__ import annotations

from sqlalchemy import func, select

from madoguchi.services import audit, finding
from madoguchi.services.desk import Desk
from madoguchi.store import Notice, OutboxCall


def resend(desk: Desk, conversation_id: str, notice_id: int) -> str | None:
    """Send a mail of the shop's again and return its subject; None where it is not this customer's to read."""
    with desk.store.writing() as session:
        person = finding.whose(session, conversation_id)
        first = session.get(Notice, notice_id)
        if first is None or first.sender != "shop":
            return None
        mine = person.customer is not None and first.customer_id == person.customer.id
        if not mine and first.order_number not in person.proved:
            return None
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
