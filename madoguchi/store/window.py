"""What customers hand in through the window besides words: photos of a defect, and bank accounts for refunds."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from madoguchi.store.base import Base, Id


class Photo(Base):
    """A picture a customer sent, as this desk drew it anew; what came from outside is kept nowhere."""

    __tablename__ = "photos"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)  # random, so that it cannot be guessed
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"), index=True)
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"), index=True)
    width: Mapped[int]
    height: Mapped[int]
    fingerprint: Mapped[str] = mapped_column(String(64))  # SHA-256 of what came, to tell a repeated upload
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)  # JPEG
    sent_at: Mapped[datetime]

    __table_args__ = (CheckConstraint("width > 0 AND height > 0", name="size"),)


class BankAccount(Base):
    """An account that a customer gave for the bank transfers of one case; all but its end is encrypted."""

    __tablename__ = "bank_accounts"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    sealed: Mapped[str] = mapped_column(Text)  # empty once erased
    end: Mapped[str] = mapped_column(String(3))  # the last three digits of its number
    given_at: Mapped[datetime]
