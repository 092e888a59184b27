"""Performs the effects on returns: authorize, withdraw, expire, remind, receive, inspect."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

from sqlalchemy import select

from madoguchi.policy import effects as e
from madoguchi.policy.vocabulary import TimerKind
from madoguchi.services.performing.work import Work, letters
from madoguchi.store import Intent, OrderLine, ReturnAuthorization, ReturnUnit

_NO_EXPIRY = timedelta(days=3650)  # for terms that know no end of an authorization


def authorize_return(work: Work, effect: e.AuthorizeReturn, key: str) -> None:
    """Open a return authorization and take its units, each of which can be under one open return only."""
    authorization = ReturnAuthorization(
        number=f"R-{letters(4)}-{letters(4)}",
        intent_key=work.key if work.session.get(Intent, work.key) is not None else None,  # an event has none
        case_id=work.case.id,
        order_number=work.the_order.number,
        payer=effect.payer.value,
        route=effect.route.value,
        reason=work.case.kind,
        lines=[asdict(part) for part in effect.lines],
        splits=[asdict(split) for split in effect.splits],
        shipping=effect.shipping,
        method=effect.method.value if effect.method else None,
        account_reference=effect.account,
        exchange=effect.exchange,
        refund_amount=sum(split.amount for split in effect.splits),
        created_at=work.now,
        expires_at=work.now + _NO_EXPIRY,  # the plan's own timer brings the true one, below
    )
    work.session.add(authorization)
    work.session.flush()
    for part in effect.lines:
        line = work.line(part.line_id)
        for unit in _free_units(work, line)[: part.quantity]:
            work.session.add(ReturnUnit(authorization_id=authorization.id, line_id=line.id, unit=unit))
    work.session.flush()
    work.authorization = authorization
    work.result["rma"] = authorization.number


def withdraw_authorization(work: Work, effect: e.WithdrawAuthorization, _key: str) -> None:
    """Close an unused authorization; its units are free again."""
    _close(work, effect.authorization_id, "withdrawn")


def expire_authorization(work: Work, effect: e.ExpireAuthorization, _key: str) -> None:
    """Close an authorization whose parcel never came; a new one can be asked for."""
    _close(work, effect.authorization_id, "expired")


def send_reminder(work: Work, effect: e.SendReminder, _key: str) -> None:
    """Note that the customer was reminded of the parcel."""
    _of(work, effect.authorization_id).reminded_at = work.now


def receive_parcel(work: Work, effect: e.ReceiveParcel, _key: str) -> None:
    """Note the scan: the units are back, inspected or not."""
    authorization = _of(work, effect.authorization_id)
    authorization.state = "received"
    authorization.received_at = work.now
    for part in authorization.lines:
        work.line(part["line_id"]).returned_quantity += part["quantity"]
    work.authorization = authorization


def mark_inspected(work: Work, effect: e.MarkInspected, _key: str) -> None:
    """Note what the inspection found; nothing is taken back by it."""
    authorization = _of(work, effect.authorization_id)
    authorization.state = "inspected"
    authorization.inspected_at = work.now
    authorization.inspection = effect.result.value


def note_expiry(work: Work, effect: e.SetTimer) -> None:
    """Let the authorization bear the day that the plan's own timer names as its end."""
    if effect.kind is TimerKind.RETURN_EXPIRY and work.authorization is not None:
        work.authorization.expires_at = effect.due


def _close(work: Work, authorization_id: str, state: str) -> None:
    authorization = _of(work, authorization_id)
    authorization.state = state
    for unit in authorization.units:
        unit.taken = False


def _of(work: Work, authorization_id: str) -> ReturnAuthorization:
    return work.session.get_one(ReturnAuthorization, int(authorization_id))


def _free_units(work: Work, line: OrderLine) -> list[int]:
    taken = set(work.session.scalars(select(ReturnUnit.unit).where(ReturnUnit.line_id == line.id, ReturnUnit.taken)))
    return [unit for unit in range(line.quantity - line.canceled_quantity) if unit not in taken]
