"""What the policy answers: four outcomes and one open question, each with the receipt of the rule that decided.

Everything here goes to JSON and back unchanged, so that the plan shown to the customer is the plan performed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from pydantic import TypeAdapter

from madoguchi.policy.plans import EMPTY_PLAN, Plan
from madoguchi.policy.vocabulary import AgentReason, DeclineReason, Fact, Offer, WaitReason

type Json = bool | int | float | str | list[Json] | dict[str, Json] | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """Which rule decided, what it saw and what would have changed its mind."""

    rule: str = ""
    number: int = 0
    """The rule's number in the policy; 0 for the checks and invariants that stand before the rules."""
    facts: Mapping[str, Json] = field(default_factory=dict)
    would_change: Mapping[str, str] = field(default_factory=dict)
    """Fact → the value that would have led to another outcome."""


@dataclass(frozen=True, slots=True)
class Approved:
    """Yes, and this is what happens."""

    plan: Plan
    receipt: Receipt = Receipt()
    outcome: Literal["approved"] = "approved"


@dataclass(frozen=True, slots=True)
class Declined:
    """No, for a reason, with what can be offered instead."""

    reason: DeclineReason
    offers: tuple[Offer, ...] = (Offer.HUMAN,)
    receipt: Receipt = Receipt()
    outcome: Literal["declined"] = "declined"


@dataclass(frozen=True, slots=True)
class NeedsAgent:
    """A human decides; `plan` holds what may safely be noted meanwhile, and moves no money."""

    reason: AgentReason
    plan: Plan = EMPTY_PLAN
    receipt: Receipt = Receipt()
    outcome: Literal["needs_agent"] = "needs_agent"


@dataclass(frozen=True, slots=True)
class Wait:
    """Not yet; `until` is the instant told to the customer, None where only somebody's word ends the wait."""

    until: datetime | None
    reason: WaitReason
    plan: Plan = EMPTY_PLAN
    """Timers to set and flags to raise while waiting; moves no money."""
    receipt: Receipt = Receipt()
    outcome: Literal["wait"] = "wait"


@dataclass(frozen=True, slots=True)
class NeedsFact:
    """The customer's answer to one question decides; the desk asks it and decides again."""

    fact: Fact
    choices: tuple[str, ...] = ()
    """The answers that are possible, where they can be listed."""
    receipt: Receipt = Receipt()
    outcome: Literal["needs_fact"] = "needs_fact"


type Decision = Approved | Declined | NeedsAgent | Wait | NeedsFact

_DECISION: TypeAdapter[Decision] = TypeAdapter(Decision)


def decision_to_json(decision: Decision) -> str:
    """The decision as JSON text."""
    return _DECISION.dump_json(decision).decode()


def decision_from_json(text: str) -> Decision:
    """The decision that `decision_to_json` wrote; pydantic.ValidationError for anything else."""
    return _DECISION.validate_json(text)
