"""From a wish to what it is about: one order, some of its lines, or one membership; else the question that tells."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from madoguchi.policy.facts import LineQuantity
from madoguchi.policy.requests import RETURNS, RequestKind
from madoguchi.services import finding
from madoguchi.services.deciding import Subject
from madoguchi.services.desk import Desk
from madoguchi.services.finding import Whose
from madoguchi.services.views import Choice, Money, line_choice, order_choice
from madoguchi.services.wishes import REORDER, Ask, Tell, Wish
from madoguchi.store import Membership, Order, OrderLine


@dataclass(frozen=True)
class Target:
    """What a wish is about; no lines means all that is left of the order."""

    subject: Subject
    lines: tuple[OrderLine, ...] = ()
    quantity: int | None = None

    @property
    def quantities(self) -> tuple[LineQuantity, ...]:
        """The units meant: as many as were named, else all that is left of each line."""
        return tuple(
            LineQuantity(str(line.id), min(self.quantity or left, left))
            for line in self.lines
            if (left := line.quantity - line.canceled_quantity - line.returned_quantity) > 0
        )


def find(session: Session, desk: Desk, conversation_id: str, wish: Wish) -> Target | Ask | Tell:
    """Return what the wish is about, the question that would tell, or why there is nothing to find."""
    now = desk.clock()
    person = finding.whose(session, conversation_id)
    if person.customer_id is None:
        unproved = _unproved(session, conversation_id, person, wish)
        if unproved is not None:
            return unproved
        person = finding.whose(session, conversation_id)
    if wish.kind in finding.OF_A_MEMBERSHIP or wish.membership:
        return _membership(session, person, wish)
    chosen = _chosen(session, person, wish)
    if chosen is not None:
        return chosen
    return _among(session, desk, person, wish, now)


def prove(desk: Desk, conversation_id: str, wish: Wish) -> Ask | Tell | None:
    """Return what a visitor has still to show of the order they speak of; None where nothing is missing."""
    with desk.store.writing() as session:
        person = finding.whose(session, conversation_id)
        return _unproved(session, conversation_id, person, wish) if person.customer_id is None else None


def other_than(desk: Desk, conversation_id: str, wish: Wish, known: str) -> str | None:
    """Return the one choice that such a wish can mean besides the known one; None where there are several, or none.

    Both are written as choices are: "line:12" or "order:250-…". A wish of no kind is a question about any order.
    """
    kind, whole = wish.kind or "", known.startswith("order:")
    with desk.store.reading() as session:
        if whole or kind in finding.OF_A_WHOLE_ORDER:
            orders = _fitting(session, desk, conversation_id, kind)
            choices = [f"order:{order.number}" for order in orders if not _is_of(order, known)]
        else:
            lines = _lines_fitting(session, desk, conversation_id, kind)
            choices = [f"line:{line.id}" for line in lines if f"line:{line.id}" != known]
        return choices[0] if len(choices) == 1 else None


def articles(desk: Desk, conversation_id: str, kind: str) -> tuple[Choice, ...]:
    """Return every article of the customer's that a wish of this kind can be about."""
    with desk.store.reading() as session:
        return tuple(map(line_choice, _lines_fitting(session, desk, conversation_id, kind)))


def fits(desk: Desk, conversation_id: str, kind: str, known: str) -> bool:
    """Whether a wish of this kind can be about the order of a choice that was talked about."""
    with desk.store.reading() as session:
        return any(_is_of(order, known) for order in _fitting(session, desk, conversation_id, kind))


def _fitting(session: Session, desk: Desk, conversation_id: str, kind: str) -> list[Order]:
    person = finding.whose(session, conversation_id)
    return finding.fitting_orders(session, finding.own_orders(session, person, desk.clock()), kind)


def _lines_fitting(session: Session, desk: Desk, conversation_id: str, kind: str) -> list[OrderLine]:
    lines = finding.lines_of(_fitting(session, desk, conversation_id, kind), kind)
    return _lately(desk, lines, desk.clock()) if kind in (*RETURNS, REORDER) else lines


def _is_of(order: Order, choice: str) -> bool:
    return choice in {f"order:{order.number}", *(f"line:{line.id}" for line in order.lines)}


def _unproved(session: Session, conversation_id: str, person: Whose, wish: Wish) -> Ask | Tell | None:
    """Return what a visitor has still to show; an order's number proves no membership, so it is not asked for there."""
    asked = not person.known and wish.kind not in finding.OF_A_MEMBERSHIP
    return _prove(session, conversation_id, person, wish) if wish.order_number or asked else None


def _prove(session: Session, conversation_id: str, person: Whose, wish: Wish) -> Ask | Tell | None:
    """Ask a visitor for what proves an order; None once it is proved."""
    if wish.order_number is None:
        return Ask("order_number", "ask_order_number")
    if wish.order_number in person.proved:
        return None
    if wish.contact is None:
        return Ask("contact", "ask_contact")
    if finding.prove_order(session, conversation_id, wish.order_number, wish.contact):
        return None
    return Tell("unknown_order")


def _membership(session: Session, person: Whose, wish: Wish) -> Target | Ask | Tell:
    withdraws = wish.kind == RequestKind.WITHDRAW
    running = finding.leaving(session, person) if withdraws else finding.memberships(session, person, wish.kind or "")
    if wish.membership is not None:
        wanted = wish.membership.removeprefix("membership:")
        running = [membership for membership in running if str(membership.id) == wanted]
    elif wish.product is not None and len(running) > 1:
        named = [membership for membership in running if wish.product in membership.product.title]
        running = named or running
    if not running:
        return Tell("no_membership")
    if len(running) > 1:
        return Ask("membership", "ask_membership", tuple(map(_membership_choice, running)))
    return Target(Subject(membership=running[0]))


def _membership_choice(membership: Membership) -> Choice:
    fee = membership.charges[-1].payment if membership.charges else None
    return Choice(
        value=f"membership:{membership.id}",
        title=membership.product.title,
        image=membership.product.image,
        price=Money(fee.captured, fee.currency) if fee else None,
        on=membership.joined_at,
    )


def _chosen(session: Session, person: Whose, wish: Wish) -> Target | Tell | None:
    """Return what a pressed choice names, if it is this person's."""
    if wish.line is None:
        return None
    kind, _, name = wish.line.partition(":")
    if kind == "order":
        order = finding.own_order(session, person, name)
        if order is None:
            return Tell("unknown_order")
        some = wish.kind == RequestKind.CANCEL and wish.quantity is not None
        # What is ordered again is an article, not an order; so many units to cancel are units of an article too.
        if len(order.lines) == 1 and (wish.kind == REORDER or some):
            return Target(Subject(order=order), tuple(order.lines), wish.quantity)
        return Target(Subject(order=order))
    order = finding.own_order_of(session, person, int(name)) if name.isdecimal() else None
    if order is None:
        return Tell("unknown_order")
    line = next(line for line in order.lines if line.id == int(name))
    return Target(Subject(order=order), (line,), wish.quantity)


def _among(session: Session, desk: Desk, person: Whose, wish: Wish, now: datetime) -> Target | Ask | Tell:
    """Look among the person's orders, the one whose number was said or all of the last year."""
    kind = wish.kind or ""
    if wish.order_number is not None:
        order = finding.own_order(session, person, wish.order_number)
        if order is None:
            return Tell("unknown_order")
        orders = [order]
    else:
        own = list(finding.own_orders(session, person, now))
        fitting = finding.fitting_orders(session, own, kind)
        if kind == RequestKind.WITHDRAW and not fitting and finding.leaving(session, person):
            return _membership(session, person, wish)
        if not own:
            return Tell("no_orders")
        orders = finding.prefer(session, finding.in_any_state(own, fitting, kind, wish.product), kind, now)
        if not orders:
            return Tell("nothing_to_withdraw" if kind == RequestKind.WITHDRAW else "nothing_fits")
    if kind in finding.OF_A_WHOLE_ORDER or (kind == RequestKind.CANCEL and _means_order(wish, orders)):
        return _one_order(orders, wish)
    return _one_line(desk, orders, wish, now)


def _means_order(wish: Wish, orders: list[Order]) -> bool:
    """Whether a wish to cancel means a whole order: no article was named, or it is the order's only one.

    So many units are units of one line, never a whole order.
    """
    if wish.whole_order or wish.quantity is not None:
        return wish.whole_order is True
    return wish.product is None or all(len(order.lines) == 1 for order in orders)


def _one_order(orders: list[Order], wish: Wish) -> Target | Ask:
    if wish.product is not None and len(orders) > 1:
        named = finding.alike([line for order in orders for line in order.lines], wish.product)
        orders = list(dict.fromkeys(line.order for line in named)) or orders
    if len(orders) == 1:
        return Target(Subject(order=orders[0]))
    return Ask("article", "ask_order", tuple(map(order_choice, orders[: finding.SHOWN])))


def _one_line(desk: Desk, orders: list[Order], wish: Wish, now: datetime) -> Target | Ask | Tell:
    lines = finding.lines_of(orders, wish.kind or "")
    named = finding.alike(lines, wish.product) if wish.product is not None else []
    found = named or (_sized(lines) if wish.kind == RequestKind.WRONG_SIZE else []) or lines
    if wish.order_number is None and wish.kind in (*RETURNS, REORDER):
        found = _lately(desk, found, now) or found
    if len(found) == 1:
        return Target(Subject(order=found[0].order), (found[0],), wish.quantity)
    if not found:
        # Everything of the order is canceled or returned: the policy says so, with what was paid back.
        return Target(Subject(order=orders[0])) if len(orders) == 1 else Tell("nothing_fits")
    return Ask("article", "ask_article", tuple(map(line_choice, found[: finding.SHOWN])))


def _sized(lines: list[OrderLine]) -> list[OrderLine]:
    """Return the lines of articles that come in sizes: where none is named, only those can be of the wrong one."""
    return [line for line in lines if line.variant.size is not None]


def _lately(desk: Desk, lines: list[OrderLine], now: datetime) -> list[OrderLine]:
    """Return the lines whose parcel is on its way or arrived within the window of returns."""
    found = []
    for line in lines:
        window = desk.terms.at(line.order.placed_at).returns.window_days
        arrived = line.order.delivered_at
        if arrived is None or window is None or now - arrived <= timedelta(days=window + 1):
            found.append(line)
    return found
