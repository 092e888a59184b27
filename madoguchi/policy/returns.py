"""After arrival: faults (4), sizes (5), changes of mind (6), the window (7), final sale (8)."""

from dataclasses import replace

from madoguchi.policy.amounts import percent_of
from madoguchi.policy.case import Case, because, rule
from madoguchi.policy.decisions import Approved, Decision, Declined, NeedsAgent, NeedsFact
from madoguchi.policy.effects import AuthorizeReturn, CancelLines, Effect, OfferReorder, Refund
from madoguchi.policy.facts import LineAmount, LineQuantity
from madoguchi.policy.money import method_offers, take
from madoguchi.policy.plans import LeftOut
from madoguchi.policy.requests import FAULTS, RETURNS, RequestKind
from madoguchi.policy.settling import authorize, shop_at_fault
from madoguchi.policy.vocabulary import (
    AgentReason,
    AuthorizationState,
    Condition,
    DeclineReason,
    Fact,
    LineKind,
    Offer,
    OrderState,
    Payer,
    RefundTiming,
)

_WORN_OUT = frozenset({Condition.USED, Condition.WASHED, Condition.DAMAGED_BY_CUSTOMER})
_ARTICLE_FAULTS = frozenset({RequestKind.DEFECT, RequestKind.MISSING_PART})
_PROBLEMS = tuple(sorted(kind.value for kind in RETURNS))


@rule(0)
def lines_belong_to_the_order(case: Case) -> Decision | None:
    """A request names lines of this order, each in no more units than were bought."""
    if case.facts.order is None:
        return None
    for unit in case.request.lines:
        line = case.order.line(unit.line_id)
        if line is None or not 0 < unit.quantity <= line.quantity:
            receipt = because({"lines": "of this order"}, line=unit.line_id, quantity=unit.quantity)
            return Declined(DeclineReason.LINES_NOT_IN_ORDER, receipt=receipt)
    return None


@rule(0)
def which_problem(case: Case) -> Decision | None:
    """There is no exchange: what is wrong with the article decides, so it is asked."""
    if case.kind is not RequestKind.EXCHANGE or case.terms.returns.direct_exchange:
        return None
    return NeedsFact(Fact.PROBLEM, _PROBLEMS, because())


@rule(0)
def which_article(case: Case) -> Decision | None:
    """Of several articles the one in trouble is asked for; nobody means all of them by saying nothing."""
    several = sum(case.open_units(line) > 0 for line in case.order.lines) > 1 if case.facts.order else False
    named = case.request.lines or case.request.kind in (RequestKind.CANCEL, RequestKind.REFUND_AGAIN)
    if case.kind not in RETURNS or not case.arrived or named or not several:
        return None
    return NeedsFact(Fact.LINES, tuple(line.id for line in case.order.lines if case.open_units(line)), because())


@rule(0)
def only_what_was_delivered(case: Case) -> Decision | None:
    """A direct exchange, and in some shops every return, needs the carrier's word that the order was delivered."""
    asked = case.kind in RETURNS and not case.terms.returns.before_delivery
    if not (asked or case.kind is RequestKind.EXCHANGE) or case.order.state is OrderState.DELIVERED:
        return None
    return Declined(DeclineReason.NOT_DELIVERED, receipt=because({"state": "delivered"}))


@rule(4)
def nothing_has_arrived(case: Case) -> Decision | None:
    """What has not left the shop cannot be faulty."""
    if case.kind not in FAULTS or case.arrived:
        return None
    return Declined(DeclineReason.NOT_SHIPPED_YET, receipt=because({"state": "shipped | delivered"}))


@rule(0)
def once_per_order(case: Case) -> Decision | None:
    """Where the terms say so, an order has one return or exchange."""
    if case.kind not in RETURNS | {RequestKind.EXCHANGE} or not case.terms.returns.once_per_order:
        return None
    used = (AuthorizationState.OPEN, AuthorizationState.RECEIVED, AuthorizationState.INSPECTED)
    if not any(each.state in used for each in case.facts.authorizations):
        return None
    return Declined(DeclineReason.ONCE_PER_ORDER, receipt=because({"authorizations": "0"}))


@rule(4)
def fault_within_the_window(case: Case) -> Decision | None:
    """Defect, damage, wrong article or missing part: shop pays, full refund with postage at the scan."""
    if case.kind not in FAULTS or not (case.arrived and case.in_window):
        return None
    return _worn_out(case) or _at_our_cost(case, case.units, Offer.REORDER_SAME)


@rule(5)
def wrong_size_within_the_window(case: Case) -> Decision | None:
    """Wrong size: as a fault, and another size is offered."""
    if case.kind is not RequestKind.WRONG_SIZE or not (case.arrived and case.in_window):
        return None
    units, _ = _not_final(case)
    if not units:
        return None
    return _worn_out(case) or _at_our_cost(case, units, Offer.REORDER_OTHER_SIZE)


@rule(6)
def change_of_mind_within_the_window(case: Case) -> Decision | None:
    """Customer pays; unopened: article price; opened: half; used in their own words: a human."""
    if case.kind is not RequestKind.CHANGE_OF_MIND or not (case.arrived and case.in_window):
        return None
    units, left_out = _not_final(case)
    if not units:
        return None
    asked = case.terms.returns.ask_condition and any(_opening_matters(case, unit) for unit in units)
    if asked and case.request.condition is None:
        return NeedsFact(Fact.CONDITION, tuple(Condition), because(days_since_delivery=case.days_since_delivery))
    prices = tuple(_reduced(case, case.price(unit)) for unit in units)
    payer = case.terms.returns.change_of_mind_payer
    return _worn_out(case) or _approve(case, prices, 0, payer, left_out=left_out)


@rule(7)
def window_has_ended(case: Case) -> Decision | None:
    """Delivered more than 30 days ago: a defect is for a human, all else is declined."""
    if case.kind not in RETURNS or not case.arrived or case.in_window:
        return None
    window = case.terms.returns.window_days
    receipt = because({"days_since_delivery": f"<= {window}"}, days_since_delivery=case.days_since_delivery)
    if case.kind in _ARTICLE_FAULTS:
        return NeedsAgent(AgentReason.DEFECT_AFTER_WINDOW, receipt=receipt)
    return Declined(DeclineReason.WINDOW_ENDED, receipt=receipt)


@rule(8)
def final_sale(case: Case) -> Decision | None:
    """Food, underwear, hygiene, downloaded content: declined unless defect or wrong article."""
    if case.kind not in RETURNS or case.kind in FAULTS or not case.arrived:
        return None
    categories = sorted({case.line(unit.line_id).category for unit in case.units})
    receipt = because({"request": "defect | wrong_item"}, categories=list(categories))
    return Declined(DeclineReason.FINAL_SALE, receipt=receipt)


def _worn_out(case: Case) -> NeedsAgent | None:
    """Used, washed or damaged by the customer, in their own words, and no fault of the article: a human."""
    condition = case.request.condition
    if condition not in _WORN_OUT or not case.terms.returns.ask_condition:
        return None
    if case.kind in _ARTICLE_FAULTS and condition is not Condition.DAMAGED_BY_CUSTOMER:
        return None
    receipt = because({"condition": "unopened | opened | tried_on"}, condition=condition.value)
    return NeedsAgent(AgentReason.USED_BY_CUSTOMER, receipt=receipt)


def _at_our_cost(case: Case, units: tuple[LineQuantity, ...], offer: Offer) -> Decision:
    prices, shipping = shop_at_fault(case, units)
    _, left_out = _not_final(case) if case.kind is RequestKind.WRONG_SIZE else ((), ())
    reorder = OfferReorder(units, offer)
    return _approve(case, prices, shipping, case.terms.returns.fault_payer, reorder, left_out=left_out)


def _not_final(case: Case) -> tuple[tuple[LineQuantity, ...], tuple[LeftOut, ...]]:
    """The units that may come back without a fault, and the lines that may not."""
    units = tuple(unit for unit in case.units if not case.final_sale(unit.line_id))
    final = (unit.line_id for unit in case.units if case.final_sale(unit.line_id))
    return units, tuple(LeftOut(line_id, DeclineReason.FINAL_SALE) for line_id in final)


def _opening_matters(case: Case, unit: LineQuantity) -> bool:
    line, terms = case.line(unit.line_id), case.terms.returns
    article = line.kind is LineKind.ARTICLE
    return article and terms.opened_percent < 100 and line.category not in terms.tried_on_counts_as_unopened


def _reduced(case: Case, price: LineAmount) -> LineAmount:
    opened = case.request.condition in (Condition.OPENED, Condition.TRIED_ON)
    matters = _opening_matters(case, LineQuantity(price.line_id, price.quantity))
    if not (opened and matters and case.terms.returns.ask_condition):
        return price
    return replace(price, amount=percent_of(price.amount, case.terms.returns.opened_percent))


def _approve(
    case: Case,
    prices: tuple[LineAmount, ...],
    shipping: int,
    payer: Payer,
    *reorder: OfferReorder,
    left_out: tuple[LeftOut, ...] = (),
) -> Decision:
    authorized = authorize(case, prices, shipping, payer)
    if not isinstance(authorized, tuple):
        return authorized
    effects = _digital_at_once(case, authorized)
    offers = (*(each.offer for each in reorder), *method_offers(case, effects))
    window, condition = case.terms.returns.window_days, case.request.condition
    receipt = because(
        {} if window is None else {"days_since_delivery": f"> {window}"},
        days_since_delivery=case.days_since_delivery,
        condition=condition.value if condition else None,
    )
    return Approved(case.plan(*effects, *reorder, offers=offers, left_out=left_out), receipt)


def _digital_at_once(case: Case, effects: tuple[Effect, ...]) -> tuple[Effect, ...]:
    """Digital lines come back without a parcel: they are ended and refunded at once, the rest is authorized."""
    authorization = next(effect for effect in effects if isinstance(effect, AuthorizeReturn))
    articles = tuple(e for e in authorization.lines if case.line(e.line_id).kind is LineKind.ARTICLE)
    digital = tuple(e for e in authorization.lines if e not in articles)
    if not digital:
        return effects
    units = tuple(LineQuantity(each.line_id, each.quantity) for each in digital)
    if not articles:
        money = Refund(authorization.splits, RefundTiming.NOW, digital, authorization.shipping)
        return (CancelLines(units, case.whole_order), *((money,) if money.splits else ()))
    at_once, later = take(authorization.splits, sum(each.amount for each in digital))
    rest = replace(authorization, lines=articles, splits=later)
    ended = (CancelLines(units, whole_order=False), Refund(at_once, RefundTiming.NOW, digital))
    return (*ended, *(rest if effect is authorization else effect for effect in effects))
