"""Memberships of the demo shop: joined, renewed every month, used or not, ending, ended, refunded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from madoguchi.demo.buying import Shop
from madoguchi.demo.catalogue import Article
from madoguchi.demo.mail import send, yen
from madoguchi.demo.moneyback import book_charge_refund, open_case
from madoguchi.demo.purchases import capture
from madoguchi.demo.rows import Rows
from madoguchi.demo.times import add_months, written
from madoguchi.store import Customer, Membership, MembershipCharge, Payment, Refund

MAIN = "main-membership"
BESIDE = ("content-plan", "music-plan", "reading-plan", "kids-plan")
CHARGES_KEPT = 12


@dataclass
class Joined:
    """A membership that was written, with its charges and their payments, oldest first."""

    membership: Membership
    customer: Customer
    article: Article
    charges: list[MembershipCharge]
    payments: list[Payment]


def join(
    rows: Rows,
    customer: Customer,
    article: Article,
    joined_at: datetime,
    *,
    main: bool = False,
    used_at: datetime | None = None,
    state: str = "active",
    method: str = "card",
    ended_at: datetime | None = None,
    charges: int | None = None,
) -> Joined:
    """Write a membership with a charge each month until now (the last dozen of them) or until it ended."""
    last = ended_at or rows.now
    starts = [joined_at]
    while (following := add_months(joined_at, len(starts))) <= last:
        starts.append(following)
    membership = rows.add(
        Membership(
            customer_id=customer.id,
            product_id=article.product.id,
            main=main,
            state=state,
            joined_at=joined_at,
            period_starts_at=starts[-1],
            period_ends_at=add_months(joined_at, len(starts)),
            used_at=used_at,
            ended_at=ended_at,
        )
    )
    made = Joined(membership, customer, article, [], [])
    kept = CHARGES_KEPT if charges is None else charges
    for at in starts[max(0, len(starts) - kept) :]:
        payment = capture(rows, customer, method, article.variant.price, at, None)
        made.payments.append(payment)
        made.charges.append(
            rows.add(MembershipCharge(membership_id=membership.id, payment_id=payment.id, charged_at=at))
        )
    return made


def tell_joined(rows: Rows, joined: Joined) -> None:
    """Send the mail that welcomes a new member."""
    membership, article = joined.membership, joined.article
    day = written(add_months(membership.joined_at, 1))
    values = {"plan": article.product.title, "amount": yen(article.variant.price), "day": day}
    send(rows, joined.customer, "membership_joined", membership.joined_at, **values)


def main_member(shop: Shop, customer: Customer) -> None:
    """A member of the main membership, for months; most have used it, a few are leaving."""
    rng = shop.rng
    used = shop.ago(rng.randint(1, 40)) if rng.random() < 0.8 else None
    joined_at = shop.ago(rng.randint(45, 700))
    state = "ending" if rng.random() < 0.08 else "active"
    joined = join(
        shop.rows,
        customer,
        shop.catalogue.pick(MAIN),
        joined_at,
        main=True,
        used_at=used if used and used > joined_at else None,
        state=state,
    )
    tell_joined(shop.rows, joined)
    if state == "ending":
        day = written(joined.membership.period_ends_at)
        values = {"plan": joined.article.product.title, "day": day}
        send(shop.rows, customer, "membership_ending", shop.ago(rng.randint(0, 1)), **values)


def reader(shop: Shop, customer: Customer) -> None:
    """A subscriber of content, half of them beside the main membership: new or old, used or never."""
    rng = shop.rng
    if rng.random() < 0.5:
        main_member(shop, customer)
    joined_at = shop.ago(rng.choice((1, 3, 8, 20, 29, 40, 90, 200)))
    used = joined_at + (shop.now - joined_at) * rng.uniform(0.1, 0.9) if rng.random() < 0.6 else None
    joined = join(shop.rows, customer, shop.catalogue.pick(rng.choice(BESIDE)), joined_at, used_at=used)
    tell_joined(shop.rows, joined)


def joined_by_mistake(shop: Shop, customer: Customer) -> None:
    """Joined by mistake, ended and paid back in full."""
    rng = shop.rng
    days = rng.randint(2, 120)
    joined_at, ended_at = shop.ago(days + 2), shop.ago(days)
    article = shop.catalogue.pick(rng.choice(BESIDE))
    joined = join(shop.rows, customer, article, joined_at, state="ended", ended_at=ended_at)
    case = open_case(shop.rows, customer, "accidental_signup", ended_at, membership_id=joined.membership.id)
    row = shop.rows.add(
        Refund(
            key=f"demo-{case.reference}:charge:0",
            case_id=case.id,
            payment_id=joined.payments[-1].id,
            amount=joined.payments[-1].captured,
            destination=rng.choice(("original_payment", "gift_balance")),
            charge_id=joined.charges[-1].id,
            lines=[],
            shipping=0,
            reason=case.kind,
            state="settled" if days > 6 else "sent",
            created_at=ended_at,
        )
    )
    book_charge_refund(shop.rows, customer, row, joined.payments[-1].method, ended_at)
    values = {"plan": article.product.title, "amount": yen(row.amount)}
    tell_joined(shop.rows, joined)
    send(shop.rows, customer, "membership_ended", ended_at, plan=article.product.title)
    send(shop.rows, customer, "membership_refunded", ended_at + timedelta(minutes=1), **values)


def left_long_ago(shop: Shop, customer: Customer) -> None:
    """Left at the end of a period, long ago."""
    joined_at = shop.ago(shop.rng.randint(200, 500))
    ended_at = add_months(joined_at, 3)
    article = shop.catalogue.pick(shop.rng.choice(BESIDE))
    join(
        shop.rows,
        customer,
        article,
        joined_at,
        used_at=joined_at + timedelta(days=9),
        state="ended",
        ended_at=ended_at - timedelta(minutes=1),
    )
    send(shop.rows, customer, "membership_ended", ended_at, plan=article.product.title)
