"""`madoguchi migrate`, `migration` and `audit`: the order store's schema, and whether its history is whole."""

from __future__ import annotations

from typing import Annotated

import typer

from madoguchi.bootstrap import Settings
from madoguchi.services import audit
from madoguchi.store import Store
from madoguchi.store import migrate as schema


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("migrate")(migrate)
    app.command("migration")(migration)
    app.command("audit")(check_audit)


def migrate() -> None:
    """Bring the order store to the newest schema."""
    schema.upgrade(Store(Settings().database_url))
    typer.echo("The order store has the newest schema.")


def migration(message: Annotated[str, typer.Argument(help="What changed, in a few words.")]) -> None:
    """Write a migration for what the models say and the database does not."""
    schema.write_revision(Store(Settings().database_url), message)


def check_audit() -> None:
    """Check that no row of the audit was changed, cut out or slipped in."""
    with Store(Settings().database_url).reading() as session:
        broken = list(audit.broken_rows(session))
    if broken:
        typer.echo(f"The audit was tampered with at rows {broken[:20]}.", err=True)
        raise typer.Exit(1)
    typer.echo("The audit is whole.")
