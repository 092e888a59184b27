"""Orders of the demo shop: what was bought, how it was paid, and the rows that say so, ledger included."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from madoguchi.demo.catalogue import Article
from madoguchi.demo.mail import yen
from madoguchi.demo.rows import Rows
from madoguchi.policy import amounts
from madoguchi.policy.facts import LineFacts, OrderFacts
from madoguchi.policy.vocabulary import OrderState
from madoguchi.services import ledger
from madoguchi.store import Account, Customer, LedgerEntry, Order, OrderLine, Payment, Seller, Shipment

LABELS = {
    "card": "クレジットカード 下4桁 {digits}",
    "wallet": "まどペイ",
    "gift_balance": "ギフト残高",
    "convenience_store": "コンビニ払い",
    "cash_on_delivery": "代金引換",
}
_SAVED = ("card", "wallet", "gift_balance")
_CARRIERS = ("みどり運輸", "かもめ便", "まちかど宅配")


@dataclass(frozen=True)
class Item:
    """So many of one article, at another price than the catalogue's where one is given."""

    article: Article
    quantity: int = 1
    price: int | None = None
    used_at: datetime | None = None

    @property
    def unit_price(self) -> int:
        """What one piece costs, in yen."""
        return self.article.variant.price if self.price is None else self.price


@dataclass(frozen=True)
class Pay:
    """One payment of an order; without an amount it pays whatever the others leave."""

    method: str = "card"
    amount: int | None = None


@dataclass(frozen=True)
class Draft:
    """An order to be written."""

    customer: Customer
    items: tuple[Item, ...]
    placed_at: datetime
    state: str = "placed"
    seller: Seller | None = None
    payments: tuple[Pay, ...] = (Pay(),)
    shipping_fee: int = 0
    discount: int = 0
    promised_on: date | None = None
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    number: str | None = None
    changed: bool = False
    frozen_at: datetime | None = None
    reordered_from: str | None = None


@dataclass
class Purchase:
    """An order that was written, with all that later steps need of it."""

    order: Order
    customer: Customer
    seller: Seller | None
    articles: tuple[Article, ...]
    lines: tuple[OrderLine, ...]
    payments: tuple[Payment, ...]
    refunded: dict[int, int] = field(default_factory=dict)
    """What each payment gave back or has promised to, in yen, by the payment's id."""
    units_taken: dict[int, int] = field(default_factory=dict)
    """How many units of each line are under a return, by the line's id."""

    @property
    def total(self) -> int:
        """What was paid for it, in yen."""
        return sum(payment.captured for payment in self.payments)

    @property
    def is_parcel(self) -> bool:
        """Whether anything of it travels in a parcel."""
        return any(article.product.kind == "article" for article in self.articles)

    @property
    def articles_written(self) -> str:
        """Return the articles as a mail names them."""
        more = len(self.lines) - 1
        return f"{self.lines[0].title} ほか{more}点" if more else self.lines[0].title

    @property
    def values(self) -> dict[str, str]:
        """The values every mail about the order may need."""
        seller = self.seller.name if self.seller else ""
        return {"articles": self.articles_written, "total": yen(self.total), "seller": seller}

    def facts(self) -> OrderFacts:
        """Return the order as the policy's arithmetic sees it."""
        shares = amounts.apportion(self.order.discount, [line.unit_price * line.quantity for line in self.lines])
        return OrderFacts(
            number=self.order.number,
            state=OrderState(self.order.state),
            placed_at=self.order.placed_at,
            lines=tuple(
                LineFacts(
                    id=str(line.id),
                    product_id=str(article.product.id),
                    title=line.title,
                    category=article.product.category,
                    unit_price=line.unit_price,
                    quantity=line.quantity,
                    canceled=line.canceled_quantity,
                    returned=line.returned_quantity,
                    discount_share=share,
                )
                for line, article, share in zip(self.lines, self.articles, shares, strict=True)
            ),
            payments=(),
            shipping_fee=self.order.shipping_fee,
            discount=self.order.discount,
        )


def place(rows: Rows, draft: Draft) -> Purchase:
    """Write an order with its lines, payments, their ledger entries and its parcel; ValueError if unpayable."""
    order = rows.add(
        Order(
            number=draft.number or rows.order_number(),
            customer_id=draft.customer.id,
            seller_id=draft.seller.id if draft.seller else None,
            state=draft.state,
            shipping_fee=draft.shipping_fee,
            discount=draft.discount,
            placed_at=draft.placed_at,
            promised_on=draft.promised_on,
            shipped_at=draft.shipped_at,
            delivered_at=draft.delivered_at,
            frozen_at=draft.frozen_at,
            changed=draft.changed,
            reordered_from=draft.reordered_from,
            seller_refund_blocked=False,
        )
    )
    lines = tuple(_line(rows, order, item) for item in draft.items)
    total = sum(line.unit_price * line.quantity for line in lines) - draft.discount + draft.shipping_fee
    purchase = Purchase(
        order=order,
        customer=draft.customer,
        seller=draft.seller,
        articles=tuple(item.article for item in draft.items),
        lines=lines,
        payments=tuple(_payment(rows, draft, order, pay, amount) for pay, amount in _paid(draft.payments, total)),
    )
    if draft.shipped_at is not None and purchase.is_parcel:
        _send_parcel(rows, draft, order, draft.shipped_at)
    return purchase


def account_of(rows: Rows, customer: Customer, method: str) -> Account | None:
    """Return the customer's saved means of payment of this kind, made if need be; None for kinds that are not saved."""
    if method not in _SAVED:
        return None
    prefix = "gift" if method == "gift_balance" else method
    reference = f"{prefix}:{customer.id}"
    if reference not in rows.accounts:
        label = LABELS[method].format(digits=f"{(customer.id * 7919 + 1234) % 10000:04}")
        rows.accounts[reference] = rows.add(
            Account(reference=reference, customer_id=customer.id, method=method, label=label)
        )
    return rows.accounts[reference]


def fund_gift(rows: Rows, customer: Customer, amount: int, at: datetime) -> Account:
    """Put yen on the customer's gift balance, as a gift card bought by card does."""
    account = account_of(rows, customer, "gift_balance")
    if account is None:
        raise LookupError("a gift balance is always a saved account")
    entry = LedgerEntry(
        debit=ledger.cash("card"), credit=account.reference, amount=amount, currency="JPY", reason="gift_charged"
    )
    entry.key = f"demo:gift:{account.reference}:{at.isoformat()}:{rows.letters(6)}"
    entry.booked_at = at
    rows.add(entry)
    return account


def capture(rows: Rows, customer: Customer, method: str, amount: int, at: datetime, order: Order | None) -> Payment:
    """Write a payment and its ledger entry; a gift balance is topped up before, so that it can pay."""
    account = account_of(rows, customer, method)
    if account is not None and method == "gift_balance":
        fund_gift(rows, customer, amount, at - timedelta(days=1))
    payment = rows.add(
        Payment(
            customer_id=customer.id,
            order_number=order.number if order else None,
            method=method,
            account_reference=account.reference if account else None,
            label=account.label if account else LABELS[method],
            captured=amount,
            refunded=0,
            captured_at=at,
        )
    )
    payment.reference = f"ch_demo_{payment.id:07}"
    if amount:
        debit = account.reference if account is not None and method == "gift_balance" else ledger.cash(method)
        rows.add(
            LedgerEntry(
                key=f"{payment.reference}:captured",
                debit=debit,
                credit=ledger.SALES,
                amount=amount,
                currency="JPY",
                reason="captured",
                booked_at=at,
            )
        )
    return payment


def _line(rows: Rows, order: Order, item: Item) -> OrderLine:
    return rows.add(
        OrderLine(
            order_number=order.number,
            variant_id=item.article.variant.id,
            title=item.article.product.title,
            unit_price=item.unit_price,
            quantity=item.quantity,
            canceled_quantity=0,
            returned_quantity=0,
            used_at=item.used_at,
        )
    )


def _paid(payments: tuple[Pay, ...], total: int) -> list[tuple[Pay, int]]:
    """Return what each payment pays; the one without an amount takes the rest."""
    fixed = sum(pay.amount or 0 for pay in payments)
    open_ended = [pay for pay in payments if pay.amount is None]
    if len(open_ended) > 1:
        raise ValueError("only one payment of an order may be without an amount")
    if total < 0 or fixed > total or (not open_ended and fixed != total):
        raise ValueError(f"the payments make {fixed} yen, but the order comes to {total} yen")
    return [(pay, total - fixed if pay.amount is None else pay.amount) for pay in payments]


def _payment(rows: Rows, draft: Draft, order: Order, pay: Pay, amount: int) -> Payment:
    at = draft.placed_at
    if pay.method == "convenience_store":
        at = min(draft.placed_at + timedelta(hours=5), draft.shipped_at or rows.now, rows.now)
    if pay.method == "cash_on_delivery":
        at = draft.delivered_at or draft.placed_at
    return capture(rows, draft.customer, pay.method, amount, at, order)


def _send_parcel(rows: Rows, draft: Draft, order: Order, shipped_at: datetime) -> None:
    rows.add(
        Shipment(
            order_number=order.number,
            carrier=rows.rng.choice(_CARRIERS),
            tracking=f"{rows.rng.randrange(10**12):012}",
            shipped_at=shipped_at,
            delivered_at=draft.delivered_at,
        )
    )
