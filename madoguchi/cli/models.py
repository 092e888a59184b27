"""`madoguchi train`, `evaluate` and `models …`: making models, scoring them, putting them into service and back."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer

from madoguchi.bootstrap import Settings, build_desk
from madoguchi.rasa import Engine
from madoguchi.services.desk import Desk
from madoguchi.store.migrate import upgrade
from madoguchi.training import examining, gate, jobs, model, promotion, registry, signing, workshop
from madoguchi.training.promotion import Closed, InService, Outcome
from madoguchi.training.workshop import Place

commands = typer.Typer(no_args_is_help=True, help="The models: list, examine, put into service, go back, sign.")


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("train")(train)
    app.command("evaluate")(evaluate)
    app.add_typer(commands, name="models")


def train(force: Annotated[bool, typer.Option(help="Train even if nothing changed.")] = False) -> None:
    """Train the model if what it is made of has changed."""
    settings = Settings()
    place = Place.of(settings)
    if not force and model.is_up_to_date(place.key, place.models):
        typer.echo(f"The model is up to date: {model.newest_model(place.models)}")
        return
    typer.echo("Training the model; this takes a minute or two …")
    try:
        with workshop.one_at_a_time(place, lambda: time.sleep(workshop.LISTEN_EVERY_S)):
            made = workshop.train(place, place.var / "training" / "command", typer.echo, lambda: False)
    except (model.TrainingFailed, workshop.Unusable):
        typer.echo("The model could not be trained; the engine's words are above.", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"Trained: {made}")


def evaluate(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help='Lines of {"text", "intent", "day", "entities"}.')
    ],
    report: Annotated[Path | None, typer.Option(help="A folder for the report as JSON and HTML.")] = None,
    name: Annotated[str, typer.Option("--model", help="The model's name; the newest without it.")] = "",
) -> None:
    """Score a file of labelled messages with a model."""
    place = Place.of(Settings())
    command = [*place.engine_python, "engine.evaluate", str(file)]
    if name:
        command += ["--model", str(place.model(_whole(name)))]
    if report is not None:
        command += ["--report", str(report)]
    environment = workshop.environment(workshop.engine_environment(place))
    raise typer.Exit(subprocess.run(command, env=environment, check=False).returncode)


@commands.command("list")
def list_models() -> None:
    """List the models with their scores, the newest first; * is in service."""
    desk, place = _open()
    for each in registry.models(desk, place):
        scores = each.scores or {}
        figures = " ".join(f"{scores[key]:.3f}" for key in ("accuracy", "macro_f1") if key in scores) or "not examined"
        state = each.fault or ("" if each.fits else "other program")
        typer.echo(f"{'*' if each.in_service else ' '} {each.name:48} {figures:16} {state}{each.note}")


@commands.command("history")
def show_history() -> None:
    """List which models went into service when, the newest first."""
    desk, _ = _open()
    for each in registry.history(desk):
        typer.echo(f"{each.at:%Y-%m-%d %H:%M} {each.kind:11} {each.model} {each.reason}")


@commands.command()
def examine(name: Annotated[str, typer.Argument(help="The model.")]) -> None:
    """Examine a model: held-out messages, behaviour tests, last week's messages; then say what the gate says."""
    desk, place = _open()
    known = _known(desk, place, name)
    ears = examining.Ears(typer.echo, lambda: False, lambda _share, step: typer.echo(f"— {step}"))
    try:
        current = registry.in_service(desk)
        if current is not None and current != known.name and registry.unexamined(desk, place, current):
            examining.examine(desk, place, current, ears)
        examining.examine(desk, place, known.name, ears)
    except examining.ExaminationFailed:
        typer.echo("The model could not be examined; the engine's words are above.", err=True)
        raise typer.Exit(1) from None
    _show_objections(registry.objections(desk, place, known.name))


@commands.command()
def promote(
    name: Annotated[str, typer.Argument(help="The model; the newest without it.")] = "",
    overrule: Annotated[str, typer.Option(help="The reason to put it into service though the gate objects.")] = "",
) -> None:
    """Put a model into service if the gate lets it, in the running engine too."""
    desk, place = _open()
    newest = model.newest_model(place.models)
    wanted = _known(desk, place, name or (newest.name if newest else ""))
    _tell(asyncio.run(_with_engine(lambda engine: promotion.promote(desk, place, engine, None, wanted.name, overrule))))


@commands.command()
def rollback(
    name: Annotated[str, typer.Argument(help="The model; the one before without it.")] = "",
    reason: Annotated[str, typer.Option(help="Why, for the history.")] = "",
) -> None:
    """Go back to a model that was in service before, in the running engine too."""
    desk, place = _open()
    past = registry.history(desk, 1)
    wanted = _known(desk, place, name or (past[0].before if past and past[0].before else ""))
    _tell(asyncio.run(_with_engine(lambda engine: promotion.roll_back(desk, place, engine, None, wanted.name, reason))))


@commands.command()
def sign(file: Annotated[Path, typer.Argument(help="A model file in models/ that you trust.")]) -> None:
    """Sign a model that was trained elsewhere: it will be loaded with the rights of the engine."""
    place = Place.of(Settings())
    signed = signing.sign(place.models / file.name, place.key)
    if isinstance(signed, signing.Fault):
        typer.echo(f"{file.name} is not signed: it is {signed}.", err=True)
        raise typer.Exit(1)
    typer.echo(f"Signed: {signed}")


@commands.command("jobs")
def list_jobs() -> None:
    """List the last trainings and examinations."""
    desk, _ = _open()
    for each in jobs.recent(desk):
        typer.echo(f"{each.id:5} {each.asked_at:%Y-%m-%d %H:%M} {each.kind:8} {each.state:9} {each.model or ''}")


async def _with_engine(do: Callable[[Engine | None], Awaitable[Outcome]]) -> Outcome:
    settings = Settings()
    engine = Engine(settings.engine_url, settings.secret_for("engine"))
    try:
        running = await engine.healthy()
        return await do(engine if running else None)
    finally:
        await engine.close()


def _open() -> tuple[Desk, Place]:
    settings = Settings()
    desk = build_desk(settings)
    upgrade(desk.store)
    return desk, Place.of(settings)


def _known(desk: Desk, place: Place, name: str) -> registry.Known:
    known = registry.find(desk, place, name) if name else None
    if known is None:
        typer.echo(f"There is no signed model {name!r}; `madoguchi models list` shows those there are.", err=True)
        raise typer.Exit(1)
    return known


def _whole(name: str) -> str:
    return name if name.endswith(signing.SUFFIX) else f"{name}{signing.SUFFIX}"


def _tell(outcome: Outcome) -> None:
    if isinstance(outcome, InService):
        how = "at the next start" if outcome.seconds is None else f"after {outcome.seconds:.1f} s, without a lost turn"
        typer.echo(f"In service: {outcome.model}, {how}.")
    elif isinstance(outcome, Closed):
        _show_objections(outcome.objections)
        raise typer.Exit(2)
    else:
        typer.echo(f"Not possible: {outcome.code}.", err=True)
        raise typer.Exit(1)


def _show_objections(objections: tuple[gate.Objected, ...]) -> None:
    for each in objections:
        figures = "" if each.before is None or each.now is None else f" {each.before:.3f} → {each.now:.3f}"
        typer.echo(f"✗ {each.what} {each.subject}{figures}")
    typer.echo("The gate is closed." if objections else "The gate is open.")
