"""The one port to the outside money: what the desk asks of any card processor, and what it may answer.

Every call carries a key derived from the intent; a processor performs a key at most once and answers the same
again. A call whose reply was lost raises `Ambiguous`: the desk then asks with `find_refund`, never tries blind.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable


@dataclass(frozen=True)
class Accepted:
    """The processor took the refund or charge; `reference` is its own name for it."""

    reference: str
    settled: bool = False


@dataclass(frozen=True)
class Refused:
    """The processor says no for good (`code`, its own word); a human looks at it."""

    code: str


@dataclass(frozen=True)
class Notice:
    """What a processor reports by itself later: `kind` is the name of an event, `key` that of the call."""

    id: str
    kind: str
    key: str
    reference: str


class Ambiguous(Exception):
    """The call may or may not have been carried out: the reply was lost."""


class Unavailable(Exception):
    """The processor was not reached, and surely did nothing; the call can be made again."""


class Processor(Protocol):
    """A card processor. Amounts are integers in the smallest unit of the currency."""

    def refund(self, key: str, charge: str, amount: int, currency: str) -> Accepted | Refused:
        """Send `amount` of the charge back. Raises Ambiguous or Unavailable."""

    def find_refund(self, key: str, charge: str) -> Accepted | Refused | None:
        """Return what became of the refund with this key, or None if it never arrived. Raises Unavailable."""

    def charge(self, key: str, source: str, amount: int, currency: str) -> Accepted | Refused:
        """Capture `amount` from a stored means of payment. Raises Ambiguous or Unavailable."""

    def find_charge(self, key: str, source: str) -> Accepted | Refused | None:
        """Return what became of the charge with this key, or None if it never arrived. Raises Unavailable."""

    def close(self) -> None:
        """Let go of every connection; the next call opens a new one."""


@dataclass(frozen=True)
class Payee:
    """A Japanese bank account that a transfer goes to."""

    bank: str
    branch: str
    kind: str
    number: str
    holder: str


@runtime_checkable
class Transferring(Protocol):
    """A processor that also makes bank transfers."""

    def transfer(self, key: str, payee: Payee, amount: int, currency: str) -> Accepted | Refused:
        """Send `amount` to the account. Raises Ambiguous or Unavailable."""

    def find_transfer(self, key: str, payee: Payee) -> Accepted | Refused | None:
        """Return what became of the transfer with this key, or None if it never arrived. Raises Unavailable."""


@runtime_checkable
class Notifying(Protocol):
    """A processor without webhooks of its own: the worker fetches its notices, each until it is acknowledged."""

    def notices_due(self, now: datetime, limit: int = 100) -> tuple[Notice, ...]:
        """Return notices that are due and not acknowledged, oldest first; the same one may come twice."""

    def acknowledge(self, notice_id: str) -> None:
        """Note that a notice was taken in."""
