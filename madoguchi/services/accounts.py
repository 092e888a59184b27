"""Bank accounts for refunds by transfer: asked for outside the conversation, sealed, shown by their end only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import exists, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from madoguchi.services import audit, destinations, outbox, progress
from madoguchi.services.desk import Desk
from madoguchi.services.payees import Payee
from madoguchi.services.views import Money
from madoguchi.store import BankAccount, Case, Conversation, OutboxCall, Refund, UsedToken

KEPT = timedelta(days=90)
"""So long an account is kept after it was given, where no transfer to it is outstanding."""


class NotGiven(StrEnum):
    """Why no account is taken."""

    NOT_WANTED = "account_not_wanted"  # no such case of this customer's, or no transfer of it waits for an account
    LINK_USED = "account_link_ended"


@dataclass(frozen=True)
class Wanted:
    """What an account is asked for."""

    case: str
    article: str
    amount: Money


def wanted(desk: Desk, conversation_id: str, case_reference: str) -> Wanted | None:
    """Return what the account is for; None where none is wanted of who has this conversation.

    Only the signed-in customer may say where the money goes: who merely proved an order may not.
    """
    with desk.store.reading() as session:
        case = _case(session, conversation_id, case_reference)
        found = progress.of_case(session, desk, case) if case is not None else None
        if found is None or not found.needs_account:
            return None
        return Wanted(found.case, found.article, found.amount)


def give(
    desk: Desk, conversation_id: str, case_reference: str, payee: Payee, *, link: str, ends: datetime
) -> BankAccount | NotGiven:
    """Seal an account for a case's transfers and let those that wait go; a link gives one account, once."""
    if desk.seal is None:
        raise RuntimeError("a desk without a seal cannot keep bank accounts")
    now = desk.clock()
    with desk.store.writing() as session:
        case = _case(session, conversation_id, case_reference, lock=True)
        found = progress.of_case(session, desk, case) if case is not None else None
        if not _use_up(session, link, ends):
            return NotGiven.LINK_USED
        if case is None or found is None or not found.needs_account:
            return NotGiven.NOT_WANTED
        sealed = desk.seal.close(destinations.owner(case.customer_id), payee.facts())
        row = BankAccount(customer_id=case.customer_id, case_id=case.id, sealed=sealed, end=payee.end, given_at=now)
        session.add(row)
        audit.note(session, now, "customer", "bank_account_given", f"case:{case.id}", {"end": payee.end})
        keys = _release(session, case, now)
    outbox.send_these(desk, keys)
    return row


def forget_old(session: Session, now: datetime) -> int:
    """Erase accounts that nothing is to be sent to any more, and return how many there were."""
    outstanding = exists().where(
        Refund.case_id == BankAccount.case_id,
        Refund.destination == "bank_transfer",
        Refund.state.in_(("planned", "pending", "failed")),
    )
    old = update(BankAccount).where(BankAccount.given_at < now - KEPT, BankAccount.sealed != "", ~outstanding)
    return int(session.execute(old.values(sealed="")).rowcount)  # type: ignore[attr-defined]


def _case(session: Session, conversation_id: str, reference: str, *, lock: bool = False) -> Case | None:
    conversation = session.get(Conversation, conversation_id)
    if conversation is None or conversation.customer_id is None:
        return None
    own = select(Case).where(Case.reference == reference, Case.customer_id == conversation.customer_id)
    return session.scalar(own.with_for_update() if lock else own)


def _use_up(session: Session, link: str, ends: datetime) -> bool:
    try:
        with session.begin_nested():
            session.add(UsedToken(jti=link, expires_at=ends))
    except IntegrityError:
        return False
    return True


def _release(session: Session, case: Case, now: datetime) -> list[str]:
    """Make the transfers that waited for this account due now, and return their keys."""
    refunds = select(Refund.key).where(Refund.case_id == case.id)
    calls = session.scalars(
        select(OutboxCall).where(
            OutboxCall.kind == outbox.BANK_TRANSFER, OutboxCall.state == "ready", OutboxCall.key.in_(refunds)
        )
    ).all()
    for call in calls:
        call.due_at = now
    return [call.key for call in calls]
