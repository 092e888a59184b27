"""Reordering: stock and price held first, then the payment, then a new order linked to the old one.

Its failure never touches the refund of the old order: the reorder is a row of its own, and it alone fails.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from madoguchi.payments.port import Accepted, Refused
from madoguchi.policy import effects as e
from madoguchi.policy.plans import Plan
from madoguchi.services import audit, ledger
from madoguchi.services.performing.work import Work
from madoguchi.services.targets import Target
from madoguchi.services.views import Choice, Money
from madoguchi.services.wishes import Ask, Tell, Wish
from madoguchi.store import Account, Order, OrderLine, OutboxCall, Payment, Reorder, Variant

OUT_OF_STOCK, PAYMENT_REFUSED = "out_of_stock", "payment_refused"


@dataclass(frozen=True)
class Paid:
    """What was captured for a reorder: the difference of an exchange, or the whole price."""

    reference: str
    account: Account
    amount: int


def plan(session: Session, target: Target, wish: Wish) -> Plan | Ask | Tell:
    """Return the plan that orders the target's line again at the price paid, in the size wished for."""
    if len(target.lines) != 1:
        return Tell("nothing_fits")
    line = target.lines[0]
    variant = _variant(session, line, wish)
    if isinstance(variant, Ask | Tell):
        return variant
    count = wish.quantity or line.quantity
    if variant.stock < count:
        return Tell("reorder_out_of_stock", {"article": line.title, "size": variant.size})
    units = tuple(e.ReplacementLine(str(line.id), variant.reference, line.unit_price) for _ in range(count))
    account = next((payment.account_reference for payment in line.order.payments), None)
    return Plan((e.LinkedReorder(units, line.unit_price * count, account),), line.order.currency)


def hold(work: Work, effect: e.LinkedReorder) -> None:
    """Take the stock and ask for the payment, inside the caller's transaction; no stock is a failure that is kept."""
    counts: dict[tuple[str, str], int] = {}
    for unit in effect.replacements:
        counts[unit.line_id, unit.sku] = counts.get((unit.line_id, unit.sku), 0) + 1
    for number, ((line_id, sku), count) in enumerate(counts.items()):
        variant = work.session.scalars(select(Variant).where(Variant.reference == sku)).one()
        price = next(unit.price for unit in effect.replacements if unit.sku == sku)
        taken = work.session.execute(
            update(Variant).where(Variant.id == variant.id, Variant.stock >= count).values(stock=Variant.stock - count)
        )
        held = taken.rowcount == 1  # type: ignore[attr-defined]
        work.session.add(
            Reorder(
                key=f"{work.key}:reorder:{number}",
                case_id=work.case.id,
                order_number=work.the_order.number,
                line_id=int(line_id),
                variant_id=variant.id,
                quantity=count,
                unit_price=price,
                state="held" if held else "failed",
                failure=None if held else OUT_OF_STOCK,
                created_at=work.now,
            )
        )
    work.session.flush()
    rows = of_intent(work.session, work.key)
    if any(row.state == "failed" for row in rows):
        _fail(work.session, rows, OUT_OF_STOCK)
    else:
        _ask_for_payment(work, effect)


def of_intent(session: Session, intent_key: str) -> list[Reorder]:
    """Return the reorder rows of one intent."""
    return list(session.scalars(select(Reorder).where(Reorder.key.startswith(f"{intent_key}:reorder:"))))


def variants(session: Session, effect: e.LinkedReorder) -> list[Variant]:
    """Return the variants a linked reorder sends."""
    return list(session.scalars(select(Variant).where(Variant.reference.in_([u.sku for u in effect.replacements]))))


def charged(session: Session, now: datetime, intent_key: str, outcome: Accepted | Refused) -> None:
    """Place the new order once its payment went through, or give the stock back where it was refused."""
    rows = of_intent(session, intent_key)
    if not rows or any(row.state != "held" for row in rows):
        return
    if isinstance(outcome, Refused):
        _fail(session, rows, PAYMENT_REFUSED)
        return
    asked = session.scalars(select(OutboxCall).where(OutboxCall.key == f"{intent_key}:charge")).one().payload
    account = session.get_one(Account, asked["account"])
    place(session, now, intent_key, rows, Paid(outcome.reference, account, asked["amount"]))


def place(session: Session, now: datetime, intent_key: str, rows: list[Reorder], paid: Paid | None) -> Order:
    """Write the new order; `paid` is what was captured for it, None where nothing was."""
    old = session.get_one(Order, rows[0].order_number)
    order = Order(
        number=new_order_number(),
        customer_id=old.customer_id,
        seller_id=old.seller_id,
        state="placed",
        currency=old.currency,
        placed_at=now,
        reordered_from=old.number,
    )
    session.add(order)
    session.flush()
    for row in rows:
        line = session.get_one(OrderLine, row.line_id)
        session.add(
            OrderLine(
                order_number=order.number,
                variant_id=row.variant_id,
                title=line.title,
                unit_price=row.unit_price,
                quantity=row.quantity,
            )
        )
        row.state, row.new_order_number = "placed", order.number
    if paid is not None:
        session.add(
            Payment(
                reference=paid.reference,
                customer_id=old.customer_id,
                order_number=order.number,
                method=paid.account.method,
                account_reference=paid.account.reference,
                label=paid.account.label,
                currency=old.currency,
                captured=paid.amount,
                captured_at=now,
            )
        )
        if paid.account.method != "gift_balance":
            ledger.post(
                session,
                f"{intent_key}:charged",
                debit=ledger.cash(paid.account.method),
                credit=ledger.SALES,
                amount=paid.amount,
                currency=old.currency,
                reason="reorder",
                at=now,
            )
    audit.note(session, now, "bot", "reordered", f"order:{order.number}", {"from": old.number})
    return order


def new_order_number() -> str:
    """Return a fresh order number, 3-7-7 digits."""
    return f"250-{secrets.randbelow(10**7):07}-{secrets.randbelow(10**7):07}"


def _variant(session: Session, line: OrderLine, wish: Wish) -> Variant | Ask | Tell:
    """Return the variant wished for; where the size did not fit, another one must be named."""
    siblings = [variant for variant in line.variant.product.variants if variant.size is not None]
    if wish.size is not None and siblings:
        wanted = next((variant for variant in siblings if variant.size == wish.size), None)
        if wanted is not None:
            return wanted
        return _ask_size(line, siblings, "ask_size_other")
    if wish.problem == "wrong_size":
        return _ask_size(line, siblings, "ask_size")
    return line.variant


def _ask_size(line: OrderLine, siblings: list[Variant], reply: str) -> Ask | Tell:
    there = [variant for variant in siblings if variant.stock > 0 and variant.id != line.variant_id]
    if not there:
        return Tell("reorder_out_of_stock", {"article": line.title, "size": None})
    choices = tuple(
        Choice(f"size:{variant.size}", variant.size or "", price=Money(line.unit_price, line.order.currency))
        for variant in there
    )
    return Ask("size", reply, choices, {"article": line.title, "size": line.variant.size})


def _ask_for_payment(work: Work, effect: e.LinkedReorder) -> None:
    amount, rows = effect.difference, of_intent(work.session, work.key)
    account = work.session.get(Account, effect.account) if effect.account else None
    if amount <= 0 or account is None:
        place(work.session, work.now, work.key, rows, paid=None)
    elif account.method == "gift_balance":
        _pay_by_gift(work, account, amount, rows)
    else:
        payload = {
            "intent": work.key,
            "account": account.reference,
            "amount": amount,
            "currency": work.the_order.currency,
        }
        work.session.add(
            OutboxCall(key=f"{work.key}:charge", kind="card_charge", subject=work.key, payload=payload, due_at=work.now)
        )
        work.session.flush()


def _pay_by_gift(work: Work, account: Account, amount: int, rows: list[Reorder]) -> None:
    work.session.refresh(account, with_for_update=True)
    if account.balance < amount:
        _fail(work.session, rows, PAYMENT_REFUSED)
        return
    key = f"{work.key}:charged"
    ledger.post(
        work.session,
        key,
        debit=account.reference,
        credit=ledger.SALES,
        amount=amount,
        currency=work.the_order.currency,
        reason="reorder",
        at=work.now,
    )
    place(work.session, work.now, work.key, rows, Paid(key, account, amount))


def _fail(session: Session, rows: list[Reorder], failure: str) -> None:
    for row in rows:
        if row.state == "held":
            session.execute(
                update(Variant).where(Variant.id == row.variant_id).values(stock=Variant.stock + row.quantity)
            )
        row.state, row.failure = "failed", failure
    session.flush()
