"""The desk: what every service needs at hand, handed in as its first argument."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from madoguchi.mailing import Transport
from madoguchi.payments import Processor
from madoguchi.policy.terms import TermsBook
from madoguchi.services.sealing import Seal
from madoguchi.store import Store


def wall_clock() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Desk:
    """The order store, the shop's terms, the payment processor, the clock and the post.

    Without a post mails wait; without a seal no bank account can be taken.
    """

    store: Store
    terms: TermsBook
    processor: Processor
    clock: Callable[[], datetime] = wall_clock
    post: Transport | None = None
    seal: Seal | None = None
