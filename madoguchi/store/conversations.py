"""Conversations: who owns them, every message in order, single-use choices, and the customers' sessions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from madoguchi.store.base import Base, Id


class Conversation(Base):
    """A talk with one customer or visitor. `owner` decides who may answer: the bot only while it is `bot`."""

    __tablename__ = "conversations"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))
    owner: Mapped[str] = mapped_column(String(8), default="bot")  # bot | waiting | agent | closed
    agent: Mapped[str | None] = mapped_column(String(60))
    handoff_reason: Mapped[str | None] = mapped_column(String(60))
    summary: Mapped[dict[str, Any] | None]
    flagged: Mapped[bool] = mapped_column(default=False)  # anger, threats: said calmly to the agent
    proved_orders: Mapped[list[Any]] = mapped_column(default=list)  # order numbers a visitor has proved
    opened_at: Mapped[datetime]
    last_at: Mapped[datetime]
    waiting_since: Mapped[datetime | None]
    promised_at: Mapped[datetime | None]  # when a human's answer was promised for
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (
        CheckConstraint("owner IN ('bot', 'waiting', 'agent', 'closed')", name="owner"),
        Index("ix_conversations_owner_last", "owner", "last_at", "id"),
        # All that a search by a customer's name asks of a conversation, so that it need not fetch thousands of them.
        Index("ix_conversations_customer", "customer_id", "last_at", "id"),
    )


class Message(Base):
    """One message. `id` is the place in the order, and the id of the live event that announces it.

    A customer's message goes stored → answered, or → failed when no program could answer it and a human will.
    """

    __tablename__ = "messages"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"))
    client_id: Mapped[str] = mapped_column(String(64))  # made by the page; ours for replies: "<message id>:<n>"
    author: Mapped[str] = mapped_column(String(8))  # customer | bot | agent | note
    text: Mapped[str] = mapped_column(Text, default="")
    content: Mapped[dict[str, Any]] = mapped_column(default=dict)  # cards, image; choices live in their table
    choice: Mapped[str | None] = mapped_column(String(43))  # the token of the button pressed
    state: Mapped[str] = mapped_column(String(8), default="stored")  # stored | answered | failed
    leased_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    intent: Mapped[str | None] = mapped_column(String(60))
    confidence: Mapped[float | None]
    entities: Mapped[list[Any] | None]
    model: Mapped[str | None] = mapped_column(String(80))
    created_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("conversation_id", "client_id"),
        CheckConstraint("author IN ('customer', 'bot', 'agent', 'note')", name="author"),
        CheckConstraint("state IN ('stored', 'answered', 'failed')", name="state"),
        Index("ix_messages_conversation_id", "conversation_id", "id"),
        Index("ix_messages_to_answer", "state", "author", "created_at"),
    )


class Choice(Base):
    """A button under a bot's message: a single-use token in place of the payload it stands for."""

    __tablename__ = "choices"

    token: Mapped[str] = mapped_column(String(43), primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"), index=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), index=True)
    title: Mapped[str] = mapped_column(String(200))
    payload: Mapped[str] = mapped_column(String(500))
    used_at: Mapped[datetime | None]


class CustomerSession(Base):
    """A customer's or visitor's session in the chat window; the cookie holds the secret, the row its hash."""

    __tablename__ = "customer_sessions"

    secret_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"), index=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"))
    opened_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class UsedToken(Base):
    """The id of a shop's sign-in token that was exchanged already; a second exchange is refused."""

    __tablename__ = "used_tokens"

    jti: Mapped[str] = mapped_column(String(64), primary_key=True)
    expires_at: Mapped[datetime]
