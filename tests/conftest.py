"""What all tests share: one running stack for those that need one, and no silent skips where none are allowed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from bench.running import free_ports
from madoguchi.bootstrap import Settings

ROOT = Path(__file__).parent.parent
READY_WITHIN_S = 320


@dataclass(frozen=True)
class Stack:
    """A running desk: engine, actions, web and worker, on free ports and a store of its own."""

    settings: Settings
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def web(self) -> str:
        """The address of the web program."""
        return f"http://127.0.0.1:{self.settings.web_port}"


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start the desk once for all tests that need it, as `make run` does."""
    var = tmp_path_factory.mktemp("var")
    ports = dict(zip(("web", "engine", "actions"), free_ports(3), strict=True))
    environment = {
        **os.environ,
        **{f"MADOGUCHI_{name.upper()}_PORT": str(port) for name, port in ports.items()},
        "MADOGUCHI_VAR": str(var),
        "MADOGUCHI_DATABASE_URL": f"sqlite:///{var}/madoguchi.db",
    }
    process = subprocess.Popen([sys.executable, "-m", "madoguchi", "run"], cwd=ROOT, env=environment)
    settings = Settings(
        var=var,
        database_url=environment["MADOGUCHI_DATABASE_URL"],
        web_port=ports["web"],
        engine_port=ports["engine"],
        actions_port=ports["actions"],
    )
    running = Stack(settings, var / "log" / "run.log", process)
    try:
        _wait_until_ready(running)
        yield running
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let two workers share the tests file by file, with everything that needs the running stack in one of them."""
    for item in items:
        needs_stack = "stack" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("stack" if needs_stack else item.nodeid.partition("::")[0]))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Where MADOGUCHI_STRICT is set, a skipped proof is a failed one."""
    report = yield
    if os.environ.get("MADOGUCHI_STRICT") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which is not allowed here: {report.longrepr}"
    return report


def _wait_until_ready(running: Stack) -> None:
    addresses = [
        f"{running.web}/healthz",
        f"http://127.0.0.1:{running.settings.engine_port}/webhooks/desk/health",
        f"http://127.0.0.1:{running.settings.actions_port}/healthz",
    ]
    deadline = time.monotonic() + READY_WITHIN_S
    with httpx.Client(timeout=2) as client:
        while addresses and time.monotonic() < deadline:
            if running.process.poll() is not None:
                raise RuntimeError(f"the desk stopped while starting; see {running.log}")
            addresses = [address for address in addresses if not _answers(client, address)]
            time.sleep(0.2)
    if addresses:
        raise RuntimeError(f"no answer from {addresses} within {READY_WITHIN_S} s; see {running.log}")


def _answers(client: httpx.Client, address: str) -> bool:
    try:
        return client.get(address).status_code == 200
    except httpx.HTTPError:
        return False
