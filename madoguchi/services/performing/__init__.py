"""Performs a plan: one small function an effect, each under a key that can be used once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import insert

from madoguchi.policy import effects as e
from madoguchi.policy.plans import Plan
from madoguchi.services.performing import money, orders, returns, sellers
from madoguchi.services.performing.work import Work
from madoguchi.store import Effect

__all__ = ["Work", "perform"]

PERFORMERS: dict[type, Callable[[Work, Any, str], None]] = {
    e.CancelLines: orders.cancel_lines,
    e.RestoreStock: orders.restore_stock,
    e.RequestCancellation: orders.request_cancellation,
    e.WithdrawCancellation: orders.withdraw_cancellation,
    e.FreezeOrder: orders.freeze_order,
    e.UnfreezeOrder: orders.unfreeze_order,
    e.EndMembership: orders.end_membership,
    e.KeepMembership: orders.keep_membership,
    e.FlagCase: orders.flag_case,
    e.CloseCase: orders.close_case,
    e.Refund: money.refund,
    e.ReleaseRefund: money.release_refund,
    e.VoidRefund: money.void_refund,
    e.ChangeRefundMethod: money.change_refund_method,
    e.GuaranteePayout: money.guarantee_payout,
    e.BlockSellerRefund: money.block_seller_refund,
    e.AuthorizeReturn: returns.authorize_return,
    e.WithdrawAuthorization: returns.withdraw_authorization,
    e.ExpireAuthorization: returns.expire_authorization,
    e.SendReminder: returns.send_reminder,
    e.ReceiveParcel: returns.receive_parcel,
    e.MarkInspected: returns.mark_inspected,
    e.OpenSellerInquiry: sellers.open_seller_inquiry,
    e.CloseSellerInquiry: sellers.close_seller_inquiry,
    e.SetTimer: sellers.set_timer,
}

LATER = (e.OfferReorder, e.LinkedReorder)
"""Nothing to do in this transaction: an offer is only told, and a linked reorder is the saga's last step."""


def perform(work: Work, plan: Plan) -> None:
    """Perform every effect of the plan in its order, inside the caller's transaction.

    An effect whose key was used before raises sqlalchemy.exc.IntegrityError, and nothing is done.
    """
    due = {
        f"{work.key}:{number}:{effect.type}": effect
        for number, effect in enumerate(plan.effects)
        if not isinstance(effect, LATER)
    }
    if due:
        rows = [{"key": key, "kind": effect.type, "performed_at": work.now} for key, effect in due.items()]
        work.session.execute(insert(Effect), rows)
    for key, effect in due.items():
        PERFORMERS[type(effect)](work, effect, key)
