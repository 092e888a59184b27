"""Marketplace troubles of the demo shop: sold out, the seller asked, contradictions, and the guarantee."""

from __future__ import annotations

from datetime import datetime, timedelta

from madoguchi.demo.mail import send, yen
from madoguchi.demo.moneyback import open_case, refund, request_cancel, units
from madoguchi.demo.purchases import Purchase, account_of
from madoguchi.demo.returns import set_timer
from madoguchi.demo.rows import Rows
from madoguchi.demo.times import written
from madoguchi.policy.vocabulary import TimerKind
from madoguchi.services import ledger
from madoguchi.store import Case, GuaranteeClaim, Inquiry, LedgerEntry, Refund, Timer

ANSWER_WITHIN = timedelta(hours=48)
GUARANTEE_LIMIT = 300_000


def say_sold_out(rows: Rows, purchase: Purchase, at: datetime) -> None:
    """Send the seller's mail that the article is sold out."""
    send(rows, purchase.customer, "sold_out", at, order_number=purchase.order.number, **purchase.values)


def ask_to_cancel(
    rows: Rows, purchase: Purchase, at: datetime, *, case_state: str = "open"
) -> tuple[Case, Inquiry, list[Refund]]:
    """Ask the seller to cancel (rule 12): cancellation requested, refund planned, the seller's clock started."""
    case = open_case(rows, purchase.customer, "seller_stockout", at, purchase=purchase, state=case_state)
    parts, fee = units(purchase), purchase.order.shipping_fee
    planned = refund(rows, purchase, case, parts, at, shipping=fee, state="planned")
    request_cancel(rows, purchase, at, state_before=purchase.order.state)
    inquiry = ask(rows, purchase, case, at)
    values = {**purchase.values, "day": written(inquiry.deadline)}
    send(rows, purchase.customer, "seller_asked", at, order_number=purchase.order.number, **values)
    return case, inquiry, planned


def ask(rows: Rows, purchase: Purchase, case: Case, at: datetime, *, deadline: datetime | None = None) -> Inquiry:
    """Put a question to the order's seller and start its clock; ValueError for the shop's own stock."""
    if purchase.seller is None:
        raise ValueError("only a marketplace order has a seller to ask")
    due = deadline or at + ANSWER_WITHIN
    inquiry = rows.add(
        Inquiry(
            case_id=case.id,
            order_number=purchase.order.number,
            seller_id=purchase.seller.id,
            subject=case.kind,
            state="open",
            asked_at=at,
            deadline=due,
        )
    )
    over = due if due < rows.now else None
    set_timer(rows, f"demo-inquiry:{inquiry.id}", TimerKind.SELLER_DEADLINE, str(inquiry.id), due, done_at=over)
    return inquiry


def answer(rows: Rows, inquiry: Inquiry, word: str, at: datetime, text: str = "") -> None:
    """Note what the seller answered; the clock stops."""
    inquiry.state, inquiry.answer, inquiry.answer_text, inquiry.answered_at = "answered", word, text or None, at
    _stop_clock(rows, inquiry, at)


def replace(rows: Rows, inquiry: Inquiry, at: datetime) -> None:
    """Let a newer question take the place of this one; its clock stops."""
    inquiry.state = "replaced"
    _stop_clock(rows, inquiry, at)


def contradict(rows: Rows, purchase: Purchase, at: datetime) -> tuple[Case, Inquiry]:
    """Freeze the order's money (rule 13): the seller asked anew, the case on the watch list."""
    case = open_case(rows, purchase.customer, "conflicting_notice", at, purchase=purchase, state="open", flagged=True)
    purchase.order.frozen_at = at
    inquiry = ask(rows, purchase, case, at)
    values = {**purchase.values, "day": written(inquiry.deadline)}
    send(rows, purchase.customer, "conflict_asked", at, order_number=purchase.order.number, **values)
    return case, inquiry


def grant_guarantee(rows: Rows, purchase: Purchase, case: Case, at: datetime) -> GuaranteeClaim:
    """Pay the articles' amount to the customer's gift balance, and block what the seller may send later."""
    amount = min(sum(part.amount for part in units(purchase)), GUARANTEE_LIMIT)
    account = account_of(rows, purchase.customer, "gift_balance")
    rows.add(
        LedgerEntry(
            key=f"demo-guarantee:{purchase.order.number}:sent",
            debit=ledger.GUARANTEE,
            credit=account.reference if account else "",
            amount=amount,
            currency="JPY",
            reason="guarantee",
            booked_at=at,
        )
    )
    purchase.order.seller_refund_blocked = True
    values = {**purchase.values, "amount": yen(amount)}
    send(rows, purchase.customer, "guarantee_paid", at, order_number=purchase.order.number, **values)
    return claim(rows, purchase, case, at, state="granted", amount=amount)


def claim(
    rows: Rows, purchase: Purchase, case: Case, at: datetime, *, state: str, amount: int, reason: str | None = None
) -> GuaranteeClaim:
    """Write a claim on the guarantee in this state."""
    return rows.add(
        GuaranteeClaim(
            case_id=case.id,
            order_number=purchase.order.number,
            amount=amount,
            state=state,
            reason=reason,
            claimed_at=at,
            granted_at=at if state == "granted" else None,
        )
    )


def _stop_clock(rows: Rows, inquiry: Inquiry, at: datetime) -> None:
    kind = TimerKind.SELLER_DEADLINE.value
    for timer in rows.made(Timer):
        if timer.kind == kind and timer.subject == str(inquiry.id):
            timer.done_at = min(timer.done_at or at, at)
