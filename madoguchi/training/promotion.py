"""Putting a model into service, and going back: the gate, the file's signature, the running engine, then the books.

The engine changes first and the books after it: should the program die in between, the next start runs what the books
say, and the page shows that the engine runs something else.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from madoguchi.rasa import Engine, EngineFailed, EngineUnreachable
from madoguchi.services.agents import May, Person
from madoguchi.services.desk import Desk
from madoguchi.training import registry, signing
from madoguchi.training.gate import Objected
from madoguchi.training.workshop import Place

SHORTEST_REASON = 5


@dataclass(frozen=True)
class InService:
    """The model serves customers now; `seconds` is how long the change took, None where no engine runs."""

    model: str
    before: str | None
    seconds: float | None


@dataclass(frozen=True)
class Closed:
    """The gate is closed; an admin may overrule it with a reason."""

    objections: tuple[Objected, ...]


@dataclass(frozen=True)
class NotPossible:
    """It cannot be done; the code says why: unknown, already, not_served, reason, other_program, a fault of the file,
    or what the engine said."""

    code: str


type Outcome = InService | Closed | NotPossible


async def promote(
    desk: Desk, place: Place, engine: Engine | None, person: Person | None, name: str, reason: str = ""
) -> Outcome:
    """Put a candidate into service if the gate lets it, or if an admin gives a reason to overrule it.

    `person` is None for who works at the machine itself, and `engine` None where none runs.
    """
    known = await asyncio.to_thread(_ready, desk, place, name)
    if isinstance(known, NotPossible):
        return known
    said = await asyncio.to_thread(registry.objections, desk, place, known.name)
    reason = reason.strip()
    if said and (not reason or not (person is None or person.may(May.ADMINISTER))):
        return Closed(said)
    if said and len(reason) < SHORTEST_REASON:
        return NotPossible("reason")
    kind = "overruled" if said else "promoted"
    return await _change(desk, engine, person, known.name, kind, reason if said else "", said)


async def roll_back(
    desk: Desk, place: Place, engine: Engine | None, person: Person | None, name: str, reason: str = ""
) -> Outcome:
    """Go back to a model that was in service before; it needs no gate."""
    known = await asyncio.to_thread(_ready, desk, place, name)
    if isinstance(known, NotPossible):
        return known
    if not known.served:
        return NotPossible("not_served")
    return await _change(desk, engine, person, known.name, "rolled_back", reason.strip(), ())


def _ready(desk: Desk, place: Place, name: str) -> registry.Known | NotPossible:
    known = registry.find(desk, place, name)
    if known is None:
        # Compared with the names that are there: a name from an address may be none that a file can have.
        there = any(path.name == name for path in place.models.glob(f"*{signing.SUFFIX}"))
        return NotPossible(signing.Fault.UNSIGNED if there else "unknown")
    if known.in_service:
        return NotPossible("already")
    fault = place.fault_of(known.name)
    if fault is not None:
        return NotPossible(fault)
    return known if known.fits else NotPossible("other_program")


async def _change(
    desk: Desk,
    engine: Engine | None,
    person: Person | None,
    name: str,
    kind: str,
    reason: str,
    said: tuple[Objected, ...],
) -> Outcome:
    before = await asyncio.to_thread(registry.in_service, desk)
    seconds = None
    if engine is not None:
        try:
            seconds = await engine.put_into_service(name)
        except EngineUnreachable:
            return NotPossible("engine_away")
        except EngineFailed as error:
            return NotPossible(f"engine_{error}")
    staff_id, actor = (person.id, person.actor) if person else (None, "command")
    await asyncio.to_thread(registry.record, desk, name, kind, staff_id=staff_id, actor=actor, reason=reason, said=said)
    return InService(name, before, seconds)
