"""Returns of the demo shop: authorizations with their units and clocks, and parcels that were scanned in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from madoguchi.demo.moneyback import agree, postage, refund, splits, units
from madoguchi.demo.purchases import Purchase
from madoguchi.demo.rows import Rows
from madoguchi.policy import amounts
from madoguchi.policy.effects import AuthorizeReturn, SetTimer, Split
from madoguchi.policy.facts import LineAmount
from madoguchi.policy.vocabulary import Payer, RefundMethod, ReturnRoute, TimerKind
from madoguchi.store import Case, Intent, Refund, ReturnAuthorization, ReturnUnit, Timer

REMINDED_AFTER, EXPIRES_AFTER = timedelta(days=14), timedelta(days=30)


def authorize(
    rows: Rows,
    purchase: Purchase,
    case: Case,
    at: datetime,
    *,
    quantities: Mapping[int, int] | None = None,
    payer: str = "shop",
    route: str = "send_back",
    percent: int = 100,
    to: str | None = None,
    state: str = "open",
) -> ReturnAuthorization:
    """Open a return authorization the customer agreed to, with its units, reminder and end."""
    parts = tuple(
        LineAmount(part.line_id, part.quantity, amounts.percent_of(part.amount, percent))
        for part in units(purchase, quantities)
    )
    shipping = postage(purchase, parts) if payer == "shop" else 0
    shares = splits(purchase, sum(part.amount for part in parts) + shipping, to)
    effect = AuthorizeReturn(
        lines=parts,
        shipping=shipping,
        splits=shares,
        payer=Payer(payer),
        route=ReturnRoute(route),
        method=RefundMethod(to) if to else None,
    )
    clocks = (
        SetTimer(TimerKind.RETURN_REMINDER, at + REMINDED_AFTER),
        SetTimer(TimerKind.RETURN_EXPIRY, at + EXPIRES_AFTER),
    )
    intent = agree(rows, case, (effect, *clocks), at)
    made = rows.add(_authorization(rows, purchase, case, intent, effect, at, state))
    if state == "open" and at + REMINDED_AFTER < rows.now:
        made.reminded_at = at + REMINDED_AFTER
    _take_units(rows, purchase, made, parts)
    for number, clock in enumerate(clocks, start=1):
        over = clock.due if clock.due < rows.now else (None if state == "open" else rows.now)
        set_timer(rows, f"{intent.key}:{number}", clock.kind, str(made.id), clock.due, done_at=over)
    return made


def receive(
    rows: Rows, purchase: Purchase, authorization: ReturnAuthorization, case: Case, at: datetime, *, state: str
) -> list[Refund]:
    """Scan the parcel in: the units are back, inspected or not, and their money is sent."""
    authorization.state, authorization.received_at = "received", at
    parts = [LineAmount(**part) for part in authorization.lines]
    counted = {part.line_id: part.quantity for part in parts}
    for line in purchase.lines:
        line.returned_quantity += counted.get(str(line.id), 0)
    return refund(
        rows,
        purchase,
        case,
        parts,
        at,
        shipping=authorization.shipping,
        state=state,
        to=authorization.method,
        authorization=authorization,
    )


def set_timer(
    rows: Rows, key: str, kind: TimerKind, subject: str, due: datetime, *, done_at: datetime | None = None
) -> Timer:
    """Set the worker's alarm; one that is over already bears when it was done."""
    return rows.add(
        Timer(
            key=f"{key}:set_timer",
            kind=kind.value,
            subject=subject,
            payload={},
            due_at=due,
            attempts=0 if done_at is None else 1,
            done_at=done_at,
        )
    )


def _authorization(
    rows: Rows, purchase: Purchase, case: Case, intent: Intent, effect: AuthorizeReturn, at: datetime, state: str
) -> ReturnAuthorization:
    return ReturnAuthorization(
        number=f"R-{rows.letters(4)}-{rows.letters(4)}",
        intent_key=intent.key,
        case_id=case.id,
        order_number=purchase.order.number,
        state=state,
        payer=effect.payer.value,
        route=effect.route.value,
        reason=case.kind,
        lines=[asdict(part) for part in effect.lines],
        splits=[_plain(split) for split in effect.splits],
        shipping=effect.shipping,
        method=effect.method.value if effect.method else None,
        exchange=False,
        refund_amount=sum(split.amount for split in effect.splits),
        created_at=at,
        expires_at=at + EXPIRES_AFTER,
    )


def _plain(split: Split) -> dict[str, Any]:
    return {**asdict(split), "method": split.method.value}


def _take_units(
    rows: Rows, purchase: Purchase, authorization: ReturnAuthorization, parts: Sequence[LineAmount]
) -> None:
    taken = authorization.state not in ("expired", "withdrawn")
    for part in parts:
        line_id = int(part.line_id)
        first = purchase.units_taken.get(line_id, 0)
        for unit in range(first, first + part.quantity):
            rows.add(ReturnUnit(authorization_id=authorization.id, line_id=line_id, unit=unit, taken=taken))
        if taken:
            purchase.units_taken[line_id] = first + part.quantity
