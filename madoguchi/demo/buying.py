"""Ordinary buying in the demo shop: believable baskets, payments and dates, and the mails of each step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from madoguchi.demo import people
from madoguchi.demo.catalogue import Article, Catalogue
from madoguchi.demo.mail import send
from madoguchi.demo.purchases import Draft, Item, Pay, Purchase, place
from madoguchi.demo.rows import Rows
from madoguchi.demo.times import days_ago, local_day, written
from madoguchi.store import Customer, Seller

FREE_SHIPPING_FROM, SHIPPING_FEE = 3000, 490
_METHODS = ("card", "card", "card", "card", "card", "card", "wallet", "convenience_store", "gift_balance", "split")
_ALWAYS_SOLD = ("appliance", "clothing", "shoes", "camera", "book", "furniture")


@dataclass(frozen=True)
class Shop:
    """Everything a recipe needs at hand."""

    rows: Rows
    catalogue: Catalogue
    customers: Sequence[Customer]
    sellers: Sequence[Seller]

    @property
    def now(self) -> datetime:
        """The shop's present."""
        return self.rows.now

    @property
    def rng(self) -> Random:
        """The shop's dice."""
        return self.rows.rng

    def ago(self, days: int) -> datetime:
        """Return a moment so many days ago."""
        return days_ago(self.now, days, self.rng)

    def after(self, moment: datetime, wanted: datetime) -> datetime:
        """Return the moment wanted, moved to at least half an hour after another one; never in the future."""
        return min(max(moment + timedelta(minutes=30), wanted), self.now)

    def seller_of(self, article: Article) -> Seller:
        """Return a seller in whose trade the article is."""
        return self.rng.choice([seller for seller in self.sellers if people.sells(seller, article.product.category)])


@dataclass(frozen=True)
class Dates:
    """When an order was placed, promised, sent and delivered."""

    placed_at: datetime
    promised_on: date | None
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None


def dates(shop: Shop, state: str, days: int, *, overdue: int = 0) -> Dates:
    """Return the dates of an order whose last step was so many days ago; overdue: days past the promised one."""
    rng, today = shop.rng, local_day(shop.now)
    promised = today - timedelta(days=overdue) if overdue else today + timedelta(days=rng.randint(1, 4))
    if state == "delivered":
        sent, bought = days + rng.randint(1, 2), days + rng.randint(3, 5)
        planned = today - timedelta(days=days) + timedelta(days=rng.randint(0, 1))
        return Dates(shop.ago(bought), planned, shop.ago(sent), shop.ago(days))
    if state == "shipped":
        return Dates(shop.ago(days + rng.randint(1, 3)), promised, shop.ago(days))
    return Dates(shop.ago(days), promised)


def basket(shop: Shop, *, seller: bool = False, final_sale: bool = False, lines: int | None = None) -> tuple[Item, ...]:
    """Return one to three different articles; a seller's order has one."""
    rng = shop.rng
    count = lines or (1 if seller else rng.choice((1, 1, 1, 1, 2, 2, 3)))
    chosen: dict[int, Item] = {}
    while len(chosen) < count:
        categories = () if seller or final_sale else _ALWAYS_SOLD
        article = shop.catalogue.some(rng, categories=categories, seller=seller, final_sale=final_sale)
        quantity = rng.choice((1, 1, 1, 2)) if article.variant.price < 5000 else 1
        chosen.setdefault(article.product.id, Item(article, quantity))
    return tuple(chosen.values())


def buy(
    shop: Shop,
    state: str,
    days: int,
    *,
    customer: Customer | None = None,
    items: Sequence[Item] | None = None,
    seller: Seller | None = None,
    payments: Sequence[Pay] | None = None,
    overdue: int = 0,
    plain: bool = False,
    number: str | None = None,
) -> Purchase:
    """Write an order whose last step was so many days ago, with its mails; plain ones know no discount."""
    rng = shop.rng
    wanted = tuple(items) if items is not None else basket(shop)
    gross = sum(item.unit_price * item.quantity for item in wanted)
    discount = 0 if plain or gross < 2000 or rng.random() > 0.12 else gross * rng.choice((5, 8, 10)) // 100
    fee = 0 if gross - discount >= FREE_SHIPPING_FROM else SHIPPING_FEE
    when = dates(shop, state, days, overdue=overdue)
    purchase = place(
        shop.rows,
        Draft(
            customer=customer or rng.choice(shop.customers),
            items=wanted,
            placed_at=when.placed_at,
            state=state,
            seller=seller,
            payments=tuple(payments) if payments else _payments(rng, gross - discount + fee, state),
            shipping_fee=fee,
            discount=discount,
            promised_on=when.promised_on,
            shipped_at=when.shipped_at,
            delivered_at=when.delivered_at,
            number=number,
        ),
    )
    tell(shop, purchase)
    return purchase


def buy_from_seller(
    shop: Shop, state: str, days: int, *, customer: Customer | None = None, article: Article | None = None
) -> Purchase:
    """Write a marketplace order whose last step was so many days ago, with its mails."""
    items = basket(shop, seller=True) if article is None else (Item(article),)
    seller = shop.seller_of(items[0].article)
    payments = None if customer is None else (Pay(),)
    plain = customer is not None
    return buy(shop, state, days, customer=customer, items=items, seller=seller, payments=payments, plain=plain)


def buy_digital(
    shop: Shop, days: int, *, used: bool, customer: Customer | None = None, article: Article | None = None
) -> Purchase:
    """Write an order of digital content, there at once; used: played or downloaded the same day."""
    placed_at = shop.ago(days)
    there_at = min(placed_at + timedelta(minutes=1), shop.now)
    used_at = min(placed_at + timedelta(minutes=shop.rng.randint(5, 300)), shop.now) if used else None
    bought = article or shop.catalogue.some(shop.rng, kind="digital")
    purchase = place(
        shop.rows,
        Draft(
            customer=customer or shop.rng.choice(shop.customers),
            items=(Item(bought, used_at=used_at),),
            placed_at=placed_at,
            state="delivered",
            payments=(Pay(shop.rng.choice(("card", "card", "wallet", "gift_balance"))),),
            shipped_at=there_at,
            delivered_at=there_at,
        ),
    )
    tell(shop, purchase)
    return purchase


def tell(shop: Shop, purchase: Purchase, *, ordered: str = "ordered") -> None:
    """Send the mails of every step the order has taken; now and then one does not arrive."""
    order, values = purchase.order, purchase.values
    promised = written(order.promised_on or order.placed_at)
    steps: list[tuple[str, datetime, str]] = [(ordered, order.placed_at, promised)]
    if any(payment.method == "convenience_store" for payment in purchase.payments):
        steps.append(("paid", purchase.payments[0].captured_at, ""))
    if order.shipped_at is not None and purchase.is_parcel:
        steps.append(("seller_shipped" if purchase.seller else "shipped", order.shipped_at, promised))
    if order.delivered_at is not None:
        template = "delivered" if purchase.is_parcel else "digital_ready"
        steps.append((template, order.delivered_at, written(order.delivered_at)))
    for template, at, day in steps:
        delivery = "bounced" if shop.rng.random() < 0.01 else "delivered"
        send(
            shop.rows, purchase.customer, template, at, order_number=order.number, delivery=delivery, day=day, **values
        )


def _payments(rng: Random, total: int, state: str) -> tuple[Pay, ...]:
    """Return a way to pay; cash on delivery has been paid only where something was delivered."""
    if state == "delivered" and rng.random() < 0.06:
        return (Pay("cash_on_delivery"),)
    method = rng.choice(_METHODS)
    if method != "split":
        return (Pay(method),)
    gift = min(max(100, total * rng.choice((10, 25, 40)) // 100 // 100 * 100), total - 1)
    return (Pay("card"), Pay("gift_balance", gift)) if gift > 0 else (Pay("card"),)
