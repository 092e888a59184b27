"""Troubles with the shop's own stock: each recipe writes one order with what became of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from madoguchi.demo.buying import Shop, basket, buy, tell
from madoguchi.demo.mail import send, yen
from madoguchi.demo.moneyback import agree, cancel, open_case, refund, request_cancel, units
from madoguchi.demo.purchases import Draft, Item, Pay, Purchase, place
from madoguchi.demo.returns import EXPIRES_AFTER, REMINDED_AFTER, authorize, receive, set_timer
from madoguchi.demo.times import local_day, written
from madoguchi.policy.effects import CancelLines
from madoguchi.policy.facts import LineQuantity
from madoguchi.policy.vocabulary import TimerKind
from madoguchi.store import Case, Refund, Reorder, ReturnAuthorization, Score

type Recipe = Callable[[Shop], object]

FAULTS = ("defect", "defect", "defect", "wrong_size", "wrong_item", "missing_part")


def canceled(shop: Shop, days: int, *, state: str = "settled", to: str | None = None, pay: str | None = None) -> None:
    """Canceled before shipment and paid back, so many days ago."""
    payments = (Pay(pay),) if pay else None
    purchase = buy(shop, "placed", days, payments=payments)
    at = min(purchase.order.placed_at + timedelta(hours=shop.rng.randint(1, 20)), shop.now)
    case = open_case(shop.rows, purchase.customer, "cancel", at, purchase=purchase)
    everything = tuple(LineQuantity(part.line_id, part.quantity) for part in units(purchase))
    agree(shop.rows, case, [CancelLines(everything, whole_order=True)], at)
    made = cancel(shop.rows, purchase, case, at, state=state, to=to)
    if state == "failed":
        case.state, case.closed_at = "with_agent", None
    _tell_money(shop, purchase, made, "canceled")
    _score(shop, case)


def partly_canceled(shop: Shop) -> None:
    """One line of several canceled, its part paid back; the others go their way."""
    days = shop.rng.randint(0, 120)
    state = shop.rng.choice(("placed", "preparing")) if days < 3 else "delivered"
    purchase = buy(shop, state, days, items=basket(shop, lines=shop.rng.choice((2, 3))))
    at = min(purchase.order.placed_at + timedelta(hours=2), purchase.order.shipped_at or shop.now, shop.now)
    case = open_case(shop.rows, purchase.customer, "cancel", at, purchase=purchase)
    made = cancel(shop.rows, purchase, case, at, quantities={0: purchase.lines[0].quantity})
    _tell_money(shop, purchase, made, "refund_sent")


def cancel_requested(shop: Shop) -> None:
    """The warehouse was asked to cancel an order it prepares already."""
    purchase = buy(shop, "preparing", shop.rng.randint(1, 3))
    at = shop.after(purchase.order.placed_at, shop.now - timedelta(hours=shop.rng.randint(1, 20)))
    open_case(shop.rows, purchase.customer, "cancel", at, purchase=purchase, state="open")
    request_cancel(shop.rows, purchase, at, state_before="preparing")
    number = purchase.order.number
    send(shop.rows, purchase.customer, "cancel_requested", at, order_number=number, **purchase.values)


def promised_day_passed(shop: Shop) -> None:
    """Sent, but not there days after the promised one."""
    buy(shop, "shipped", shop.rng.randint(7, 10), overdue=shop.rng.randint(1, 6))


def return_open(shop: Shop, *, days: int | None = None) -> None:
    """A return authorized, the parcel still to come: for a fault, or for a change of mind."""
    since = shop.rng.randint(0, 12) if days is None else days
    purchase, case, authorization = _returning(shop, since)
    _tell_label(shop, purchase, authorization)
    if authorization.reminded_at is not None:
        values = {**purchase.values, "rma": authorization.number, "day": written(authorization.expires_at)}
        number = purchase.order.number
        send(
            shop.rows,
            purchase.customer,
            "return_reminder",
            authorization.reminded_at,
            order_number=number,
            **values,
        )
    if case.kind == "defect" and purchase.articles[0].variant.stock > 0 and shop.rng.random() < 0.3:
        _reorder(shop, purchase, case)


def return_reminded(shop: Shop) -> None:
    """The parcel did not come in 14 days, and the customer was reminded."""
    return_open(shop, days=shop.rng.randint(REMINDED_AFTER.days + 1, EXPIRES_AFTER.days - 2))


def returned(shop: Shop, *, fresh: bool) -> None:
    """The parcel was scanned in and its money sent; fresh ones are not inspected yet."""
    scanned_days = shop.rng.randint(0, 4) if fresh else shop.rng.randint(6, 300)
    purchase, case, authorization = _returning(shop, scanned_days + shop.rng.randint(2, 8), state="received")
    at = shop.ago(scanned_days)
    made = receive(shop.rows, purchase, authorization, case, at, state="sent" if fresh else "settled")
    values = {**purchase.values, "rma": authorization.number, "amount": yen(sum(row.amount for row in made))}
    _tell_label(shop, purchase, authorization)
    send(shop.rows, purchase.customer, "parcel_received", at, order_number=purchase.order.number, **values)
    if not fresh:
        authorization.state, authorization.inspection = "inspected", "as_expected"
        authorization.inspected_at = min(at + timedelta(days=1), shop.now)
        case.state, case.closed_at = "closed", authorization.inspected_at
        _score(shop, case)


def inspection_disagrees(shop: Shop) -> None:
    """The inspection found it used, damaged or another article: a human looks at it, the money stays paid."""
    scanned_days = shop.rng.randint(2, 10)
    purchase, case, authorization = _returning(shop, scanned_days + 4, state="received")
    at = shop.ago(scanned_days)
    receive(shop.rows, purchase, authorization, case, at, state="sent")
    authorization.state = "inspected"
    authorization.inspection = shop.rng.choice(("used", "damaged_by_customer", "other_article"))
    authorization.inspected_at = min(at + timedelta(days=1), shop.now)
    case.state, case.closed_at, case.outcome = "with_agent", None, "needs_agent:inspection_disagrees"


def return_expired(shop: Shop) -> None:
    """The parcel never came; the authorization has expired."""
    purchase, case, authorization = _returning(shop, shop.rng.randint(35, 120), state="expired")
    authorization.reminded_at = authorization.created_at + REMINDED_AFTER
    case.state, case.closed_at = "closed", authorization.expires_at
    values = {**purchase.values, "rma": authorization.number}
    number, at = purchase.order.number, authorization.expires_at
    send(shop.rows, purchase.customer, "return_expired", at, order_number=number, **values)


def return_withdrawn(shop: Shop) -> None:
    """The customer took the return back and keeps the article."""
    _, case, authorization = _returning(shop, shop.rng.randint(3, 90), state="withdrawn")
    case.state, case.closed_at = "closed", min(authorization.created_at + timedelta(days=1), shop.now)


def refused_at_door(shop: Shop) -> None:
    """Wanted no more after it was sent: the parcel is to be refused at the door."""
    purchase = buy(shop, "shipped", shop.rng.randint(0, 2))
    at = shop.after(purchase.order.shipped_at or shop.now, shop.now - timedelta(hours=shop.rng.randint(1, 6)))
    case = open_case(shop.rows, purchase.customer, "cancel", at, purchase=purchase, state="open")
    authorize(shop.rows, purchase, case, at, payer="nobody", route="refuse_at_door")


def parcel_not_there(shop: Shop) -> None:
    """Marked delivered a day or two ago, but not there: the customer waits until the third day."""
    purchase = buy(shop, "delivered", shop.rng.randint(1, 2))
    at = shop.after(purchase.order.delivered_at or shop.now, shop.now - timedelta(hours=shop.rng.randint(1, 8)))
    open_case(
        shop.rows,
        purchase.customer,
        "not_delivered",
        at,
        purchase=purchase,
        state="open",
        outcome="wait:parcel_may_still_come",
    )
    until = (purchase.order.delivered_at or at) + timedelta(days=3)
    number = purchase.order.number
    set_timer(shop.rows, f"demo-parcel:{number}", TimerKind.MISSING_PARCEL, number, until)
    values = {**purchase.values, "day": written(until)}
    send(shop.rows, purchase.customer, "parcel_missing", at, order_number=number, **values)


def parcel_lost(shop: Shop) -> None:
    """A parcel that never came was paid back."""
    days = shop.rng.randint(12, 200)
    purchase = buy(shop, "shipped", days + 8, overdue=days + 4)
    at = shop.ago(days)
    case = open_case(shop.rows, purchase.customer, "not_delivered", at, purchase=purchase)
    parts = units(purchase)
    made = refund(shop.rows, purchase, case, parts, at, shipping=purchase.order.shipping_fee)
    _tell_money(shop, purchase, made, "refund_sent")


def bank_transfer_waits(shop: Shop) -> None:
    """Paid at a convenience store, canceled, to be sent to a bank account the customer has not given yet."""
    canceled(shop, shop.rng.randint(0, 4), state="pending", to="bank_transfer", pay="convenience_store")


def goodwill_part(shop: Shop) -> None:
    """An agent paid back a part of the price for a blemish; the article was kept."""
    days = shop.rng.randint(5, 200)
    purchase = buy(shop, "delivered", days + 4)
    at = shop.ago(days)
    case = open_case(shop.rows, purchase.customer, "defect", at, purchase=purchase)
    whole = units(purchase, {0: 1})[0]
    part = type(whole)(whole.line_id, 0, max(1, whole.amount * 20 // 100))
    made = refund(shop.rows, purchase, case, [part], at)
    _tell_money(shop, purchase, made, "refund_sent")


def _returning(shop: Shop, days: int, *, state: str = "open") -> tuple[Purchase, Case, ReturnAuthorization]:
    """Write a delivered order and a return of its first line, asked for so many days ago."""
    rng = shop.rng
    purchase = buy(shop, "delivered", days + rng.randint(1, 12))
    at = shop.ago(days)
    mind = rng.random() < 0.25
    sized = purchase.articles[0].variant.size is not None
    fault = rng.choice([kind for kind in FAULTS if sized or kind != "wrong_size"])
    kind = "change_of_mind" if mind else fault
    case = open_case(shop.rows, purchase.customer, kind, at, purchase=purchase, state="open")
    authorization = authorize(
        shop.rows,
        purchase,
        case,
        at,
        quantities={0: 1},
        payer="customer" if mind else "shop",
        percent=rng.choice((100, 50)) if mind else 100,
        to=rng.choice((None, None, "gift_balance")),
        state=state,
    )
    return purchase, case, authorization


def _reorder(shop: Shop, purchase: Purchase, case: Case) -> None:
    """Order the returned article again; a sold-out one fails, and the refund does not care."""
    line, article = purchase.lines[0], purchase.articles[0]
    at = case.opened_at + timedelta(minutes=3)
    failed = shop.rng.random() < 0.2
    row = Reorder(
        key=f"demo-{case.reference}:reorder:0",
        case_id=case.id,
        order_number=purchase.order.number,
        line_id=line.id,
        variant_id=article.variant.id,
        quantity=1,
        unit_price=line.unit_price,
        state="failed" if failed else "placed",
        failure="out_of_stock" if failed else None,
        created_at=at,
    )
    if not failed:
        again = place(
            shop.rows,
            Draft(
                customer=purchase.customer,
                items=(Item(article, price=line.unit_price),),
                placed_at=at,
                state="placed" if at > shop.now - timedelta(days=2) else "shipped",
                shipped_at=None if at > shop.now - timedelta(days=2) else at + timedelta(days=1),
                promised_on=local_day(shop.now) + timedelta(days=2),
                reordered_from=purchase.order.number,
            ),
        )
        row.new_order_number = again.order.number
        tell(shop, again, ordered="reordered")
    shop.rows.add(row)


def _tell_label(shop: Shop, purchase: Purchase, authorization: ReturnAuthorization) -> None:
    values = {
        **purchase.values,
        "rma": authorization.number,
        "day": written(authorization.expires_at),
        "amount": yen(authorization.refund_amount),
    }
    at, number = authorization.created_at, purchase.order.number
    send(shop.rows, purchase.customer, "return_label", at, order_number=number, **values)


def _tell_money(shop: Shop, purchase: Purchase, made: list[Refund], template: str) -> None:
    gift = template == "refund_sent" and all(row.destination == "gift_balance" for row in made)
    values = {**purchase.values, "amount": yen(sum(row.amount for row in made))}
    number = purchase.order.number
    name = "refund_gift" if gift else template
    send(shop.rows, purchase.customer, name, made[0].created_at, order_number=number, **values)


def _score(shop: Shop, case: Case) -> None:
    """Now and then a customer says whether they would recommend us."""
    if case.closed_at is not None and shop.rng.random() < 0.4:
        value = shop.rng.choice((6, 7, 8, 8, 9, 9, 10, 10, 10))
        shop.rows.add(Score(case_id=case.id, value=value, words=None, given_at=case.closed_at))
