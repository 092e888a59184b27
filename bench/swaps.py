"""Change the model of a running engine many times while customers talk: `python -m bench.swaps [--swaps 50]`.

Starts an engine of its own on a free port with the newest signed model, lets some customers talk without a pause, and
puts the same model under two names into service in turn. Prints failed turns, how long turns took in quiet and while
models change, how long a change took, and what the engine's memory grew by.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from ruamel.yaml import YAML

from bench.running import answers, free_ports, program, wait
from madoguchi.bootstrap import Settings
from madoguchi.training import model, signing
from madoguchi.training.workshop import Place

# Answered by the model alone, without the custom actions, which do not change.
SAYINGS = ("ありがとうございました", "さようなら", "あなたは人間ですか", "明日の東京の天気を教えて")
ATTEMPTS = 3


@dataclass
class Talkers:
    """Customers who talk without a pause; each of their turns is counted."""

    url: str
    secret: str
    count: int
    pause_s: float = 0.0
    failed: list[str] = field(default_factory=list)
    retried: list[str] = field(default_factory=list)
    models: set[str] = field(default_factory=set)
    milliseconds: list[float] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Talkers:
        self._threads = [threading.Thread(target=self._talk) for _ in range(self.count)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _talk(self) -> None:
        with httpx.Client(base_url=self.url, timeout=5, trust_env=False) as client:
            conversation, said = uuid.uuid4().hex, 0
            while not self._stop.is_set():
                if said % 20 == 0:
                    conversation = uuid.uuid4().hex
                body = {"conversation": conversation, "message": uuid.uuid4().hex, "text": SAYINGS[said % len(SAYINGS)]}
                said += 1
                self._turn(client, body)
                time.sleep(self.pause_s)

    def _turn(self, client: httpx.Client, body: dict[str, str]) -> None:
        """Run one turn as the desk does: after its deadline the same message is sent again."""
        begun = time.perf_counter()
        answer = None
        for _ in range(ATTEMPTS):
            try:
                answer = post(client, "/webhooks/desk/turn", body, self.secret)
                break
            except httpx.HTTPError as error:
                self.retried.append(type(error).__name__)
        if answer is None:
            self.failed.append("no answer")
            return
        self.milliseconds.append((time.perf_counter() - begun) * 1000)
        content = answer.json() if answer.status_code == 200 else {}
        if not content.get("replies") or content.get("failed"):
            self.failed.append(f"status {answer.status_code}")
        else:
            self.models.add(content["model"])


def post(client: httpx.Client, path: str, body: dict[str, str], secret: str) -> httpx.Response:
    """Send one signed request."""
    content, stamp = json.dumps(body).encode(), str(int(time.time()))
    signature = hmac.new(secret.encode(), f"{stamp}.".encode() + content, hashlib.sha256).hexdigest()
    headers = {"X-Madoguchi-Timestamp": stamp, "X-Madoguchi-Signature": signature}
    return client.post(path, content=content, headers=headers)


@dataclass(frozen=True)
class Changed:
    """What came of many changes of the model."""

    turns: int
    failed: tuple[str, ...]
    retried: int
    models: frozenset[str]
    seconds: tuple[float, ...]
    megabytes: tuple[float, ...]
    quiet_ms: tuple[float, ...]
    busy_ms: tuple[float, ...]

    @property
    def growth(self) -> float:
        """How much more memory is in use after the last change than under the same load before the first."""
        return self.megabytes[-1] / self.megabytes[0] - 1


def change_under_load(url: str, secret: str, process: int, names: Sequence[str], swaps: int, talkers: int) -> Changed:
    """Change the model so many times while customers talk; raises AssertionError where a change is refused."""
    seconds = []
    with Talkers(url, secret, talkers) as talk, httpx.Client(base_url=url, timeout=90, trust_env=False) as client:
        time.sleep(5)  # until the talks themselves need no more memory than before
        quiet, megabytes = tuple(talk.milliseconds), [memory(process)]
        for number in range(swaps):
            answer = post(client, "/webhooks/desk/model", {"model": names[number % len(names)]}, secret)
            assert answer.status_code == 200, answer.text
            seconds.append(answer.json()["seconds"])
            megabytes.append(memory(process))
    time.sleep(8)  # until the engine has given back what the last old model held
    megabytes.append(memory(process))
    busy = tuple(talk.milliseconds[len(quiet) :])
    return Changed(
        len(talk.milliseconds),
        tuple(talk.failed),
        len(talk.retried),
        frozenset(talk.models),
        tuple(seconds),
        tuple(megabytes),
        quiet,
        busy,
    )


def memory(process: int) -> float:
    """Return a process's resident memory in MB."""
    rows = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    return int(next(row for row in rows if row.startswith("VmRSS")).split()[1]) / 1024


@contextmanager
def two_names(place: Place) -> Iterator[tuple[str, str]]:
    """Give two signed names of the newest model that can be loaded; both go when the block ends."""
    paths = sorted(place.models.glob("*.tar.gz"), key=lambda path: -path.stat().st_mtime)
    newest = next(path for path in paths if signing.fault_of(path, place.key) is None)
    copies = [place.models / f"swap-{os.getpid()}-{letter}.tar.gz" for letter in "ab"]
    made = []
    try:
        for copy in copies:
            made += [copy, signing.signature_of(copy), model.note_of(copy)]
            shutil.copy2(newest, copy)
            os.utime(copy, (0, 0))  # never the newest
            assert not isinstance(signing.sign(copy, place.key), signing.Fault)
        yield copies[0].name, copies[1].name
    finally:
        for path in made:
            path.unlink(missing_ok=True)


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="bench.swaps", description=__doc__)
    parser.add_argument("--swaps", type=int, default=50)
    parser.add_argument("--talkers", type=int, default=4)
    options = parser.parse_args()
    settings = Settings()
    place, secret = Place.of(settings), settings.secret_for("engine")
    with two_names(place) as names, engine_with(place, names[0], secret) as (url, process):
        found = change_under_load(url, secret, process, names, options.swaps, options.talkers)
    _tell(found)
    return 1 if found.failed else 0


def _tell(found: Changed) -> None:
    median, longest = statistics.median(found.seconds), max(found.seconds)
    print(f"changes {len(found.seconds)}: median {median:.1f} s, longest {longest:.1f} s")
    print(f"turns {found.turns}, failed {len(found.failed)} {sorted(set(found.failed))}, sent again {found.retried}")
    for name, times in (("quiet", found.quiet_ms), ("while models change", found.busy_ms)):
        if len(times) > 1:
            p95 = statistics.quantiles(times, n=20)[-1]
            print(f"turn {name}: p50 {statistics.median(times):.0f} ms, p95 {p95:.0f} ms, longest {max(times):.0f} ms")
    print(f"memory MB: {', '.join(f'{each:.0f}' for each in found.megabytes)}")
    print(f"memory grew by {found.growth:.1%}, at most {max(found.megabytes) / found.megabytes[0] - 1:.1%} in between")


@contextmanager
def engine_with(place: Place, name: str, secret: str) -> Iterator[tuple[str, int]]:
    """Run an engine of its own for the length of a block; gives its address and its process."""
    (port,) = free_ports(1)
    url, command = f"http://127.0.0.1:{port}", [str(model.ENGINE / "rasa"), "run", "-i", "127.0.0.1", "-p", str(port)]
    environment = {
        "RASA_TELEMETRY_ENABLED": "false",
        "MADOGUCHI_ENGINE_SECRET": secret,
        "MADOGUCHI_MODELS_SECRET": place.key.decode(),
        "MADOGUCHI_MODELS": str(place.models),
    }
    with tempfile.TemporaryDirectory() as folder, Path(folder, "log").open("wb") as log:
        ends, store = Path(folder, "endpoints.yml"), str(Path(folder, "engine.db"))
        YAML().dump({"tracker_store": {"type": "SQL", "dialect": "sqlite", "db": store}}, ends)
        command += ["-m", str(place.model(name)), "--endpoints", str(ends)]
        with program(command, environment, log) as process:
            wait(process, lambda: answers(f"{url}/webhooks/desk/health"), Path(log.name))
            yield url, process.pid


if __name__ == "__main__":
    sys.exit(main())
