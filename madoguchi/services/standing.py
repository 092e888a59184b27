"""Where a customer stands: their orders, and what is open on them, as the answers need it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from madoguchi.policy.calendar import local_day
from madoguchi.policy.terms import Terms
from madoguchi.services import finding
from madoguchi.services.describing import clock_values, ways_together
from madoguchi.services.desk import Desk
from madoguchi.services.finding import Whose
from madoguchi.services.views import Money, Values, payment_label, titles_of
from madoguchi.services.wishes import Wish
from madoguchi.store import (
    GuaranteeClaim,
    Inquiry,
    Membership,
    MembershipCharge,
    Order,
    OrderLine,
    Payment,
    Refund,
    ReturnAuthorization,
)

PARTS_LOOKED_AT = 8
"""Rows of refunds among which the parts of the newest one are looked for."""
_PROGRESS = ("failed", "planned", "pending", "sent", "settled")
"""States of a refund from the one that needs most words to the one that needs none."""
RECENT = timedelta(days=14)
"""How long a refund that was sent, or a return that came in, is worth a word."""


@dataclass(frozen=True)
class Standing:
    """One customer's standing at one instant, inside a reading transaction."""

    session: Session
    desk: Desk
    person: Whose
    orders: Sequence[Order]
    named: Order | None
    """The order that was named or is talked about, or the only one there is."""
    now: datetime

    @classmethod
    def of(cls, session: Session, desk: Desk, conversation_id: str, wish: Wish) -> Standing:
        """Read the standing of a conversation's customer."""
        person, now = finding.whose(session, conversation_id), desk.clock()
        orders = finding.own_orders(session, person, now)
        return cls(session, desk, person, orders, _named(orders, wish), now)

    def is_unproved(self, wish: Wish) -> bool:
        """Whether a visitor has still to show that an order is theirs: any, or the one whose number they name."""
        if self.person.customer_id is not None:
            return False
        return wish.order_number not in self.person.proved if wish.order_number else not self.person.proved

    @cached_property
    def terms(self) -> Terms:
        """The terms of the order that is talked about, else those of today."""
        return self.desk.terms.at(self.named.placed_at if self.named else self.now)

    @cached_property
    def _meant(self) -> Sequence[Order]:
        return [self.named] if self.named is not None else self.orders

    @cached_property
    def open_return(self) -> ReturnAuthorization | None:
        """The newest return that is still on its way."""
        return self.session.scalar(
            select(ReturnAuthorization)
            .where(ReturnAuthorization.order_number.in_(self._numbers()), ReturnAuthorization.state == "open")
            .order_by(ReturnAuthorization.id.desc())
            .limit(1)
        )

    @cached_property
    def unsettled(self) -> Order | None:
        """The newest order that waits for the word of a warehouse or a seller."""
        waiting = (each for each in self._meant if each.state == "cancel_requested" or each.frozen_at is not None)
        return next(waiting, None)

    @cached_property
    def inquiry(self) -> Inquiry | None:
        """The question put to the seller of the unsettled order, while it is open."""
        if self.unsettled is None:
            return None
        return self.session.scalar(
            select(Inquiry).where(Inquiry.order_number == self.unsettled.number, Inquiry.state == "open")
        )

    def guaranteed(self, order: Order | None = None) -> GuaranteeClaim | None:
        """Return the newest claim on the guarantee that was paid, for this order or for any that is meant."""
        numbers = self._numbers() if order is None else [order.number]
        paid = GuaranteeClaim.state == "granted"
        mine = select(GuaranteeClaim).where(GuaranteeClaim.order_number.in_(numbers), paid)
        return self.session.scalar(mine.order_by(GuaranteeClaim.id.desc()).limit(1))

    @cached_property
    def answered_order(self) -> str | None:
        """The order whose seller has answered last."""
        return self.session.scalar(
            select(Inquiry.order_number)
            .where(Inquiry.order_number.in_(self._numbers()), Inquiry.answer.is_not(None))
            .order_by(Inquiry.answered_at.desc())
            .limit(1)
        )

    @cached_property
    def returned_orders(self) -> frozenset[str]:
        """The numbers of the orders of which a return has come in lately."""
        come = ReturnAuthorization.received_at > self.now - RECENT
        mine = ReturnAuthorization.order_number.in_(self._numbers())
        return frozenset(self.session.scalars(select(ReturnAuthorization.order_number).where(come, mine)))

    @cached_property
    def last_refund(self) -> Refund | None:
        """The newest refund of the orders meant, or of a membership where no order is."""
        mine: ColumnElement[bool] = Refund.order_number.in_(self._numbers())
        customer_id = self.person.customer_id
        if self.named is None and customer_id is not None:
            charges = select(MembershipCharge.id).join(Membership).where(Membership.customer_id == customer_id)
            mine = or_(mine, Refund.charge_id.in_(charges))
        sent = select(Refund).where(mine, Refund.state != "voided").order_by(Refund.id.desc())
        newest = self.session.scalars(sent.limit(PARTS_LOOKED_AT)).all()
        together = [each for each in newest if each.created_at == newest[0].created_at]
        # Of a refund in parts the one that has not come yet tells how it stands: the card's, behind the gift balance's.
        return min(together, key=lambda part: _PROGRESS.index(part.state), default=None)

    def clocks(self) -> Values:
        """Return how long a refund takes that is sent now."""
        return clock_values(self.terms, self.now)

    def of_order(self, order: Order) -> Values:
        """Return what a reply may say of an order."""
        parcel = order.shipments[-1] if order.shipments else None
        inquiry = self.session.scalar(
            select(Inquiry).where(Inquiry.order_number == order.number, Inquiry.state == "open")
        )
        return {
            **self._way((payment, None) for payment in order.payments[:1]),
            **self.clocks(),
            "article": titles_of(order.lines),
            "order_number": order.number,
            "amount": self._held(order),
            "seller": order.seller.name if order.seller else "",
            "promised_on": order.promised_on,
            "shipped_at": self._day(order.shipped_at),
            "delivered_at": self._day(order.delivered_at),
            "canceled_at": self._day(order.canceled_at),
            "carrier": parcel.carrier if parcel else "",
            "tracking": parcel.tracking if parcel else "",
            "deadline": inquiry.deadline if inquiry else None,
        }

    def of_return(self, opened: ReturnAuthorization) -> Values:
        """Return what a reply may say of an open return."""
        ways = [(self.session.get_one(Payment, int(each["payment_id"])), each["method"]) for each in opened.splits]
        named = {part["line_id"] for part in opened.lines}
        meant = [line for line in opened.order.lines if str(line.id) in named]
        return {
            **self._way(ways),
            **self.clocks(),
            "article": titles_of(meant or opened.order.lines[:1]),
            "order_number": opened.order_number,
            "amount": Money(opened.refund_amount, opened.order.currency),
            "rma": opened.number,
            "expires_on": self._day(opened.expires_at),
            "payer": opened.payer,
        }

    def of_refund(self, refund: Refund) -> Values:
        """Return what a reply may say of a refund, all its parts together."""
        parts = self.session.scalars(
            select(Refund).where(
                Refund.created_at == refund.created_at,
                Refund.order_number == refund.order_number,
                Refund.charge_id == refund.charge_id,
                Refund.state != "voided",
            )
        ).all() or [refund]
        return {
            **self._way((part.payment, part.destination) for part in parts),
            **clock_values(self.terms, refund.sent_at or self.now),
            "article": self._article_of(refund),
            "order_number": refund.order_number,
            "amount": Money(sum(part.amount for part in parts), refund.payment.currency),
            "sent_at": self._day(refund.sent_at),
        }

    def _held(self, order: Order) -> Money:
        """Return what was paid for an order and has not left again; what is merely planned is still held."""
        left = select(func.coalesce(func.sum(Refund.amount), 0)).where(
            Refund.order_number == order.number, Refund.state.in_(("pending", "sent", "settled"))
        )
        captured = sum(payment.captured for payment in order.payments)
        return Money(captured - (self.session.scalar(left) or 0), order.currency)

    def _article_of(self, refund: Refund) -> str | tuple[str, ...]:
        if refund.charge_id is not None:
            return self.session.get_one(MembershipCharge, refund.charge_id).membership.product.title
        named = [self.session.get(OrderLine, int(part["line_id"])) for part in refund.lines]
        order = next((each for each in self.orders if each.number == refund.order_number), None)
        meant = [line for line in named if line is not None] or (order.lines[:1] if order else [])
        return titles_of(meant) if meant else ""

    def _way(self, parts: Iterable[tuple[Payment, str | None]]) -> Values:
        """Return how the money of each payment comes back: the wish where one was kept, else the way it was paid."""
        ways = [(payment, None if method == "original_payment" else method) for payment, method in parts]
        labels = (payment_label(payment) for payment, wish in ways if payment.label and not wish)
        return {
            "method": ways_together({wish or payment.method for payment, wish in ways}),
            "method_label": tuple(dict.fromkeys(labels)),
        }

    def _day(self, moment: datetime | None) -> date | None:
        return local_day(moment, self.terms.calendar) if moment else None

    def _numbers(self) -> list[str]:
        return [order.number for order in self._meant]


def _named(orders: Sequence[Order], wish: Wish) -> Order | None:
    """Return the order that the wish's choice, number or article names; the only one where there is but one."""
    kind, _, name = (wish.line or "").partition(":")
    if kind == "line" and name.isdecimal():
        lines = (line for order in orders for line in order.lines)
        return next((line.order for line in lines if line.id == int(name)), None)
    number = name if kind == "order" else wish.order_number
    if number is not None:
        return next((order for order in orders if order.number == number), None)
    if wish.product is not None:
        alike = finding.alike([line for order in orders for line in order.lines], wish.product)
        named = list(dict.fromkeys(line.order for line in alike))
        if len(named) == 1:
            return named[0]
    return orders[0] if len(orders) == 1 else None
