"""Questions answered from the store: refunds, returns, orders, cancellations, the guarantee, mails, memberships.

Nothing is written here. Each answer is a reply's name with typed values; what the customer said only narrows which of
their own orders is meant.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select

from madoguchi.policy.calendar import local_day
from madoguchi.policy.requests import CLAIMS, RequestKind
from madoguchi.policy.vocabulary import PaymentMethod
from madoguchi.services import finding
from madoguchi.services.desk import Desk
from madoguchi.services.standing import RECENT, Standing
from madoguchi.services.views import Answer, Choice, Money, Values, order_choice
from madoguchi.services.wishes import Wish
from madoguchi.store import GuaranteeClaim, Membership, Notice, Order

MAILS_SHOWN = 6
OF_AN_ORDER = frozenset({"refund_status", "order_status", "cancel_status", "missing_mail"})
"""Questions that only an order of the asker's own can answer: a visitor has to show that it is theirs."""
_NOT_SENT_BACK = frozenset({RequestKind.CANCEL, RequestKind.NOT_DELIVERED, RequestKind.SELLER_STOCKOUT})
"""Troubles of what has not arrived: there is nothing that the customer could send back."""
UNPROVED = "unproved"
"""The answer where a visitor has shown no order yet, or not the one that they ask about."""
type Question = Callable[[Standing, Wish], Answer]


def answer(desk: Desk, conversation_id: str, question: str, wish: Wish) -> Answer:
    """Answer one of QUESTIONS for the conversation's customer; LookupError for an unknown question."""
    ask = QUESTIONS[question]
    with desk.store.reading() as session:
        standing = Standing.of(session, desk, conversation_id, wish)
        return Answer(UNPROVED) if question in OF_AN_ORDER and standing.is_unproved(wish) else ask(standing, wish)


def greeting(standing: Standing, _wish: Wish) -> Answer:
    """Greet a customer with where their case stands, where one does."""
    waiting = standing.unsettled
    if standing.open_return is not None:
        return Answer("greeting_return_open", standing.of_return(standing.open_return))
    if waiting is not None:
        asked = standing.inquiry is not None
        return Answer("greeting_seller_asked" if asked else "greeting_cancel_requested", standing.of_order(waiting))
    refund = standing.last_refund
    if refund is not None and refund.sent_at is not None and standing.now - refund.sent_at < RECENT:
        return Answer("greeting_refund_sent", standing.of_refund(refund))
    return Answer("greeting")


def refund_status(standing: Standing, wish: Wish) -> Answer:
    """Say where the money is, in every state, with both clocks."""
    unsettled, refund = standing.unsettled, standing.last_refund
    paid = standing.guaranteed(unsettled) if unsettled is not None else None
    if paid is not None:
        return _guaranteed(standing, paid)
    if unsettled is not None and unsettled.frozen_at is not None:
        return Answer("refund_status_frozen", standing.of_order(unsettled))
    if unsettled is not None and unsettled.seller_id is not None and standing.inquiry is None:
        return Answer("refund_status_captured", standing.of_order(unsettled))  # answered, and looked at by a human
    if unsettled is not None:
        asked = standing.inquiry is not None
        return Answer("refund_status_seller" if asked else "refund_status_planned", standing.of_order(unsettled))
    if standing.open_return is not None and (refund is None or refund.created_at < standing.open_return.created_at):
        return Answer("refund_status_on_scan", standing.of_return(standing.open_return))
    if refund is not None:
        return Answer(f"refund_status_{refund.state}", standing.of_refund(refund))
    if standing.named is not None:
        # In the middle of a wish the proposal says how much comes back; the whole price may not be it.
        said = "refund_status_captured" if wish.kind is None else "refund_status_held"
        return Answer(said, standing.of_order(standing.named))
    return Answer("refund_status_none")


def refund_method(standing: Standing, wish: Wish) -> Answer:
    """Say how the money comes: that which is promised or sent, that of the order talked about, or in general."""
    order = standing.named
    if wish.kind is None and (standing.open_return or standing.unsettled or standing.last_refund):
        return refund_status(standing, wish)
    if order is None or not order.payments:
        return Answer("refund_method_general", standing.clocks())
    methods = {payment.method for payment in order.payments}
    cash = methods & {PaymentMethod.CONVENIENCE_STORE, PaymentMethod.CASH_ON_DELIVERY}
    method = next(iter(methods)) if len(methods) == 1 else "split_cash" if cash else "split"
    return Answer(f"refund_method_{'card' if method == 'wallet' else method}", standing.of_order(order))


def return_fee(standing: Standing, wish: Wish) -> Answer:
    """Say who pays the return shipping: by the return that is open, by the trouble that is told, or in general."""
    opened = standing.open_return
    if opened is not None and opened.route == "refuse_at_door":
        return Answer("return_fee_refuse", standing.of_return(opened))
    if opened is not None and wish.kind is None:
        return Answer(f"return_fee_{_payer(opened.payer)}", standing.of_return(opened))
    terms = standing.terms.returns
    kind = wish.problem or wish.kind
    if kind in _NOT_SENT_BACK and standing.named is not None:
        refused = kind == RequestKind.CANCEL and standing.named.state == "shipped"
        delivered = kind == RequestKind.CANCEL and standing.named.state == "delivered"
        if not delivered:
            return Answer(f"return_fee_{'refuse' if refused else 'nothing_sent'}", standing.of_order(standing.named))
    if kind not in (*CLAIMS, RequestKind.CHANGE_OF_MIND) or kind == RequestKind.NOT_DELIVERED or standing.named is None:
        return Answer("return_fee_general")
    payer = terms.change_of_mind_payer if kind == RequestKind.CHANGE_OF_MIND else terms.fault_payer
    return Answer(f"return_fee_{_payer(payer.value)}", standing.of_order(standing.named))


def return_procedure(standing: Standing, _wish: Wish) -> Answer:
    """Say how, where and by when to send it back."""
    if standing.open_return is not None:
        return Answer("return_procedure_open", standing.of_return(standing.open_return))
    return Answer("return_procedure_general", {"window_days": standing.terms.returns.window_days or 0})


def order_status(standing: Standing, _wish: Wish) -> Answer:
    """Say where an order is; of several that are not yet delivered the customer chooses."""
    order = standing.named
    if order is None:
        under_way = [order for order in standing.orders if order.state not in ("delivered", "canceled")]
        shown = under_way or list(standing.orders[:1])
        if not shown:
            return Answer("order_status_none")
        if len(shown) > 1:
            return Answer("order_status_choose", {}, tuple(map(order_choice, shown[: finding.SHOWN])))
        order = shown[0]
    state = "frozen" if order.frozen_at is not None else order.state
    return Answer(f"order_status_{state}", standing.of_order(order))


def cancel_status(standing: Standing, _wish: Wish) -> Answer:
    """Say whether a cancellation went through."""
    touched = [order for order in standing.orders if order.cancel_request or order.frozen_at or order.canceled_at]
    order = standing.named or (touched[0] if touched else None)
    if order is None:
        return Answer("cancel_status_no_order")
    values = standing.of_order(order)
    if order.frozen_at is not None:
        return Answer("cancel_status_frozen", values)
    if order.state == "canceled":
        return Answer("cancel_status_canceled", values)
    paid = standing.guaranteed(order) if order.state == "cancel_requested" else None
    if paid is not None:
        return _guaranteed(standing, paid)
    opened = standing.open_return
    if opened is not None and opened.order_number == order.number:
        return Answer("cancel_status_return_open", standing.of_return(opened))
    if order.state == "cancel_requested":
        return Answer(f"cancel_status_requested_{'seller' if order.seller_id else 'warehouse'}", values)
    return Answer("cancel_status_none", values)


def guarantee(standing: Standing, wish: Wish) -> Answer:
    """Say what the guarantee is and whether it covers the order that is waiting."""
    terms = standing.terms.marketplace
    values: Values = {
        "answer_hours": terms.answer_hours,
        "limit": Money(terms.guarantee_limit, standing.terms.currency),
    }
    order, inquiry = standing.unsettled, standing.inquiry
    paid = standing.guaranteed(order)
    if paid is not None:
        return _guaranteed(standing, paid)
    if order is not None and inquiry is not None:
        over = standing.now >= inquiry.deadline
        choice = (Choice(f"order:{order.number}", ""),) if over else ()
        return Answer("guarantee_due" if over else "guarantee_waiting", {**values, **standing.of_order(order)}, choice)
    told = wish.product or wish.order_number or wish.line
    if told and standing.named is not None and standing.named.seller_id is None:
        return Answer("declined_guarantee_marketplace_only", standing.of_order(standing.named))
    return Answer("guarantee_general", values)


def _guaranteed(standing: Standing, claim: GuaranteeClaim) -> Answer:
    paid_for = next(order for order in standing.orders if order.number == claim.order_number)
    return Answer("guarantee_paid", {**standing.of_order(paid_for), "amount": Money(claim.amount)})


def missing_mail(standing: Standing, _wish: Wish) -> Answer:
    """List the mails that were sent, with how each was delivered, to be sent again by pressing."""
    customer_id = standing.person.customer_id
    sent = select(Notice).where(Notice.sender == "shop", Notice.resent_from.is_(None))
    if customer_id is not None:
        sent = sent.where(Notice.customer_id == customer_id)
    else:
        sent = sent.where(Notice.order_number.in_(standing.person.proved))
    found = standing.session.scalars(sent.order_by(Notice.at.desc()).limit(MAILS_SHOWN)).all()
    if not found:
        return Answer("missing_mail_none")
    bounced = any(notice.delivery == "bounced" for notice in found)
    return Answer("missing_mail_bounced" if bounced else "missing_mail_list", {}, tuple(map(notice_choice, found)))


def membership(standing: Standing, wish: Wish) -> Answer:
    """Say fee and next renewal of a membership; of several the customer chooses."""
    running = finding.memberships(standing.session, standing.person, RequestKind.LEAVE_MEMBERSHIP)
    if wish.membership is not None:
        running = [each for each in running if f"membership:{each.id}" == wish.membership]
    if not running:
        refund = standing.last_refund
        of_fee = refund is not None and refund.charge_id is not None
        return refund_status(standing, wish) if of_fee else Answer("membership_none")
    if len(running) > 1:
        return Answer("membership_choose", {}, tuple(_membership_choice(each) for each in running))
    one = running[0]
    fee = one.charges[-1].payment if one.charges else None
    values: Values = {
        "article": one.product.title,
        "fee_amount": Money(fee.captured, fee.currency) if fee else Money(0),
        "period_end": local_day(one.period_ends_at, standing.terms.calendar),
    }
    return Answer("membership_ending" if one.state == "ending" else "membership_one", values)


QUESTIONS: dict[str, Question] = {
    "greeting": greeting,
    "refund_status": refund_status,
    "refund_method": refund_method,
    "return_fee": return_fee,
    "return_procedure": return_procedure,
    "order_status": order_status,
    "cancel_status": cancel_status,
    "guarantee": guarantee,
    "missing_mail": missing_mail,
    "membership": membership,
}
"""Every question by its name."""


def order_open_to(desk: Desk, conversation_id: str, wish: str) -> str | None:
    """Return the choice ("order:…" or "line:…") of the customer's newest order that such a wish can mean, or None.

    "arrived_fine" needs one that is being canceled, "refund_again" one with money paid back, "withdraw" one that was
    canceled or whose return has come in.
    """
    fits: dict[str, Callable[[Order], bool]] = {
        "arrived_fine": lambda order: order.state == "cancel_requested" or order.frozen_at is not None,
        "refund_again": lambda order: any(payment.refunded for payment in order.payments),
        "withdraw": lambda order: order.state == "canceled" or order.number in standing.returned_orders,
    }
    with desk.store.reading() as session:
        standing = Standing.of(session, desk, conversation_id, Wish())
        order = next((order for order in standing.orders if fits[wish](order)), None)
        if order is None:
            return None
        left = [line for line in order.lines if line.canceled_quantity + line.returned_quantity < line.quantity]
        alone = wish == "refund_again" and len(left) == 1
        return f"line:{left[0].id}" if alone else f"order:{order.number}"


def is_unsent(desk: Desk, conversation_id: str, wish: Wish) -> bool:
    """Whether the order that a wish names, or the only one there is, has not left yet."""
    with desk.store.reading() as session:
        order = Standing.of(session, desk, conversation_id, wish).named
        return order is not None and order.state in ("placed", "preparing")


def is_paid_back(desk: Desk, conversation_id: str, wish: Wish) -> bool:
    """Whether money of the order that a wish names is under way to the customer, or has come back to them."""
    with desk.store.reading() as session:
        standing = Standing.of(session, desk, conversation_id, wish)
        found = (standing.open_return, standing.unsettled, standing.last_refund)
        return standing.named is not None and any(each is not None for each in found)


def memberships_named(desk: Desk, conversation_id: str, kind: str, text: str) -> tuple[str, ...]:
    """Return the choices ("membership:…") of the running memberships whose names stand in a text, in its order."""
    with desk.store.reading() as session:
        running = finding.memberships(session, finding.whose(session, conversation_id), kind)
        placed = {each.id: finding.place_in(text, each.product.title) for each in running}
        named = sorted((place, number) for number, place in placed.items() if place is not None)
        return tuple(f"membership:{number}" for _, number in named)


def membership_leaving(desk: Desk, conversation_id: str) -> str | None:
    """Return the choice ("membership:…") of the customer's one membership that is about to end; None for none."""
    with desk.store.reading() as session:
        found = finding.leaving(session, finding.whose(session, conversation_id))
        return f"membership:{found[0].id}" if len(found) == 1 else None


def lines_named(desk: Desk, conversation_id: str, words: str) -> frozenset[int]:
    """Return the ids of the lines in the customer's orders that these words name; none for no words."""
    if not words:
        return frozenset()
    with desk.store.reading() as session:
        standing = Standing.of(session, desk, conversation_id, Wish())
        lines = [line for order in standing.orders for line in order.lines]
        return frozenset(line.id for line in finding.alike(lines, words))


def units_left(desk: Desk, conversation_id: str, wish: Wish) -> int | None:
    """Return how many units are left of the one line that a wish names; None where it names none, or several."""
    with desk.store.reading() as session:
        orders = Standing.of(session, desk, conversation_id, Wish()).orders
        lines = [line for order in orders for line in order.lines]
        kind, _, name = (wish.line or "").partition(":")
        if wish.line is not None:
            lines = [line for line in lines if str(line.id) == name or (kind == "order" and line.order.number == name)]
        elif wish.product is not None:
            lines = finding.alike(lines, wish.product)
        if len(lines) != 1:
            return None
        return lines[0].quantity - lines[0].canceled_quantity - lines[0].returned_quantity


def lines_of_choice(desk: Desk, conversation_id: str, choice: str) -> frozenset[int]:
    """Return the ids of the customer's lines that a choice ("line:12" or "order:250-…") stands for."""
    kind, _, name = choice.partition(":")
    with desk.store.reading() as session:
        orders = Standing.of(session, desk, conversation_id, Wish()).orders
        lines = [line for order in orders for line in order.lines if kind == "line" or order.number == name]
        return frozenset(line.id for line in lines if kind == "order" or str(line.id) == name)


def notices_of_order(desk: Desk, conversation_id: str, wish: Wish) -> Answer:
    """List every notice on the order that is waiting for its seller, in the order they came."""
    with desk.store.reading() as session:
        standing = Standing.of(session, desk, conversation_id, wish)
        order = standing.named or standing.unsettled
        if order is None:
            return Answer("notices")
        found = session.scalars(select(Notice).where(Notice.order_number == order.number).order_by(Notice.at)).all()
        return Answer("notices", {}, tuple(map(notice_choice, found)))


def seller_has_answered(desk: Desk, conversation_id: str) -> str | None:
    """Return the number of the customer's order whose seller has answered last, or None."""
    with desk.store.reading() as session:
        return Standing.of(session, desk, conversation_id, Wish()).answered_order


def notice_choice(notice: Notice) -> Choice:
    """Return the choice of one mail; its detail is the code of how it was delivered."""
    return Choice(f"notice:{notice.id}", notice.subject, on=notice.at, detail=notice.delivery)


def _membership_choice(each: Membership) -> Choice:
    fee = each.charges[-1].payment if each.charges else None
    price = Money(fee.captured, fee.currency) if fee else None
    return Choice(f"membership:{each.id}", each.product.title, each.product.image, price, each.joined_at)


def _payer(payer: str) -> str:
    return "customer" if payer == "customer" else "shop"
