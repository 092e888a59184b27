"""`madoguchi run`: starts engine, actions, web and worker, waits until each answers, stops them all cleanly."""

from __future__ import annotations

import os
import signal
import socket
import sys
import tarfile
import threading
import time
from datetime import timedelta
from pathlib import Path
from shlex import quote

import httpx
import typer
from honcho.printer import Printer
from pydantic import ValidationError
from pydantic_settings import SettingsError
from rich.console import Console
from ruamel.yaml import YAML
from sqlalchemy.exc import OperationalError

from madoguchi import demo
from madoguchi.bootstrap import Settings, build_desk, build_household
from madoguchi.cli.keeping import Keeper
from madoguchi.policy.terms_file import TermsError, load_terms
from madoguchi.store import Store
from madoguchi.store.migrate import upgrade
from madoguchi.training import jobs, registry, signing
from madoguchi.training.model import newest_model
from madoguchi.training.workshop import Place

READY_WITHIN_S = 300
console = Console(stderr=True, highlight=False)


class CannotStart(Exception):
    """The desk cannot start; the message is one sentence for the person at the terminal."""


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("run")(run)
    app.command("worker")(worker)
    app.command("trainer")(trainer)
    app.command("settings")(show_settings)
    app.command("env")(show_environment)


def run() -> None:
    """Run the whole desk until Ctrl-C."""
    try:
        settings = read_settings()
        commands = prepare(settings)
    except CannotStart as reason:
        console.print(str(reason), style="red", markup=False)
        raise typer.Exit(1) from None
    raise typer.Exit(_supervise(settings, commands))


def worker() -> None:
    """Run what is due: timers, payments, mails, unanswered messages, and once a day the housekeeping."""
    from madoguchi.services import worker as work

    settings = Settings()
    work.run_forever(build_desk(settings), household=build_household(settings))


def trainer() -> None:
    """Carry out what trainers ask for: trainings and examinations, one at a time."""
    settings, stop = Settings(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    jobs.run_forever(build_desk(settings), Place.of(settings), stop)


def show_settings() -> None:
    """List every setting with its environment variable, default and meaning."""
    for name, field in Settings.model_fields.items():
        typer.echo(f"MADOGUCHI_{name.upper():22} {field.default!s:34} {field.description}")


def show_environment() -> None:
    """Print the secrets as shell exports, for `rasa shell` and other programs started by hand."""
    for name in ("MADOGUCHI_ENGINE_SECRET", "MADOGUCHI_ACTIONS_SECRET", "MADOGUCHI_MODELS_SECRET"):
        typer.echo(f"export {name}={environment(Settings())[name]} RASA_TELEMETRY_ENABLED=false")
    typer.echo(f"export MADOGUCHI_METRICS_SECRET={Settings().secret_for('metrics')}")


def read_settings() -> Settings:
    """Read the settings from the environment. Raises CannotStart for one that makes no sense."""
    try:
        return Settings()
    except ValidationError as error:
        problem = error.errors()[0]
        name = f"MADOGUCHI_{problem['loc'][0]}".upper()
        raise CannotStart(f"{name} is set to something that cannot be used: {problem['msg']}.") from None
    except SettingsError as error:
        raise CannotStart(f"A setting cannot be read: {error}.") from None


def prepare(settings: Settings) -> dict[str, str]:
    """Check everything a start needs, fill the demo shop once, and return the commands to run by name.

    Raises CannotStart with one clear sentence.
    """
    for name in ("web", "engine", "actions"):
        _need_free_port(settings.host, getattr(settings, f"{name}_port"), f"MADOGUCHI_{name.upper()}_PORT")
    try:
        load_terms(settings.terms)
    except TermsError as error:
        raise CannotStart(str(error)) from None
    newest = newest_model(settings.models)
    if newest is None:
        raise CannotStart("There is no trained model in models/: run `make train` first.")
    _need_whole(newest)
    _prepare_store(settings)
    model = _model_to_run(settings, newest)
    python = sys.executable
    listen = f"--host {settings.host} --no-access-log --log-level warning --timeout-graceful-shutdown 3"
    # Who sends a message is told apart by their address, so nobody may make theirs up.
    proxies = (
        f"--forwarded-allow-ips {quote(settings.trusted_proxies)}" if settings.trusted_proxies else "--no-proxy-headers"
    )
    return {
        "engine": f"engine/.venv/bin/rasa run -i {settings.host} -p {settings.engine_port} -m {model}"
        f" --endpoints {_write_endpoints(settings)}",
        "actions": f"{python} -m uvicorn --factory actions.server:build --port {settings.actions_port} {listen}"
        " --no-proxy-headers",
        "web": f"{python} -m uvicorn --factory madoguchi.web.app:build --port {settings.web_port} {listen} {proxies}",
        "worker": f"{python} -m madoguchi worker",
        "trainer": f"{python} -m madoguchi trainer",
    }


def _write_endpoints(settings: Settings) -> Path:
    """Write the engine's endpoints with this desk's own ports and paths, and return the file."""
    yaml = YAML()
    endpoints = yaml.load(Path("endpoints.yml"))
    endpoints["action_endpoint"]["url"] = f"{settings.actions_url}/webhook"
    endpoints["tracker_store"]["db"] = str(settings.var / "engine.db")
    path = settings.var / "endpoints.yml"
    yaml.dump(endpoints, path)
    return path


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment that the programs run in."""
    return {
        **os.environ,
        "PYTHONUNBUFFERED": "1",
        "RASA_TELEMETRY_ENABLED": "false",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "PYTHONWARNINGS": "ignore",
        "SANIC_IGNORE_PRODUCTION_WARNING": "true",
        "MADOGUCHI_ENGINE_SECRET": settings.secret_for("engine"),
        "MADOGUCHI_ACTIONS_SECRET": settings.secret_for("actions"),
        "MADOGUCHI_MODELS_SECRET": signing.read_key(settings.model_key).decode(),
        "MADOGUCHI_MODELS": str(settings.models),
    }


def _supervise(settings: Settings, commands: dict[str, str]) -> int:
    log = settings.var / "log" / "run.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as output:
        manager = Keeper(Printer(output, colour=False), lambda name, code: _say_death(name, code, log))
        for name, command in commands.items():
            manager.add_process(name, f"exec {command}", quiet=False, env=environment(settings))
        ready = threading.Thread(target=_announce, args=(settings, manager, log), daemon=True)
        ready.start()
        manager.loop()
    stopped_by_hand = manager.returncode in (130, 143, -2, -15, None, 0)
    if not stopped_by_hand:
        console.print(f"[red]A program of the desk stopped by itself; its last words are in {log}.[/red]")
    return 0 if stopped_by_hand else 1


def _announce(settings: Settings, manager: Keeper, log: Path) -> None:
    started = time.monotonic()
    waiting = {
        "actions": f"{settings.actions_url}/healthz",
        "web": f"http://{settings.host}:{settings.web_port}/healthz",
        "engine": f"{settings.engine_url}/webhooks/desk/health",
    }
    with console.status("Starting …") as status, httpx.Client(timeout=2) as client:
        while waiting and time.monotonic() - started < READY_WITHIN_S:
            status.update(f"Starting: waiting for {', '.join(waiting)} …")
            waiting = {name: url for name, url in waiting.items() if not _answers(client, url)}
            time.sleep(0.3)
    if waiting:
        console.print(f"[red]No answer from {', '.join(waiting)} in {READY_WITHIN_S} s; see {log}.[/red]")
        manager.terminate()
        return
    manager.keep()
    console.print(f"Madoguchi is ready after {time.monotonic() - started:.0f} s. Ctrl-C stops it.")
    console.print(f"  shop and chat   {settings.web_url}/")
    console.print(f"  programs' log   {log}")


def _say_death(name: str, code: int, log: Path) -> None:
    how = f"was killed by signal {-code}" if code < 0 else f"stopped by itself with exit code {code}"
    console.print(f"[yellow]The program {name} {how} and is started again; its last words are in {log}.[/yellow]")


def _answers(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url).status_code == 200
    except httpx.HTTPError:
        return False


def _need_free_port(host: str, port: int, variable: str) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            raise CannotStart(f"Port {port} on {host} is taken: stop the other program or set {variable}.") from None


def _need_whole(model: Path) -> None:
    try:
        with tarfile.open(model) as archive:
            archive.getmember("metadata.json")
            for _ in archive:
                pass
    except (tarfile.TarError, OSError, EOFError, KeyError):
        raise CannotStart(f"The model {model} is damaged: delete it and run `make train`.") from None


def _model_to_run(settings: Settings, newest: Path) -> Path:
    """Return the model in service, or the newest where none has been or that one belongs to another program."""
    desk, place = build_desk(settings), Place.of(settings)
    try:
        name = registry.for_start(desk, place)
    finally:
        desk.store.close()
    if name is None:
        raise CannotStart(
            f"No model in {settings.models}/ bears this desk's signature: run `make train`, or "
            f"`madoguchi models sign {newest.name}` for one you trust."
        )
    if name != newest.name:
        console.print(f"In service: {name}. {newest.name} is newer: `madoguchi models promote` puts it into service.")
    return place.model(name)


def _prepare_store(settings: Settings) -> None:
    store = Store(settings.database_url, busy_timeout=timedelta(seconds=3))
    try:
        upgrade(store)
        if settings.demo:
            demo.fill_once(store)
    except OperationalError as reason:
        word = "is locked by another program" if "locked" in str(reason) else "cannot be opened"
        raise CannotStart(f"The database {settings.database_url} {word}.") from None
    finally:
        store.close()
