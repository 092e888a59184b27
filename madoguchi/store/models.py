"""The models: what each was made of and scored, which was in service when, and the work of making one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from madoguchi.store.base import Base, Id
from madoguchi.store.staff import Staff


class TrainedModel(Base):
    """A model file of this desk, with its scores and the gate's verdict once it was examined."""

    __tablename__ = "trained_models"

    name: Mapped[str] = mapped_column(String(120), primary_key=True)  # the file's name in models/
    made_of: Mapped[str] = mapped_column(String(64))  # digest of everything that was learnt from
    note: Mapped[str] = mapped_column(String(200), default="")  # what the trainer meant to teach
    made_by: Mapped[str] = mapped_column(String(60), default="")
    made_at: Mapped[datetime]
    scores: Mapped[dict[str, Any] | None]  # accuracy, macro_f1 ...; the messages lie in the report's file
    checks: Mapped[list[Any] | None]  # behaviour tests: name, passed, what was seen
    examined_at: Mapped[datetime | None]


class TrainingJob(Base):
    """One piece of work of the trainer's program. `slot` is 1 while it waits or runs, so that there is one at most."""

    __tablename__ = "training_jobs"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))  # train | examine
    state: Mapped[str] = mapped_column(String(8), default="waiting")
    slot: Mapped[int | None] = mapped_column(default=1, unique=True)
    model: Mapped[str | None] = mapped_column(String(120))  # to be examined, or what came out
    note: Mapped[str] = mapped_column(String(200), default="")
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    percent: Mapped[int] = mapped_column(default=0)
    step: Mapped[str] = mapped_column(String(60), default="waiting")
    log: Mapped[str] = mapped_column(Text, default="")  # the last lines; the whole log is a file
    fault: Mapped[str | None] = mapped_column(String(40))
    attempts: Mapped[int] = mapped_column(default=0)
    cancel_asked: Mapped[bool] = mapped_column(default=False)
    asked_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]  # the last sign of life of the program that runs it
    ended_at: Mapped[datetime | None]

    staff: Mapped[Staff | None] = relationship()

    __table_args__ = (
        CheckConstraint("kind IN ('train', 'examine')", name="kind"),
        CheckConstraint("state IN ('waiting', 'running', 'done', 'failed', 'canceled')", name="state"),
        CheckConstraint("(slot IS NULL) = (state NOT IN ('waiting', 'running'))", name="slot"),
    )


class ModelService(Base):
    """One time that a model went into service; the newest row is the model in service."""

    __tablename__ = "model_services"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    model: Mapped[str] = mapped_column(String(120))
    before: Mapped[str | None] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(Text, default="")  # of an overruling or a rollback
    objections: Mapped[list[Any]] = mapped_column(default=list)  # what the gate said
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    at: Mapped[datetime]

    staff: Mapped[Staff | None] = relationship()

    __table_args__ = (
        CheckConstraint("kind IN ('first', 'program', 'promoted', 'overruled', 'rolled_back')", name="kind"),
    )


class Lookback(Base):
    """What a candidate makes of a real message; the words stay with the message, and are erased with it."""

    __tablename__ = "lookbacks"

    model: Mapped[str] = mapped_column(String(120), primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    intent: Mapped[str | None] = mapped_column(String(60))
    confidence: Mapped[float]
    before: Mapped[str | None] = mapped_column(String(60))  # by the model that was in service then
    confidence_before: Mapped[float]
