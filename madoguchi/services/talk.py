"""The words of a talk: who owns it, its messages as they are shown, the turns to be run and the replies to store."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

MAX_ATTEMPTS = 3
"""How often a turn is tried before a human is called."""


class Owner(StrEnum):
    """Who may answer."""

    BOT = "bot"
    WAITING = "waiting"
    AGENT = "agent"
    CLOSED = "closed"


class Refusal(StrEnum):
    """Why a message was not stored."""

    CHANGED = "changed"  # the id was used already, for other content
    SPENT = "spent"  # the button was pressed before, or the talk has gone on since it was offered
    UNKNOWN_CHOICE = "unknown_choice"  # no such button in this conversation


@dataclass(frozen=True)
class Sent:
    """What a customer's page sends: the id it made, and what was typed (`text`) or the button pressed (`token`)."""

    client_id: str
    text: str | None = None
    token: str | None = None


@dataclass(frozen=True)
class MessageView:
    """A message as its customer may see it."""

    id: int
    client_id: str
    author: str
    text: str
    content: dict[str, Any]
    state: str
    at: datetime


@dataclass(frozen=True)
class News:
    """Messages that one transaction added to a conversation, who owns it then, and what stood before them.

    Who has shown everything up to `before` may show these without a look at the store; anybody else has to look.
    """

    before: int
    messages: tuple[MessageView, ...]
    owner: str


@dataclass(frozen=True)
class Stored:
    """The message is safe; `new` is false where the same one had been stored before."""

    message: MessageView
    new: bool


@dataclass(frozen=True)
class Offered:
    """A button under a reply: its single-use token, and the payload that never leaves the desk."""

    token: str
    title: str
    payload: str


@dataclass(frozen=True)
class Reply:
    """A reply to store: words, what else is shown, and its buttons."""

    text: str
    content: dict[str, Any] = field(default_factory=dict)
    choices: tuple[Offered, ...] = ()


@dataclass(frozen=True)
class Understood:
    """How the engine understood a customer's message."""

    intent: str | None = None
    confidence: float | None = None
    entities: tuple[dict[str, Any], ...] = ()
    model: str | None = None


@dataclass(frozen=True)
class ClaimedTurn:
    """A customer's message to be answered now, by the caller alone until the lease ends.

    `client_id` was made by the page; it is the one name of this turn in every program's log.
    Exactly one of `text` (what was typed) and `payload` (of the button that was pressed) is given.
    """

    conversation_id: str
    message_id: int
    client_id: str
    stored_at: datetime
    text: str | None
    payload: str | None
    attempt: int
    purchases: tuple[str, ...]
    more: bool = False
    """Whether another message waited behind this one when it was claimed."""

    @property
    def hopeless(self) -> bool:
        """Whether it was tried too often already, each time by a program that died over it."""
        return self.attempt > MAX_ATTEMPTS


@dataclass(frozen=True)
class Received:
    """A message came in: safe in its conversation, and already claimed (`turn`) where it could be answered at once."""

    conversation_id: str
    stored: Stored
    news: News | None = None
    turn: ClaimedTurn | None = None


@dataclass(frozen=True)
class Head:
    """Where a conversation stands: enough to know whether there is something new to show."""

    owner: str
    last_message_id: int
