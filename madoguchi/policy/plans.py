"""Plans: the ordered effects of an approved decision, with the totals the customer is told before the yes."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from madoguchi.policy.effects import (
    AuthorizeReturn,
    Effect,
    GuaranteePayout,
    LinkedReorder,
    Refund,
    ReleaseRefund,
    Split,
)
from madoguchi.policy.vocabulary import DeclineReason, Offer, Payer, RefundTiming

_INSTANTS = frozenset({"deadline", "due"})


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A line that was meant but cannot be part of the plan."""

    line_id: str
    reason: DeclineReason


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be done, in this order; the same object is previewed, confirmed and performed."""

    effects: tuple[Effect, ...] = ()
    currency: str = "JPY"
    offers: tuple[Offer, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    @property
    def splits(self) -> tuple[Split, ...]:
        """Every part of the refund with its payment and method, whenever it is sent."""
        return tuple(split for effect in self._refunding() for split in effect.splits)

    @property
    def refund_amount(self) -> int:
        """The money the customer gets in all, in minor units; a guarantee's payout counts."""
        payouts = sum(effect.amount for effect in self.effects if isinstance(effect, GuaranteePayout))
        return payouts + sum(split.amount for split in self.splits)

    @property
    def shop_pays_return(self) -> bool | None:
        """Whether the shop pays the return shipping; None where nothing is sent back or nobody charges it."""
        payers = {effect.payer for effect in self.effects if isinstance(effect, AuthorizeReturn)} - {Payer.NOBODY}
        return None if not payers else Payer.CUSTOMER not in payers

    @property
    def timing(self) -> RefundTiming | None:
        """When the money goes out, the latest of its parts; None where there is none."""
        if any(isinstance(effect, AuthorizeReturn) and effect.splits for effect in self.effects):
            return RefundTiming.ON_SCAN
        times = [effect.when for effect in self.effects if isinstance(effect, Refund)]
        if times:
            return times[-1]
        paid_now = any(isinstance(effect, ReleaseRefund | GuaranteePayout) for effect in self.effects)
        return RefundTiming.NOW if paid_now else None

    @property
    def moves_money(self) -> bool:
        """Whether performing it sends money at once."""
        now = any(isinstance(effect, Refund) and effect.when is RefundTiming.NOW for effect in self.effects)
        return now or any(
            isinstance(effect, ReleaseRefund | GuaranteePayout | LinkedReorder) for effect in self.effects
        )

    def fingerprint(self) -> str:
        """A stable digest of what the customer said yes to.

        Deadlines and timers are left out: they follow the clock, so that planning the same thing a minute later
        gives the same digest. So are offers: nobody has said yes to them, and "はい、カードで" is a yes to the card.
        """
        content = _without_instants(_PLAN.dump_python(self, mode="json", exclude={"offers"}))
        text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def to_json(self) -> str:
        """The plan as JSON text."""
        return _PLAN.dump_json(self).decode()

    @staticmethod
    def from_json(text: str) -> "Plan":
        """The plan that `to_json` wrote; pydantic.ValidationError for anything else."""
        return _PLAN.validate_json(text)

    def _refunding(self) -> tuple[Refund | AuthorizeReturn | ReleaseRefund, ...]:
        return tuple(e for e in self.effects if isinstance(e, Refund | AuthorizeReturn | ReleaseRefund))


def _without_instants(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_instants(item) for key, item in value.items() if key not in _INSTANTS}
    if isinstance(value, list):
        return [_without_instants(item) for item in value]
    return value


_PLAN: TypeAdapter[Plan] = TypeAdapter(Plan)

EMPTY_PLAN = Plan()
