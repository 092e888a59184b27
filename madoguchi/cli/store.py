"""`madoguchi migrate` and `migration`: the order store's schema."""

from __future__ import annotations

from typing import Annotated

import typer

from madoguchi.bootstrap import Settings
from madoguchi.store import Store
from madoguchi.store import migrate as schema


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("migrate")(migrate)
    app.command("migration")(migration)


def migrate() -> None:
    """Bring the order store to the newest schema."""
    schema.upgrade(Store(Settings().database_url))
    typer.echo("The order store has the newest schema.")


def migration(message: Annotated[str, typer.Argument(help="What changed, in a few words.")]) -> None:
    """Write a migration for what the models say and the database does not."""
    schema.write_revision(Store(Settings().database_url), message)
