"""Performs the effects on orders and memberships: cancel, request, restock, freeze, end, keep."""

from __future__ import annotations

from dataclasses import asdict

from madoguchi.policy import effects as e
from madoguchi.services.performing.work import Work


def cancel_lines(work: Work, effect: e.CancelLines, _key: str) -> None:
    """Cancel units; the whole order too where nothing is left of it."""
    for part in effect.lines:
        work.line(part.line_id).canceled_quantity += part.quantity
    if effect.whole_order:
        work.the_order.state = "canceled"
        work.the_order.canceled_at = work.now
    work.the_order.cancel_request = None


def restore_stock(work: Work, effect: e.RestoreStock, _key: str) -> None:
    """Put canceled units back on sale."""
    for part in effect.lines:
        work.line(part.line_id).variant.stock += part.quantity


def request_cancellation(work: Work, effect: e.RequestCancellation, _key: str) -> None:
    """Note the wish to cancel; the order waits for the warehouse's or the seller's word."""
    order = work.the_order
    order.cancel_request = {
        "lines": [asdict(part) for part in effect.lines],
        "whole_order": effect.whole_order,
        "state_before": order.state,
        "at": work.now.isoformat(),
    }
    order.state = "cancel_requested"


def withdraw_cancellation(work: Work, _effect: e.WithdrawCancellation, _key: str) -> None:
    """Take the wish to cancel back; the order is what it was, or has left where a parcel was reported meanwhile."""
    order = work.the_order
    if order.cancel_request is None:
        return
    order.state, order.cancel_request = order.cancel_request["state_before"], None
    if order.shipments:
        order.state = "shipped"
        order.shipped_at = order.shipped_at or min(parcel.shipped_at for parcel in order.shipments)
    arrived = [parcel.delivered_at for parcel in order.shipments if parcel.delivered_at is not None]
    if arrived and len(arrived) == len(order.shipments):
        order.state, order.delivered_at = "delivered", max(arrived)


def freeze_order(work: Work, _effect: e.FreezeOrder, _key: str) -> None:
    """Hold all money of the order."""
    work.the_order.frozen_at = work.the_order.frozen_at or work.now


def unfreeze_order(work: Work, _effect: e.UnfreezeOrder, _key: str) -> None:
    """Let the money of the order move again."""
    work.the_order.frozen_at = None


def end_membership(work: Work, effect: e.EndMembership, _key: str) -> None:
    """End the membership now, or let it run out."""
    if work.membership is None or str(work.membership.id) != effect.membership_id:
        raise LookupError("this plan is about another membership")
    if effect.at is None or effect.at <= work.now:
        work.membership.state = "ended"
        work.membership.ended_at = work.now
    else:
        work.membership.state = "ending"


def keep_membership(work: Work, effect: e.KeepMembership, _key: str) -> None:
    """Take the coming end of the membership back."""
    if work.membership is None or str(work.membership.id) != effect.membership_id:
        raise LookupError("this plan is about another membership")
    work.membership.state = "active"


def flag_case(work: Work, effect: e.FlagCase, _key: str) -> None:
    """Put the case on the agents' watch list."""
    work.case.flagged = True
    work.result["flag"] = effect.flag.value


def close_case(work: Work, _effect: e.CloseCase, _key: str) -> None:
    """The trouble is over."""
    work.case.state = "closed"
    work.case.closed_at = work.now
