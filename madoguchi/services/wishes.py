"""What the talk has brought so far, and the steps it can lead to.

A wish holds hints only: what the customer said or pressed. Amounts, owners and states come from the store.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from madoguchi.services.views import Choice, Values

REORDER = "reorder"
"""The one kind of wish that is no request to the policy: to place an order again."""


@dataclass(frozen=True)
class Wish:
    """One wish as far as it is known; None where nothing was said."""

    kind: str | None = None
    """A policy RequestKind's value, or "reorder"."""
    order_number: str | None = None
    contact: str | None = None
    """A visitor's phone number or mail address, which proves an order."""
    product: str | None = None
    """The article in the customer's own words."""
    line: str | None = None
    """A choice that was pressed: "line:12" or "order:250-…"."""
    membership: str | None = None
    """A choice that was pressed: "membership:5"."""
    quantity: int | None = None
    size: str | None = None
    condition: str | None = None
    refund_method: str | None = None
    at_once: bool | None = None
    whole_order: bool | None = None
    """True: every line of the order, not only the article named."""
    problem: str | None = None
    """What is wrong, where the kind itself does not say (exchange)."""


@dataclass(frozen=True)
class Ask:
    """One question decides what comes next: order_number, contact, article, membership, condition, size,
    refund_method, at_once or problem."""

    what: str
    reply: str
    choices: tuple[Choice, ...] = ()
    values: Values = field(default_factory=dict)


@dataclass(frozen=True)
class Propose:
    """One sentence to say yes to; the plan behind it is stored under `intent_key`."""

    intent_key: str
    reply: str
    values: Values = field(default_factory=dict)


@dataclass(frozen=True)
class Tell:
    """Nothing to say yes to: a refusal with its reason, a wait, or something that is so already."""

    reply: str
    values: Values = field(default_factory=dict)


@dataclass(frozen=True)
class HandOver:
    """A human decides; the caller hands the conversation over with this reason."""

    reason: str
    values: Values = field(default_factory=dict)


@dataclass(frozen=True)
class Done:
    """What was performed, and a reorder to offer next, where one makes sense."""

    reply: str
    values: Values = field(default_factory=dict)
    offer: Wish | None = None


type Step = Ask | Propose | Tell | HandOver
