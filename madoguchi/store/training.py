"""The trainers' side: messages to decide on, the decisions with their undo, lessons until they are in the files.

No row here holds what a customer wrote: messages are kept by their number and names by their place in the text, so
that erasing a message erases it here too. Lessons hold masked text only.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from madoguchi.store.base import Base, Id


class TrainingMessage(Base):
    """A customer's message as the trainers see it; those of one `pile` are alike and decided together."""

    __tablename__ = "training_messages"

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), primary_key=True, autoincrement=False)
    pile: Mapped[str] = mapped_column(String(36))
    intent: Mapped[str | None] = mapped_column(String(60))
    confidence: Mapped[float | None]
    second: Mapped[str | None] = mapped_column(String(60))  # the runner-up
    second_confidence: Mapped[float | None]
    likeness: Mapped[float | None]  # of the nearest example, 0 to 1
    names: Mapped[list[Any] | None]  # [[start, end, kind], …] of persons and places; None until looked for
    unsure: Mapped[bool] = mapped_column(default=False)
    marked: Mapped[bool] = mapped_column(default=False)
    human: Mapped[bool] = mapped_column(default=False)
    between: Mapped[bool] = mapped_column(default=False)
    unknown: Mapped[bool] = mapped_column(default=False)
    rank: Mapped[int]  # of the first reason that holds; 9 without one
    state: Mapped[str] = mapped_column(String(8), default="open")  # open | settled
    batch: Mapped[str | None] = mapped_column(String(36), index=True)  # of the decision that settled it
    came_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("state IN ('open', 'settled')", name="state"),
        Index("ix_training_messages_open", "state", "rank", "pile"),
        Index("ix_training_messages_pile", "pile"),
    )


class TrainingPile(Base):
    """What is to be told of a pile's open messages, kept with them so that a page need not count them all."""

    __tablename__ = "training_piles"

    pile: Mapped[str] = mapped_column(String(36), primary_key=True)
    first_id: Mapped[int] = mapped_column(Id)  # the message that tells the pile
    count: Mapped[int]
    intent: Mapped[str | None] = mapped_column(String(60))
    confidence: Mapped[float | None]  # the least
    rank: Mapped[int]
    unsure: Mapped[int]  # how many of the messages each reason holds for
    marked: Mapped[int]
    human: Mapped[int]
    between: Mapped[int]
    unknown: Mapped[int]

    __table_args__ = (Index("ix_training_piles_order", "rank", "count", "confidence"),)


class TrainingDecision(Base):
    """One thing a trainer did, and what takes it back."""

    __tablename__ = "training_decisions"

    batch: Mapped[str] = mapped_column(String(36), primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    act: Mapped[str] = mapped_column(String(10))  # accept | relabel | part | dismiss | split | teach | set_aside
    detail: Mapped[dict[str, Any]]  # numbers and codes only
    at: Mapped[datetime]
    undone_at: Mapped[datetime | None]


class Lesson(Base):
    """A change of the examples: a draft until it is published into the files."""

    __tablename__ = "lessons"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    batch: Mapped[str] = mapped_column(ForeignKey("training_decisions.batch"), index=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    kind: Mapped[str] = mapped_column(String(8))  # add | edit | move | delete
    intent: Mapped[str] = mapped_column(String(60), index=True)  # where the example stands afterwards
    written: Mapped[str] = mapped_column(Text)  # in Rasa's notation, afterwards
    old_intent: Mapped[str | None] = mapped_column(String(60))
    old_written: Mapped[str | None] = mapped_column(Text)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"), index=True)
    state: Mapped[str] = mapped_column(String(10), default="draft")  # draft | published | discarded
    problem: Mapped[str | None] = mapped_column(String(20))  # why it was not published the last time
    made_at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    revision: Mapped[str | None] = mapped_column(String(40))  # the git commit it went into
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (
        CheckConstraint("kind IN ('add', 'edit', 'move', 'delete')", name="kind"),
        CheckConstraint("state IN ('draft', 'published', 'discarded')", name="state"),
        Index("ix_lessons_state", "state", "staff_id"),
    )


class FindingAside(Base):
    """A finding of the examples' health that a trainer lets be; its name changes with the texts it is about."""

    __tablename__ = "findings_aside"

    finding: Mapped[str] = mapped_column(String(16), primary_key=True)
    batch: Mapped[str] = mapped_column(ForeignKey("training_decisions.batch"), index=True)


class NewIntent(Base):
    """An intent that a trainer has defined and that is not in the files yet."""

    __tablename__ = "new_intents"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    label: Mapped[str] = mapped_column(String(40))
    definition: Mapped[str] = mapped_column(Text)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    made_at: Mapped[datetime]
