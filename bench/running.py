"""The one launcher of a running desk, for the tests that need one and for the measurements.

Everything is the desk's own: free ports, and a folder that is thrown away.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import httpx
from sqlalchemy import select

from madoguchi.bootstrap import Settings
from madoguchi.store import Customer, Store
from madoguchi.web.tokens import make_token

ROOT = Path(__file__).parent.parent
PROGRAMS = ("engine", "actions", "web", "worker")
READY_WITHIN_S = 320
_STARTED = re.compile(r"(engine|actions|web|worker) started \(pid=(\d+)\)")


@dataclass(frozen=True)
class Stack:
    """A running desk, engine, actions, web and worker, and where its parts are."""

    settings: Settings
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """The address of the web program."""
        return f"http://127.0.0.1:{self.settings.web_port}"

    @property
    def log(self) -> Path:
        """The programs' log."""
        return self.settings.var / "log" / "run.log"

    def pid(self, program: str) -> int:
        """Return the process of a program, the newest where it was started again."""
        found = [int(pid) for name, pid in _STARTED.findall(self.log.read_text(encoding="utf-8")) if name == program]
        return found[-1]

    def token(self, reference: str) -> str:
        """Return a sign-in token as the shop's server makes one."""
        return make_token(reference, self.settings.secret_for("shop_token"), datetime.now(UTC))

    def customers(self, count: int) -> list[str]:
        """Return the references of so many customers of the demo shop."""
        store = Store(self.settings.database_url)
        try:
            with store.reading() as session:
                return list(session.scalars(select(Customer.reference).order_by(Customer.id.desc()).limit(count)))
        finally:
            store.close()

    def metrics(self) -> str:
        """Return what a monitor reads."""
        headers = {"Authorization": f"Bearer {self.settings.secret_for('metrics')}"}
        return httpx.get(f"{self.url}/metrics", headers=headers, timeout=30, trust_env=False).text

    def cpu_s(self, program: str) -> float:
        """Return the seconds of processor time a program has used."""
        return cpu_s(self.pid(program))

    def memory_mb(self, program: str) -> float:
        """Return the megabytes a program holds in memory."""
        status = Path(f"/proc/{self.pid(program)}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    def is_ready(self) -> bool:
        """Say whether every program answers; the web program answers for the engine."""
        return answers(f"{self.url}/readyz") and answers(f"{self.settings.actions_url}/healthz")

    def wait_until_ready(self) -> None:
        """Wait until every program answers. Raises RuntimeError where the desk stops or takes too long."""
        wait(self.process, self.is_ready, self.log)


@contextmanager
def running_desk() -> Iterator[Stack]:
    """Run a desk in a folder that is thrown away at the end."""
    thrown_away = tempfile.TemporaryDirectory(prefix="madoguchi-", ignore_cleanup_errors=True)
    with thrown_away as folder, desk_in(Path(folder)) as stack:
        yield stack


@contextmanager
def desk_in(folder: Path) -> Iterator[Stack]:
    """Run a desk as `make run` does, with all it keeps in this folder; RuntimeError where it does not come up."""
    own = own_settings(folder)
    with program([sys.executable, "-m", "madoguchi", "run"], as_environment(own)) as process:
        stack = Stack(Settings(**own), process)
        stack.wait_until_ready()
        yield stack


def own_settings(folder: Path) -> dict[str, Any]:
    """Return the settings of a desk that shares nothing with another: free ports, and this folder."""
    web, engine, actions = free_ports(3)
    return {
        "var": folder,
        "database_url": f"sqlite:///{folder}/madoguchi.db",
        "web_port": web,
        "engine_port": engine,
        "actions_port": actions,
    }


def as_environment(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return settings as the environment variables that a desk reads them from."""
    return {f"MADOGUCHI_{name.upper()}": str(value) for name, value in settings.items()}


@contextmanager
def program(
    command: list[str], environment: dict[str, str], output: IO[bytes] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program from the project's folder for the length of a block, and stop it as Ctrl-C does.

    The environment is added to this program's own; what it says goes to the terminal where no file is given.
    """
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, stdout=output, stderr=output)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait(timeout=60)


def wait(process: subprocess.Popen[bytes], is_ready: Callable[[], bool], log: Path) -> None:
    """Wait until a program is ready. Raises RuntimeError where it stops or takes too long."""
    end = time.monotonic() + READY_WITHIN_S
    while not is_ready():
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"a program did not come up; {log} ends with:\n{_end_of(log)}")
        time.sleep(0.5)


def _end_of(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-2000:] if log.exists() else "(nothing)"


def answers(address: str) -> bool:
    """Say whether an address answers that all is well."""
    try:
        return httpx.get(address, timeout=5, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def cpu_s(pid: int) -> float:
    """Return the seconds of processor time a process has used, its own and the system's for it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_ports(count: int) -> list[int]:
    """Return so many free ports of the loopback interface."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
