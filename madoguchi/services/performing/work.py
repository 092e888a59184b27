"""The work at hand while a plan is performed: the transaction, the moment, the case and what it is about."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from madoguchi.store import Case, Inquiry, Membership, Order, OrderLine, ReturnAuthorization

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # without the ones that look alike


@dataclass
class Work:
    """One plan being performed inside one transaction."""

    session: Session
    now: datetime
    key: str
    """The intent's key, or that of the event; every effect's key begins with it."""
    actor: str
    case: Case
    order: Order | None = None
    membership: Membership | None = None
    authorization: ReturnAuthorization | None = None
    """The authorization this plan opened, for its timers."""
    inquiry: Inquiry | None = None
    result: dict[str, Any] = field(default_factory=dict)
    """What the customer is told besides the plan: numbers made on the way."""

    @property
    def the_order(self) -> Order:
        """The order this plan is about; a plan without one is a bug."""
        if self.order is None:
            raise LookupError("this plan needs an order")
        return self.order

    @property
    def customer_id(self) -> int:
        """Whose case it is."""
        return self.case.customer_id

    def line(self, line_id: str) -> OrderLine:
        """Return the line with the policy's id for it."""
        return next(line for line in self.the_order.lines if str(line.id) == line_id)


type Performer[E] = Callable[[Work, E, str], None]


def letters(count: int) -> str:
    """Return so many random letters and digits that are easy to read aloud."""
    return "".join(secrets.choice(_LETTERS) for _ in range(count))
