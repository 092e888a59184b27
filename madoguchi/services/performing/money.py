"""Performs the effects on money: refunds written, released, voided or sent another way, and the guarantee.

Gift balance is the shop's own ledger and moves in the same transaction; anything else leaves a row in the
outbox, and the call to the outside is made after the commit, under the refund's own key.
"""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from madoguchi.policy import effects as e
from madoguchi.policy.vocabulary import RefundTiming
from madoguchi.services import ledger
from madoguchi.services.performing.work import Work
from madoguchi.store import Account, GuaranteeClaim, OutboxCall, Payment, Refund


def refund(work: Work, effect: e.Refund, key: str) -> None:
    """Write one refund a split, and release it where it is due now."""
    now = effect.when is RefundTiming.NOW
    for number, split in enumerate(effect.splits):
        row = Refund(
            key=f"{key}:{number}",
            case_id=work.case.id,
            authorization_id=int(effect.authorization_id) if effect.authorization_id else None,
            order_number=work.order.number if work.order else None,
            payment_id=int(split.payment_id),
            amount=split.amount,
            destination=split.method.value,
            account_reference=split.account,
            charge_id=int(effect.charge_id) if effect.charge_id else None,
            lines=[asdict(part) for part in effect.lines] if number == 0 else [],
            shipping=effect.shipping if number == 0 else 0,
            reason=work.case.kind,
            state="pending" if now else "planned",
            created_at=work.now,
        )
        work.session.add(row)
        work.session.flush()
        if now:
            release(work, row)


def release(work: Work, row: Refund) -> None:
    """Let a refund go: at once to a gift balance, by the outbox to anything else."""
    payment = work.session.get_one(Payment, row.payment_id)
    row.state = "pending"
    ledger.post(
        work.session,
        f"{row.key}:released",
        debit=ledger.SALES,
        credit=ledger.PAYABLE,
        amount=row.amount,
        currency=payment.currency,
        reason=row.reason,
        at=work.now,
    )
    to_gift = row.destination == "gift_balance" or (
        row.destination == "original_payment" and payment.method == "gift_balance"
    )
    if to_gift:
        reference = row.account_reference or payment_gift(payment) or gift_account(work, payment.customer_id)
        ledger.post(
            work.session,
            f"{row.key}:sent",
            debit=ledger.PAYABLE,
            credit=reference,
            amount=row.amount,
            currency=payment.currency,
            reason=row.reason,
            at=work.now,
        )
        row.account_reference = reference
        row.state, row.sent_at, row.settled_at = "settled", work.now, work.now
        return
    kind = "bank_transfer" if row.destination == "bank_transfer" else "card_refund"
    work.session.add(OutboxCall(key=row.key, kind=kind, subject=str(row.id), due_at=work.now, payload={}))
    work.session.flush()


def payment_gift(payment: Payment) -> str | None:
    """Return the gift account a payment was made from, or None."""
    return payment.account_reference if payment.method == "gift_balance" else None


def gift_account(work: Work, customer_id: int) -> str:
    """Return the customer's gift account, opened if there is none yet."""
    found = work.session.scalar(
        select(Account.reference)
        .where(Account.customer_id == customer_id, Account.method == "gift_balance")
        .order_by(Account.reference)
        .limit(1)
    )
    if found:
        return found
    reference = f"gift:{customer_id}"
    try:
        with work.session.begin_nested():
            work.session.add(Account(reference=reference, customer_id=customer_id, method="gift_balance"))
    except IntegrityError:
        pass  # a rival transaction has just opened it
    return reference


def release_refund(work: Work, effect: e.ReleaseRefund, _key: str) -> None:
    """Send planned refunds now."""
    for row in _planned(work, effect.refund_ids):
        release(work, row)


def void_refund(work: Work, effect: e.VoidRefund, _key: str) -> None:
    """Drop planned refunds that were never sent."""
    for row in _planned(work, effect.refund_ids):
        row.state = "voided"


def change_refund_method(work: Work, effect: e.ChangeRefundMethod, _key: str) -> None:
    """Send what is promised another way."""
    from madoguchi.store import ReturnAuthorization

    for number in effect.authorization_ids:
        authorization = work.session.get_one(ReturnAuthorization, int(number))
        authorization.method = effect.method.value
        authorization.splits = [{**split, "method": effect.method.value} for split in authorization.splits]
    for row in _planned(work, effect.refund_ids):
        row.destination = effect.method.value


def guarantee_payout(work: Work, effect: e.GuaranteePayout, key: str) -> None:
    """Pay the marketplace guarantee to the customer's gift balance, once per order."""
    order = work.the_order
    work.session.add(
        GuaranteeClaim(
            case_id=work.case.id,
            order_number=order.number,
            amount=effect.amount,
            state="granted",
            claimed_at=work.now,
            granted_at=work.now,
        )
    )
    ledger.post(
        work.session,
        f"{key}:sent",
        debit=ledger.GUARANTEE,
        credit=gift_account(work, order.customer_id),
        amount=effect.amount,
        currency=order.currency,
        reason="guarantee",
        at=work.now,
    )


def block_seller_refund(work: Work, _effect: e.BlockSellerRefund, _key: str) -> None:
    """From now on a refund that the seller sends for this order is refused."""
    work.the_order.seller_refund_blocked = True


def _planned(work: Work, ids: tuple[str, ...]) -> list[Refund]:
    rows = work.session.scalars(select(Refund).where(Refund.id.in_([int(number) for number in ids]))).all()
    return [row for row in rows if row.state == "planned"]
