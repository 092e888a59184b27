"""The one port to the post: what the desk asks of a way to send mails, and what it may answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Letter:
    """One mail to one person; `key` names it for good, so that a second sending can be known as such."""

    key: str
    name: str
    address: str
    subject: str
    body: str


@dataclass(frozen=True)
class Handed:
    """The mail was handed on, or had been before."""


@dataclass(frozen=True)
class Undeliverable:
    """The mail can never reach this address; `code` says why, without the address."""

    code: str


class Away(Exception):
    """The post cannot be reached or is busy, and the mail can be sent later; the message holds no address."""


class Transport(Protocol):
    """A way to send mails."""

    def send(self, letter: Letter) -> Handed | Undeliverable:
        """Hand a mail on. Raises Away."""
