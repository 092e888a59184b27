"""What is asked of the policy: a customer's wish, or an event from warehouse, carrier, seller or a timer."""

from dataclasses import dataclass
from enum import StrEnum

from madoguchi.policy.facts import LineQuantity
from madoguchi.policy.vocabulary import Condition, RefundMethod


class RequestKind(StrEnum):
    """The situation a request describes."""

    CANCEL = "cancel"
    DEFECT = "defect"
    WRONG_SIZE = "wrong_size"
    WRONG_ITEM = "wrong_item"
    MISSING_PART = "missing_part"
    CHANGE_OF_MIND = "change_of_mind"
    EXCHANGE = "exchange"
    NOT_DELIVERED = "not_delivered"
    ACCIDENTAL_SIGNUP = "accidental_signup"
    LEAVE_MEMBERSHIP = "leave_membership"
    SELLER_STOCKOUT = "seller_stockout"
    CONFLICTING_NOTICE = "conflicting_notice"
    ARRIVED_FINE = "arrived_fine"
    GUARANTEE = "guarantee"
    DISSATISFIED_WITH_ANSWER = "dissatisfied_with_answer"
    WITHDRAW = "withdraw"
    REFUND_AGAIN = "refund_again"
    CHANGE_REFUND_METHOD = "change_refund_method"

    WAREHOUSE_CANCELED = "warehouse_canceled"
    WAREHOUSE_SHIPPED = "warehouse_shipped"
    SELLER_ANSWER = "seller_answer"
    PARCEL_SCANNED = "parcel_scanned"
    INSPECTED = "inspected"
    RETURN_OVERDUE = "return_overdue"


FAULTS = frozenset({RequestKind.DEFECT, RequestKind.WRONG_ITEM, RequestKind.MISSING_PART})
"""The shop's or the article's fault (rule 4)."""

RETURNS = FAULTS | {RequestKind.WRONG_SIZE, RequestKind.CHANGE_OF_MIND}
"""Requests to give back what arrived (rules 4 to 8)."""

CLAIMS = FAULTS | {RequestKind.WRONG_SIZE, RequestKind.NOT_DELIVERED}
"""What rule 20 counts as a claim."""

EVENTS = frozenset(
    {
        RequestKind.WAREHOUSE_CANCELED,
        RequestKind.WAREHOUSE_SHIPPED,
        RequestKind.SELLER_ANSWER,
        RequestKind.PARCEL_SCANNED,
        RequestKind.INSPECTED,
        RequestKind.RETURN_OVERDUE,
    }
)
"""What the outside world or a timer reports; nobody is asked anything."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """Send `sku` in place of one unit of the line."""

    line_id: str
    sku: str


@dataclass(frozen=True, slots=True)
class Request:
    """One request; it names things by the store's ids and never carries an amount."""

    kind: RequestKind
    lines: tuple[LineQuantity, ...] = ()
    """The units meant; empty for all that are still open."""
    condition: Condition | None = None
    """The article's state in the customer's own words; None while it was not told."""
    refund_method: RefundMethod | None = None
    """The customer's wish; None while nothing was said."""
    refund_account: str | None = None
    """A saved account of the customer, in shops where one is chosen."""
    problem: RequestKind | None = None
    """What is wrong, where the wish itself does not say (exchange, refund again)."""
    cancel_reason: str | None = None
    """The code of the reason, in shops that accept some reasons only."""
    membership_id: str | None = None
    end_at_once: bool | None = None
    """End an unused membership now instead of at the end of its period; None while not asked."""
    earlier_charges: bool = False
    """The customer wants charges before the latest one back too."""
    authorization_id: str | None = None
    replacements: tuple[Replacement, ...] = ()
