"""The shop's side: customers, sellers, products, orders, shipments, payments and memberships.

Amounts are integers in the smallest unit of the order's currency (yen for JPY). Columns that count what is
left (stock, refunded, canceled) carry CHECKs, so that the database itself refuses to oversell or over-refund.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from madoguchi.store.base import Base, Id


class Customer(Base):
    """A person who buys at the shop."""

    __tablename__ = "customers"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    reference: Mapped[str] = mapped_column(String(64), unique=True)  # the shop's own id, the token's `sub`
    name: Mapped[str] = mapped_column(String(120))
    kana: Mapped[str] = mapped_column(String(120), default="")
    email: Mapped[str] = mapped_column(String(254), index=True)
    phone: Mapped[str | None] = mapped_column(String(20), index=True)  # E.164
    erased_at: Mapped[datetime | None]

    orders: Mapped[list[Order]] = relationship(back_populates="customer", order_by="Order.placed_at.desc()")
    memberships: Mapped[list[Membership]] = relationship(back_populates="customer")


class Account(Base):
    """A means of payment the customer has saved: a card, a wallet, or a gift balance with what is on it.

    The balance of a gift account is kept by a trigger over the ledger, whose account bears `reference`.
    """

    __tablename__ = "accounts"

    reference: Mapped[str] = mapped_column(String(80), primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    method: Mapped[str] = mapped_column(String(24))  # card | wallet | gift_balance
    label: Mapped[str] = mapped_column(String(60), default="")
    balance: Mapped[int] = mapped_column(default=0)

    __table_args__ = (
        CheckConstraint("method IN ('card', 'wallet', 'gift_balance')", name="method"),
        CheckConstraint("balance >= 0", name="never_overdrawn"),
        CheckConstraint("method = 'gift_balance' OR balance = 0", name="only_gift_has_balance"),
    )


class Seller(Base):
    """A marketplace seller; the shop's own stock has none."""

    __tablename__ = "sellers"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    email: Mapped[str] = mapped_column(String(254))


class Product(Base):
    """An article of the catalogue; what can be ordered of it are its variants."""

    __tablename__ = "products"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    reference: Mapped[str] = mapped_column(String(64), unique=True)
    title: Mapped[str] = mapped_column(String(200))
    category: Mapped[str] = mapped_column(String(40), index=True)
    kind: Mapped[str] = mapped_column(String(12), default="article")  # article | digital | membership
    final_sale: Mapped[bool] = mapped_column(default=False)
    image: Mapped[str | None] = mapped_column(String(200))
    words: Mapped[list[Any]] = mapped_column(default=list)  # what customers call it besides its title

    variants: Mapped[list[Variant]] = relationship(back_populates="product", order_by="Variant.id")

    __table_args__ = (CheckConstraint("kind IN ('article', 'digital', 'membership')", name="kind"),)


class Variant(Base):
    """One orderable form of a product: a size, a colour, or the only one."""

    __tablename__ = "variants"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    reference: Mapped[str] = mapped_column(String(64), unique=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), index=True)
    size: Mapped[str | None] = mapped_column(String(20))
    options: Mapped[dict[str, Any]] = mapped_column(default=dict)
    price: Mapped[int]
    stock: Mapped[int] = mapped_column(default=0)

    product: Mapped[Product] = relationship(back_populates="variants", lazy="joined", innerjoin=True)

    __table_args__ = (
        CheckConstraint("stock >= 0", name="stock_not_negative"),
        CheckConstraint("price >= 0", name="price_not_negative"),
    )


class Order(Base):
    """An order of one customer, from the shop's own stock or from one seller."""

    __tablename__ = "orders"

    number: Mapped[str] = mapped_column(String(32), primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    seller_id: Mapped[int | None] = mapped_column(ForeignKey("sellers.id"), index=True)
    state: Mapped[str] = mapped_column(String(24))
    currency: Mapped[str] = mapped_column(String(3), default="JPY")
    shipping_fee: Mapped[int] = mapped_column(default=0)
    discount: Mapped[int] = mapped_column(default=0)
    placed_at: Mapped[datetime] = mapped_column(index=True)
    promised_on: Mapped[date | None]
    shipped_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]  # as the carrier reported it
    canceled_at: Mapped[datetime | None]
    frozen_at: Mapped[datetime | None]  # a contradiction of notices froze its money
    changed: Mapped[bool] = mapped_column(default=False)  # an article was exchanged for another before shipment
    cancel_request: Mapped[dict[str, Any] | None]  # what was asked to be canceled, and the state before
    seller_refund_blocked: Mapped[bool] = mapped_column(default=False)  # the guarantee has paid already
    reordered_from: Mapped[str | None] = mapped_column(ForeignKey("orders.number"))
    version: Mapped[int] = mapped_column(default=1)

    customer: Mapped[Customer] = relationship(back_populates="orders")
    seller: Mapped[Seller | None] = relationship()
    lines: Mapped[list[OrderLine]] = relationship(back_populates="order", order_by="OrderLine.id")
    payments: Mapped[list[Payment]] = relationship(back_populates="order", order_by="Payment.id")
    shipments: Mapped[list[Shipment]] = relationship(back_populates="order", order_by="Shipment.id")

    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (
        CheckConstraint(
            "state IN ('placed', 'preparing', 'shipped', 'delivered', 'canceled', 'cancel_requested')",
            name="state",
        ),
        CheckConstraint("shipping_fee >= 0 AND discount >= 0", name="amounts"),
        Index("ix_orders_customer_placed", "customer_id", "placed_at"),
    )


class OrderLine(Base):
    """So many of one variant in an order, at the price paid."""

    __tablename__ = "order_lines"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    order_number: Mapped[str] = mapped_column(ForeignKey("orders.number"), index=True)
    variant_id: Mapped[int] = mapped_column(ForeignKey("variants.id"), index=True)
    title: Mapped[str] = mapped_column(String(200))
    unit_price: Mapped[int]
    quantity: Mapped[int]
    canceled_quantity: Mapped[int] = mapped_column(default=0)
    returned_quantity: Mapped[int] = mapped_column(default=0)  # refunded after a return, not merely under way
    used_at: Mapped[datetime | None]  # digital content: first played or downloaded

    order: Mapped[Order] = relationship(back_populates="lines")
    variant: Mapped[Variant] = relationship(lazy="joined", innerjoin=True)

    __table_args__ = (
        CheckConstraint("quantity > 0 AND unit_price >= 0", name="amounts"),
        CheckConstraint(
            "canceled_quantity >= 0 AND returned_quantity >= 0 AND canceled_quantity + returned_quantity <= quantity",
            name="never_more_than_bought",
        ),
    )


class Shipment(Base):
    """A parcel on its way to the customer."""

    __tablename__ = "shipments"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    order_number: Mapped[str] = mapped_column(ForeignKey("orders.number"), index=True)
    carrier: Mapped[str] = mapped_column(String(60))
    tracking: Mapped[str] = mapped_column(String(40))
    shipped_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]

    order: Mapped[Order] = relationship(back_populates="shipments")


class Payment(Base):
    """Money captured for an order or for a period of a membership.

    `refunded` is kept by triggers over `refunds` (see `guards.py`); nothing else writes it.
    """

    __tablename__ = "payments"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    reference: Mapped[str] = mapped_column(String(64), unique=True)  # the processor's charge, or our own
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    order_number: Mapped[str | None] = mapped_column(ForeignKey("orders.number"), index=True)
    method: Mapped[str] = mapped_column(String(24))
    account_reference: Mapped[str | None] = mapped_column(ForeignKey("accounts.reference"))
    label: Mapped[str] = mapped_column(String(60), default="")  # what the customer may see: "VISA 下4桁 1234"
    currency: Mapped[str] = mapped_column(String(3), default="JPY")
    captured: Mapped[int]
    refunded: Mapped[int] = mapped_column(default=0)
    captured_at: Mapped[datetime]

    order: Mapped[Order | None] = relationship(back_populates="payments")

    __table_args__ = (
        CheckConstraint(
            "method IN ('card', 'wallet', 'gift_balance', 'convenience_store', 'cash_on_delivery')",
            name="method",
        ),
        CheckConstraint("captured >= 0", name="captured_not_negative"),
        CheckConstraint("refunded >= 0 AND refunded <= captured", name="never_over_refunded"),
    )


class Membership(Base):
    """A paid membership, trial or content subscription of a customer."""

    __tablename__ = "memberships"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    main: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(String(12), default="active")  # active | ending | ended
    joined_at: Mapped[datetime]
    period_starts_at: Mapped[datetime]
    period_ends_at: Mapped[datetime]
    used_at: Mapped[datetime | None]  # the last time a benefit was used
    ended_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    customer: Mapped[Customer] = relationship(back_populates="memberships")
    product: Mapped[Product] = relationship()
    charges: Mapped[list[MembershipCharge]] = relationship(
        back_populates="membership", order_by="MembershipCharge.charged_at"
    )

    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (
        CheckConstraint("state IN ('active', 'ending', 'ended')", name="state"),
        Index(
            "uq_memberships_one_running",
            "customer_id",
            "product_id",
            unique=True,
            sqlite_where=text("state <> 'ended'"),
            postgresql_where=text("state <> 'ended'"),
        ),
    )


class MembershipCharge(Base):
    """One period of a membership that was paid for."""

    __tablename__ = "membership_charges"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    membership_id: Mapped[int] = mapped_column(ForeignKey("memberships.id"), index=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payments.id"))
    charged_at: Mapped[datetime]

    membership: Mapped[Membership] = relationship(back_populates="charges")
    payment: Mapped[Payment] = relationship()

    __table_args__ = (UniqueConstraint("payment_id"),)
