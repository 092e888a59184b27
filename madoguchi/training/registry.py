"""The models of this desk: the signed files in models/, what is known of each, which is in service and which were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from madoguchi.services import audit
from madoguchi.services.desk import Desk
from madoguchi.store import ModelService, TrainedModel
from madoguchi.training import gate, model, reports, signing
from madoguchi.training.gate import Check, Examined, Objected
from madoguchi.training.workshop import Place


@dataclass(frozen=True)
class Known:
    """A model as people see it."""

    name: str
    made_at: datetime
    made_by: str
    note: str
    scores: dict[str, Any] | None
    checks: tuple[Check, ...]
    fault: signing.Fault | None
    fits: bool
    in_service: bool
    served: bool
    """Whether it has been in service before, so that going back to it needs no gate."""

    @property
    def examined(self) -> bool:
        """Whether the gate can say something about it."""
        return self.scores is not None


@dataclass(frozen=True)
class Service:
    """One time that a model went into service."""

    model: str
    before: str | None
    kind: str
    reason: str
    objections: tuple[Objected, ...]
    by: str
    at: datetime


def discover(desk: Desk, place: Place, made_by: str = "", note: str = "") -> None:
    """Make every signed model file known that is not yet."""
    files = {path.name: path for path in place.models.glob(f"*{signing.SUFFIX}")}
    with desk.store.reading() as session:
        known = set(session.scalars(select(TrainedModel.name)))
    fresh = [name for name in sorted(files) if name not in known and place.fault_of(name) is None]
    if not fresh:
        return
    with desk.store.writing() as session:
        for name in fresh:
            if session.get(TrainedModel, name) is None:
                made_of, made_at = model.read_note(files[name]), files[name].stat().st_mtime
                session.add(
                    TrainedModel(
                        name=name,
                        made_of=made_of.digest if made_of else "",
                        made_at=datetime.fromtimestamp(made_at, UTC),
                        made_by=made_by,
                        note=note,
                    )
                )


def models(desk: Desk, place: Place) -> list[Known]:
    """Return the models whose files are there, the newest first."""
    discover(desk, place)
    here, current = model.made_of_here(place.root), in_service(desk)
    with desk.store.reading() as session:
        rows = session.scalars(select(TrainedModel).order_by(TrainedModel.made_at.desc(), TrainedModel.name)).all()
        served = set(session.scalars(select(ModelService.model)))
    return [_known(place, row, here, current, served) for row in rows if place.model(row.name).exists()]


def find(desk: Desk, place: Place, name: str) -> Known | None:
    """Return one model; its name may leave out the ending."""
    wanted = name if name.endswith(signing.SUFFIX) else f"{name}{signing.SUFFIX}"
    return next((each for each in models(desk, place) if each.name == wanted), None)


def in_service(desk: Desk) -> str | None:
    """Return the name of the model in service; None before the first start."""
    with desk.store.reading() as session:
        return _current(session)


def history(desk: Desk, limit: int = 50) -> Sequence[Service]:
    """Return which models went into service, the newest first."""
    with desk.store.reading() as session:
        rows = session.scalars(select(ModelService).order_by(ModelService.id.desc()).limit(limit)).all()
        return [
            Service(
                row.model,
                row.before,
                row.kind,
                row.reason,
                tuple(Objected(gate.Objection(each["what"]), *_figures(each)) for each in row.objections),
                row.staff.name if row.staff else "",
                row.at,
            )
            for row in rows
        ]


def objections(desk: Desk, place: Place, name: str) -> tuple[Objected, ...]:
    """Return what the gate says against a model, compared with the one in service."""
    current = in_service(desk)
    if current == name:
        return ()
    return gate.judge(_examined(desk, place, name), _examined(desk, place, current) if current else None)


def unexamined(desk: Desk, place: Place, name: str) -> bool:
    """Whether nothing is known of how a model does, though its file could be examined."""
    return place.fault_of(name) is None and _examined(desk, place, name) is None


def record(
    desk: Desk,
    name: str,
    kind: str,
    *,
    staff_id: int | None = None,
    actor: str = "system",
    reason: str = "",
    said: Sequence[Objected] = (),
) -> None:
    """Write down, with its audit, that a model went into service."""
    now = desk.clock()
    with desk.store.writing() as session:
        row = ModelService(
            model=name,
            before=_current(session),
            kind=kind,
            reason=reason,
            objections=[each.as_json() for each in said],
            staff_id=staff_id,
            at=now,
        )
        session.add(row)
        detail = {"before": row.before, "reason": reason, "objections": row.objections}
        audit.note(session, now, actor, f"model_{kind}", name[:80], detail)


def for_start(desk: Desk, place: Place) -> str | None:
    """Return the model that a start of the desk runs; None where no file can be used.

    It is the model in service, unless its file is gone or it belongs to another state of the program: then the newest
    that fits takes its place, and that is written down.
    """
    discover(desk, place)
    current, here = in_service(desk), model.made_of_here(place.root)
    if current is not None and _usable(place, current, here):
        return current
    paths = sorted(place.models.glob(f"*{signing.SUFFIX}"), key=lambda path: -path.stat().st_mtime)
    found = next((path.name for path in paths if _usable(place, path.name, here)), None)
    if found is None:
        # By hand a model of another state may be signed and run; it is the newest then.
        found = next((path.name for path in paths if place.fault_of(path.name) is None), None)
    if found is not None and found != current:
        record(desk, found, "first" if current is None else "program")
    return found


def _usable(place: Place, name: str, here: model.MadeOf) -> bool:
    if place.fault_of(name) is not None:
        return False
    made_of = model.read_note(place.model(name))
    return made_of is not None and made_of.fits(here)


def _examined(desk: Desk, place: Place, name: str) -> Examined | None:
    report = reports.read(place, name)
    with desk.store.reading() as session:
        row = session.get(TrainedModel, name)
        checks = [Check(**each) for each in (row.checks or [])] if row else []
    return Examined(checks, report["messages"]) if report else None


def _known(place: Place, row: TrainedModel, here: model.MadeOf, current: str | None, served: set[str]) -> Known:
    made_of = model.read_note(place.model(row.name))
    return Known(
        name=row.name,
        made_at=row.made_at,
        made_by=row.made_by,
        note=row.note,
        scores=row.scores,
        checks=tuple(Check(**each) for each in row.checks or ()),
        fault=_fault_seen(place, row.name),
        fits=made_of is not None and made_of.fits(here),
        in_service=row.name == current,
        served=row.name in served,
    )


def _fault_seen(place: Place, name: str) -> signing.Fault | None:
    """Return a file's fault as it was last seen, and look again when the file or its signature has changed.

    For lists only: whoever puts a model into service looks at the file itself.
    """
    archive = place.model(name)
    try:
        stamps = tuple((at.stat().st_mtime_ns, at.stat().st_size) for at in (archive, signing.signature_of(archive)))
    except OSError:
        return place.fault_of(name)
    return _fault_at(archive, place.key, stamps)


@lru_cache(maxsize=500)
def _fault_at(archive: Path, key: bytes, _stamps: tuple[tuple[int, int], ...]) -> signing.Fault | None:
    return signing.fault_of(archive, key)


def _current(session: Session) -> str | None:
    return session.scalar(select(ModelService.model).order_by(ModelService.id.desc()).limit(1))


def _figures(objected: dict[str, Any]) -> tuple[str, float | None, float | None]:
    return objected["subject"], objected["before"], objected["now"]
