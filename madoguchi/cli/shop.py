"""`madoguchi event`, `bench tau`: what the outside tells the shop, and the τ-bench shop replayed."""

from __future__ import annotations

import json
import tempfile
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.progress import Progress

from madoguchi.bootstrap import Settings
from madoguchi.payments import build_processor
from madoguchi.policy.terms_file import TermsError, load_terms
from madoguchi.services.events import KINDS
from madoguchi.services.tau_replay import Failure, Replay, Tally
from madoguchi.web.webhooks import signer

console = Console(stderr=True, highlight=False)
TIMEOUT_S = 15


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("event")(event)
    bench = typer.Typer(no_args_is_help=True, help="Measurements on data of others.")
    bench.command("tau")(bench_tau)
    bench.callback()(lambda: None)  # keeps `tau` a command of its own however few there are
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


def _print(tallies: dict[str, Tally], prefix: str) -> None:
    for kind, tally in tallies.items():
        typer.echo(f"{prefix}{kind}: {tally.right} of {tally.total}")


def _print_failure(failure: Failure) -> None:
    typer.echo(f"failed {failure.name}")
    typer.echo(f"  expected {json.dumps(failure.expected, ensure_ascii=False, default=str)}")
    typer.echo(f"  got      {json.dumps(failure.got, ensure_ascii=False, default=str)}")
