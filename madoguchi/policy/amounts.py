"""Arithmetic of money: apportioning discounts and postage, amounts of units, splits over payments. All exact integers.

Shares are rounded up to the minor unit in the customer's favour, add up exactly when everything is taken, and
never pass what was captured.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from madoguchi.policy.facts import LineAmount, LineFacts, OrderFacts, PaymentFacts, RefundFacts
from madoguchi.policy.vocabulary import PaymentMethod, RefundState

_REFUND_ORDER = (
    PaymentMethod.CARD,
    PaymentMethod.WALLET,
    PaymentMethod.CONVENIENCE_STORE,
    PaymentMethod.CASH_ON_DELIVERY,
    PaymentMethod.GIFT_BALANCE,
)
"""The card part of a split payment is used up first, gift balance last."""


def apportion(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Whole-number shares of `total` in proportion to `weights`, adding up to it exactly.

    No share passes its weight while `total` is at most the sum of the weights. Where all weights are 0 the shares
    are as equal as they can be. ValueError for a negative total or weight.
    """
    if total < 0 or any(weight < 0 for weight in weights):
        raise ValueError("a total and its weights must not be negative")
    if not weights:
        return ()
    parts = weights if sum(weights) else [1] * len(weights)
    whole, upto, given = sum(parts), 0, 0
    shares = []
    for part in parts:
        upto += part
        share = total * upto // whole - given
        given += share
        shares.append(share)
    return tuple(shares)


def discount_shares(order: OrderFacts) -> dict[str, int]:
    """Each line's share of the order's discount: as stored, or apportioned anew where the stored ones don't add up."""
    stored = {line.id: line.discount_share for line in order.lines}
    if order.discount in (0, sum(stored.values())):
        return stored
    shares = apportion(order.discount, [line.gross for line in order.lines])
    return {line.id: share for line, share in zip(order.lines, shares, strict=True)}


def line_net(order: OrderFacts, line: LineFacts) -> int:
    """What all units of the line cost after the discount."""
    return max(0, line.gross - discount_shares(order)[line.id])


def units_amount(net: int, of: int, before: int, units: int) -> int:
    """What `units` of the `of` units of a line cost after `before` are gone; rounded up, exact in all."""
    return _share(net, before + units, of) - _share(net, before, of)


def percent_of(amount: int, percent: int) -> int:
    """So many per cent of the amount, rounded up to the minor unit."""
    return _share(amount, percent, 100)


def postage_share(order: OrderFacts, returned: Iterable[LineAmount]) -> int:
    """The outbound postage that comes back with these lines, in proportion to their net price.

    Units canceled before shipment don't count. Shares are rounded up and the last one takes the rest, so that
    returning everything gives back exactly the fee.
    """
    left = max(0, order.shipping_fee - order.shipping_refunded)
    shipped = {line.id: line.quantity - line.canceled for line in order.lines}
    value = {line.id: _share(line_net(order, line), shipped[line.id], line.quantity) for line in order.lines}
    weights = value if any(value.values()) else shipped
    whole = sum(weights.values())
    if not whole:
        return 0
    # Scaled by each line's shipped units, so that a share of a line needs no fraction.
    part = sum(
        _share(order.shipping_fee * weights[each.line_id], each.quantity, shipped[each.line_id])
        for each in returned
        if shipped[each.line_id]
    )
    return min(left, -(-part // whole))


def without_planned(payments: Iterable[PaymentFacts], refunds: Iterable[RefundFacts]) -> tuple[PaymentFacts, ...]:
    """The payments as they are once their planned refunds are dropped."""
    planned = [refund for refund in refunds if refund.state is RefundState.PLANNED]
    return tuple(
        replace(payment, reserved=max(0, payment.reserved - sum(_on(payment, planned)))) for payment in payments
    )


def release(payments: Iterable[PaymentFacts], amount: int) -> tuple[PaymentFacts, ...]:
    """The payments once a promise of this amount is dropped; it was made the card part first, so it ends so."""
    freed = []
    for payment in _card_first(payments):
        part = min(amount, payment.reserved)
        freed.append(replace(payment, reserved=payment.reserved - part))
        amount -= part
    return tuple(freed)


def split_over(amount: int, payments: Iterable[PaymentFacts]) -> tuple[tuple[PaymentFacts, int], ...]:
    """The amount spread over the payments, the card part first; less than asked where the payments hold less."""
    parts = []
    for payment in _card_first(payments):
        part = min(amount, payment.refundable)
        if part > 0:
            parts.append((payment, part))
            amount -= part
    return tuple(parts)


def fit(lines: Sequence[LineAmount], shipping: int, available: int) -> tuple[tuple[LineAmount, ...], int]:
    """Lines and postage cut down to what is available: the postage gives way first, then the last lines."""
    fitted = []
    for line in lines:
        amount = min(line.amount, available)
        fitted.append(replace(line, amount=amount))
        available -= amount
    return tuple(fitted), min(shipping, available)


def _card_first(payments: Iterable[PaymentFacts]) -> list[PaymentFacts]:
    return sorted(payments, key=lambda payment: _REFUND_ORDER.index(payment.method))


def _share(whole: int, part: int, of: int) -> int:
    return -(-whole * part // of) if of else 0


def _on(payment: PaymentFacts, planned: Iterable[RefundFacts]) -> Iterable[int]:
    return (refund.amount for refund in planned if refund.payment_id == payment.id)
