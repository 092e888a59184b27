"""From rows to facts: reads what one request needs and hands it to the policy as frozen dataclasses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, bindparam, exists, literal_column, select
from sqlalchemy.orm import Session

from madoguchi.policy import facts as f
from madoguchi.policy.requests import CLAIMS
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
from madoguchi.store import (
    Account,
    Case,
    GuaranteeClaim,
    Inquiry,
    Intent,
    Membership,
    MembershipCharge,
    Order,
    Payment,
    Refund,
    ReturnAuthorization,
    Variant,
)

CLAIMS_KEPT = timedelta(days=400)
_CUSTOMER: BindParameter[int] = bindparam("customer")
_ACCOUNTS = select(Account.reference, Account.method, Account.balance).where(Account.customer_id == _CUSTOMER)


def _spelt(*words: str) -> list[ColumnElement[str]]:
    """Return words of ours as they stand in a statement: as parameters an IN is written anew each time it is asked."""
    return [literal_column(f"'{word}'") for word in words]


_APPROVED = (
    select(Intent.confirmed_at)
    .join(Case, Intent.case_id == Case.id)
    .where(
        Case.customer_id == _CUSTOMER,
        Case.kind.in_(_spelt(*CLAIMS)),
        # One that is only just agreed to is the claim being decided, and one that was dropped came to nothing.
        Intent.recovery_point.not_in(_spelt("proposed", "confirmed", "dropped")),
        Intent.confirmed_at > bindparam("since"),
    )
)
_NUMBER: BindParameter[str] = bindparam("number")
_REFUNDS = select(Refund).where(Refund.order_number == _NUMBER).order_by(Refund.id)
_AUTHORIZATIONS = (
    select(ReturnAuthorization).where(ReturnAuthorization.order_number == _NUMBER).order_by(ReturnAuthorization.id)
)
_CLAIM = select(GuaranteeClaim).where(GuaranteeClaim.order_number == _NUMBER, GuaranteeClaim.state == "granted")
_INQUIRY = select(Inquiry).where(Inquiry.order_number == _NUMBER).order_by(Inquiry.id.desc()).limit(1)
# Most orders have none of these: one look tells which are worth reading.
_THERE = select(
    exists().where(Refund.order_number == _NUMBER).label("refunds"),
    exists().where(ReturnAuthorization.order_number == _NUMBER).label("authorizations"),
    exists().where(GuaranteeClaim.order_number == _NUMBER).label("claim"),
    exists().where(Inquiry.order_number == _NUMBER).label("inquiry"),
)
_STATES = {"pending": RefundState.SENT, "failed": RefundState.SENT}  # released: it counts as money gone


def of_order(session: Session, order: Order, now: datetime) -> f.Facts:
    """Return the facts of everything that concerns one order."""
    number = {"number": order.number}
    there = session.execute(_THERE, number).one()
    refunds = session.scalars(_REFUNDS, number).all() if there.refunds else ()
    authorizations = session.scalars(_AUTHORIZATIONS, number).all() if there.authorizations else ()
    claim = session.scalar(_CLAIM, number) if there.claim else None
    inquiry = session.scalar(_INQUIRY, number) if there.inquiry else None
    return f.Facts(
        order=_order(order, refunds, authorizations, claim.amount if claim else 0),
        inquiry=_inquiry(inquiry) if inquiry else None,
        authorizations=tuple(map(_authorization, authorizations)),
        refunds=tuple(map(_refund, refunds)),
        claims=_claims(session, order.customer_id, now),
        accounts=_accounts(session, order.customer_id),
    )


def of_membership(session: Session, membership: Membership, now: datetime) -> f.Facts:
    """Return the facts of one membership; the customer's others are not among them and stay untouched."""
    refunds = session.scalars(
        select(Refund)
        .join(MembershipCharge, Refund.charge_id == MembershipCharge.id)
        .where(MembershipCharge.membership_id == membership.id)
    ).all()
    return f.Facts(
        memberships=(_membership(membership, refunds),),
        refunds=tuple(map(_refund, refunds)),
        claims=_claims(session, membership.customer_id, now),
        accounts=_accounts(session, membership.customer_id),
    )


def replacements(session: Session, references: Sequence[str]) -> tuple[f.ReplacementFacts, ...]:
    """Return what the catalogue says of the variants with these references; unknown ones are left out."""
    variants = session.scalars(select(Variant).where(Variant.reference.in_(references))).all()
    return tuple(
        f.ReplacementFacts(
            sku=variant.reference,
            product_id=str(variant.product_id),
            price=variant.price,
            available=variant.stock > 0,
        )
        for variant in variants
    )


def line_amounts(rows: Sequence[Any]) -> tuple[f.LineAmount, ...]:
    """Return the units and amounts that a JSON column keeps."""
    return tuple(f.LineAmount(row["line_id"], row["quantity"], row["amount"]) for row in rows)


def _order(
    order: Order, refunds: Sequence[Refund], authorizations: Sequence[ReturnAuthorization], guarantee_paid: int
) -> f.OrderFacts:
    counted = [refund for refund in refunds if refund.state != "voided"]
    promised = [authorization for authorization in authorizations if authorization.state == "open"]
    return f.OrderFacts(
        number=order.number,
        state=OrderState(order.state),
        placed_at=order.placed_at,
        lines=_lines(order, [refund for refund in counted if refund.state != "planned"]),
        payments=tuple(_payment(payment, counted, promised) for payment in order.payments),
        seller=Seller.OWN if order.seller_id is None else Seller.MARKETPLACE,
        currency=order.currency,
        shipped_at=order.shipped_at,
        delivered_at=order.delivered_at,
        promised_on=order.promised_on,
        shipping_fee=order.shipping_fee,
        shipping_refunded=sum(r.shipping for r in counted) + sum(a.shipping for a in promised),
        discount=order.discount,
        frozen=order.frozen_at is not None,
        changed=order.changed,
        guarantee_paid=guarantee_paid,
    )


def _lines(order: Order, sent: Sequence[Refund]) -> tuple[f.LineFacts, ...]:
    refunded: dict[str, int] = {}
    for refund in sent:
        for part in refund.lines:
            refunded[part["line_id"]] = refunded.get(part["line_id"], 0) + part["amount"]
    return tuple(
        f.LineFacts(
            id=str(line.id),
            product_id=str(line.variant.product_id),
            title=line.title,
            category=line.variant.product.category,
            unit_price=line.unit_price,
            quantity=line.quantity,
            canceled=line.canceled_quantity,
            returned=line.returned_quantity,
            refunded=refunded.get(str(line.id), 0),
            kind=LineKind(line.variant.product.kind),
            final_sale=line.variant.product.final_sale,
            downloaded=line.used_at is not None,
        )
        for line in order.lines
    )


def _payment(
    payment: Payment, refunds: Sequence[Refund], promised: Sequence[ReturnAuthorization] = ()
) -> f.PaymentFacts:
    own = [refund for refund in refunds if refund.payment_id == payment.id]
    reserved = sum(refund.amount for refund in own if refund.state == "planned")
    reserved += sum(
        split["amount"]
        for authorization in promised
        for split in authorization.splits
        if split["payment_id"] == str(payment.id)
    )
    return f.PaymentFacts(
        id=str(payment.id),
        method=PaymentMethod(payment.method),
        captured=payment.captured,
        refunded=sum(refund.amount for refund in own if refund.state != "planned"),
        reserved=reserved,
        account=payment.account_reference,
    )


def _refund(refund: Refund) -> f.RefundFacts:
    return f.RefundFacts(
        id=str(refund.id),
        amount=refund.amount,
        state=_STATES.get(refund.state) or RefundState(refund.state),
        method=RefundMethod(refund.destination),
        payment_id=str(refund.payment_id),
        sent_at=refund.sent_at or (refund.created_at if refund.state in _STATES else None),
        lines=line_amounts(refund.lines),
        shipping=refund.shipping,
    )


def _authorization(authorization: ReturnAuthorization) -> f.AuthorizationFacts:
    return f.AuthorizationFacts(
        id=str(authorization.id),
        lines=line_amounts(authorization.lines),
        state=AuthorizationState(authorization.state),
        created_at=authorization.created_at,
        payer=Payer(authorization.payer),
        shipping=authorization.shipping,
        route=ReturnRoute(authorization.route),
        method=RefundMethod(authorization.method) if authorization.method else None,
        account=authorization.account_reference,
        reminded_at=authorization.reminded_at,
        scanned_at=authorization.received_at,
        inspection=InspectionResult(authorization.inspection) if authorization.inspection else None,
    )


def _inquiry(inquiry: Inquiry) -> f.InquiryFacts:
    return f.InquiryFacts(
        id=str(inquiry.id),
        asked_at=inquiry.asked_at,
        deadline=inquiry.deadline,
        answer=SellerAnswer(inquiry.answer) if inquiry.answer else None,
        answered_at=inquiry.answered_at,
    )


def _membership(membership: Membership, refunds: Sequence[Refund]) -> f.MembershipFacts:
    counted = [refund for refund in refunds if refund.state != "voided"]
    used_at = membership.used_at
    return f.MembershipFacts(
        id=str(membership.id),
        plan=membership.product.title,
        joined_at=membership.joined_at,
        period_ends_at=membership.period_ends_at,
        main=membership.main,
        used=used_at is not None,
        used_this_period=used_at is not None and used_at >= membership.period_starts_at,
        charges=tuple(
            f.ChargeFacts(str(charge.id), charge.charged_at, _payment(charge.payment, counted))
            for charge in membership.charges
        ),
        ended_at=membership.ended_at,
        ends_at=membership.period_ends_at if membership.state == "ending" else None,
    )


def _claims(session: Session, customer_id: int, now: datetime) -> f.ClaimHistory:
    approved = session.scalars(_APPROVED, {"customer": customer_id, "since": now - CLAIMS_KEPT})
    return f.ClaimHistory(tuple(at for at in approved if at is not None))


def _accounts(session: Session, customer_id: int) -> tuple[f.AccountFacts, ...]:
    return tuple(
        f.AccountFacts(reference, PaymentMethod(method), balance if method == "gift_balance" else None)
        for reference, method, balance in session.execute(_ACCOUNTS, {"customer": customer_id})
    )
