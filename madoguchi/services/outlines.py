"""A plan as a list of steps that the pages put into words: codes and typed values, with no Japanese of their own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from madoguchi.policy import effects as e
from madoguchi.policy.plans import Plan
from madoguchi.services.views import Money, Values
from madoguchi.store import Membership, OrderLine, Payment, Refund, ReturnAuthorization


@dataclass(frozen=True)
class Step:
    """One step of a plan; `code` is the effect's type."""

    code: str
    values: Values = field(default_factory=dict)


def of_plan(session: Session, plan: Plan) -> tuple[Step, ...]:
    """Return the plan's steps in their order, each with what it is about by name."""
    return tuple(Step(effect.type, _values(session, effect, plan.currency)) for effect in plan.effects)


def _values(session: Session, effect: e.Effect, currency: str) -> Values:
    values: Values = {}
    lines = getattr(effect, "lines", ())
    if lines:
        values["articles"] = tuple(_articles(session, lines))
    match effect:
        case e.Refund() | e.ReleaseRefund():
            values |= _paid(session, effect.splits, currency)
            values["when"] = effect.when.value if isinstance(effect, e.Refund) else "now"
        case e.AuthorizeReturn():
            values |= _paid(session, effect.splits, currency)
            values |= {"payer": effect.payer.value, "route": effect.route.value}
        case e.VoidRefund():
            rows = session.scalars(select(Refund).where(Refund.id.in_([int(each) for each in effect.refund_ids])))
            values["amount"] = Money(sum(row.amount for row in rows), currency)
        case e.GuaranteePayout():
            values["amount"] = Money(effect.amount, currency)
        case e.ChangeRefundMethod():
            values["method"] = effect.method.value
        case e.EndMembership() | e.KeepMembership():
            values["plan"] = session.get_one(Membership, int(effect.membership_id)).product.title
            values["at"] = effect.at if isinstance(effect, e.EndMembership) else None
        case e.OpenSellerInquiry():
            values["deadline"] = effect.deadline
        case e.SetTimer():
            values |= {"timer": effect.kind.value, "due": effect.due}
        case e.FlagCase():
            values["flag"] = effect.flag.value
        case e.MarkInspected():
            values["result"] = effect.result.value
        case e.OfferReorder():
            values["offer"] = effect.offer.value
        case e.LinkedReorder():
            values["amount"] = Money(effect.difference, currency)
    if isinstance(effect, e.ReceiveParcel | e.WithdrawAuthorization | e.ExpireAuthorization | e.MarkInspected):
        values["rma"] = session.get_one(ReturnAuthorization, int(effect.authorization_id)).number
    return values


def _articles(session: Session, lines: Iterable[object]) -> Iterable[str]:
    for part in lines:
        line = session.get(OrderLine, int(part.line_id))  # type: ignore[attr-defined]
        if line is not None:
            quantity: int = part.quantity  # type: ignore[attr-defined]
            yield line.title if quantity == 1 else f"{line.title} ×{quantity}"


def _paid(session: Session, splits: Iterable[e.Split], currency: str) -> Values:
    ways = []
    for split in splits:
        payment = session.get_one(Payment, int(split.payment_id))
        ways.append((Money(split.amount, currency), split.method.value, payment.label or payment.method))
    return {"amount": Money(sum(split.amount for split in splits), currency), "ways": tuple(ways)}
