"""A desk of its own for the measurements and the fault tests: free ports, a folder that is thrown away."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
from sqlalchemy import select

from madoguchi.bootstrap import Settings
from madoguchi.store import Customer, Store
from madoguchi.web.tokens import make_token

PROGRAMS = ("engine", "actions", "web", "worker")
READY_WITHIN_S = 320
_STARTED = re.compile(r"(engine|actions|web|worker) started \(pid=(\d+)\)")


@dataclass(frozen=True)
class Running:
    """A running desk and where its parts are."""

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
        fields = Path(f"/proc/{self.pid(program)}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self, program: str) -> float:
        """Return the megabytes a program holds in memory."""
        status = Path(f"/proc/{self.pid(program)}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    def is_ready(self) -> bool:
        """Say whether every program answers."""
        addresses = (f"{self.url}/readyz", f"{self.settings.actions_url}/healthz")
        with suppress(httpx.HTTPError):
            return all(httpx.get(address, timeout=5, trust_env=False).status_code == 200 for address in addresses)
        return False


@contextmanager
def running_desk() -> Iterator[Running]:
    """Start a desk as `make run` does, and stop it at the end. Raises RuntimeError where it does not come up."""
    with tempfile.TemporaryDirectory(prefix="madoguchi-", ignore_cleanup_errors=True) as folder:
        ports = dict(zip(("web", "engine", "actions"), free_ports(3), strict=True))
        environment = {
            **os.environ,
            **{f"MADOGUCHI_{name.upper()}_PORT": str(port) for name, port in ports.items()},
            "MADOGUCHI_VAR": folder,
            "MADOGUCHI_DATABASE_URL": f"sqlite:///{folder}/madoguchi.db",
        }
        settings = Settings(
            var=Path(folder),
            database_url=environment["MADOGUCHI_DATABASE_URL"],
            web_port=ports["web"],
            engine_port=ports["engine"],
            actions_port=ports["actions"],
        )
        process = subprocess.Popen([sys.executable, "-m", "madoguchi", "run"], env=environment)
        desk = Running(settings, process)
        try:
            _wait(desk)
            yield desk
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=60)


def _wait(desk: Running) -> None:
    end = time.monotonic() + READY_WITHIN_S
    while not desk.is_ready():
        if desk.process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"the desk did not come up; see {desk.log}")
        time.sleep(0.5)


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
