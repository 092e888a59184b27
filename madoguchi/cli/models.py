"""`madoguchi train` and `madoguchi evaluate`: the model and its scores."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Annotated

import typer

from madoguchi.training import model


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("train")(train)
    app.command("evaluate")(evaluate)


def train(force: Annotated[bool, typer.Option(help="Train even if nothing changed.")] = False) -> None:
    """Train the model if what it is made of has changed."""
    if not force and model.is_up_to_date():
        typer.echo(f"The model is up to date: {model.newest_model()}")
        return
    typer.echo("Training the model; this takes a minute or two …")
    try:
        typer.echo(f"Trained: {model.train()}")
    except model.TrainingFailed:
        typer.echo("The model could not be trained; the engine's words are above.", err=True)
        raise typer.Exit(1) from None


def evaluate(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help='Lines of {"text", "intent", "day", "entities"}.')
    ],
    report: Annotated[Path | None, typer.Option(help="A folder for the report as JSON and HTML.")] = None,
) -> None:
    """Score a file of labelled messages with the current model."""
    command = [str(model.ENGINE / "python"), "-m", "engine.evaluate", str(file)]
    if report is not None:
        command += ["--report", str(report)]
    raise typer.Exit(subprocess.run(command, check=False).returncode)
