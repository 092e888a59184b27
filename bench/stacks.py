"""What a measurement of turns runs against: a desk of its own, and an engine as Rasa's guide sets one up."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from bench.running import free_ports
from bench.stock import config
from madoguchi.bootstrap import Settings
from madoguchi.cli.run import environment

READY_WITHIN_S = 240
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Spent:
    """CPU seconds by program."""

    seconds: dict[str, float] = field(default_factory=dict)

    def a_turn(self, turns: int) -> str:
        """Return the milliseconds of each program for one turn."""
        parts = (f"{name} {spent / turns * 1000:.1f} ms" for name, spent in self.seconds.items())
        return ", ".join(parts)


@dataclass(frozen=True)
class Running:
    """Programs that run: their settings, the engine's port, and the process of each by name."""

    settings: Settings
    port: int
    programs: Mapping[str, int]

    @contextmanager
    def cpu(self) -> Iterator[Spent]:
        """Give what the programs have spent within the block, once it has ended."""
        spent = Spent()
        before = {name: _cpu_seconds(pid) for name, pid in self.programs.items()}
        yield spent
        spent.seconds |= {name: _cpu_seconds(pid) - before[name] for name, pid in self.programs.items()}


@contextmanager
def own_stack(folder: Path) -> Iterator[Running]:
    """Run a desk of its own in this folder, as `make run` does."""
    web, engine, actions = free_ports(3)
    variables = {
        **os.environ,
        "MADOGUCHI_WEB_PORT": str(web),
        "MADOGUCHI_ENGINE_PORT": str(engine),
        "MADOGUCHI_ACTIONS_PORT": str(actions),
        "MADOGUCHI_VAR": str(folder),
        "MADOGUCHI_DATABASE_URL": f"sqlite:///{folder}/madoguchi.db",
    }
    process = subprocess.Popen([sys.executable, "-m", "madoguchi", "run"], env=variables)
    try:
        for port, path in ((web, "healthz"), (actions, "healthz"), (engine, "webhooks/desk/health")):
            _wait(process, f"http://127.0.0.1:{port}/{path}")
        settings = Settings(
            var=folder,
            database_url=variables["MADOGUCHI_DATABASE_URL"],
            web_port=web,
            engine_port=engine,
            actions_port=actions,
        )
        programs = {"engine": _child(process.pid, "rasa"), "actions": _child(process.pid, "actions.server")}
        yield Running(settings, engine, programs)
    finally:
        _stop(process)


@contextmanager
def stock_engine(desk: Running, folder: Path, examples: int, epochs: int) -> Iterator[Running]:
    """Train Rasa's stock set-up on a part of the desk's own data, and run it against the desk's actions."""
    data = _sample(folder / "data", examples)
    settings = folder / "stock.yml"
    settings.write_text(json.dumps(config(epochs)), encoding="utf-8")  # Rasa reads YAML, and JSON is YAML.
    rasa = ["engine/.venv/bin/rasa"]
    files = ["--config", str(settings), "--domain", "domain.yml", "--data", str(data), "--out", str(folder / "models")]
    print(f"training the stock set-up: {examples} examples of each intent, {epochs} epochs", flush=True)
    began = time.perf_counter()
    variables = {**environment(desk.settings), "RASA_CACHE_DIRECTORY": str(folder / "cache")}
    quiet: dict[str, Any] = {"env": variables, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([*rasa, "train", *files, "--fixed-model-name", "stock"], check=True, **quiet)
    print(f"trained in {time.perf_counter() - began:.0f} s", flush=True)
    (port,) = free_ports(1)
    ends = ["--endpoints", str(_endpoints(desk, folder)), "--credentials", str(_credentials(folder))]
    model = ["--model", str(folder / "models" / "stock.tar.gz")]
    process = subprocess.Popen([*rasa, "run", "-i", "127.0.0.1", "-p", str(port), *model, *ends], **quiet)
    try:
        _wait(process, f"http://127.0.0.1:{port}/webhooks/rest/")
        yield Running(desk.settings, port, {"engine": process.pid, "actions": desk.programs["actions"]})
    finally:
        _stop(process)


def _sample(folder: Path, examples: int) -> Path:
    """Copy so many examples of each intent, evenly taken, and the rules, which TED learns as stories as well."""
    folder.mkdir()
    yaml = YAML()
    yaml.width = 4096
    for path in sorted(Path("data/nlu").glob("*.yml")):
        content = YAML(typ="safe").load(path)
        for part in content["nlu"]:
            lines = [line for line in str(part.get("examples", "")).splitlines() if line.strip()]
            step = max(1, len(lines) // examples)
            part["examples"] = "\n".join(lines[::step][:examples]) + "\n"
        yaml.dump(content, folder / path.name)
    rules: list[dict[str, Any]] = []
    for path in sorted(Path("data/rules").glob("*.yml")):
        rules += YAML(typ="safe").load(path)["rules"]
    stories = [{"story": rule["rule"], "steps": rule["steps"]} for rule in rules if "condition" not in rule]
    yaml.dump({"version": "3.1", "rules": rules, "stories": stories}, folder / "rules.yml")
    return folder


def _endpoints(desk: Running, folder: Path) -> Path:
    secret = desk.settings.secret_for("actions")
    content = {
        "action_endpoint": {
            "url": f"{desk.settings.actions_url}/webhook",
            "headers": {"Authorization": f"Bearer {secret}"},
        },
        "tracker_store": {"type": "SQL", "dialect": "sqlite", "db": str(folder / "stock.db")},
    }
    path = folder / "stock-endpoints.yml"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def _credentials(folder: Path) -> Path:
    path = folder / "stock-credentials.yml"
    path.write_text("rest:\n", encoding="utf-8")
    return path


def _wait(process: subprocess.Popen[bytes], address: str) -> None:
    ends = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < ends:
        if process.poll() is not None:
            raise RuntimeError("a program stopped while starting")
        try:
            with urllib.request.urlopen(address, timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise RuntimeError(f"no answer from {address} within {READY_WITHIN_S} s")


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    process.wait(timeout=30)


def _child(parent: int, words: str) -> int:
    """Return the process below this one whose command has these words."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if words in command and parent in _parents(int(folder.name)):
                return int(folder.name)
        except (OSError, ValueError):
            continue
    raise RuntimeError(f"no program {words} below process {parent}")


def _parents(pid: int) -> list[int]:
    found: list[int] = []
    while pid > 1:
        status = Path(f"/proc/{pid}/status").read_text()
        pid = int(re.search(r"^PPid:\s+(\d+)", status, re.MULTILINE)[1])
        found.append(pid)
    return found


def _cpu_seconds(pid: int) -> float:
    """Return the user and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
