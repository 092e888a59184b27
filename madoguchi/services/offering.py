"""Which acts make sense for an order or a membership, so that a form offers no others; the policy has the last word."""

from __future__ import annotations

from madoguchi.policy.requests import RequestKind
from madoguchi.services.finding import FITTING, OF_A_MEMBERSHIP, OF_A_SELLER
from madoguchi.services.planning import ALWAYS_EXCEPTIONS, TOLD, WISHES, Own
from madoguchi.store import Order

_UNSEEN = frozenset({RequestKind.REFUND_AGAIN, RequestKind.DISSATISFIED_WITH_ANSWER})
"""What Own.REFUND and Own.GUARANTEE do better, with a reason."""
_ALWAYS_LAST = (Own.REFUND, Own.RELEASE, Own.VOID)
_OF_SELLER = (Own.ASK_SELLER, Own.GUARANTEE)


def for_order(order: Order) -> dict[str, tuple[str, ...]]:
    """Return the kinds of acts for an order, in three groups: wishes, told, own."""
    seller = order.seller_id is not None
    wishes = tuple(
        kind.value
        for kind in WISHES
        if kind not in OF_A_MEMBERSHIP | _UNSEEN
        and (kind not in OF_A_SELLER or seller)
        and order.state in FITTING.get(kind, {order.state})
    )
    told = tuple(kind.value for kind in sorted(TOLD) if kind is not RequestKind.SELLER_ANSWER or seller)
    held = (Own.UNFREEZE,) if order.frozen_at is not None else (Own.FREEZE,)
    own = (*_ALWAYS_LAST, *(_OF_SELLER if seller else ()), *held, Own.CLOSE_CASE)
    return {"wishes": wishes, "told": told, "own": tuple(kind.value for kind in own)}


def for_membership() -> dict[str, tuple[str, ...]]:
    """Return the kinds of acts for a membership."""
    kinds = (RequestKind.ACCIDENTAL_SIGNUP, RequestKind.LEAVE_MEMBERSHIP, RequestKind.WITHDRAW)
    return {"wishes": tuple(kind.value for kind in kinds), "told": (), "own": ()}


def asks_for(kind: str) -> frozenset[str]:
    """Return which fields the form of an act has: lines, condition, method, at_once, amount, reason …"""
    returns = {RequestKind.DEFECT, RequestKind.WRONG_SIZE, RequestKind.WRONG_ITEM, RequestKind.MISSING_PART}
    asked: dict[str, set[str]] = {
        RequestKind.CANCEL: {"lines", "method"},
        RequestKind.CHANGE_OF_MIND: {"lines", "condition", "method"},
        RequestKind.CHANGE_REFUND_METHOD: {"method"},
        RequestKind.NOT_DELIVERED: {"method"},
        RequestKind.SELLER_STOCKOUT: {"method"},
        RequestKind.ACCIDENTAL_SIGNUP: {"method"},
        RequestKind.LEAVE_MEMBERSHIP: {"at_once", "method"},
        RequestKind.SELLER_ANSWER: {"answer", "text"},
        RequestKind.PARCEL_SCANNED: {"rma"},
        RequestKind.INSPECTED: {"rma", "result"},
        Own.REFUND: {"amount", "method"},
        **{kind: {"lines", "condition", "method"} for kind in returns},
    }
    return frozenset(asked.get(kind, set()) | ({"reason"} if kind in ALWAYS_EXCEPTIONS else set()))
