"""Builders for what the desk's tests need in a store: people of the staff, a customer with orders, conversations."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from sqlalchemy.orm import Session

from madoguchi.payments import build_processor
from madoguchi.policy.terms_file import load_terms
from madoguchi.services import conversations, handling, incoming
from madoguchi.services.agents import Person, Role
from madoguchi.services.desk import Desk
from madoguchi.services.talk import Received, Sent
from madoguchi.store import (
    Account,
    Case,
    Conversation,
    Customer,
    Inquiry,
    Membership,
    MembershipCharge,
    Message,
    Order,
    OrderLine,
    Payment,
    Product,
    Refund,
    Seller,
    Staff,
    Store,
    Variant,
)

NOON = datetime(2026, 11, 18, 3, 0, tzinfo=UTC)  # a Wednesday, 12:00 in Tokyo
PASSWORD = "a long and honest password"
ORDER, OLD_ORDER, SELLER_ORDER, CAMERA_ORDER = (f"250-000000{n}-000000{n}" for n in range(1, 5))
TERMS = Path(__file__).parents[3] / "data" / "policies" / "shop.yml"


@dataclass
class Clock:
    """A clock that a test sets."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **parts: float) -> None:
        """Let time pass."""
        self.now += timedelta(**parts)


@dataclass(frozen=True)
class _Processing:
    """What the builtin processor is built from."""

    processor: str = "builtin"
    stripe_api_key: None = None
    stripe_api_base: None = None
    stripe_webhook_secret: None = None


@dataclass
class World:
    """A desk with people and customers in it."""

    desk: Desk
    clock: Clock
    people: dict[str, Person] = field(default_factory=dict)

    def person(self, login: str) -> Person:
        """Return a member of the staff."""
        return self.people[login]


def desk_on(store: Store, clock: Clock) -> Desk:
    """Return a desk over a store, with the builtin processor and the shop's own terms."""
    return Desk(store, load_terms(TERMS), build_processor(_Processing(), store), clock)  # type: ignore[arg-type]


def world_on(desk: Desk, clock: Clock) -> World:
    """Fill an empty store: a staff of six, a customer with four orders and a membership, another customer."""
    world = World(desk, clock)
    with desk.store.writing() as session:
        for login, name, role in STAFF:
            world.people[login] = _hire(session, login, name, role)
        _shop(session)
    return world


STAFF = (
    ("sato", "佐藤", Role.AGENT),
    ("suzuki", "鈴木", Role.AGENT),
    ("tanaka", "田中", Role.LEAD),
    ("ito", "伊藤", Role.LEAD),
    ("mori", "森", Role.TRAINER),
    ("kato", "加藤", Role.ADMIN),
)


@cache
def _hashed() -> str:
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


def _hire(session: Session, login: str, name: str, role: Role) -> Person:
    staff = Staff(login=login, name=name, role=role.value, password_hash=_hashed(), must_change=False, created_at=NOON)
    session.add(staff)
    session.flush()
    return Person(staff.id, login, name, role)


def _shop(session: Session) -> None:
    for number, (name, kana) in enumerate(
        (("山田 花子", "ヤマダ ハナコ"), ("川上 次郎", "カワカミ ジロウ")), start=101
    ):
        session.add(
            Customer(
                id=number,
                reference=f"K-{number}",
                name=name,
                kana=kana,
                email=f"k{number}@example.jp",
                phone=f"+8190000000{number - 100:02}",
            )
        )
    session.flush()
    session.add(Seller(id=1, name="みどり商会", email="midori@example.jp"))
    session.add(Account(reference="card:101", customer_id=101, method="card", label="VISA 下4桁 1234"))
    session.flush()
    kettle = _variant(session, "kettle", "電気ケトル", "appliance", 9_800)
    dress = _variant(session, "dress", "リネンのワンピース", "clothing", 12_000, size="M")
    camera = _variant(session, "camera", "一眼カメラ", "camera", 248_000)
    order(session, ORDER, [(kettle, 2)], days=5)
    order(session, OLD_ORDER, [(dress, 1)], days=45)
    order(session, SELLER_ORDER, [(kettle, 1)], days=3, state="placed", seller=1)
    order(session, CAMERA_ORDER, [(camera, 1)], days=4)
    product = Product(id=90, reference="plus", title="ひより会員", category="membership", kind="membership")
    session.add(product)
    session.flush()
    joined = NOON - timedelta(days=10)
    member = Membership(
        id=1,
        customer_id=101,
        product_id=90,
        joined_at=joined,
        period_starts_at=joined,
        period_ends_at=joined + timedelta(days=30),
        used_at=joined + timedelta(days=2),
    )
    paid = _payment(101, None, 600, "M-1", joined)
    session.add_all([member, paid])
    session.flush()
    session.add(MembershipCharge(membership_id=1, payment_id=paid.id, charged_at=joined))


def _variant(session: Session, name: str, title: str, category: str, price: int, size: str | None = None) -> Variant:
    product = Product(reference=name, title=title, category=category)
    session.add(product)
    session.flush()
    variant = Variant(reference=f"{name}-1", product_id=product.id, price=price, stock=10, size=size)
    session.add(variant)
    session.flush()
    return variant


def order(
    session: Session,
    number: str,
    lines: list[tuple[Variant, int]],
    *,
    days: int,
    state: str = "delivered",
    seller: int | None = None,
    customer: int = 101,
) -> Order:
    """Add an order that was delivered (or placed) so many days ago."""
    at, arrived = NOON - timedelta(days=days), state == "delivered"
    row = Order(
        number=number,
        customer_id=customer,
        seller_id=seller,
        state=state,
        placed_at=at - timedelta(days=3 if arrived else 0),
        shipped_at=at - timedelta(days=1) if arrived else None,
        delivered_at=at if arrived else None,
    )
    session.add(row)
    session.flush()
    total = sum(variant.price * count for variant, count in lines)
    for variant, count in lines:
        title = session.get_one(Product, variant.product_id).title
        session.add(
            OrderLine(order_number=number, variant_id=variant.id, title=title, unit_price=variant.price, quantity=count)
        )
    session.add(_payment(customer, number, total, f"P-{number}", row.placed_at))
    session.flush()
    return row


def _payment(customer: int, number: str | None, amount: int, reference: str, at: datetime) -> Payment:
    return Payment(
        reference=reference,
        customer_id=customer,
        order_number=number,
        method="card",
        account_reference="card:101" if customer == 101 else None,
        label="VISA 下4桁 1234",
        captured=amount,
        captured_at=at,
    )


def conversation(
    world: World,
    *texts: str,
    customer: int | None = 101,
    owner: str = "waiting",
    agent: str | None = None,
    order_number: str | None = None,
    reason: str = "refund_over_limit",
    flagged: bool = False,
) -> str:
    """Add a conversation in which the customer said these texts, and a case where an order is named."""
    now, name = world.clock(), str(uuid.uuid4())
    with world.desk.store.writing() as session:
        waits = owner == "waiting"
        session.add(
            Conversation(
                id=name,
                customer_id=customer,
                owner=owner,
                agent=agent,
                handoff_reason=reason if owner in ("waiting", "agent") else None,
                flagged=flagged,
                opened_at=now,
                last_at=now,
                waiting_since=now if waits else None,
                promised_at=now + timedelta(minutes=10) if waits else None,
            )
        )
        session.flush()
        for text in texts:
            say(session, name, text, now)
        if order_number is not None and customer is not None:
            session.add(
                Case(
                    reference=f"C-{name[:8].upper()}",
                    customer_id=customer,
                    conversation_id=name,
                    order_number=order_number,
                    kind="defect",
                    opened_at=now,
                )
            )
    return name


def say(session: Session, name: str, text: str, at: datetime, author: str = "customer") -> Message:
    """Add one message."""
    state = "stored" if author == "customer" else "answered"
    message = Message(
        conversation_id=name,
        client_id=str(uuid.uuid4()),
        author=author,
        text=text,
        state=state,
        created_at=at,
        intent="report_defect" if author == "customer" else None,
        confidence=0.91 if author == "customer" else None,
    )
    session.add(message)
    session.flush()
    return message


def speak(world: World, name: str, text: str) -> int:
    """Let the customer say something more, now, as it comes in."""
    sent = Sent(str(uuid.uuid4()), text=text)
    with world.desk.store.writing() as session:
        received = incoming.add_message(session, conversations.locked(session, name), sent, world.clock())
    assert isinstance(received, Received)
    return received.stored.message.id


def taken(world: World, number: str, *texts: str, login: str = "sato") -> str:
    """Add a conversation about an order that somebody has taken over."""
    name = conversation(world, *(texts or ("お願いします",)), order_number=number)
    assert handling.take(world.desk, world.person(login), name) == handling.Ok()
    return name


def planned_refund(world: World, number: str, amount: int) -> int:
    """Add a refund that is promised and not sent."""
    with world.desk.store.writing() as session:
        payment = session.query(Payment).filter_by(order_number=number).one()
        row = Refund(
            key=f"test:{uuid.uuid4()}",
            order_number=number,
            payment_id=payment.id,
            amount=amount,
            destination="original_payment",
            reason="cancel",
            state="planned",
            created_at=world.clock(),
        )
        session.add(row)
        session.flush()
        return row.id


def inquiry(world: World, name: str, number: str) -> int:
    """Add an open question to the seller about a conversation's case."""
    with world.desk.store.writing() as session:
        case = session.query(Case).filter_by(conversation_id=name).one()
        now = world.clock()
        row = Inquiry(
            case_id=case.id,
            order_number=number,
            seller_id=1,
            subject="seller_stockout",
            asked_at=now,
            deadline=now + timedelta(hours=48),
        )
        session.add(row)
        session.flush()
        return row.id


def with_clock(desk: Desk, clock: Clock) -> Desk:
    """Return the desk with another clock."""
    return replace(desk, clock=clock)
