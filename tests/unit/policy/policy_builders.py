"""Builders of facts for the policy's tests: each gives a plain good default and takes what the test is about."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from madoguchi.policy.decide import decide
from madoguchi.policy.decisions import Approved, Decision
from madoguchi.policy.facts import (
    AuthorizationFacts,
    ChargeFacts,
    ClaimHistory,
    Facts,
    InquiryFacts,
    LineAmount,
    LineFacts,
    MembershipFacts,
    OrderFacts,
    PaymentFacts,
    RefundFacts,
)
from madoguchi.policy.plans import Plan
from madoguchi.policy.requests import Request, RequestKind
from madoguchi.policy.terms import Terms
from madoguchi.policy.vocabulary import (
    AuthorizationState,
    OrderState,
    Payer,
    PaymentMethod,
    RefundMethod,
    RefundState,
    Seller,
    SellerAnswer,
)

TOKYO = ZoneInfo("Asia/Tokyo")
NOW = datetime(2026, 6, 10, 12, 0, tzinfo=TOKYO)
FIVE_DAYS_AGO = NOW - timedelta(days=5)
TERMS = Terms()


def days(count: float) -> timedelta:
    """So many days."""
    return timedelta(days=count)


def line(line_id: str = "lamp", price: int = 5_000, category: str = "lighting", **more: Any) -> LineFacts:
    """One line; its id is its title and product as well."""
    return LineFacts(line_id, line_id, line_id, category, price, **more)


def card(captured: int, **more: Any) -> PaymentFacts:
    """A payment by card."""
    return PaymentFacts("card", PaymentMethod.CARD, captured, **more)


def gift(captured: int, **more: Any) -> PaymentFacts:
    """A payment by gift balance."""
    return PaymentFacts("gift", PaymentMethod.GIFT_BALANCE, captured, **more)


def cash(captured: int, method: PaymentMethod = PaymentMethod.CONVENIENCE_STORE) -> PaymentFacts:
    """A payment at the convenience store or to the carrier."""
    return PaymentFacts("cash", method, captured)


def order(*lines: LineFacts, state: OrderState = OrderState.PLACED, **more: Any) -> OrderFacts:
    """An order of these lines, paid by card in full unless `payments` says otherwise."""
    kept = lines or (line(),)
    total = sum(each.gross for each in kept) + more.get("shipping_fee", 0) - more.get("discount", 0)
    more.setdefault("payments", (card(total),))
    return OrderFacts("250-1234567-7654321", state, NOW - days(60), kept, **more)


def shipped(*lines: LineFacts, **more: Any) -> OrderFacts:
    """An order on its way."""
    more.setdefault("shipped_at", NOW - days(1))
    more.setdefault("promised_on", NOW.date())
    return order(*lines, state=OrderState.SHIPPED, **more)


def delivered(*lines: LineFacts, ago: float = 10, **more: Any) -> OrderFacts:
    """An order that the carrier marked delivered so many days ago."""
    more.setdefault("shipped_at", NOW - days(ago + 2))
    return order(*lines, state=OrderState.DELIVERED, delivered_at=NOW - days(ago), **more)


def marketplace(*lines: LineFacts, state: OrderState = OrderState.PLACED, **more: Any) -> OrderFacts:
    """An order with a marketplace seller."""
    return order(*lines, state=state, seller=Seller.MARKETPLACE, **more)


def inquiry(asked: timedelta = timedelta(hours=20), answer: SellerAnswer | None = None) -> InquiryFacts:
    """A question put to the seller so long ago, with its 48 hours."""
    asked_at = NOW - asked
    return InquiryFacts("inquiry-1", asked_at, asked_at + timedelta(hours=48), answer)


def planned(amount: int = 5_000, line_id: str = "lamp", shipping: int = 0) -> RefundFacts:
    """A refund that was promised and not sent."""
    parts = (LineAmount(line_id, 1, amount - shipping),)
    method = RefundMethod.ORIGINAL_PAYMENT
    return RefundFacts("refund-1", amount, RefundState.PLANNED, method, "card", None, parts, shipping)


def sent(amount: int, at: datetime = FIVE_DAYS_AGO) -> RefundFacts:
    """A refund that went out."""
    return RefundFacts("refund-0", amount, RefundState.SETTLED, RefundMethod.ORIGINAL_PAYMENT, "card", at)


def authorization(
    amount: int = 5_000, *, age: timedelta = timedelta(days=1), line_id: str = "lamp", quantity: int = 1, **more: Any
) -> AuthorizationFacts:
    """An open return authorization of this age."""
    more.setdefault("state", AuthorizationState.OPEN)
    more.setdefault("payer", Payer.SHOP)
    return AuthorizationFacts("rma-1", (LineAmount(line_id, quantity, amount),), created_at=NOW - age, **more)


def membership(membership_id: str = "trial", *, joined: float = 5, fees: tuple[int, ...] = (600,), **more: Any) -> Any:
    """A membership joined so many days ago, its fees charged to a card."""
    charges = tuple(
        ChargeFacts(f"charge-{n}", NOW - days(joined - n), PaymentFacts(f"pay-{n}", PaymentMethod.CARD, fee))
        for n, fee in enumerate(fees)
    )
    more.setdefault("charges", charges)
    return MembershipFacts(membership_id, "premium", NOW - days(joined), NOW + days(25), **more)


def claims(*ago: float) -> ClaimHistory:
    """Claims approved so many days ago."""
    return ClaimHistory(tuple(NOW - days(each) for each in ago))


def ask(
    kind: RequestKind,
    about: OrderFacts | Facts | None = None,
    *,
    terms: Terms = TERMS,
    now: datetime = NOW,
    facts: dict[str, Any] | None = None,
    **request: Any,
) -> Decision:
    """The decision on a request of this kind about an order, with further facts and request fields."""
    seen = about if isinstance(about, Facts) else Facts(about, **(facts or {}))
    return decide(Request(kind, **request), seen, terms, now)


def plan_of(decision: Decision) -> Plan:
    """The plan of an approval; fails the test for anything else."""
    assert isinstance(decision, Approved), decision
    return decision.plan


def effect(plan: Plan, kind: type[Any]) -> Any:
    """The one effect of this type in the plan."""
    found = [each for each in plan.effects if isinstance(each, kind)]
    assert len(found) == 1, (kind, plan.effects)
    return found[0]


def kinds(plan: Plan) -> list[str]:
    """The names of the plan's effects, in order."""
    return [each.type for each in plan.effects]


def day(text: str) -> date:
    """The date written so."""
    return date.fromisoformat(text)
