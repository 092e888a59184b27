"""Troubles with marketplace orders: each recipe writes one order with what became of it."""

from __future__ import annotations

from datetime import timedelta

from madoguchi.demo.buying import Shop, buy_from_seller
from madoguchi.demo.mail import send, yen
from madoguchi.demo.marketplace import (
    answer,
    ask,
    ask_to_cancel,
    claim,
    contradict,
    grant_guarantee,
    replace,
    say_sold_out,
)
from madoguchi.demo.moneyback import open_case, release, void
from madoguchi.demo.returns import authorize


def sold_out(shop: Shop) -> None:
    """The seller wrote that it is sold out; the customer has not told us yet."""
    purchase = buy_from_seller(shop, "placed", shop.rng.randint(2, 5))
    say_sold_out(shop.rows, purchase, shop.now - timedelta(hours=shop.rng.randint(2, 20)))


def seller_asked(shop: Shop) -> None:
    """Sold out, cancellation requested, refund planned; the seller's 48 hours are running."""
    purchase = buy_from_seller(shop, "placed", shop.rng.randint(3, 6))
    at = shop.now - timedelta(hours=shop.rng.randint(1, 44))
    say_sold_out(shop.rows, purchase, at - timedelta(hours=3))
    ask_to_cancel(shop.rows, purchase, at)


def seller_canceled(shop: Shop) -> None:
    """The seller confirmed the cancellation, and the planned refund went out."""
    days = shop.rng.randint(2, 200)
    purchase = buy_from_seller(shop, "placed", days + 4)
    at = shop.ago(days + 2)
    say_sold_out(shop.rows, purchase, at - timedelta(hours=4))
    _, inquiry, planned = ask_to_cancel(shop.rows, purchase, at, case_state="closed")
    done = shop.ago(days)
    answer(shop.rows, inquiry, "canceled", done, "在庫がなく、取り消しの手続きをいたしました。")
    order = purchase.order
    order.state, order.canceled_at, order.cancel_request = "canceled", done, None
    for line in purchase.lines:
        line.canceled_quantity = line.quantity
    release(shop.rows, purchase, planned, done, state="settled" if days > 6 else "sent")
    values = {**purchase.values, "amount": yen(sum(row.amount for row in planned))}
    send(shop.rows, purchase.customer, "canceled", done, order_number=order.number, **values)


def seller_unclear(shop: Shop) -> None:
    """The seller's answer settles nothing: a human reviews it."""
    purchase = buy_from_seller(shop, "placed", shop.rng.randint(5, 9))
    at = shop.now - timedelta(hours=shop.rng.randint(20, 40))
    case, inquiry, _ = ask_to_cancel(shop.rows, purchase, at, case_state="with_agent")
    case.outcome = "needs_agent:seller_answer_unclear"
    answer(shop.rows, inquiry, "other", at + timedelta(hours=10), "来月には入荷するかもしれません。")


def conflict(shop: Shop) -> None:
    """Sold out and canceled, then "shipped": the money is frozen, the seller is asked anew."""
    purchase = buy_from_seller(shop, "placed", shop.rng.randint(4, 7))
    asked = shop.now - timedelta(hours=shop.rng.randint(40, 60))
    say_sold_out(shop.rows, purchase, asked - timedelta(hours=3))
    _, first, _ = ask_to_cancel(shop.rows, purchase, asked)
    number, values = purchase.order.number, purchase.values
    shipped = shop.now - timedelta(hours=shop.rng.randint(12, 18))
    send(shop.rows, purchase.customer, "seller_shipped", shipped, order_number=number, **values)
    replace(shop.rows, first, shipped)
    contradict(shop.rows, purchase, shipped + timedelta(hours=shop.rng.randint(1, 10)))


def conflict_arrived_fine(shop: Shop) -> None:
    """A contradiction that ended well: it arrived, the refund was voided, the case closed."""
    days = shop.rng.randint(3, 150)
    purchase = buy_from_seller(shop, "delivered", days)
    at = shop.ago(days + 1)
    _, first, planned = ask_to_cancel(shop.rows, purchase, at, case_state="closed")
    purchase.order.state, purchase.order.cancel_request = "delivered", None
    replace(shop.rows, first, at)
    case = open_case(shop.rows, purchase.customer, "conflicting_notice", at, purchase=purchase, flagged=True)
    second = ask(shop.rows, purchase, case, at + timedelta(hours=2))
    answer(shop.rows, second, "delivered_fine", shop.ago(days), "お届けが完了しております。")
    void(purchase, planned)


def shipped_in_error(shop: Shop) -> None:
    """The seller shipped it in error: the customer sends it back, the shop pays."""
    days = shop.rng.randint(1, 8)
    purchase = buy_from_seller(shop, "delivered", days)
    at = shop.after(purchase.order.delivered_at or shop.now, shop.ago(days))
    case = open_case(shop.rows, purchase.customer, "conflicting_notice", at, purchase=purchase, state="open")
    inquiry = ask(shop.rows, purchase, case, at - timedelta(days=1))
    answer(shop.rows, inquiry, "shipped_in_error", at, "誤って発送しました。着払いでご返送ください。")
    authorize(shop.rows, purchase, case, at)


def guarantee_granted(shop: Shop) -> None:
    """The seller stayed silent for 48 hours: the guarantee paid to the gift balance."""
    days = shop.rng.randint(1, 150)
    purchase = buy_from_seller(shop, "placed", days + 6)
    at = shop.ago(days + 3)
    say_sold_out(shop.rows, purchase, at - timedelta(hours=2))
    case, inquiry, planned = ask_to_cancel(shop.rows, purchase, at, case_state="closed")
    inquiry.state = "closed"
    void(purchase, planned)
    grant_guarantee(shop.rows, purchase, case, inquiry.deadline + timedelta(hours=1))


def guarantee_reviewed(shop: Shop, *, state: str) -> None:
    """A human reviews (or refused) a claim after a seller's answer that did not satisfy."""
    days = shop.rng.randint(1, 3) if state == "review" else shop.rng.randint(20, 120)
    purchase = buy_from_seller(shop, "delivered", days + 3)
    at = shop.ago(days)
    kept = "with_agent" if state == "review" else "closed"
    kind = "dissatisfied_with_answer"
    case = open_case(shop.rows, purchase.customer, kind, at, purchase=purchase, state=kept)
    case.outcome = "needs_agent:guarantee_review"
    inquiry = ask(shop.rows, purchase, case, at - timedelta(days=1))
    answer(shop.rows, inquiry, "other", at - timedelta(hours=2), "中古品のため、傷は仕様の範囲です。")
    reason = None if state == "review" else "as_described"
    claim(shop.rows, purchase, case, at, state=state, amount=purchase.total, reason=reason)
    number = purchase.order.number
    send(shop.rows, purchase.customer, "guarantee_review", at, order_number=number, **purchase.values)
