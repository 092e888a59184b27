"""One situation, told as a plain dict (or a few lines of YAML), put into a store: for tests of talks and services.

    orders:
      machine: {title: 振動マシン, price: 9800, delivered: -3d}

is a whole scene: a customer, a product with stock, an order paid by card and delivered three days ago. Everything
has a default; an unknown key, or a name that nothing bears, is a SceneError with its place. Each key's
type and default stand in `scene_format.py`. In short:

    customers:   {hanako: {name, kana, phone, email, reference, gift_balance}}     one is made if none is named
    sellers:     {shop: {name, email}}                                             one is made for `seller: true`
    products:    {pants: {title, category, kind, price, stock, sizes: {L: 3, LL: 0}, words, final_sale}}
                 {cam: {catalogue: mirrorless-camera, stock: 1}}                   one of data/demo/catalogue.yml
    orders:      {first: {customer, number, state, seller: true | name, placed, shipped, delivered, promised,
                  shipping_fee, discount, changed, frozen, payment: card, payments: [{method, amount}],
                  lines: [{product | catalogue | title, category, kind, size, price, stock, quantity, used, canceled,
                  returned}], refunds: [...], returns: [...], inquiry: {asked, deadline, answer}, guarantee: {},
                  requested, state_before, canceled_at, notices: [...]}}           a single line may stand in the order
    memberships: {content: {customer, catalogue | title, price, joined, used, main, state, ended, method, charges}}
    notices:     [{template | kind, sender, subject, body, at, customer, order}]
    claims:      [{customer, kind, at}]                                            approved ones, as rule 20 counts them

Times are told from `now`: -3d, -20h, -1d12h, +2d, now, or an ISO date. An order's state follows from its times:
delivered if there is `delivered` or none at all, else shipped, canceled or placed. Missing times are filled in: placed
two days before delivery, sent one. A canceled order was paid back unless `refunds` says otherwise; an `inquiry` about a
stock-out makes the order `cancel_requested` with its refund planned. Line numbers in refunds and returns count from 0.

`build` returns names → ids: customers, references (customers' own), sellers, products, variants (references), orders
(numbers), lines, payments, memberships, returns (RMA numbers), inquiries.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import func, select

from madoguchi.demo.mail import letters, send
from madoguchi.demo.moneyback import agree, open_case
from madoguchi.demo.purchases import Purchase, fund_gift
from madoguchi.demo.rows import Rows
from madoguchi.demo.scene_format import CustomerScene, MembershipScene, NoticeScene, Scene, SceneError, parse
from madoguchi.demo.scene_orders import Clock, Troubles, place_order
from madoguchi.demo.scene_products import Shelf
from madoguchi.demo.subscriptions import join
from madoguchi.store import Customer, Notice, Seller, Store

type Names = dict[str, dict[str, Any]]

__all__ = ["SceneError", "build"]


def build(store: Store, scene: Mapping[str, Any], now: datetime) -> Names:
    """Put one situation into a migrated store and return names → ids; SceneError for words it does not know."""
    parsed = parse(scene)
    with store.writing() as session:
        seed = session.scalar(select(func.count()).select_from(Customer))
        rows = Rows(session, now=now, rng=Random(f"scene {seed}"))
        names = _Stage(rows, parsed).play()
        rows.write()
    return names


class _Stage:
    """One scene being built."""

    def __init__(self, rows: Rows, scene: Scene) -> None:
        self._rows = rows
        self._scene = scene
        self._clock = Clock(rows.now)
        self._shelf = Shelf(rows, scene.products)
        self._names: Names = defaultdict(dict)
        self._customers: dict[str, Customer] = {}
        self._sellers: dict[str, Seller] = {}
        self._orders: dict[str, Purchase] = {}

    def play(self) -> Names:
        """Write everything in the order in which one thing needs another."""
        for name, person in (self._scene.customers or {"customer": CustomerScene()}).items():
            self._customers[name] = self._customer(name, person)
        for name, shop in self._scene.sellers.items():
            self._sellers[name] = self._rows.add(Seller(name=shop.name, email=shop.email))
        self._shelf.stock()
        self._play_orders()
        for name, membership in self._scene.memberships.items():
            self._membership(name, membership)
        for number, notice in enumerate(self._scene.notices):
            self._notice(f"notices.{number}", notice)
        self._claims()
        self._name_people()
        self._names |= self._shelf.names()
        return dict(self._names)

    def _play_orders(self) -> None:
        for name, wanted in self._scene.orders.items():
            place = f"orders.{name}"
            purchase = place_order(
                self._rows,
                self._shelf,
                self._clock,
                wanted,
                place=place,
                customer=self._known_customer(place, wanted.customer),
                seller=self._known_seller(place, wanted.seller),
            )
            self._orders[name] = purchase
            troubles = Troubles(self._rows, self._clock, wanted, purchase, place)
            troubles.write()
            self._names["orders"][name] = purchase.order.number
            self._names["lines"][name] = [line.id for line in purchase.lines]
            self._names["payments"][name] = [payment.id for payment in purchase.payments]
            if troubles.returns:
                self._names["returns"][name] = troubles.returns
            if troubles.inquiry_id is not None:
                self._names["inquiries"][name] = troubles.inquiry_id
            for number, notice in enumerate(wanted.notices):
                self._notice(f"{place}.notices.{number}", notice, purchase)

    def _customer(self, name: str, person: CustomerScene) -> Customer:
        reference = person.reference or f"c-{name}"
        taken = select(Customer.id).where(Customer.reference == reference)
        if self._rows.session.scalar(taken) is not None:
            if person.reference:
                raise SceneError(f"customers.{name}.reference: the store has a customer {reference} already")
            reference = f"{reference}-{self._rows.letters(6)}"
        made = self._rows.add(
            Customer(
                reference=reference,
                name=person.name,
                kana=person.kana,
                email=person.email or f"{name}@example.jp",
                phone=person.phone,
            )
        )
        if person.gift_balance:
            fund_gift(self._rows, made, person.gift_balance, self._rows.now - timedelta(days=400))
        return made

    def _membership(self, name: str, wanted: MembershipScene) -> None:
        article = self._shelf.membership(f"memberships.{name}", wanted)
        ended = wanted.ended or (timedelta(days=-1) if wanted.state == "ended" else None)
        joined = join(
            self._rows,
            self._known_customer(f"memberships.{name}", wanted.customer),
            article,
            self._clock.at(wanted.joined),
            main=wanted.main,
            used_at=self._clock.at(wanted.used) if wanted.used is not None else None,
            state=wanted.state,
            method=wanted.method,
            ended_at=self._clock.at(ended) if ended is not None else None,
            charges=wanted.charges,
        )
        self._names["memberships"][name] = joined.membership.id
        self._names["payments"][name] = [payment.id for payment in joined.payments]

    def _notice(self, place: str, wanted: NoticeScene, purchase: Purchase | None = None) -> None:
        if wanted.order is not None:
            purchase = self._known("orders", place, wanted.order, self._orders)
        customer = purchase.customer if purchase else self._known_customer(place, wanted.customer)
        number, at = purchase.order.number if purchase else None, self._clock.at(wanted.at)
        if wanted.template is not None:
            template = self._known("templates", place, wanted.template, {name: name for name in letters()})
            values = purchase.values if purchase else {"articles": "", "total": "", "seller": ""}
            spare = dict.fromkeys(("amount", "day", "rma", "plan"), "")
            known = {**spare, **values}
            send(self._rows, customer, template, at, order_number=number, delivery=wanted.delivery, **known)
            return
        notice = self._rows.add(
            Notice(
                customer_id=customer.id,
                order_number=number,
                sender=wanted.sender,
                kind=wanted.kind,
                subject=wanted.subject,
                body=wanted.body,
                delivery=wanted.delivery,
                at=at,
            )
        )
        notice.key = f"scene:{notice.id}"

    def _claims(self) -> None:
        for number, claim in enumerate(self._scene.claims):
            customer = self._known_customer(f"claims.{number}", claim.customer)
            at = self._clock.at(claim.at)
            agree(self._rows, open_case(self._rows, customer, str(claim.kind), at), [], at)

    def _name_people(self) -> None:
        for name, customer in self._customers.items():
            self._names["customers"][name] = customer.id
            self._names["references"][name] = customer.reference
        for name, seller in self._sellers.items():
            self._names["sellers"][name] = seller.id

    def _known_customer(self, place: str, name: str | None) -> Customer:
        first = next(iter(self._customers))
        return self._known("customers", f"{place}.customer", name or first, self._customers)

    def _known_seller(self, place: str, seller: bool | str) -> Seller | None:
        if seller is False:
            return None
        if seller is True:
            if not self._sellers:
                self._sellers["seller"] = self._rows.add(Seller(name="みなと商店", email="seller@example.jp"))
            return next(iter(self._sellers.values()))
        return self._known("sellers", f"{place}.seller", seller, self._sellers)

    def _known[T](self, what: str, place: str, name: str, among: Mapping[str, T]) -> T:
        if name not in among:
            known = ", ".join(among) or "none"
            raise SceneError(f"{place}: there is nothing named {name}; {what} are {known}")
        return among[name]
