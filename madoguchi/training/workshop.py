"""Where models are made: a snapshot of what is learnt from, the engine's own training in it, a signed file at the end.

Nothing half-made ever lies in models/. One training runs at a time on a machine, whoever asked for it, and it steps
back behind everything else that runs, so that the chat stays as fast as it is: it gets what the processor has left
(SCHED_IDLE, and the least share of a session). Being nice (19) alone doubled the time of a turn: where Linux shares the
processor by sessions (autogroup), a program is nice to its own session only.
"""

from __future__ import annotations

import fcntl
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from madoguchi.bootstrap import Settings
from madoguchi.training import model, signing

LISTEN_EVERY_S = 0.5
_NICE = ("nice", "-n", "19")
_IDLE = ("chrt", "--idle", "0")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_LEFT_OUT = shutil.ignore_patterns("__pycache__", ".venv", "*.egg-info")


class Stopped(Exception):
    """Somebody asked for the work to be stopped."""


class Unusable(Exception):
    """A model file was made that cannot be used; its text is the fault's code."""


@dataclass(frozen=True)
class Place:
    """Where things lie, and the commands of the engine; tests put others in their place."""

    root: Path
    models: Path
    var: Path
    key: bytes
    train_command: tuple[str, ...]
    engine_python: tuple[str, ...]
    behaviour_command: tuple[str, ...]
    heldout: Path
    behind: bool
    """Whether the engine's programs run behind everything else; tests have no time for that."""

    @classmethod
    def of(cls, settings: Settings) -> Place:
        """Return the place that the settings describe."""
        root = Path.cwd()
        engine = root / model.ENGINE
        return cls(
            root=root,
            models=settings.models.absolute(),
            var=settings.var.absolute(),
            key=signing.read_key(settings.model_key),
            train_command=(str(engine / "python"), "-m", "engine.train", "--num-threads", "2"),
            engine_python=(str(engine / "python"), "-m"),
            behaviour_command=(sys.executable, "-m", "pytest", "-q", "tests/nlu/test_behaviour.py"),
            heldout=root / "tests/nlu/heldout",
            behind=True,
        )

    def model(self, name: str) -> Path:
        """Return where a model of this name lies."""
        return self.models / name

    def fault_of(self, name: str) -> signing.Fault | None:
        """Return why the model of this name must not be used."""
        return signing.fault_of(self.model(name), self.key)


def train(place: Place, folder: Path, say: Callable[[str], None], stop: Callable[[], bool]) -> Path:
    """Train a model on what lies in the place now and return its signed file in models/.

    `folder` is this training's own. Raises Stopped, Unusable or model.TrainingFailed.
    """
    project = _snapshot(place, folder / "project")
    made_of = model.made_of_here(project)
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    try:
        command = [*place.train_command, "--out", str(out)]
        code = run(command, project, say, stop, {"PYTHONPATH": str(project)}, behind=place.behind)
        made = model.newest_model(out)
        if code != 0 or made is None:
            raise model.TrainingFailed
        return _put_in(place, made, made_of)
    finally:
        shutil.rmtree(project, ignore_errors=True)
        shutil.rmtree(out, ignore_errors=True)


@contextmanager
def one_at_a_time(place: Place, wait: Callable[[], None]) -> Iterator[None]:
    """Hold the machine's one place for training; `wait` is called again and again until it is free."""
    place.models.mkdir(parents=True, exist_ok=True)
    with (place.models / ".training.lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                wait()
        yield


def run(
    command: Sequence[str],
    cwd: Path,
    say: Callable[[str], None],
    stop: Callable[[], bool],
    more: Mapping[str, str] | None = None,
    *,
    behind: bool = False,
) -> int:
    """Run a command, tell each line it says, and return its exit code; raises Stopped.

    It runs in a process group of its own, and all of that is ended when somebody asks for it.
    """
    process = begin(command, cwd, more or {}, behind=behind, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_listen, args=(process, lines), daemon=True).start()
    try:
        while (line := _next(lines, stop)) is not None:
            if line:
                say(line)
        return process.wait()
    finally:
        end(process)


def begin(
    command: Sequence[str], cwd: Path, more: Mapping[str, str], *, behind: bool, stdin: int, stderr: int
) -> subprocess.Popen[bytes]:
    """Begin a program of the engine's in a session of its own; `behind` puts that session behind all others."""
    process = subprocess.Popen(
        [*(_behind() if behind else ()), *command],
        cwd=cwd,
        env=environment(more),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=stderr,
        start_new_session=True,
    )
    if behind:
        with suppress(OSError):  # a system that does not share by sessions has no such file
            Path(f"/proc/{process.pid}/autogroup").write_text("19", encoding="ascii")
    return process


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started; nothing happens where it has ended."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def engine_environment(place: Place) -> dict[str, str]:
    """Return what the engine's programs need to load signed models."""
    return {"MADOGUCHI_MODELS_SECRET": place.key.decode()}


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the engine's programs."""
    quiet = {"RASA_TELEMETRY_ENABLED": "false", "TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONWARNINGS": "ignore"}
    return {**os.environ, **quiet, "PYTHONUNBUFFERED": "1", **more}


@cache
def _behind() -> tuple[str, ...]:
    """Return what puts a command behind everything else on this machine; not every system knows idle processes."""
    able = shutil.which(_IDLE[0]) and subprocess.run([*_IDLE, "true"], capture_output=True, check=False).returncode == 0
    return (*_IDLE, *_NICE) if able else _NICE


def _snapshot(place: Place, project: Path) -> Path:
    """Copy what a model is made of, so that what is written meanwhile waits for the next training."""
    shutil.rmtree(project, ignore_errors=True)
    for name in (*model.INGREDIENTS, "engine"):
        source, target = place.root / name, project / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=_LEFT_OUT, dirs_exist_ok=True)
        elif source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    return project


def _put_in(place: Place, made: Path, made_of: model.MadeOf) -> Path:
    """Sign what was made, then move it into models/: its note and signature first, the file last."""
    signed = signing.sign(made, place.key)
    if isinstance(signed, signing.Fault):
        raise Unusable(signed)
    model.write_note(made, made_of)
    for file in (model.note_of(made), signed, made):
        half = place.models / f".{file.name}.{os.getpid()}"
        shutil.copyfile(file, half)
        half.replace(place.models / file.name)
    return place.models / made.name


def _listen(process: subprocess.Popen[bytes], lines: queue.Queue[str | None]) -> None:
    """Take in each line as a terminal would leave it, its colours left out; of a progress bar the end."""
    assert process.stdout is not None, "it was opened with a pipe"
    for line in process.stdout:
        lines.put(_COLOURS.sub("", line.decode("utf-8", "replace").rstrip().rpartition("\r")[2]))
    lines.put(None)


def _next(lines: queue.Queue[str | None], stop: Callable[[], bool]) -> str | None:
    """Return the next line, an empty one after each wait, None at the end; raises Stopped."""
    while True:
        if stop():
            raise Stopped
        try:
            return lines.get(timeout=LISTEN_EVERY_S)
        except queue.Empty:
            return ""
