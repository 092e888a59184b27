"""`madoguchi event`, `import`, `policy replay`, `bench tau`: what comes to the shop from outside, and what-if."""

from __future__ import annotations

import csv
import json
import tempfile
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from madoguchi.bootstrap import Settings, build_desk
from madoguchi.payments import build_processor
from madoguchi.policy.terms_file import TermsError, load_terms
from madoguchi.services import importing, replay
from madoguchi.services.events import KINDS
from madoguchi.services.tau_replay import Failure, Replay, Tally
from madoguchi.store import Store
from madoguchi.store.migrate import upgrade
from madoguchi.web.webhooks import signer

console = Console(stderr=True, highlight=False)
TIMEOUT_S = 15
_COLUMNS = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("event")(event)
    app.command("import")(import_orders)
    policy = typer.Typer(no_args_is_help=True, help="The shop's terms.")
    policy.command("replay")(policy_replay)
    policy.callback()(lambda: None)  # keeps `replay` a command of its own however few there are
    app.add_typer(policy, name="policy")
    bench = typer.Typer(no_args_is_help=True, help="Measurements on data of others.")
    bench.command("tau")(bench_tau)
    bench.callback()(lambda: None)
    app.add_typer(bench, name="bench")


def event(
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(KINDS)}.")],
    order: Annotated[str | None, typer.Option(help="The order's number.")] = None,
    rma: Annotated[str | None, typer.Option(help="The return's number, R-….")] = None,
    refund: Annotated[str | None, typer.Option(help="The refund's key.")] = None,
    result: Annotated[str | None, typer.Option(help="What the inspection found.")] = None,
    answer: Annotated[str | None, typer.Option(help="The seller's answer.")] = None,
    text: Annotated[str | None, typer.Option(help="The seller's words.")] = None,
    carrier: Annotated[str | None, typer.Option(help="Who carries the parcel.")] = None,
    tracking: Annotated[str | None, typer.Option(help="The parcel's number.")] = None,
    at: Annotated[str | None, typer.Option(help="When it happened, ISO 8601 with its zone; now by default.")] = None,
    event_id: Annotated[str | None, typer.Option("--id", help="The event's id; a new one by default.")] = None,
) -> None:
    """Send an event to the running web program as warehouse, carrier, seller or processor would: signed, by HTTP."""
    given = {
        "order": order, "rma": rma, "refund": refund, "result": result, "answer": answer, "text": text,
        "carrier": carrier, "tracking": tracking, "at": at,
    }  # fmt: skip
    data = {name: value for name, value in given.items() if value is not None}
    response = _send(Settings(), kind, data, event_id or f"msg_{uuid.uuid4().hex}")
    console.print(response.json().get("outcome") or response.json().get("detail"))
    raise typer.Exit(0 if response.is_success else 1)


def import_orders(
    path: Annotated[
        Path, typer.Argument(help="A .jsonl file with an order a line, or a .csv with a row a line of one.")
    ],
) -> None:
    """Import a shop's own orders; started again it goes on where it stopped. Refused rows go to <file>.refused.csv."""
    if path.suffix not in (".jsonl", ".csv") or not path.is_file():
        console.print(f"[red]{path} is no .jsonl or .csv file.[/red]")
        raise typer.Exit(1)
    store = Store(Settings().database_url)
    upgrade(store)
    refused_path = path.with_name(f"{path.name}.refused.csv")
    with refused_path.open("w", encoding="utf-8", newline="") as file, Progress(*_COLUMNS, console=console) as progress:
        refused = csv.writer(file)
        refused.writerow(["line", "reason"])
        step = progress.add_task("Importing", total=path.stat().st_size)
        report = importing.load(
            store,
            path,
            on_refused=lambda row: refused.writerow([row.line, row.reason]),
            on_progress=lambda position: progress.update(step, completed=position),
        )
    console.print(f"{report.taken} orders imported, {report.there} were there already, {report.refused} rows refused.")
    if report.refused:
        console.print(f"The refused rows and their reasons are in {refused_path}.")
    else:
        refused_path.unlink()
    raise typer.Exit(1 if report.refused else 0)


def policy_replay(
    terms: Annotated[Path, typer.Option(help="The new terms; their newest version is applied to every request.")],
    since: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Requests decided from this day on.")],
) -> None:
    """Decide past requests anew by other terms, and print which decisions and which yen would change."""
    settings = Settings()
    desk = build_desk(settings)
    try:
        new = load_terms(terms).versions[-1]
    except TermsError as problem:
        console.print(f"[red]{problem}[/red]")
        raise typer.Exit(1) from None
    start = since.replace(tzinfo=new.calendar.zone)
    changed, before, after = 0, 0, 0
    with Progress(console=console) as progress:
        step = progress.add_task("Deciding anew", total=(total := replay.count(desk, start)))
        for each in replay.replay(desk, new, start, lambda: progress.advance(step)):
            before, after = before + each.before.amount, after + each.after.amount
            if each.changed:
                changed += 1
                typer.echo(_difference(each))
    typer.echo(f"{changed} of {total} decisions would change; {before:,} would become {after:,} ({after - before:+,}).")


def bench_tau(
    folder: Annotated[Path, typer.Argument(help="A folder with db/, write_cases.jsonl and tasks_*.json.")],
    terms: Annotated[Path, typer.Option(help="The terms the shop is run by.")] = Path("data/policies/tau_retail.yml"),
) -> None:
    """Replay the cancels, returns and exchanges of a τ-bench retail folder; exit 1 if any ends otherwise."""
    try:
        book = load_terms(terms)
    except TermsError as problem:
        console.print(f"[red]{problem}[/red]")
        raise typer.Exit(1) from None
    missing = [name for name in ("db/orders.json", "write_cases.jsonl") if not (folder / name).is_file()]
    if missing:
        console.print(f"[red]{folder} has no {missing[0]}.[/red]")
        raise typer.Exit(1)
    with tempfile.TemporaryDirectory(prefix="madoguchi-tau-") as work, Progress(console=console) as progress:
        step = progress.add_task("Importing …", total=None)
        builtin = Settings(processor="builtin")
        replay = Replay(folder, Path(work), book, lambda store: build_processor(builtin, store))
        groups, whole = replay.write_groups(), replay.plain_tasks()
        progress.update(step, description="Replaying", total=len(groups) + len(whole))
        writes = replay.writes(groups, lambda: progress.advance(step))
        tasks = replay.tasks(whole, lambda: progress.advance(step))
    _print(writes, "")
    _print(tasks, "tasks ")
    failures = [failure for tally in (*writes.values(), *tasks.values()) for failure in tally.failures]
    for failure in failures:
        _print_failure(failure)
    raise typer.Exit(1 if failures else 0)


def _send(settings: Settings, kind: str, data: dict[str, Any], event_id: str) -> httpx.Response:
    now = datetime.now(UTC)
    body = json.dumps({"type": kind, "timestamp": now.isoformat(), "data": data}, ensure_ascii=False)
    headers = {
        "content-type": "application/json",
        "webhook-id": event_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signer(settings.secret_for("webhooks")).sign(event_id, now, body),
    }
    address = f"http://{settings.host}:{settings.web_port}/webhooks/{kind.partition('.')[0]}"
    try:
        return httpx.post(address, content=body.encode(), headers=headers, timeout=TIMEOUT_S)
    except httpx.HTTPError:
        console.print(f"[red]No answer from {address}: is `madoguchi run` running?[/red]")
        raise typer.Exit(1) from None


def _difference(each: replay.Replayed) -> str:
    day, about = each.decided_at.date().isoformat(), each.order_number or "membership"
    verdicts = f"{each.before.outcome} {each.before.amount:,} -> {each.after.outcome} {each.after.amount:,}"
    return f"{day}  {about:24} {each.kind:20} {verdicts} {each.currency}"


def _print(tallies: dict[str, Tally], prefix: str) -> None:
    for kind, tally in tallies.items():
        typer.echo(f"{prefix}{kind}: {tally.right} of {tally.total}")


def _print_failure(failure: Failure) -> None:
    typer.echo(f"failed {failure.name}")
    typer.echo(f"  expected {json.dumps(failure.expected, ensure_ascii=False, default=str)}")
    typer.echo(f"  got      {json.dumps(failure.got, ensure_ascii=False, default=str)}")
