"""An engine as Rasa's own guide sets one up, which answers with the actions of a running desk."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from bench.running import ROOT, Stack, answers, free_ports, program, wait
from bench.stock import config
from madoguchi.cli.run import environment


@contextmanager
def stock_engine(desk: Stack, examples: int, epochs: int) -> Iterator[tuple[int, int]]:
    """Train Rasa's stock set-up on a part of the desk's own data, and run it against the desk's actions.

    Gives the engine's port and its process.
    """
    folder = desk.settings.var / "stock"
    folder.mkdir()
    data = _sample(folder / "data", examples)
    settings = folder / "stock.yml"
    settings.write_text(json.dumps(config(epochs)), encoding="utf-8")  # Rasa reads YAML, and JSON is YAML.
    rasa = ["engine/.venv/bin/rasa"]
    files = ["--config", str(settings), "--domain", "domain.yml", "--data", str(data), "--out", str(folder / "models")]
    print(f"training the stock set-up: {examples} examples of each intent, {epochs} epochs", flush=True)
    began = time.perf_counter()
    variables = {**environment(desk.settings), "RASA_CACHE_DIRECTORY": str(folder / "cache")}
    with (folder / "log").open("wb") as log:
        train = [*rasa, "train", *files, "--fixed-model-name", "stock"]
        subprocess.run(train, check=True, cwd=ROOT, env=variables, stdout=log, stderr=log)
        print(f"trained in {time.perf_counter() - began:.0f} s", flush=True)
        (port,) = free_ports(1)
        ends = ["--endpoints", str(_endpoints(desk, folder)), "--credentials", str(_credentials(folder))]
        model = ["--model", str(folder / "models" / "stock.tar.gz")]
        with program([*rasa, "run", "-i", "127.0.0.1", "-p", str(port), *model, *ends], variables, log) as process:
            wait(process, lambda: answers(f"http://127.0.0.1:{port}/webhooks/rest/"), Path(log.name))
            yield port, process.pid


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


def _endpoints(desk: Stack, folder: Path) -> Path:
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
