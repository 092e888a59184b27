"""One request with its facts, terms and instant: the questions every rule asks of them, answered once."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property, wraps

from madoguchi.policy.amounts import line_net, units_amount
from madoguchi.policy.calendar import local_day
from madoguchi.policy.decisions import Decision, Json, Receipt
from madoguchi.policy.effects import Effect
from madoguchi.policy.facts import (
    AuthorizationFacts,
    Facts,
    InquiryFacts,
    LineAmount,
    LineFacts,
    LineQuantity,
    OrderFacts,
    RefundFacts,
)
from madoguchi.policy.plans import LeftOut, Plan
from madoguchi.policy.requests import FAULTS, RETURNS, Request, RequestKind
from madoguchi.policy.terms import Terms
from madoguchi.policy.vocabulary import (
    AuthorizationState,
    LineKind,
    Offer,
    OrderState,
    RefundState,
    ReturnRoute,
    Seller,
)

_UNSHIPPED = frozenset({OrderState.PLACED, OrderState.PREPARING, OrderState.CANCEL_REQUESTED})


@dataclass(frozen=True)
class Case:
    """What the rules look at; every property is derived from the four fields and nothing else."""

    request: Request
    facts: Facts
    terms: Terms
    now: datetime

    @cached_property
    def order(self) -> OrderFacts:
        """The order; rules that use it run only after the check for missing facts."""
        if self.facts.order is None:
            raise LookupError(f"{self.request.kind} needs an order")
        return self.facts.order

    @cached_property
    def today(self) -> date:
        """The shop's day."""
        return local_day(self.now, self.terms.calendar)

    @cached_property
    def kind(self) -> RequestKind:
        """The situation to decide, once exchange, refund again and a late wish to cancel are seen for what they are."""
        asked, order = self.request.kind, self.facts.order
        if order is None:
            return asked
        if asked is RequestKind.EXCHANGE and not self.terms.returns.direct_exchange:
            return self.request.problem or asked
        if asked is RequestKind.REFUND_AGAIN:
            asked = self._kind_of_refund_again(order)
        late = order.state is OrderState.DELIVERED and self.terms.cancellations.shipped_becomes_return
        return RequestKind.CHANGE_OF_MIND if asked is RequestKind.CANCEL and late else asked

    def _kind_of_refund_again(self, order: OrderFacts) -> RequestKind:
        if order.state is OrderState.CANCELED:
            return RequestKind.REFUND_AGAIN
        return self.request.problem or (RequestKind.CANCEL if order.state in _UNSHIPPED else RequestKind.CHANGE_OF_MIND)

    @cached_property
    def marketplace(self) -> bool:
        """Whether a marketplace seller sold the order."""
        return self.order.seller is Seller.MARKETPLACE

    @cached_property
    def shipped(self) -> bool:
        """Whether the order has left, by its state, its dates or the event itself."""
        order = self.order
        left = order.state in (OrderState.SHIPPED, OrderState.DELIVERED)
        return left or order.shipped_at is not None or self.kind is RequestKind.WAREHOUSE_SHIPPED

    @cached_property
    def arrived(self) -> bool:
        """Whether the customer has it: by the carrier's word, or by their own, which is believed."""
        if self.order.state is OrderState.DELIVERED:
            return True
        told = self.kind in FAULTS or self.kind is RequestKind.WRONG_SIZE or self.request.condition is not None
        return self.order.state is OrderState.SHIPPED and self.terms.returns.before_delivery and told

    @cached_property
    def inquiry(self) -> InquiryFacts | None:
        """The latest inquiry while the seller has not answered it."""
        inquiry = self.facts.inquiry
        return inquiry if inquiry is not None and inquiry.answer is None else None

    @cached_property
    def planned(self) -> tuple[RefundFacts, ...]:
        """Refunds that were promised and not sent."""
        return tuple(refund for refund in self.facts.refunds if refund.state is RefundState.PLANNED)

    @cached_property
    def paid_back(self) -> tuple[RefundFacts, ...]:
        """Refunds that were sent."""
        sent = (RefundState.SENT, RefundState.SETTLED)
        return tuple(refund for refund in self.facts.refunds if refund.state in sent)

    @cached_property
    def open_authorizations(self) -> tuple[AuthorizationFacts, ...]:
        """Authorizations whose parcel has not come."""
        return tuple(each for each in self.facts.authorizations if each.state is AuthorizationState.OPEN)

    @cached_property
    def replaced(self) -> tuple[AuthorizationFacts, ...]:
        """Door refusals that did not happen: the parcel arrived after all and comes back another way."""
        if not (self.arrived and self.kind in RETURNS):
            return ()
        return tuple(each for each in self.open_authorizations if each.route is ReturnRoute.REFUSE_AT_DOOR)

    @cached_property
    def authorization(self) -> AuthorizationFacts | None:
        """The authorization meant: the one named, or the only one there is."""
        every, wanted = self.facts.authorizations, self.request.authorization_id
        if wanted is None:
            return every[0] if len(every) == 1 else None
        return next((each for each in every if each.id == wanted), None)

    def held(self, line: LineFacts) -> tuple[LineAmount, ...]:
        """What open authorizations hold of this line."""
        standing = (each for each in self.facts.authorizations if _holds_units(each) and each not in self.replaced)
        return tuple(part for each in standing for part in each.lines if part.line_id == line.id)

    def open_units(self, line: LineFacts) -> int:
        """Units that are neither canceled nor returned nor on their way back."""
        return line.quantity - line.canceled - line.returned - sum(part.quantity for part in self.held(line))

    @cached_property
    def units(self) -> tuple[LineQuantity, ...]:
        """The units meant, less those that are gone already."""
        lines = self.order.lines
        meant = self.request.lines or tuple(LineQuantity(line.id, line.quantity) for line in lines)
        left = {line.id: self.open_units(line) for line in lines}
        units = (LineQuantity(unit.line_id, min(unit.quantity, left[unit.line_id])) for unit in meant)
        return tuple(unit for unit in units if unit.quantity > 0)

    @cached_property
    def whole_order(self) -> bool:
        """Whether nothing of the order is left once the units meant are gone."""
        meant = {unit.line_id: unit.quantity for unit in self.units}
        return all(self.open_units(line) == meant.get(line.id, 0) for line in self.order.lines)

    def line(self, line_id: str) -> LineFacts:
        """The line of this id; LookupError where the order has none."""
        line = self.order.line(line_id)
        if line is None:
            raise LookupError(f"no line {line_id} in order {self.order.number}")
        return line

    def price(self, unit: LineQuantity) -> LineAmount:
        """What is still to be paid back for these units, discount taken off."""
        line = self.line(unit.line_id)
        net, held = line_net(self.order, line), self.held(line)
        gone = line.quantity - self.open_units(line)
        left = max(0, net - line.refunded - sum(part.amount for part in held))
        return LineAmount(line.id, unit.quantity, min(left, units_amount(net, line.quantity, gone, unit.quantity)))

    def paid_while_kept(self, line_id: str) -> bool:
        """Whether units that neither were canceled nor came back are refunded already (a lost parcel, goodwill)."""
        line = self.line(line_id)
        net, gone = line_net(self.order, line), line.canceled + line.returned
        return line.refunded > units_amount(net, line.quantity, 0, gone)

    @cached_property
    def prices(self) -> tuple[LineAmount, ...]:
        """The prices of all units meant."""
        return tuple(self.price(unit) for unit in self.units)

    @cached_property
    def days_since_delivery(self) -> int:
        """Whole days of the shop's calendar since the last parcel of the lines meant arrived; 0 before it has."""
        meant = {unit.line_id for unit in self.units}
        own = [s.delivered_at for s in self.order.shipments if s.delivered_at and meant & set(s.line_ids)]
        delivered = max(own) if own else self.order.delivered_at
        return 0 if delivered is None else (self.today - local_day(delivered, self.terms.calendar)).days

    @cached_property
    def in_window(self) -> bool:
        """Whether a return may still be asked for."""
        window = self.terms.returns.window_days
        return window is None or self.days_since_delivery <= window

    def final_sale(self, line_id: str) -> bool:
        """Whether the line is not taken back without a fault."""
        line, terms = self.line(line_id), self.terms.returns
        used_up = line.kind is LineKind.DIGITAL and line.downloaded and terms.downloaded_is_final
        return line.final_sale or used_up or line.category in terms.final_sale_categories

    def plan(self, *effects: Effect, offers: tuple[Offer, ...] = (), left_out: tuple[LeftOut, ...] = ()) -> Plan:
        """A plan of these effects in the shop's currency."""
        return Plan(effects, self.terms.currency, offers, left_out)


def _holds_units(authorization: AuthorizationFacts) -> bool:
    # An inspection may be reported before the scan; until then the units have not come back.
    inspected_unscanned = authorization.state is AuthorizationState.INSPECTED and authorization.scanned_at is None
    return authorization.state is AuthorizationState.OPEN or inspected_unscanned


type Rule = Callable[[Case], Decision | None]


def rule(number: int) -> Callable[[Rule], Rule]:
    """Sign every verdict of a rule with its name, its number in the policy and what the case looked like."""

    def sign(decide: Rule) -> Rule:
        @wraps(decide)
        def signed(case: Case) -> Decision | None:
            verdict = decide(case)
            if verdict is None or verdict.receipt.rule:
                return verdict
            seen = {**_background(case), **verdict.receipt.facts}
            receipt = replace(verdict.receipt, rule=decide.__name__, number=number, facts=seen)
            return replace(verdict, receipt=receipt)

        return signed

    return sign


def because(would_change: dict[str, str] | None = None, /, **facts: Json) -> Receipt:
    """A receipt of the facts a rule saw; the rule's name and number are signed onto it afterwards."""
    return Receipt(facts=facts, would_change=would_change or {})


def _background(case: Case) -> dict[str, Json]:
    seen: dict[str, Json] = {
        "request": case.request.kind.value,
        "decided_as": case.kind.value,
        "now": case.now.isoformat(),
        "terms_from": case.terms.effective_from.isoformat(),
    }
    if case.facts.order is not None:
        seen |= {"order": case.order.number, "state": case.order.state.value, "seller": case.order.seller.value}
    if case.paid_back:
        seen["earlier_refunds"] = [_told(refund) for refund in case.paid_back]
    return seen


def _told(refund: RefundFacts) -> Json:
    sent_at = refund.sent_at.isoformat() if refund.sent_at else None
    return {"id": refund.id, "amount": refund.amount, "method": refund.method.value, "sent_at": sent_at}
