"""Mails that a committed transaction promised, handed to the post until each is sent or can never be.

A row of the outbox is claimed with a lease, the post is called outside of any transaction, and one transaction notes
the outcome on the row and on the notice that the customer sees in the message centre.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import or_, select

from madoguchi.mailing import Away, Handed, Letter, Undeliverable
from madoguchi.services import audit
from madoguchi.services.desk import Desk
from madoguchi.store import Customer, Notice, OutboxCall

KIND = "mail"
LEASE = timedelta(seconds=90)
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=4)
GIVEN_UP_AFTER = timedelta(days=5)
"""As long as a mail server tries; then the mail counts as bounced."""


def send_due(desk: Desk, *, limit: int = 50) -> int:
    """Send the mails that are due, up to so many, and return how many were tried; none where there is no post."""
    tried = 0
    while desk.post is not None and tried < limit:
        claimed = _claim(desk)
        if claimed is None:
            break
        tried += 1
        call, letter = claimed
        if letter is None:
            _close(desk, call, Undeliverable("nobody_to_write_to"))
            continue
        try:
            outcome = desk.post.send(letter)
        except Away as away:
            _later(desk, call, str(away))
        else:
            _close(desk, call, outcome)
    return tried


def _claim(desk: Desk) -> tuple[OutboxCall, Letter | None] | None:
    now = desk.clock()
    with desk.store.writing() as session:
        call = session.scalar(
            select(OutboxCall)
            .where(
                OutboxCall.state == "ready",
                OutboxCall.kind == KIND,
                OutboxCall.due_at <= now,
                or_(OutboxCall.leased_until.is_(None), OutboxCall.leased_until <= now),
            )
            .order_by(OutboxCall.due_at, OutboxCall.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if call is None:
            return None
        call.leased_until = now + LEASE
        call.attempts += 1
        notice = session.get(Notice, int(call.subject))
        customer = session.get(Customer, notice.customer_id) if notice is not None else None
        if notice is None or customer is None or customer.erased_at is not None:
            return call, None
        return call, Letter(call.key, f"{customer.name} 様", customer.email, notice.subject, notice.body)


def _close(desk: Desk, call: OutboxCall, outcome: Handed | Undeliverable) -> None:
    with desk.store.writing() as session:
        row = session.get_one(OutboxCall, call.id, with_for_update=True)
        if row.state != "ready":
            return
        sent = isinstance(outcome, Handed)
        row.state, row.leased_until = "done" if sent else "failed", None
        row.last_error = None if isinstance(outcome, Handed) else outcome.code
        notice = session.get(Notice, int(row.subject))
        if notice is not None and notice.delivery == "queued":  # a report from outside may have been quicker
            notice.delivery = "sent" if sent else "bounced"
        audit.note(session, desk.clock(), "worker", f"{KIND}:{row.state}", f"notice:{row.subject}", {"key": row.key})


def _later(desk: Desk, call: OutboxCall, why: str) -> None:
    now = desk.clock()
    with desk.store.reading() as session:
        notice = session.get(Notice, int(call.subject))
        promised_at = notice.at if notice is not None else now
    if now - promised_at > GIVEN_UP_AFTER:
        _close(desk, call, Undeliverable("given_up"))
        return
    with desk.store.writing() as session:
        row = session.get_one(OutboxCall, call.id, with_for_update=True)
        if row.state != "ready" or row.attempts != call.attempts:  # somebody else was quicker
            return
        wait = min(FIRST_WAIT * 2 ** min(row.attempts - 1, 20), LONGEST_WAIT)
        row.due_at, row.leased_until, row.last_error = now + wait, None, why[:200]
