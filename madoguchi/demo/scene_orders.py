"""The orders of a scene: their missing times filled in, and what became of them written in the order it happened."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from madoguchi.demo.marketplace import answer, ask, claim, grant_guarantee
from madoguchi.demo.moneyback import cancel, open_case, refund, request_cancel, units, void
from madoguchi.demo.purchases import Draft, Item, Pay, Purchase, place
from madoguchi.demo.returns import authorize, receive
from madoguchi.demo.rows import Rows
from madoguchi.demo.scene_format import LineScene, OrderScene, RefundScene, ReturnScene, SceneError, When
from madoguchi.demo.scene_products import Shelf
from madoguchi.demo.times import local_day
from madoguchi.policy.facts import LineAmount
from madoguchi.store import Customer, Refund, Seller

DAY = timedelta(days=1)
PROMISED_AFTER = 4 * DAY


@dataclass(frozen=True)
class Clock:
    """The scene's present, from which its times are told."""

    now: datetime

    def at(self, when: When) -> datetime:
        """Return the instant meant."""
        return self.now + when if isinstance(when, timedelta) else when

    def maybe(self, when: When | None) -> datetime | None:
        """Return the instant meant, if one is."""
        return None if when is None else self.at(when)


@dataclass(frozen=True)
class _Times:
    placed: datetime
    shipped: datetime | None
    delivered: datetime | None


def place_order(
    rows: Rows,
    shelf: Shelf,
    clock: Clock,
    wanted: OrderScene,
    *,
    place: str,
    customer: Customer,
    seller: Seller | None,
) -> Purchase:
    """Write one order of a scene as it was bought; SceneError where its payments don't fit."""
    state, times = state_of(wanted), _times(clock, wanted)
    lines = wanted.lines or [LineScene.model_validate(_line_words(wanted))]
    items = tuple(
        Item(
            shelf.article(f"{place}.lines.{number}" if wanted.lines else place, line),
            line.quantity,
            line.price,
            clock.maybe(line.used),
        )
        for number, line in enumerate(lines)
    )
    draft = Draft(
        customer=customer,
        items=items,
        placed_at=times.placed,
        # What became of it is written by the steps that follow; these start from the state before.
        state=_state_before(wanted) if state in ("canceled", "cancel_requested") else state,
        seller=seller,
        payments=_payments(wanted),
        shipping_fee=wanted.shipping_fee,
        discount=wanted.discount,
        promised_on=local_day(clock.maybe(wanted.promised) or times.placed + PROMISED_AFTER),
        shipped_at=times.shipped,
        delivered_at=times.delivered,
        number=wanted.number,
        changed=wanted.changed,
        frozen_at=clock.maybe(wanted.frozen),
    )
    return _place(rows, draft, lines, place)


def state_of(wanted: OrderScene) -> str:
    """Return the state an order is in, told or following from its times."""
    if wanted.state is not None:
        return str(wanted.state)
    if wanted.inquiry is not None and wanted.inquiry.kind == "seller_stockout" and wanted.shipped is None:
        return "cancel_requested"
    times = (("canceled_at", "canceled"), ("requested", "cancel_requested"))
    for key, state in (*times, ("delivered", "delivered"), ("shipped", "shipped"), ("placed", "placed")):
        if getattr(wanted, key) is not None:
            return state
    return "delivered"


@dataclass
class Troubles:
    """What became of one order of a scene."""

    rows: Rows
    clock: Clock
    wanted: OrderScene
    purchase: Purchase
    place: str
    returns: list[str] = field(default_factory=list)
    inquiry_id: int | None = None

    def write(self) -> None:
        """Write it all, in the order in which it happens in life."""
        state = state_of(self.wanted)
        planned = self._ask_seller() if self.wanted.inquiry else []
        if state == "cancel_requested":
            self._request_cancel()
        for number, wanted in enumerate(self.wanted.refunds or ()):
            self._refund(f"{self.place}.refunds.{number}", wanted)
        if state == "canceled":
            self._cancel()
        for number, back in enumerate(self.wanted.returns):
            self._return(f"{self.place}.returns.{number}", back)
        if self.wanted.guarantee is not None:
            self._guarantee(planned)

    def _ask_seller(self) -> list[Refund]:
        asked = self.wanted.inquiry
        if asked is None:
            return []
        at = self.clock.at(asked.asked)
        case = open_case(
            self.rows,
            self.purchase.customer,
            asked.kind,
            at,
            purchase=self.purchase,
            state="open",
            flagged=asked.kind == "conflicting_notice",
        )
        inquiry = ask(self.rows, self.purchase, case, at, deadline=self.clock.maybe(asked.deadline))
        if asked.answer is not None:
            answer(self.rows, inquiry, str(asked.answer), self.clock.at(asked.answered), asked.text)
        self.inquiry_id = inquiry.id
        by_default = asked.kind == "seller_stockout" and self.wanted.refunds is None
        if asked.planned_refund is False or not (asked.planned_refund or by_default):
            return []
        fee = self.purchase.order.shipping_fee
        return refund(self.rows, self.purchase, case, units(self.purchase), at, shipping=fee, state="planned")

    def _request_cancel(self) -> None:
        asked = self.wanted.inquiry.asked if self.wanted.inquiry else timedelta(hours=-12)
        at = self.clock.at(self.wanted.requested or asked)
        request_cancel(self.rows, self.purchase, at, state_before=_state_before(self.wanted))
        if self.wanted.inquiry is None:
            open_case(self.rows, self.purchase.customer, "cancel", at, purchase=self.purchase, state="open")

    def _cancel(self) -> None:
        at, order = self.clock.maybe(self.wanted.canceled_at) or self.clock.now - DAY, self.purchase.order
        if self.wanted.refunds is None:
            case = open_case(self.rows, self.purchase.customer, "cancel", at, purchase=self.purchase)
            cancel(self.rows, self.purchase, case, at)
            return
        for line in self.purchase.lines:
            line.canceled_quantity = line.quantity - line.returned_quantity
        order.state, order.canceled_at = "canceled", at

    def _refund(self, place: str, wanted: RefundScene) -> None:
        at = self.clock.at(wanted.at)
        parts = units(self.purchase, _lines(self.purchase, place, wanted.lines))
        if wanted.amount is not None:
            parts = (LineAmount(str(self.purchase.lines[0].id), 0, wanted.amount),)
        case = open_case(self.rows, self.purchase.customer, str(wanted.kind), at, purchase=self.purchase)
        to = str(wanted.to) if wanted.to else None
        made = refund(self.rows, self.purchase, case, parts, at, shipping=wanted.shipping, state=wanted.state, to=to)
        meant = sum(part.amount for part in parts) + wanted.shipping
        if sum(row.amount for row in made) != meant:
            raise SceneError(f"{place}: {meant} yen is more than is left of the payments")

    def _return(self, place: str, wanted: ReturnScene) -> None:
        at, received = self.clock.at(wanted.created), self.clock.maybe(wanted.received)
        state = wanted.state or ("inspected" if wanted.inspected else "received" if received else "open")
        scanned = state in ("received", "inspected")
        case = open_case(self.rows, self.purchase.customer, str(wanted.kind), at, purchase=self.purchase, state="open")
        made = authorize(
            self.rows,
            self.purchase,
            case,
            at,
            quantities=_lines(self.purchase, place, wanted.lines),
            payer=str(wanted.payer),
            route=str(wanted.route),
            percent=wanted.percent,
            to=str(wanted.to) if wanted.to else None,
            state="received" if scanned else state,
        )
        self.returns.append(made.number)
        if scanned:
            receive(self.rows, self.purchase, made, case, received or self.clock.now - DAY / 2, state=wanted.refund)
        if state == "inspected":
            made.state, made.inspection = "inspected", str(wanted.inspection or "as_expected")
            made.inspected_at = self.clock.maybe(wanted.inspected) or self.clock.now

    def _guarantee(self, planned: list[Refund]) -> None:
        wanted = self.wanted.guarantee
        if wanted is None:
            return
        at = self.clock.at(wanted.at)
        case = open_case(self.rows, self.purchase.customer, "guarantee", at, purchase=self.purchase)
        if wanted.state == "granted":
            void(self.purchase, planned)
            grant_guarantee(self.rows, self.purchase, case, at)
        else:
            claim(self.rows, self.purchase, case, at, state=wanted.state, amount=self.purchase.total)


def _place(rows: Rows, draft: Draft, lines: list[LineScene], where: str) -> Purchase:
    try:
        purchase = place(rows, draft)
    except ValueError as error:
        raise SceneError(f"{where}.payments: {error}") from error
    for line, wanted in zip(purchase.lines, lines, strict=True):
        line.canceled_quantity, line.returned_quantity = wanted.canceled, wanted.returned
    return purchase


def _times(clock: Clock, wanted: OrderScene) -> _Times:
    """Fill in the times that are not told: placed two days before delivery, sent one."""
    state, now = state_of(wanted), clock.now
    delivered = clock.maybe(wanted.delivered) or (now - 3 * DAY if state == "delivered" else None)
    shipped = clock.maybe(wanted.shipped)
    if shipped is None and state in ("shipped", "delivered"):
        shipped = delivered - DAY if delivered else now - DAY
    asked = clock.maybe(wanted.requested or (wanted.inquiry.asked if wanted.inquiry else None))
    gone = shipped or asked or clock.maybe(wanted.canceled_at) or now
    return _Times(clock.maybe(wanted.placed) or gone - DAY, shipped, delivered)


def _state_before(wanted: OrderScene) -> str:
    return wanted.state_before or ("placed" if wanted.seller or state_of(wanted) == "canceled" else "preparing")


def _payments(wanted: OrderScene) -> tuple[Pay, ...]:
    if wanted.payments:
        return tuple(Pay(str(pay.method), pay.amount) for pay in wanted.payments)
    return (Pay(str(wanted.payment or "card")),)


def _line_words(wanted: OrderScene) -> dict[str, object]:
    return {name: getattr(wanted, name) for name in LineScene.model_fields}


def _lines(purchase: Purchase, place: str, lines: dict[int, int] | None) -> dict[int, int] | None:
    for index, count in (lines or {}).items():
        if index >= len(purchase.lines) or count > purchase.lines[index].quantity:
            raise SceneError(f"{place}.lines: the order has no {count} of line {index}; lines count from 0")
    return lines
