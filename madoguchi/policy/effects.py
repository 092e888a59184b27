"""The effects a plan is made of: each a frozen dataclass that one service function performs.

`type` names the effect in JSON. Amounts are minor units of the plan's currency.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from madoguchi.policy.facts import LineAmount, LineQuantity
from madoguchi.policy.vocabulary import (
    CaseFlag,
    InspectionResult,
    Offer,
    Payer,
    RefundMethod,
    RefundTiming,
    ReturnRoute,
    TimerKind,
)


@dataclass(frozen=True, slots=True)
class Split:
    """One part of a refund: so much of this payment, paid back this way."""

    payment_id: str
    amount: int
    method: RefundMethod
    account: str | None = None
    """The saved account it goes to, where the store knows one."""


@dataclass(frozen=True, slots=True)
class CancelLines:
    """Cancel these units now; their stock comes back with `RestoreStock`."""

    lines: tuple[LineQuantity, ...]
    whole_order: bool
    """True where nothing of the order is left after it."""
    type: Literal["cancel_lines"] = "cancel_lines"


@dataclass(frozen=True, slots=True)
class RestoreStock:
    """Put these units back on sale."""

    lines: tuple[LineQuantity, ...]
    type: Literal["restore_stock"] = "restore_stock"


@dataclass(frozen=True, slots=True)
class RequestCancellation:
    """Ask warehouse or seller to cancel these units; the order waits for their word."""

    lines: tuple[LineQuantity, ...]
    whole_order: bool
    type: Literal["request_cancellation"] = "request_cancellation"


@dataclass(frozen=True, slots=True)
class WithdrawCancellation:
    """Take the request to cancel back; the order goes on."""

    type: Literal["withdraw_cancellation"] = "withdraw_cancellation"


@dataclass(frozen=True, slots=True)
class AuthorizeReturn:
    """Open a return authorization; the refund in `splits` is sent when the parcel is scanned in."""

    lines: tuple[LineAmount, ...]
    shipping: int
    """Outbound postage that comes back with it."""
    splits: tuple[Split, ...]
    payer: Payer
    route: ReturnRoute = ReturnRoute.SEND_BACK
    method: RefundMethod | None = None
    """The customer's wish, kept so that the split is made anew at the scan."""
    account: str | None = None
    exchange: bool = False
    """True where it is one half of a direct exchange and refunds nothing itself."""
    type: Literal["authorize_return"] = "authorize_return"


@dataclass(frozen=True, slots=True)
class ExpireAuthorization:
    """Close an authorization whose parcel never came."""

    authorization_id: str
    type: Literal["expire_authorization"] = "expire_authorization"


@dataclass(frozen=True, slots=True)
class WithdrawAuthorization:
    """Close an unused authorization because the customer keeps the article or another one takes its place."""

    authorization_id: str
    type: Literal["withdraw_authorization"] = "withdraw_authorization"


@dataclass(frozen=True, slots=True)
class ReceiveParcel:
    """Note that the parcel of this authorization was scanned in."""

    authorization_id: str
    type: Literal["receive_parcel"] = "receive_parcel"


@dataclass(frozen=True, slots=True)
class MarkInspected:
    """Note what the inspection found."""

    authorization_id: str
    result: InspectionResult
    type: Literal["mark_inspected"] = "mark_inspected"


@dataclass(frozen=True, slots=True)
class SendReminder:
    """Remind the customer that the parcel has not come."""

    authorization_id: str
    type: Literal["send_reminder"] = "send_reminder"


@dataclass(frozen=True, slots=True)
class Refund:
    """Pay back: at once (`NOW`), or write it down unsent (`PLANNED`, `AFTER_SELLER`) until somebody's word."""

    splits: tuple[Split, ...]
    when: RefundTiming
    lines: tuple[LineAmount, ...] = ()
    shipping: int = 0
    authorization_id: str | None = None
    charge_id: str | None = None
    type: Literal["refund"] = "refund"


@dataclass(frozen=True, slots=True)
class ReleaseRefund:
    """Send planned refunds now; `splits` says what they hold."""

    refund_ids: tuple[str, ...]
    splits: tuple[Split, ...]
    type: Literal["release_refund"] = "release_refund"


@dataclass(frozen=True, slots=True)
class VoidRefund:
    """Drop planned refunds that were never sent."""

    refund_ids: tuple[str, ...]
    type: Literal["void_refund"] = "void_refund"


@dataclass(frozen=True, slots=True)
class ChangeRefundMethod:
    """Send what is promised by these authorizations and planned refunds another way."""

    authorization_ids: tuple[str, ...]
    refund_ids: tuple[str, ...]
    method: RefundMethod
    type: Literal["change_refund_method"] = "change_refund_method"


@dataclass(frozen=True, slots=True)
class EndMembership:
    """End the membership, now (`at` None) or at the end of its period."""

    membership_id: str
    at: datetime | None
    type: Literal["end_membership"] = "end_membership"


@dataclass(frozen=True, slots=True)
class KeepMembership:
    """Take the coming end of the membership back."""

    membership_id: str
    type: Literal["keep_membership"] = "keep_membership"


@dataclass(frozen=True, slots=True)
class OpenSellerInquiry:
    """Ask the seller; an older open inquiry is replaced and its clock with it."""

    deadline: datetime
    replaces: str | None = None
    """The id of the inquiry whose clock stops."""
    type: Literal["open_seller_inquiry"] = "open_seller_inquiry"


@dataclass(frozen=True, slots=True)
class CloseSellerInquiry:
    """The question to the seller is settled; its timer stops."""

    inquiry_id: str
    type: Literal["close_seller_inquiry"] = "close_seller_inquiry"


@dataclass(frozen=True, slots=True)
class FreezeOrder:
    """Hold all money of the order."""

    type: Literal["freeze_order"] = "freeze_order"


@dataclass(frozen=True, slots=True)
class UnfreezeOrder:
    """Let the money of the order move again."""

    type: Literal["unfreeze_order"] = "unfreeze_order"


@dataclass(frozen=True, slots=True)
class GuaranteePayout:
    """Pay the guarantee to the customer's gift balance; a later refund by the seller is blocked."""

    amount: int
    lines: tuple[LineAmount, ...]
    type: Literal["guarantee_payout"] = "guarantee_payout"


@dataclass(frozen=True, slots=True)
class BlockSellerRefund:
    """Refuse any refund the seller sends for this order from now on."""

    type: Literal["block_seller_refund"] = "block_seller_refund"


@dataclass(frozen=True, slots=True)
class FlagCase:
    """Put the case on the agents' watch list; the bot stays its owner."""

    flag: CaseFlag
    type: Literal["flag_case"] = "flag_case"


@dataclass(frozen=True, slots=True)
class CloseCase:
    """The trouble is over; the score may be asked for."""

    type: Literal["close_case"] = "close_case"


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Wake up at `due` and decide again."""

    kind: TimerKind
    due: datetime
    type: Literal["set_timer"] = "set_timer"


@dataclass(frozen=True, slots=True)
class OfferReorder:
    """Offer these units again at the price paid, the same or in another size; never holds back a refund."""

    lines: tuple[LineQuantity, ...]
    offer: Offer
    type: Literal["offer_reorder"] = "offer_reorder"


@dataclass(frozen=True, slots=True)
class ReplacementLine:
    """One unit of a line and what is sent in its place."""

    line_id: str
    sku: str
    price: int


@dataclass(frozen=True, slots=True)
class LinkedReorder:
    """Send the replacements as a linked order; `difference` is charged (> 0) or paid back (< 0) on `account`."""

    replacements: tuple[ReplacementLine, ...]
    difference: int
    account: str | None
    type: Literal["linked_reorder"] = "linked_reorder"


type Effect = Annotated[
    CancelLines
    | RestoreStock
    | RequestCancellation
    | WithdrawCancellation
    | AuthorizeReturn
    | ExpireAuthorization
    | WithdrawAuthorization
    | ReceiveParcel
    | MarkInspected
    | SendReminder
    | Refund
    | ReleaseRefund
    | VoidRefund
    | ChangeRefundMethod
    | EndMembership
    | KeepMembership
    | OpenSellerInquiry
    | CloseSellerInquiry
    | FreezeOrder
    | UnfreezeOrder
    | GuaranteePayout
    | BlockSellerRefund
    | FlagCase
    | CloseCase
    | SetTimer
    | OfferReorder
    | LinkedReorder,
    Field(discriminator="type"),
]
