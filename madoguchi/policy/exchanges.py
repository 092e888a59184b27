"""Direct exchange, for shops whose terms know it: a return and a linked reorder, with the difference settled."""

from madoguchi.policy.case import Case, because, rule
from madoguchi.policy.decisions import Approved, Decision, Declined, NeedsAgent, NeedsFact
from madoguchi.policy.effects import AuthorizeReturn, LinkedReorder, ReplacementLine
from madoguchi.policy.facts import AccountFacts, LineAmount, LineQuantity, ReplacementFacts
from madoguchi.policy.money import sent_to, settle
from madoguchi.policy.requests import Replacement, RequestKind
from madoguchi.policy.settling import return_timers
from madoguchi.policy.vocabulary import AgentReason, DeclineReason, Fact, PaymentMethod


@rule(0)
def exchange_directly(case: Case) -> Decision | None:
    """An article for another of the same product, once per order; the difference goes over one saved account."""
    if case.kind is not RequestKind.EXCHANGE or not case.terms.returns.direct_exchange:
        return None
    wanted = case.request.replacements
    if not wanted:
        return NeedsFact(Fact.REPLACEMENTS, receipt=because())
    units = _units(wanted)
    refused = _unequal(case, units) or _unavailable(case, wanted) or _too_late(case)
    if refused is not None:
        return refused
    account = _account(case)
    if not isinstance(account, AccountFacts):
        return account
    sent = tuple(ReplacementLine(each.line_id, each.sku, _catalogue(case, each).price) for each in wanted)
    difference = sum(each.price - case.line(each.line_id).unit_price for each in sent)
    gift = account.method is PaymentMethod.GIFT_BALANCE
    if gift and difference > (account.balance or 0):
        receipt = because({"balance": f">= {difference}"}, balance=account.balance, difference=difference)
        return Declined(DeclineReason.GIFT_BALANCE_TOO_LOW, receipt=receipt)
    return _approved(case, units, LinkedReorder(sent, difference, account.id), account)


def _approved(case: Case, units: tuple[LineQuantity, ...], reorder: LinkedReorder, account: AccountFacts) -> Decision:
    # A dearer article is paid with the reorder; what a cheaper one leaves comes back at the parcel's scan.
    owed = max(0, -reorder.difference)
    splits = settle(case, owed, case.order.payments)
    if not isinstance(splits, tuple):
        return splits
    lines = _worth(case, units, owed)
    payer = case.terms.returns.change_of_mind_payer
    returned = AuthorizeReturn(lines, 0, sent_to(splits, account.id, case), payer, account=account.id, exchange=True)
    return Approved(case.plan(returned, reorder, *return_timers(case)), because(difference=reorder.difference))


def _worth(case: Case, units: tuple[LineQuantity, ...], owed: int) -> tuple[LineAmount, ...]:
    """The units with what is owed for them, laid on the first of them that were dear enough."""
    lines = []
    for unit in units:
        part = min(owed, case.line(unit.line_id).unit_price * unit.quantity)
        owed -= part
        lines.append(LineAmount(unit.line_id, unit.quantity, part))
    return tuple(lines)


def _units(wanted: tuple[Replacement, ...]) -> tuple[LineQuantity, ...]:
    counts: dict[str, int] = {}
    for each in wanted:
        counts[each.line_id] = counts.get(each.line_id, 0) + 1
    return tuple(LineQuantity(line_id, count) for line_id, count in counts.items())


def _unequal(case: Case, units: tuple[LineQuantity, ...]) -> Declined | None:
    for unit in units:
        line = case.order.line(unit.line_id)
        if line is None or unit.quantity > case.open_units(line):
            return _declined(DeclineReason.LINES_NOT_IN_ORDER, "lines", "of this order")
    asked = {unit.line_id: unit.quantity for unit in case.request.lines}
    if asked and asked != {unit.line_id: unit.quantity for unit in units}:
        return _declined(DeclineReason.EXCHANGE_COUNT_MISMATCH, "replacements", "one for each unit")
    return None


def _unavailable(case: Case, wanted: tuple[Replacement, ...]) -> Declined | None:
    for each in wanted:
        found = next((facts for facts in case.facts.replacements if facts.sku == each.sku), None)
        if found is None or not found.available or found.product_id != case.line(each.line_id).product_id:
            return _declined(DeclineReason.REPLACEMENT_UNAVAILABLE, "replacements", "available, same product")
    return None


def _too_late(case: Case) -> Declined | NeedsAgent | None:
    if not case.in_window:
        return _declined(DeclineReason.WINDOW_ENDED, "days_since_delivery", f"<= {case.terms.returns.window_days}")
    undated = case.terms.returns.window_days is not None and case.order.delivered_at is None
    return NeedsAgent(AgentReason.FACTS_MISSING, receipt=because(missing="delivered_at")) if undated else None


def _account(case: Case) -> AccountFacts | Declined | NeedsFact:
    wanted = case.request.refund_account
    if wanted is None:
        return NeedsFact(Fact.REFUND_ACCOUNT, tuple(each.id for each in case.facts.accounts), because())
    found = next((each for each in case.facts.accounts if each.id == wanted), None)
    return found or _declined(DeclineReason.ACCOUNT_UNKNOWN, "refund_account", "saved by this customer")


def _catalogue(case: Case, wanted: Replacement) -> ReplacementFacts:
    return next(facts for facts in case.facts.replacements if facts.sku == wanted.sku)


def _declined(reason: DeclineReason, fact: str, needed: str) -> Declined:
    return Declined(reason, receipt=because({fact: needed}))
