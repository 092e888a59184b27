"""The trainer's work: one job at a time, asked for on a page, carried out by the trainer's own program.

A job lives in the store, so that it outlives the web program, and whoever looks sees how far it is. The program that
runs it leaves a sign of life every few seconds; a job without one is taken up again, once, and given up after that.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session, joinedload

from madoguchi.services import audit
from madoguchi.services.agents import Person
from madoguchi.services.desk import Desk
from madoguchi.store import TrainingJob
from madoguchi.training import examining, model, registry, workshop
from madoguchi.training.examining import Ears, ExaminationFailed
from madoguchi.training.workshop import Place

LIFE_SIGN = timedelta(seconds=20)
MOST_ATTEMPTS = 2
KEPT_LINES = 200
TELL_EVERY_S = 0.7
LOOK_EVERY_S = 1.0
LONGEST_NOTE = 200
TRAINED_AT = 60
# The seconds from the end of the one before to the end of each, on the shop's own examples: with the first goes the
# reading of them all, with CharacterFeaturizer GiNZA's work. The engine says nothing of components that learn nothing.
WEIGHTS = {"RulePolicy": 18, "JapaneseNormalizer": 4, "CharacterFeaturizer": 9}
WEIGHTS |= {"ProductExtractor": 12, "BabbleGuard": 4, "LinearIntentClassifier": 13}
WEIGHTS |= dict.fromkeys(("GinzaNLP", "GinzaTokenizer", "GinzaVectorFeaturizer"), 0)
WEIGHTS |= dict.fromkeys(("ContraryGuard", "RuleEntityExtractor", "FallbackClassifier"), 0)
_USUAL_WEIGHT = 2
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Busy:
    """Another job waits or runs already."""

    job: int


@dataclass(frozen=True)
class Progress:
    """How far a training is, told from what the engine says: components that begin and end."""

    components: tuple[str, ...]
    _done: list[str] = field(default_factory=list)

    def percent(self, line: str) -> int:
        """Take a line in and return the percentage of the training, 0 to 100."""
        if "Finished training component '" in line:
            self._done.append(line.partition("component '")[2].partition("'")[0])
        total = sum(WEIGHTS.get(name, _USUAL_WEIGHT) for name in self.components) or 1
        done = sum(WEIGHTS.get(name, _USUAL_WEIGHT) for name in self._done if name in self.components)
        return min(100, round(100 * done / total))


def ask(desk: Desk, person: Person | None, kind: str, *, note: str = "", name: str | None = None) -> int | Busy:
    """Ask for a training, or for the examination of a model; refused while another job waits or runs."""
    now = desk.clock()
    try:
        with desk.store.writing() as session:
            job = TrainingJob(kind=kind, note=note[:LONGEST_NOTE], model=name, asked_at=now)
            job.staff_id = person.id if person else None
            session.add(job)
            session.flush()
            actor = person.actor if person else "command"
            audit.note(session, now, actor, f"model_{kind}_asked", f"job:{job.id}", {"model": name, "note": job.note})
            return job.id
    except IntegrityError:
        running = current(desk)
        return Busy(running.id if running else 0)


def cancel(desk: Desk, person: Person | None, job_id: int) -> bool:
    """Ask for a job to be stopped; False where it is over already."""
    now = desk.clock()
    with desk.store.writing() as session:
        job = session.get(TrainingJob, job_id, with_for_update=True)
        if job is None or job.slot is None:
            return False
        job.cancel_asked = True
        if job.state == "waiting":
            _over(job, "canceled", now)
        actor = person.actor if person else "command"
        audit.note(session, now, actor, "model_job_canceled", f"job:{job.id}")
        return True


def current(desk: Desk) -> TrainingJob | None:
    """Return the job that waits or runs."""
    with desk.store.reading() as session:
        return session.scalar(select(TrainingJob).where(TrainingJob.slot == 1).options(joinedload(TrainingJob.staff)))


def recent(desk: Desk, limit: int = 20) -> Sequence[TrainingJob]:
    """Return the last jobs, the newest first."""
    with desk.store.reading() as session:
        wanted = select(TrainingJob).options(joinedload(TrainingJob.staff)).order_by(TrainingJob.id.desc()).limit(limit)
        return session.scalars(wanted).all()


def find(desk: Desk, job_id: int) -> TrainingJob | None:
    """Return one job."""
    with desk.store.reading() as session:
        return session.get(TrainingJob, job_id, options=[joinedload(TrainingJob.staff)])


def run_forever(desk: Desk, place: Place, stop: threading.Event) -> None:
    """Carry out job after job until told to stop; a job that is cut off by it waits for the next start."""
    while not stop.is_set():
        try:
            done = run_next(desk, place, stop)
        except SQLAlchemyError as error:
            log.error("trainer failed", error=type(error).__name__)
            done = False
        if not done:
            stop.wait(LOOK_EVERY_S)
    desk.store.close()


def run_next(desk: Desk, place: Place, stop: threading.Event | None = None) -> bool:
    """Carry out the job that waits, or that its program left behind; False where there is none."""
    job = _claim(desk)
    if job is None:
        return False
    work = _Work(desk, place, job.id, stop or threading.Event())
    try:
        work.carry_out(job)
        work.finish("done")
    except workshop.Stopped:
        work.stopped()
    except model.TrainingFailed:
        work.finish("failed", "training_failed")
    except workshop.Unusable as reason:
        work.finish("failed", f"unusable_{reason}")
    except ExaminationFailed:
        work.finish("failed", "examination_failed")
    except OSError as error:
        work.say(f"{type(error).__name__}: {error.strerror}")
        work.finish("failed", "disk")
    return True


def log_file(place: Place, job_id: int) -> Path:
    """Return where the whole log of a job lies."""
    return place.var / "training" / str(job_id) / "log.txt"


def _claim(desk: Desk) -> TrainingJob | None:
    now = desk.clock()
    with desk.store.writing() as session:
        job = session.scalar(select(TrainingJob).where(TrainingJob.slot == 1).with_for_update(skip_locked=True))
        if job is None or (job.state == "running" and job.seen_at and job.seen_at > now - LIFE_SIGN):
            return None
        if job.attempts >= MOST_ATTEMPTS or job.cancel_asked:
            _over(job, "canceled" if job.cancel_asked else "failed", now, "interrupted")
            return None
        job.state, job.started_at, job.seen_at = "running", job.started_at or now, now
        job.attempts += 1
        session.flush()
        return session.scalar(
            select(TrainingJob).where(TrainingJob.id == job.id).options(joinedload(TrainingJob.staff))
        )


def _over(job: TrainingJob, state: str, now: datetime, fault: str | None = None) -> None:
    job.state, job.slot, job.ended_at, job.fault = state, None, now, fault if state == "failed" else None


class _Work:
    """One job being carried out: tells the store how far it is, and looks whether to stop."""

    def __init__(self, desk: Desk, place: Place, job_id: int, halted: threading.Event) -> None:
        self._desk, self._place, self._id, self._halted = desk, place, job_id, halted
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._percent, self._step = 0, "waiting"
        self._told_at = 0.0
        self._canceled = False
        self._file = log_file(place, job_id)
        self._file.parent.mkdir(parents=True, exist_ok=True)

    def carry_out(self, job: TrainingJob) -> None:
        """Train and examine, or examine only."""
        name, first = job.model, 0
        if job.kind == "train":
            name, first = self._train(job), TRAINED_AT
        assert name is not None, "an examination names its model"
        registry.discover(self._desk, self._place)
        served = registry.in_service(self._desk)
        if served is not None and served != name and registry.unexamined(self._desk, self._place, served):
            # Without a report on the model in service there is nothing to compare with.
            between, begun = (first + 100) // 2, first
            compared = Ears(self.say, self.asked_to_stop, lambda share, _: self._at(begun, share, "served", between))
            examining.examine(self._desk, self._place, served, compared)
            first = between
        ears = Ears(self.say, self.asked_to_stop, lambda share, step: self._at(first, share, step))
        examining.examine(self._desk, self._place, name, ears)

    def say(self, line: str) -> None:
        """Keep a line of the log, and tell the store now and then."""
        if line:
            self._lines.append(line)
            with self._file.open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")
        if time.monotonic() - self._told_at > TELL_EVERY_S:
            self._tell()

    def asked_to_stop(self) -> bool:
        """Whether somebody canceled the job, or the program is about to end."""
        if time.monotonic() - self._told_at > TELL_EVERY_S:
            self._tell()
        return self._canceled or self._halted.is_set()

    def finish(self, state: str, fault: str | None = None) -> None:
        """Write down how it ended."""
        now = self._desk.clock()
        with self._desk.store.writing() as session:
            job = self._row(session)
            job.log, job.percent = "\n".join(self._lines), 100 if state == "done" else self._percent
            _over(job, state, now, fault)
        shutil.rmtree(self._file.parent / "project", ignore_errors=True)

    def stopped(self) -> None:
        """End a job that was canceled; one that was only cut off waits for the next start of the program."""
        if self._canceled:
            self.finish("canceled")
            return
        with self._desk.store.writing() as session:
            job = self._row(session)
            job.state, job.step, job.percent = "waiting", "waiting", 0
            job.attempts -= 1

    def _train(self, job: TrainingJob) -> str:
        self._at(0, 0, "queueing")

        def wait() -> None:
            if self.asked_to_stop():
                raise workshop.Stopped
            time.sleep(workshop.LISTEN_EVERY_S)

        with workshop.one_at_a_time(self._place, wait):
            self._at(0, 0.02, "training")
            progress = Progress(model.trained_components(self._place.root))

            def hear(line: str) -> None:
                self._percent = max(self._percent, round(progress.percent(line) * TRAINED_AT / 100))
                self.say(line)

            made = workshop.train(self._place, self._file.parent, hear, self.asked_to_stop)
        by = job.staff.name if job.staff else ""
        registry.discover(self._desk, self._place, by, job.note)
        with self._desk.store.writing() as session:
            self._row(session).model = made.name
        return made.name

    def _at(self, first: int, share: float, step: str, last: int = 100) -> None:
        self._percent, self._step = round(first + share * (last - first)), step
        self._tell()

    def _tell(self) -> None:
        self._told_at = time.monotonic()
        now = self._desk.clock()
        with self._desk.store.writing() as session:
            job = self._row(session)
            job.seen_at, job.percent, job.step, job.log = now, self._percent, self._step, "\n".join(self._lines)
            self._canceled = job.cancel_asked

    def _row(self, session: Session) -> TrainingJob:
        return session.get_one(TrainingJob, self._id)
