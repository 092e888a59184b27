"""`madoguchi staff …` and `madoguchi privacy …`: the first admin, the audit, and a customer's data."""

from __future__ import annotations

import csv
import json
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from madoguchi.bootstrap import Settings, build_desk, tracker_url
from madoguchi.services import affected, agents, audit, housekeeping, privacy
from madoguchi.services.agents import Refused, Role
from madoguchi.store import search

ACTOR = "outside:command"
_WHY = {
    Refused.TAKEN: "This login is taken.",
    Refused.SHORT: f"A password has {agents.SHORTEST_PASSWORD} to 200 characters.",
    Refused.LIKE_LOGIN: "A password must not hold the login.",
    Refused.BAD_LOGIN: "A login has 2 to 60 letters a-z, digits and . _ @ -.",
    Refused.NO_NAME: "A name has 1 to 60 characters.",
}
staff = typer.Typer(no_args_is_help=True, help="Accounts of the staff, and the audit.")
data = typer.Typer(no_args_is_help=True, help="A customer's data: export, erase, retention.")


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(staff, name="staff")
    app.add_typer(data, name="privacy")


@staff.command("add-admin")
def add_admin(
    login: Annotated[str, typer.Argument(help="What the admin signs in with.")],
    name: Annotated[str, typer.Option(prompt=True, help="What colleagues and customers read.")],
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)],
) -> None:
    """Add an admin; the password is to be changed at the first sign-in."""
    added = agents.add(build_desk(Settings()), ACTOR, login, name, Role.ADMIN, password)
    if isinstance(added, Refused):
        _fail(_WHY[added])
    typer.echo(f"{login} can sign in at {Settings().web_url}/desk")


@staff.command("anchor")
def anchor(file: Annotated[Path | None, typer.Option(help="The anchor file; by default in var.")] = None) -> None:
    """Write the audit's newest hash to a file outside of the database; copy that file somewhere else."""
    settings = Settings()
    row = audit.anchor(build_desk(settings), file or settings.var / audit.ANCHORS)
    typer.echo("There is nothing to anchor yet." if row is None else f"Anchored at row {row}.")


@staff.command("check-audit")
def check_audit(file: Annotated[Path | None, typer.Option(help="The anchor file; by default in var.")] = None) -> None:
    """Prove that the audit was not edited, cut or rebuilt; exit code 1 if it was."""
    settings = Settings()
    verdict = audit.check(build_desk(settings), file or settings.var / audit.ANCHORS)
    if verdict.whole:
        typer.echo(f"The audit is whole: {verdict.rows} rows.")
        return
    _fail(f"The audit was tampered with: rows {list(verdict.broken)}, anchors lost {list(verdict.lost_anchors)}.")


@staff.command("reindex")
def reindex() -> None:
    """Add to the search what was written past the desk (imports, restored backups)."""
    with build_desk(Settings()).store.writing() as session:
        typer.echo(f"Indexed {search.fill_gaps(session)} rows.")


@data.command("export")
def export(reference: Annotated[str, typer.Argument(help="The shop's own id of the customer.")]) -> None:
    """Print everything the store holds about a customer as JSON."""
    found = privacy.export(build_desk(Settings()), ACTOR, reference)
    if found is None:
        _fail("There is no such customer.")
    typer.echo(json.dumps(found, ensure_ascii=False, indent=2, default=_plain))


@data.command("erase")
def erase(
    reference: Annotated[str, typer.Argument(help="The shop's own id of the customer.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase a customer everywhere, and say what the law makes the shop keep. Cannot be undone."""
    if not yes:
        typer.confirm(f"Erase customer {reference} for good?", abort=True)
    settings = Settings()
    erased = privacy.erase(build_desk(settings), ACTOR, reference, tracker_url=tracker_url(settings))
    if erased is None:
        _fail("There is no such customer.")
    for table, count in sorted(erased.counts.items()):
        typer.echo(f"erased  {table:16} {count}")
    typer.echo(f"kept without a name, as tax and commercial law ask: {', '.join(erased.kept)}")


@data.command("affected")
def list_affected(
    begins: Annotated[datetime, typer.Option("--from", help="The beginning of the span, in the shop's time.")],
    ends: Annotated[datetime, typer.Option("--to", help="The end of the span, in the shop's time.")],
    login: Annotated[str | None, typer.Option("--account", help="The login of one account; without it, all.")] = None,
) -> None:
    """List the customers whose data an account touched in a span of time, as CSV; a report of a breach begins here."""
    desk = build_desk(Settings())
    found = next((each.id for each in agents.everybody(desk) if each.login == login), None)
    if login is not None and found is None:
        _fail("There is no such account.")
    zone = desk.terms.at(desk.clock()).calendar.zone
    span = (at.replace(tzinfo=zone) for at in (begins, ends))
    breach = affected.of_span(desk, *span, staff_id=found)
    writer = csv.writer(sys.stdout)
    writer.writerow(["customer", "actions", "times", "first", "last"])
    for each in breach.customers:
        first, last = (at.astimezone(zone).isoformat(timespec="seconds") for at in (each.first_at, each.last_at))
        writer.writerow([each.reference, " ".join(each.actions), each.times, first, last])
    for name in breach.visitors:
        writer.writerow(["", f"conversation:{name}"])


@data.command("retention")
def retention() -> None:
    """Take away what has been kept long enough, as the worker does every day."""
    settings = Settings()
    desk, kept, talks, sessions = build_desk(settings), timedelta(days=settings.kept_days), 0, 0
    idle = housekeeping.close_idle(desk, timedelta(days=settings.idle_days))
    while True:
        gone = privacy.retain(desk, tracker_url=tracker_url(settings), talks_kept=kept)
        talks, sessions = talks + gone.conversations, sessions + gone.sessions
        if not gone.conversations:
            break
    typer.echo(f"Words of {talks} conversations and {sessions} sessions were taken away; {idle} idle ones were closed.")


def _plain(value: Any) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise TypeError(f"no JSON for {type(value).__name__}")


def _fail(words: str) -> NoReturn:
    typer.echo(words, err=True)
    raise typer.Exit(1)
