"""The facts the rules see: what the store knows at one instant, and nothing from the conversation.

Money is integer minor units (yen, cents) of the order's `currency`; every instant is zone-aware.
"""

from dataclasses import dataclass
from datetime import date, datetime

from madoguchi.policy.vocabulary import (
    AuthorizationState,
    InspectionResult,
    LineKind,
    OrderState,
    Payer,
    PaymentMethod,
    RefundMethod,
    RefundState,
    ReturnRoute,
    Seller,
    SellerAnswer,
)


@dataclass(frozen=True, slots=True)
class LineQuantity:
    """So many units of one line."""

    line_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class LineAmount:
    """So many units of one line and the money that belongs to them, discount already taken off."""

    line_id: str
    quantity: int
    amount: int


@dataclass(frozen=True, slots=True)
class LineFacts:
    """One line of an order."""

    id: str
    product_id: str
    title: str
    category: str
    unit_price: int
    quantity: int = 1
    canceled: int = 0
    """Units canceled before shipment."""
    returned: int = 0
    """Units whose return parcel has been scanned in."""
    refunded: int = 0
    """Money already refunded for this line, outbound postage not included."""
    discount_share: int = 0
    """This line's part of the order's discount."""
    kind: LineKind = LineKind.ARTICLE
    final_sale: bool = False
    """Marked so on the product itself; whole categories are named in the terms."""
    downloaded: bool = False
    """Digital content that was downloaded or played."""

    @property
    def gross(self) -> int:
        """Price of all units before the discount."""
        return self.unit_price * self.quantity


@dataclass(frozen=True, slots=True)
class PaymentFacts:
    """One payment of an order or of a membership's charge."""

    id: str
    method: PaymentMethod
    captured: int
    refunded: int = 0
    """Refunds on this payment that were sent or settled."""
    reserved: int = 0
    """Refunds promised but not sent: planned ones and those of open authorizations."""
    account: str | None = None
    """The saved payment method it was made with, where the store knows one."""

    @property
    def refundable(self) -> int:
        """What can still be promised from this payment."""
        return max(0, self.captured - self.refunded - self.reserved)

    @property
    def unsent(self) -> int:
        """What has not been sent back yet, promised or not."""
        return max(0, self.captured - self.refunded)


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """A payment method the customer has saved: a card, or a gift card with its balance."""

    id: str
    method: PaymentMethod
    balance: int | None = None


@dataclass(frozen=True, slots=True)
class ShipmentFacts:
    """One parcel of an order, for orders that travel in several."""

    id: str
    line_ids: tuple[str, ...]
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """One order."""

    number: str
    state: OrderState
    placed_at: datetime
    lines: tuple[LineFacts, ...]
    payments: tuple[PaymentFacts, ...]
    seller: Seller = Seller.OWN
    currency: str = "JPY"
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    """When the carrier marked it delivered; the customer may still say it is not there."""
    promised_on: date | None = None
    """The day of delivery that was promised."""
    shipping_fee: int = 0
    shipping_refunded: int = 0
    """Outbound postage refunded or promised back so far."""
    discount: int = 0
    shipments: tuple[ShipmentFacts, ...] = ()
    frozen: bool = False
    """True while contradicting notices hold the money (rule 13)."""
    changed: bool = False
    """True where an article of the order was exchanged for another before shipment."""
    guarantee_paid: int = 0
    """What the marketplace guarantee has paid out for this order."""

    @property
    def marked_delivered(self) -> bool:
        """Whether the carrier reports the parcel as delivered."""
        return self.delivered_at is not None

    def line(self, line_id: str) -> LineFacts | None:
        """The line with this id, or None."""
        return next((line for line in self.lines if line.id == line_id), None)


@dataclass(frozen=True, slots=True)
class RefundFacts:
    """A refund of this order or membership, so that nothing is refunded twice and the first one can be told."""

    id: str
    amount: int
    state: RefundState
    method: RefundMethod
    payment_id: str
    """The payment it is taken from."""
    sent_at: datetime | None = None
    lines: tuple[LineAmount, ...] = ()
    shipping: int = 0


@dataclass(frozen=True, slots=True)
class ChargeFacts:
    """One charge of a membership with the payment it was taken from."""

    id: str
    charged_at: datetime
    payment: PaymentFacts


@dataclass(frozen=True, slots=True)
class MembershipFacts:
    """A membership, trial or subscription to content."""

    id: str
    plan: str
    joined_at: datetime
    period_ends_at: datetime | None
    """When the period paid for ends; None for one without periods."""
    main: bool = False
    """The membership the customer means to have, where there are several."""
    used: bool = False
    """Used at any time since joining (rules 9 and 10)."""
    used_this_period: bool = False
    """Used in the current period (rule 11)."""
    charges: tuple[ChargeFacts, ...] = ()
    """Oldest first."""
    ended_at: datetime | None = None
    ends_at: datetime | None = None
    """The coming end, where leaving was already asked for."""
    currency: str = "JPY"


@dataclass(frozen=True, slots=True)
class InquiryFacts:
    """The question put to a seller and its 48-hour clock."""

    id: str
    asked_at: datetime
    deadline: datetime
    answer: SellerAnswer | None = None
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuthorizationFacts:
    """A return authorization: which units may come back and what is refunded when they do."""

    id: str
    lines: tuple[LineAmount, ...]
    state: AuthorizationState
    created_at: datetime
    payer: Payer
    shipping: int = 0
    """Outbound postage promised back with it."""
    route: ReturnRoute = ReturnRoute.SEND_BACK
    method: RefundMethod | None = None
    account: str | None = None
    """The saved account the customer chose, in shops where one is chosen."""
    reminded_at: datetime | None = None
    scanned_at: datetime | None = None
    inspection: InspectionResult | None = None

    @property
    def amount(self) -> int:
        """The refund promised when the parcel is scanned in."""
        return sum(line.amount for line in self.lines) + self.shipping


@dataclass(frozen=True, slots=True)
class ReplacementFacts:
    """An article that could be sent in place of a line, as the catalogue has it now."""

    sku: str
    product_id: str
    price: int
    available: bool


@dataclass(frozen=True, slots=True)
class ClaimHistory:
    """When the customer's earlier claims (defect, size, wrong article, missing parcel) were approved."""

    approved_at: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything one request needs; what does not concern it stays empty."""

    order: OrderFacts | None = None
    memberships: tuple[MembershipFacts, ...] = ()
    inquiry: InquiryFacts | None = None
    """The latest inquiry on the order."""
    authorizations: tuple[AuthorizationFacts, ...] = ()
    """All authorizations of the order, whatever their state."""
    refunds: tuple[RefundFacts, ...] = ()
    """All refunds of the order, whatever their state."""
    claims: ClaimHistory = ClaimHistory()
    accounts: tuple[AccountFacts, ...] = ()
    """The customer's saved payment methods, for shops where one is chosen."""
    replacements: tuple[ReplacementFacts, ...] = ()
    """The articles named as replacements, for shops with direct exchange."""
