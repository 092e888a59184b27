"""The outbox: calls to the outside that a committed transaction promised, made until each is done.

A row is claimed with a lease, the processor is called outside of any transaction under the row's own key, and
one transaction notes the outcome. A row that was tried before is asked about first, never called blind: the
earlier reply may have been lost after the work. Bank transfers wait here, ready and untouched, until the
customer has given an account; the money of a frozen order waits until it is free again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import and_, exists, false, func, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from madoguchi.payments.port import Accepted, Ambiguous, Refused, Transferring, Unavailable
from madoguchi.services import audit, destinations, handoffs, ledger, reorders
from madoguchi.services.desk import Desk
from madoguchi.services.sealing import CannotOpen
from madoguchi.store import BankAccount, Case, Order, OutboxCall, Refund

LEASE = timedelta(seconds=60)
"""How long a claimed row is left to the program that claimed it."""
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)
HUMAN_AFTER = 8
"""After so many attempts without a clear answer a human is told; the attempts go on."""

CARD_REFUND, CARD_CHARGE, BANK_TRANSFER = "card_refund", "card_charge", "bank_transfer"
_CALLED = (CARD_REFUND, CARD_CHARGE)


def send_due(desk: Desk, *, limit: int = 100) -> int:
    """Make the calls that are due, up to so many, and return how many were tried."""
    return _send_all(desk, limit, OutboxCall.due_at <= desk.clock())


def send_for(desk: Desk, key: str) -> None:
    """Make the calls of one intent or event at once, so that the customer hears a true state."""
    untried = (OutboxCall.attempts == 0) | (OutboxCall.due_at <= desk.clock())
    _send_all(desk, 100, OutboxCall.key.startswith(f"{key}:", autoescape=True), untried)


def send_these(desk: Desk, keys: Sequence[str]) -> None:
    """Make the calls with these keys at once, as far as they are due."""
    if keys:
        _send_all(desk, len(keys), OutboxCall.key.in_(keys), OutboxCall.due_at <= desk.clock())


def newest(session: Session) -> int:
    """Return the id of the newest call, so that `keys_after` can tell which ones came later."""
    return session.scalar(select(func.max(OutboxCall.id))) or 0


def keys_after(session: Session, call_id: int) -> list[str]:
    """Return the keys of the calls that came after this one and are still to be made."""
    later = select(OutboxCall.key).where(OutboxCall.id > call_id, OutboxCall.state == "ready")
    return list(session.scalars(later))


def mark_sent(session: Session, refund: Refund, reference: str, now: datetime, *, settled: bool) -> None:
    """Note that the processor has a refund (and that it arrived, if `settled`); the second time changes nothing.

    The caller holds the refund's row locked.
    """
    if refund.state in ("pending", "failed"):
        ledger.post(
            session,
            f"{refund.key}:sent",
            debit=ledger.PAYABLE,
            credit=ledger.cash(refund.payment.method),
            amount=refund.amount,
            currency=refund.payment.currency,
            reason=refund.reason,
            at=now,
        )
        refund.state, refund.sent_at, refund.processor_reference = "sent", now, reference
    if settled and refund.state == "sent":
        refund.state, refund.settled_at = "settled", now


def _send_all(desk: Desk, limit: int, *which: ColumnElement[bool]) -> int:
    # One row at a time: whatever goes wrong with one, the others are not held up by its lease.
    tried: list[int] = []
    while len(tried) < limit:
        call = _claim(desk, OutboxCall.id.not_in(tried), *which)
        if call is None:
            break
        tried.append(call.id)
        _make(desk, call)
    return len(tried)


def _claim(desk: Desk, *which: ColumnElement[bool]) -> OutboxCall | None:
    now = desk.clock()
    frozen = exists().where(
        Refund.key == OutboxCall.key, Refund.order_number == Order.number, Order.frozen_at.is_not(None)
    )
    with desk.store.writing() as session:
        call = session.scalar(
            select(OutboxCall)
            .where(
                OutboxCall.state == "ready",
                or_(OutboxCall.kind.in_(_CALLED), _transferable(desk)),
                or_(OutboxCall.leased_until.is_(None), OutboxCall.leased_until <= now),
                ~frozen,
                *which,
            )
            .order_by(OutboxCall.due_at, OutboxCall.id)
            .limit(1)
            .with_for_update(skip_locked=True, of=OutboxCall)
        )
        if call is not None:
            call.leased_until = now + LEASE
            call.attempts += 1
        return call


def _transferable(desk: Desk) -> ColumnElement[bool]:
    """Say which bank transfers can be made: those whose account was given, by a processor that makes any."""
    if desk.seal is None or not isinstance(desk.processor, Transferring):
        return false()
    given = exists().where(
        Refund.key == OutboxCall.key, BankAccount.case_id == Refund.case_id, BankAccount.sealed != ""
    )
    return and_(OutboxCall.kind == BANK_TRANSFER, given)


def _make(desk: Desk, call: OutboxCall) -> None:
    try:
        outcome = _CALLS[call.kind](desk, call)
    except Unavailable:
        _later(desk, call, "unavailable")
    except Ambiguous:
        _later(desk, call, "reply_lost")
    else:
        _close(desk, call, outcome)


def _refund(desk: Desk, call: OutboxCall) -> Accepted | Refused:
    with desk.store.reading() as session:
        refund = session.scalars(select(Refund).where(Refund.key == call.key)).one()
        charge, currency, amount = refund.payment.reference, refund.payment.currency, refund.amount
    found = desk.processor.find_refund(call.key, charge) if call.attempts > 1 else None
    return found or desk.processor.refund(call.key, charge, amount, currency)


def _charge(desk: Desk, call: OutboxCall) -> Accepted | Refused:
    source, amount, currency = (call.payload[name] for name in ("account", "amount", "currency"))
    found = desk.processor.find_charge(call.key, source) if call.attempts > 1 else None
    return found or desk.processor.charge(call.key, source, amount, currency)


def _transfer(desk: Desk, call: OutboxCall) -> Accepted | Refused:
    assert isinstance(desk.processor, Transferring)
    with desk.store.reading() as session:
        refund = session.scalars(select(Refund).where(Refund.key == call.key)).one()
        currency, amount = refund.payment.currency, refund.amount
        try:
            payee = destinations.of(desk, session, refund)
        except CannotOpen:
            return Refused("account_unreadable")
    if payee is None:  # it was erased since
        raise Unavailable("no account")
    found = desk.processor.find_transfer(call.key, payee) if call.attempts > 1 else None
    return found or desk.processor.transfer(call.key, payee, amount, currency)


_CALLS = {CARD_REFUND: _refund, CARD_CHARGE: _charge, BANK_TRANSFER: _transfer}


def _close(desk: Desk, call: OutboxCall, outcome: Accepted | Refused) -> None:
    """Note the outcome in one transaction; whoever comes second finds the row done and changes nothing."""
    now = desk.clock()
    with desk.store.writing() as session:
        row = session.get_one(OutboxCall, call.id, with_for_update=True)
        if row.state != "ready":
            return
        row.state = "done" if isinstance(outcome, Accepted) else "failed"
        row.leased_until = None
        row.last_error = None if isinstance(outcome, Accepted) else f"refused: {outcome.code}"
        if row.kind == CARD_CHARGE:
            reorders.charged(session, now, row.payload["intent"], outcome)
        else:
            _close_refund(session, desk, row, outcome)
        detail = {"reference": outcome.reference} if isinstance(outcome, Accepted) else {"code": outcome.code}
        audit.note(session, now, "worker", f"{row.kind}:{row.state}", f"outbox:{row.id}", {"key": row.key, **detail})


def _close_refund(session: Session, desk: Desk, row: OutboxCall, outcome: Accepted | Refused) -> None:
    refund = session.scalars(select(Refund).where(Refund.key == row.key).with_for_update()).one()
    if isinstance(outcome, Accepted):
        mark_sent(session, refund, outcome.reference, desk.clock(), settled=outcome.settled)
    elif refund.state == "pending":
        refund.state = "failed"
        _tell_a_human(session, desk, refund, "refund_refused")


def _later(desk: Desk, call: OutboxCall, error: str) -> None:
    now = desk.clock()
    with desk.store.writing() as session:
        row = session.get_one(OutboxCall, call.id, with_for_update=True)
        if row.state != "ready" or row.attempts != call.attempts:  # somebody else was quicker
            return
        wait = min(FIRST_WAIT * 2 ** min(row.attempts - 1, 20), LONGEST_WAIT)
        row.due_at, row.leased_until, row.last_error = now + wait, None, error
        if row.kind != CARD_CHARGE and row.attempts == HUMAN_AFTER:
            refund = session.scalars(select(Refund).where(Refund.key == row.key)).one()
            _tell_a_human(session, desk, refund, "refund_delayed")


def _tell_a_human(session: Session, desk: Desk, refund: Refund, reason: str) -> None:
    case = session.get(Case, refund.case_id) if refund.case_id is not None else None
    if case is not None:
        handoffs.hand_over_case(session, desk, case, reason)
