"""Finding what a customer means: whose talk it is, and which order, article or membership fits the words.

Only what belongs to the customer of the conversation is ever looked at; a visitor's own orders are those that
were proved with the phone number or mail address on them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

import phonenumbers
from rapidfuzz import fuzz, process
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session, joinedload

from madoguchi.policy.requests import RequestKind
from madoguchi.store import Conversation, Customer, Inquiry, Membership, Order, OrderLine, Refund, ReturnAuthorization

LOOK_BACK = timedelta(days=400)
SHOWN = 6
LIKE_ENOUGH = 60.0  # of 100: half of the customer's word found in the title, or better
CLEARLY_BEST = 12.0  # the best title leads by so much: it is the one meant
SURELY_NAMED = 90.0  # the customer's word stands in the title as it is, or nearly so

_WHOSE = select(Conversation.customer_id, Conversation.proved_orders).where(
    Conversation.id == bindparam("conversation")
)
_ORDERS = select(Order).options(joinedload(Order.payments), joinedload(Order.lines, innerjoin=True))
_OWN_ORDERS = _ORDERS.where(Order.customer_id == bindparam("customer"), Order.placed_at > bindparam("since")).order_by(
    Order.placed_at.desc(), Order.number
)
_OF_NUMBER = _ORDERS.where(Order.number == bindparam("number"))
_OF_LINE = _ORDERS.where(
    Order.number == select(OrderLine.order_number).where(OrderLine.id == bindparam("line")).scalar_subquery()
)
_BRACKETS = re.compile(r"\(.*?\)")
MISSED_WITHIN = timedelta(days=14)
"""A parcel that is said to have come and is not there is missed in these days."""
K = RequestKind
_UNSHIPPED = frozenset({"placed", "preparing", "cancel_requested"})
_ARRIVED = frozenset({"shipped", "delivered"})
_UNSENT, _SENT = frozenset({"planned"}), frozenset({"sent", "settled"})
FITTING: dict[str, frozenset[str]] = {
    K.CANCEL: frozenset({"placed", "preparing", "shipped", "cancel_requested"}),
    K.DEFECT: _ARRIVED,
    K.MISSING_PART: _ARRIVED,
    K.WRONG_ITEM: _ARRIVED,
    K.WRONG_SIZE: _ARRIVED,
    K.CHANGE_OF_MIND: _ARRIVED,
    K.EXCHANGE: _ARRIVED,
    K.NOT_DELIVERED: frozenset({"placed", "preparing", "shipped", "delivered"}),
    K.SELLER_STOCKOUT: _UNSHIPPED,
    "reorder": frozenset({"canceled", *_ARRIVED}),
}
"""States of an order in which a request of this kind makes sense; any for the kinds not named."""

DECIDED_IN_ANY_STATE = frozenset({K.CANCEL, K.DEFECT, K.MISSING_PART, K.WRONG_ITEM, K.WRONG_SIZE, K.CHANGE_OF_MIND})
"""Requests on which the policy has a word in states that do not fit too: a late cancellation, a return too early."""

OF_A_SELLER = frozenset({K.SELLER_STOCKOUT, K.CONFLICTING_NOTICE, K.GUARANTEE, K.DISSATISFIED_WITH_ANSWER})
OF_A_MEMBERSHIP = frozenset({K.ACCIDENTAL_SIGNUP, K.LEAVE_MEMBERSHIP})
OF_A_WHOLE_ORDER = frozenset(
    {K.NOT_DELIVERED, K.SELLER_STOCKOUT, K.CONFLICTING_NOTICE, K.ARRIVED_FINE, K.GUARANTEE, K.DISSATISFIED_WITH_ANSWER}
    | {K.WITHDRAW, K.CHANGE_REFUND_METHOD}
)


@dataclass(frozen=True)
class Whose:
    """Whose talk it is: a signed-in customer, or a visitor with the orders they have proved."""

    customer_id: int | None
    proved: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether there is anything this person may see."""
        return self.customer_id is not None or bool(self.proved)


def whose(session: Session, conversation_id: str) -> Whose:
    """Return whose conversation this is; an unknown one is nobody's."""
    found = session.execute(_WHOSE, {"conversation": conversation_id}).one_or_none()
    return Whose(None) if found is None else Whose(found.customer_id, tuple(found.proved_orders))


def own_orders(session: Session, person: Whose, now: datetime) -> Sequence[Order]:
    """Return the person's orders of the last year or so, newest first."""
    if person.customer_id is not None:
        found = session.scalars(_OWN_ORDERS, {"customer": person.customer_id, "since": now - LOOK_BACK})
    else:
        found = session.scalars(_ORDERS.where(Order.number.in_(person.proved)))
    return found.unique().all()


def own_order(session: Session, person: Whose, number: str) -> Order | None:
    """Return the order with this number if it is this person's; else None, whatever the reason."""
    return _if_own(person, session.scalars(_OF_NUMBER, {"number": number}).unique().one_or_none())


def own_order_of(session: Session, person: Whose, line_id: int) -> Order | None:
    """Return the order that a line with this id belongs to, if it is this person's."""
    return _if_own(person, session.scalars(_OF_LINE, {"line": line_id}).unique().one_or_none())


def _if_own(person: Whose, order: Order | None) -> Order | None:
    if order is None:
        return None
    mine = person.customer_id is not None and order.customer_id == person.customer_id
    return order if mine or order.number in person.proved else None


def prove_order(session: Session, conversation_id: str, number: str, contact: str) -> bool:
    """Let a visitor see an order whose phone number or mail address they know.

    A foreign, unknown or mistyped number gets the same answer after the same look-ups.
    """
    conversation = session.get(Conversation, conversation_id)
    order = session.get(Order, number)
    customer = session.get(Customer, order.customer_id if order else -1)
    wanted = {_contact(contact)}
    known = {_contact(customer.email), _contact(customer.phone or "")} - {""} if customer else set()
    if conversation is None or not wanted & known:
        return False
    conversation.proved_orders = sorted({*conversation.proved_orders, number})
    return True


def fitting_orders(session: Session, orders: Sequence[Order], kind: str) -> list[Order]:
    """Return the orders to which a request of this kind can belong."""
    states = FITTING.get(kind)
    fitting = [order for order in orders if states is None or order.state in states]
    if kind in OF_A_SELLER:
        of_sellers = [order for order in fitting if order.seller_id is not None]
        # A notice of the shop itself can contradict only what was canceled, or is to be.
        canceled = [order for order in fitting if order.cancel_request or order.state == "canceled"]
        # That the shop itself is sold out is a reason to cancel as any other.
        own = {K.CONFLICTING_NOTICE: canceled, K.SELLER_STOCKOUT: fitting}
        return of_sellers or own.get(K(kind), [])
    if kind == K.WITHDRAW:
        return [order for order in fitting if order.cancel_request or _has_open_return(session, order)]
    if kind == K.NOT_DELIVERED and not fitting:
        return [order for order in orders if order.state == "cancel_requested"]  # waited for: the policy says for whom
    if kind == K.CHANGE_REFUND_METHOD:
        unsent = [
            order for order in fitting if _has_open_return(session, order) or _has_refund(session, order, _UNSENT)
        ]
        sent = (order for order in fitting if _has_refund(session, order, _SENT))
        return unsent or list(islice(sent, 1))  # the policy says that it is too late for the newest
    return fitting


def in_any_state(own: Sequence[Order], fitting: list[Order], kind: str, product: str | None) -> list[Order]:
    """Return the orders a request of this kind can mean, those that fit its state least of all where they are named.

    An article that is surely named is meant, whatever the state of its order, unless a fitting order has it too; and
    where no order fits, the policy says of the others why not.
    """
    if kind not in DECIDED_IN_ANY_STATE:
        return fitting
    if product is None:
        return fitting or list(own)
    if alike(lines_of(fitting, kind), product):
        return fitting
    every = [line for order in own for line in order.lines]
    named = alike(every, product, at_least=SURELY_NAMED if fitting else LIKE_ENOUGH)
    return list(dict.fromkeys(line.order for line in named)) or fitting or list(own)


def prefer(session: Session, orders: list[Order], kind: str, now: datetime) -> list[Order]:
    """Narrow orders to the ones that show the very trouble, where some do: notices, inquiries, a parcel not there."""
    if kind == K.NOT_DELIVERED:
        lately = [order for order in orders if order.delivered_at is None or now - order.delivered_at < MISSED_WITHIN]
        return lately or orders
    if kind in (K.CONFLICTING_NOTICE, K.GUARANTEE, K.DISSATISFIED_WITH_ANSWER):
        asked = set(session.scalars(select(Inquiry.order_number).where(Inquiry.order_number.in_(_numbers(orders)))))
        narrowed = [order for order in orders if order.number in asked or order.frozen_at or order.cancel_request]
        return narrowed or orders
    return orders


def lines_of(orders: Iterable[Order], kind: str) -> list[OrderLine]:
    """Return the lines of the orders of which something is left."""
    lines = [line for order in orders for line in order.lines]
    if kind in ("reorder", K.REFUND_AGAIN):
        return lines
    return [line for line in lines if line.canceled_quantity + line.returned_quantity < line.quantity]


def alike(lines: Sequence[OrderLine], words: str, at_least: float = LIKE_ENOUGH) -> list[OrderLine]:
    """Return the lines whose titles the customer's words fit: the clearly best one, or all that come near."""
    titles = [_plain(f"{line.title} {' '.join(line.variant.product.words)}") for line in lines]
    found = process.extract(_plain(words), titles, scorer=fuzz.partial_ratio, score_cutoff=at_least, limit=SHOWN)
    if not found:
        return []
    best = found[0][1]
    return [lines[index] for _, score, index in found if score >= best - CLEARLY_BEST]


def memberships(session: Session, person: Whose, kind: str) -> list[Membership]:
    """Return the running memberships a request of this kind can mean, the latest joined first."""
    if person.customer_id is None:
        return []
    running = session.scalars(
        select(Membership)
        .where(Membership.customer_id == person.customer_id, Membership.state != "ended")
        .order_by(Membership.joined_at.desc())
    ).all()
    if kind == K.ACCIDENTAL_SIGNUP:
        by_mistake = [membership for membership in running if not membership.main]
        return by_mistake or list(running)
    return list(running)


def leaving(session: Session, person: Whose) -> list[Membership]:
    """Return the person's memberships whose coming end was asked for, the latest joined first."""
    return [each for each in memberships(session, person, K.WITHDRAW) if each.state == "ending"]


def place_in(text: str, title: str) -> int | None:
    """Return where the name of a membership stands in a text, without what its title adds in brackets."""
    name = _plain(_BRACKETS.sub("", unicodedata.normalize("NFKC", title))).strip()
    place = _plain(text).find(name) if name else -1
    return place if place >= 0 else None


def _has_open_return(session: Session, order: Order) -> bool:
    open_one = select(ReturnAuthorization.id).where(
        ReturnAuthorization.order_number == order.number, ReturnAuthorization.state == "open"
    )
    return session.scalar(open_one.limit(1)) is not None


def _has_refund(session: Session, order: Order, states: frozenset[str]) -> bool:
    found = select(Refund.id).where(Refund.order_number == order.number, Refund.state.in_(states))
    return session.scalar(found.limit(1)) is not None


def _numbers(orders: Iterable[Order]) -> list[str]:
    return [order.number for order in orders]


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(chr(ord(sign) + 0x60) if "ぁ" <= sign <= "ゖ" else sign for sign in folded)


def _contact(text: str) -> str:
    """Fold a phone number to E.164 and a mail address to lower case; anything else to nothing."""
    plain = unicodedata.normalize("NFKC", text).strip().casefold()
    if "@" in plain:
        return plain
    try:
        number = phonenumbers.parse(plain, "JP")
    except phonenumbers.NumberParseException:
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
