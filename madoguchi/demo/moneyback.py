"""Money back: cases, agreements, cancellations and refunds, as the desk's services would have left them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from madoguchi.demo.purchases import Purchase, account_of
from madoguchi.demo.rows import Rows
from madoguchi.policy import amounts
from madoguchi.policy.decisions import Receipt
from madoguchi.policy.effects import Effect, Split
from madoguchi.policy.facts import LineAmount, LineQuantity, PaymentFacts
from madoguchi.policy.plans import Plan
from madoguchi.policy.requests import Request, RequestKind
from madoguchi.policy.vocabulary import PaymentMethod, RefundMethod
from madoguchi.services import deciding, ledger
from madoguchi.store import (
    Case,
    Customer,
    Intent,
    LedgerEntry,
    OutboxCall,
    Refund,
    ReturnAuthorization,
)

SETTLES_AFTER = timedelta(days=4)
RELEASED = ("pending", "sent", "settled", "failed")
"""States of a refund whose money has left the sales."""


def open_case(
    rows: Rows,
    customer: Customer,
    kind: str,
    at: datetime,
    *,
    purchase: Purchase | None = None,
    membership_id: int | None = None,
    state: str = "closed",
    flagged: bool = False,
    outcome: str = "approved",
) -> Case:
    """Write a case of this kind; a closed one was closed a few days after it was opened."""
    closed_at = min(at + timedelta(days=5), rows.now) if state == "closed" else None
    return rows.add(
        Case(
            reference=f"C-{rows.letters(8)}",
            customer_id=customer.id,
            order_number=purchase.order.number if purchase else None,
            membership_id=membership_id,
            kind=kind,
            state=state,
            flagged=flagged,
            outcome=outcome,
            opened_at=at,
            closed_at=closed_at,
        )
    )


def agree(rows: Rows, case: Case, effects: Sequence[Effect], at: datetime) -> Intent:
    """Write what the customer said yes to, carried out to its end."""
    request, plan = Request(RequestKind(case.kind)), Plan(tuple(effects))
    return rows.add(
        Intent(
            key=f"demo-{case.reference}",
            case_id=case.id,
            request=deciding.request_json(request),
            plan=json.loads(plan.to_json()),
            receipt=deciding.receipt_json(Receipt(rule=case.kind)),
            fingerprint=plan.fingerprint(),
            recovery_point="finished",
            result={},
            proposed_at=at,
            confirmed_at=at,
            finished_at=at,
        )
    )


def units(purchase: Purchase, quantities: Mapping[int, int] | None = None) -> tuple[LineAmount, ...]:
    """Return units with their money: so many of each line by its index, or all that is left."""
    facts = purchase.facts()
    found = []
    for index, line in enumerate(facts.lines):
        gone = line.canceled + line.returned
        wanted = line.quantity - gone if quantities is None else quantities.get(index, 0)
        if wanted:
            amount = amounts.units_amount(amounts.line_net(facts, line), line.quantity, gone, wanted)
            found.append(LineAmount(line.id, wanted, amount))
    return tuple(found)


def postage(purchase: Purchase, parts: Sequence[LineAmount]) -> int:
    """Return the outbound postage that belongs to these units, in yen."""
    return amounts.postage_share(purchase.facts(), parts)


def splits(purchase: Purchase, amount: int, to: str | None = None) -> tuple[Split, ...]:
    """Spread an amount over the payments, the card part first; `to` overrides the way each goes back."""
    payments = [
        PaymentFacts(
            id=str(payment.id),
            method=PaymentMethod(payment.method),
            captured=payment.captured,
            refunded=purchase.refunded.get(payment.id, 0),
        )
        for payment in purchase.payments
    ]
    return tuple(
        Split(payment.id, part, _way_back(payment.method, to)) for payment, part in amounts.split_over(amount, payments)
    )


def refund(
    rows: Rows,
    purchase: Purchase,
    case: Case,
    parts: Sequence[LineAmount],
    at: datetime,
    *,
    shipping: int = 0,
    state: str = "settled",
    to: str | None = None,
    authorization: ReturnAuthorization | None = None,
) -> list[Refund]:
    """Write the refund of these units, a row for each payment it comes from, with its ledger entries."""
    made: list[Refund] = []
    shares = splits(purchase, sum(part.amount for part in parts) + shipping, to)
    for number, split in enumerate(shares):
        row = rows.add(
            Refund(
                key=f"demo-{case.reference}:{rows.letters(4)}:{number}",
                case_id=case.id,
                authorization_id=authorization.id if authorization else None,
                order_number=purchase.order.number,
                payment_id=int(split.payment_id),
                amount=split.amount,
                destination=split.method.value,
                lines=[] if number else [asdict(part) for part in parts],
                shipping=0 if number else shipping,
                reason=case.kind,
                state=state,
                created_at=at,
            )
        )
        if state != "voided":
            purchase.refunded[row.payment_id] = purchase.refunded.get(row.payment_id, 0) + split.amount
        _book(rows, purchase.customer, row, _method(purchase, row), at)
        made.append(row)
    return made


def release(rows: Rows, purchase: Purchase, planned: Sequence[Refund], at: datetime, *, state: str) -> None:
    """Send refunds that were only planned until now."""
    for row in planned:
        row.state = state
        _book(rows, purchase.customer, row, _method(purchase, row), at)


def void(purchase: Purchase, planned: Sequence[Refund]) -> None:
    """Drop refunds that were only planned until now."""
    for row in planned:
        row.state = "voided"
        purchase.refunded[row.payment_id] -= row.amount


def book_charge_refund(rows: Rows, customer: Customer, row: Refund, method: str, at: datetime) -> None:
    """Book a refund that belongs to no order: a membership's charge."""
    _book(rows, customer, row, method, at)


def cancel(
    rows: Rows,
    purchase: Purchase,
    case: Case,
    at: datetime,
    *,
    quantities: Mapping[int, int] | None = None,
    state: str = "settled",
    to: str | None = None,
) -> list[Refund]:
    """Cancel units before shipment and pay them back; with the last one the order and its postage too."""
    parts = units(purchase, quantities)
    counted = {part.line_id: part.quantity for part in parts}
    for line in purchase.lines:
        line.canceled_quantity += counted.get(str(line.id), 0)
    whole = all(line.canceled_quantity == line.quantity for line in purchase.lines)
    if whole:
        purchase.order.state, purchase.order.canceled_at = "canceled", at
    purchase.order.cancel_request = None
    shipping = purchase.order.shipping_fee if whole else 0
    return refund(rows, purchase, case, parts, at, shipping=shipping, state=state, to=to)


def request_cancel(rows: Rows, purchase: Purchase, at: datetime, *, state_before: str) -> None:
    """Note the wish to cancel the whole order; warehouse or seller have the word."""
    wanted = [LineQuantity(part.line_id, part.quantity) for part in units(purchase)]
    purchase.order.cancel_request = {
        "lines": [asdict(part) for part in wanted],
        "whole_order": True,
        "state_before": state_before,
        "at": at.isoformat(),
    }
    purchase.order.state = "cancel_requested"


def _way_back(method: PaymentMethod, to: str | None) -> RefundMethod:
    kept_by_us = method in (PaymentMethod.CONVENIENCE_STORE, PaymentMethod.CASH_ON_DELIVERY)
    if method is PaymentMethod.GIFT_BALANCE:
        return RefundMethod.ORIGINAL_PAYMENT
    if to is not None and not (kept_by_us and to == RefundMethod.ORIGINAL_PAYMENT):
        return RefundMethod(to)
    return RefundMethod.GIFT_BALANCE if kept_by_us else RefundMethod.ORIGINAL_PAYMENT


def _method(purchase: Purchase, row: Refund) -> str:
    return next(payment.method for payment in purchase.payments if payment.id == row.payment_id)


def _book(rows: Rows, customer: Customer, row: Refund, method: str, at: datetime) -> None:
    """Date the refund's states, and enter what they mean into the ledger and the outbox."""
    to_gift = row.destination == "gift_balance" or (row.destination == "original_payment" and method == "gift_balance")
    if row.state not in RELEASED:
        return
    _entry(rows, f"{row.key}:released", ledger.SALES, ledger.PAYABLE, row, at)
    if to_gift:
        account = account_of(rows, customer, "gift_balance")
        row.account_reference = account.reference if account else None
        row.state, row.sent_at, row.settled_at = "settled", at, at
        _entry(rows, f"{row.key}:sent", ledger.PAYABLE, row.account_reference or "", row, at)
        return
    if row.state in ("sent", "settled"):
        row.sent_at, row.processor_reference = at, f"re_demo_{row.id:07}"
        row.settled_at = min(at + SETTLES_AFTER, rows.now) if row.state == "settled" else None
        way = "bank_transfer" if row.destination == "bank_transfer" else method
        _entry(rows, f"{row.key}:sent", ledger.PAYABLE, ledger.cash(way), row, at)
    kind = "bank_transfer" if row.destination == "bank_transfer" else "card_refund"
    call = {"pending": "ready", "failed": "failed"}.get(row.state, "done")
    rows.add(
        OutboxCall(
            key=row.key,
            kind=kind,
            subject=str(row.id),
            payload={},
            state=call,
            attempts=0 if call == "ready" else 1,
            due_at=at,
            last_error="refused: card_closed" if call == "failed" else None,
        )
    )


def _entry(rows: Rows, key: str, debit: str, credit: str, row: Refund, at: datetime) -> None:
    rows.add(
        LedgerEntry(
            key=key, debit=debit, credit=credit, amount=row.amount, currency="JPY", reason=row.reason, booked_at=at
        )
    )
