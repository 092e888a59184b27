"""A small shop for the proofs of money: builders of rows, a desk with a clock of its own, and the invariants.

`check` reads the database, never objects: what it says holds for whoever looks at the store from outside.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from madoguchi.payments import BuiltinProcessor, build_processor
from madoguchi.policy.plans import Plan
from madoguchi.policy.terms import TermsBook
from madoguchi.policy.terms_file import load_terms
from madoguchi.services import audit, resolve
from madoguchi.services.desk import Desk
from madoguchi.services.ledger import GUARANTEE, PAYABLE
from madoguchi.services.wishes import Done, Propose, Wish
from madoguchi.store import (
    Account,
    Conversation,
    Customer,
    LedgerEntry,
    Membership,
    MembershipCharge,
    Order,
    OrderLine,
    Payment,
    Product,
    Seller,
    Store,
    Variant,
)

ROOT = Path(__file__).parents[3]
TERMS: TermsBook = load_terms(ROOT / "data" / "policies" / "shop.yml")
NOON = datetime(2026, 6, 10, 3, 0, tzinfo=UTC)  # a Wednesday, 12:00 in Tokyo


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def move(self, **parts: float) -> None:
        """Move on by hours=…, days=…"""
        self.now += timedelta(**parts)


class _Builtin:
    processor = "builtin"
    stripe_api_key = None
    stripe_api_base = None


@dataclass
class Shop:
    """A store with a desk over it, and builders for what it sells."""

    store: Store
    clock: Clock = field(default_factory=Clock)
    terms: TermsBook = TERMS

    def __post_init__(self) -> None:
        self._numbers = itertools.count(1)
        processor = build_processor(_Builtin(), self.store)
        assert isinstance(processor, BuiltinProcessor)
        self.processor = processor
        self.desk = Desk(store=self.store, terms=self.terms, processor=processor, clock=self.clock)

    def customer(self) -> tuple[int, str]:
        """Add a customer with a conversation, and return both ids."""
        number = next(self._numbers)
        with self.store.writing() as session:
            customer = Customer(reference=f"c{number}", name=f"客{number}", email=f"c{number}@example.jp")
            session.add(customer)
            session.flush()
            talk = Conversation(
                id=f"talk-{number}", customer_id=customer.id, opened_at=self.clock.now, last_at=self.clock.now
            )
            session.add(talk)
            return customer.id, talk.id

    def order(
        self,
        customer_id: int,
        *prices: int,
        state: str = "placed",
        paid: dict[str, int] | None = None,
        quantity: int = 1,
        stock: int = 5,
        fee: int = 0,
        discount: int = 0,
        seller: bool = False,
        delivered_days_ago: int = 3,
        category: str = "electronics",
    ) -> str:
        """Add an order with a line a price, paid by card unless told otherwise, and return its number."""
        now, number = self.clock.now, next(self._numbers)
        prices = prices or (9_800,)
        total = sum(prices) * quantity + fee - discount
        order = Order(
            number=f"250-{number:07}-0000001", customer_id=customer_id, state=state, shipping_fee=fee,
            discount=discount, placed_at=now - timedelta(days=20 if state in ("shipped", "delivered") else 1),
            promised_on=(now + timedelta(days=2)).date(),
        )  # fmt: skip
        if state in ("shipped", "delivered"):
            order.shipped_at = now - timedelta(days=delivered_days_ago + 2)
        if state == "delivered":
            order.delivered_at = now - timedelta(days=delivered_days_ago)
            order.placed_at = now - timedelta(days=delivered_days_ago + 5)
        with self.store.writing() as session:
            if seller:
                order.seller = Seller(name="カメラ横丁", email="seller@example.jp")
            session.add(order)
            for place, price in enumerate(prices):
                product = Product(reference=f"p{number}-{place}", title=f"商品{number}-{place}", category=category)
                variant = Variant(reference=f"v{number}-{place}", product=product, price=price, stock=stock)
                order.lines.append(OrderLine(variant=variant, title=product.title, unit_price=price, quantity=quantity))
            for method, amount in (paid or {"card": total}).items():
                self._pay(session, order, method, amount)
            return order.number

    def _pay(self, session: Any, order: Order, method: str, amount: int) -> None:
        reference = f"pay:{order.number}:{method}"
        account = None
        if method in ("card", "wallet", "gift_balance"):
            account = f"{method}:{order.customer_id}"
            if session.get(Account, account) is None:
                session.add(Account(reference=account, customer_id=order.customer_id, method=method))
                session.flush()
        order.payments.append(
            Payment(
                reference=reference, customer_id=order.customer_id, method=method, account_reference=account,
                label=method, captured=amount, captured_at=order.placed_at,
            )
        )  # fmt: skip

    def give(self, customer_id: int, amount: int) -> str:
        """Put so much on the customer's gift balance, and return the account's reference."""
        reference = f"gift_balance:{customer_id}"
        with self.store.writing() as session:
            if session.get(Account, reference) is None:
                session.add(Account(reference=reference, customer_id=customer_id, method="gift_balance"))
                session.flush()
            entry = LedgerEntry(
                key=f"given:{next(self._numbers)}", debit="sales", credit=reference, amount=amount,
                reason="given", booked_at=self.clock.now,
            )  # fmt: skip
            session.add(entry)
        return reference

    def membership(self, customer_id: int, *, fee: int = 980, used: bool = False, days: int = 2) -> int:
        """Add a membership joined so many days ago, paid by card, and return its id."""
        now, number = self.clock.now, next(self._numbers)
        with self.store.writing() as session:
            product = Product(reference=f"m{number}", title=f"会員{number}", category="membership", kind="membership")
            joined = now - timedelta(days=days)
            membership = Membership(
                customer_id=customer_id, product=product, joined_at=joined, period_starts_at=joined,
                period_ends_at=joined + timedelta(days=30), used_at=now if used else None,
            )  # fmt: skip
            payment = Payment(
                reference=f"charge:{number}", customer_id=customer_id, method="card", captured=fee, captured_at=joined
            )
            session.add_all([membership, payment])
            session.flush()
            session.add(MembershipCharge(membership_id=membership.id, payment_id=payment.id, charged_at=joined))
            return membership.id

    def propose(self, talk: str, **wish: Any) -> str:
        """Consider a wish that must lead to a proposal, and return the intent's key."""
        step = resolve.consider(self.desk, talk, Wish(**wish))
        assert isinstance(step, Propose), step
        return step.intent_key

    def agree(self, talk: str, **wish: Any) -> Done:
        """Consider a wish, say yes to the proposal, and return what was done."""
        done = resolve.confirm(self.desk, talk, self.propose(talk, **wish))
        assert isinstance(done, Done), done
        return done

    def rows(self, statement: str, **values: Any) -> list[Any]:
        """Read rows straight from the database."""
        with self.store.reading() as session:
            return list(session.execute(text(statement), values).all())

    def value(self, statement: str, **values: Any) -> Any:
        """Read one value straight from the database."""
        return self.rows(statement, **values)[0][0]

    def rma(self, order: str) -> str:
        """Return the number of the order's newest return authorization."""
        return str(
            self.value("SELECT number FROM return_authorizations WHERE order_number = :o ORDER BY id DESC", o=order)
        )


def violations(shop: Shop) -> list[str]:
    """Return every invariant of the policy that the database breaks, in words; an empty list is what we want."""
    found = []
    with shop.store.reading() as session:  # one view for all of them, and one connection
        for name, statement in INVARIANTS.items():
            broken = session.execute(statement).all()
            if broken:
                found.append(f"{name}: {broken[:3]}")
        found += _ledger_against_refunds(session)
        paid_back = session.execute(PAID_BACK).all()
        broken_rows = list(audit.broken_rows(session))
    found += _processor_against_refunds(shop, paid_back)
    return found + ([f"audit rewritten at {broken_rows[:3]}"] if broken_rows else [])


_INVARIANTS = {
    "refunds over captured": """
        SELECT p.id, p.captured, SUM(r.amount) FROM payments p JOIN refunds r ON r.payment_id = p.id
        WHERE r.state <> 'voided' GROUP BY p.id, p.captured HAVING SUM(r.amount) > p.captured""",
    "kept sum of refunds": """
        SELECT p.id, p.refunded FROM payments p WHERE p.refunded <> (
          SELECT COALESCE(SUM(r.amount), 0) FROM refunds r WHERE r.payment_id = p.id AND r.state <> 'voided')""",
    "two open returns of a unit": """
        SELECT line_id, unit FROM return_units WHERE taken GROUP BY line_id, unit HAVING COUNT(*) > 1""",
    "one open inquiry an order": """
        SELECT order_number FROM inquiries WHERE state = 'open' GROUP BY order_number HAVING COUNT(*) > 1""",
    "gift balance follows the ledger": """
        SELECT a.reference, a.balance FROM accounts a WHERE a.method = 'gift_balance' AND a.balance <> (
          SELECT COALESCE(SUM(CASE WHEN l.credit = a.reference THEN l.amount ELSE -l.amount END), 0)
          FROM ledger l WHERE l.credit = a.reference OR l.debit = a.reference)""",
    "more units gone than bought": """
        SELECT id FROM order_lines WHERE canceled_quantity + returned_quantity > quantity""",
    "released without a ledger entry, or the reverse": """
        SELECT r.key, r.state FROM refunds r WHERE (r.state IN ('pending', 'sent', 'settled', 'failed')) <>
          EXISTS (SELECT 1 FROM ledger l WHERE l.key = r.key || '\\:released')""",
    "sent without a ledger entry, or the reverse": """
        SELECT r.key, r.state FROM refunds r WHERE (r.state IN ('sent', 'settled')) <>
          EXISTS (SELECT 1 FROM ledger l WHERE l.key = r.key || '\\:sent')""",
    "guarantee paid beside a refund": """
        SELECT g.order_number FROM guarantee_claims g JOIN refunds r ON r.order_number = g.order_number
        WHERE g.state = 'granted' AND r.state IN ('pending', 'sent', 'settled') AND r.created_at > g.granted_at""",
}


INVARIANTS = {name: text(statement) for name, statement in _INVARIANTS.items()}
BOOKS = text("""
    SELECT
      (SELECT COALESCE(SUM(CASE WHEN credit = :payable THEN amount ELSE -amount END), 0) FROM ledger
       WHERE credit = :payable OR debit = :payable),
      (SELECT COALESCE(SUM(amount), 0) FROM refunds WHERE state IN ('pending', 'failed')),
      (SELECT COALESCE(SUM(amount), 0) FROM guarantee_claims WHERE state = 'granted'),
      (SELECT COALESCE(SUM(amount), 0) FROM ledger WHERE debit = :guarantee)""")
PAID_BACK = text("""
    SELECT p.reference, COALESCE(SUM(r.amount), 0) FROM payments p JOIN refunds r ON r.payment_id = p.id
    WHERE r.state IN ('pending', 'sent', 'settled', 'failed') AND r.destination = 'original_payment'
    AND p.method <> 'gift_balance' GROUP BY p.reference""")


def _ledger_against_refunds(session: Session) -> list[str]:
    owed, waiting, granted, cost = session.execute(BOOKS, {"payable": PAYABLE, "guarantee": GUARANTEE}).one()
    found = [f"the ledger owes {owed}, the refunds wait for {waiting}"] if owed != waiting else []
    return found + ([f"guarantee cost {cost}, granted {granted}"] if cost != granted else [])


def _processor_against_refunds(shop: Shop, paid_back: Iterable[Any]) -> list[str]:
    """The outside's own book: what it sent back of a charge is never more than our refunds to it."""
    found = []
    for reference, ours in paid_back:
        outside = shop.processor.sent_back(reference)
        if outside > ours:
            found.append(f"{reference}: the processor sent {outside}, we know of {ours}")
    return found


def plan_of(shop: Shop, intent_key: str) -> Plan:
    """Return the plan kept with an intent."""
    kept = shop.value("SELECT plan FROM intents WHERE key = :k", k=intent_key)
    return Plan.from_json(kept if isinstance(kept, str) else json.dumps(kept))
