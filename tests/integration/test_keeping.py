"""A program that dies is started again with a word on the terminal; one that cannot live ends the desk."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PLAY = """
import sys, threading, time
from pathlib import Path
from honcho.printer import Printer
from madoguchi.cli.keeping import Keeper

folder = Path(sys.argv[1])
keeper = Keeper(Printer(sys.stdout, colour=False), lambda name, code: print("said", name, code, flush=True))
for name, command in zip(sys.argv[2::2], sys.argv[3::2]):
    keeper.add_process(name, f"exec {command}")
if not (folder / "early").exists():
    keeper.keep()
keeper.loop()
print("over", keeper.returncode, flush=True)
"""
SLEEPER = """
import os, sys, time
open(sys.argv[1], "a").write(f"{os.getpid()} ")
time.sleep(float(sys.argv[2]))
sys.exit(int(sys.argv[3]))
"""


class Play:
    """A keeper with its programs, in a process of its own."""

    def __init__(self, folder: Path, **programs: tuple[float, int]) -> None:
        self.folder = folder
        commands: list[str] = []
        for name, (seconds, code) in programs.items():
            words = [sys.executable, "-c", SLEEPER, str(folder / name), str(seconds), str(code)]
            commands += [name, shlex.join(words)]
        self.process = subprocess.Popen(
            [sys.executable, "-c", PLAY, str(folder), *commands], stdout=subprocess.PIPE, text=True
        )

    def pids(self, name: str) -> list[int]:
        """Return the processes this program has been, oldest first."""
        path = self.folder / name
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    def end(self) -> str:
        """Stop it as Ctrl-C does and return all it has said."""
        self.process.send_signal(signal.SIGINT)
        return self.process.communicate(timeout=60)[0]


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Callable[..., Play]]:
    plays: list[Play] = []

    def start(**programs: tuple[float, int]) -> Play:
        plays.append(Play(tmp_path, **programs))
        return plays[-1]

    yield start
    for each in plays:
        if each.process.poll() is None:
            each.end()


def until(look: Callable[[], object], within_s: float = 120) -> None:
    end = time.monotonic() + within_s
    while not look():
        assert time.monotonic() < end, "this did not come true"
        time.sleep(0.05)


def test_what_is_killed_is_started_again_and_the_others_go_on(play: Callable[..., Play]) -> None:
    desk = play(one=(600, 0), two=(600, 0))
    until(lambda: desk.pids("one") and desk.pids("two"))
    os.kill(desk.pids("one")[0], signal.SIGKILL)
    until(lambda: len(desk.pids("one")) == 2)
    assert len(desk.pids("two")) == 1
    said = desk.end()
    assert "said one -9" in said
    assert "over 130" in said
    for pid in (*desk.pids("one"), *desk.pids("two")):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_what_cannot_live_ends_the_desk(play: Callable[..., Play]) -> None:
    desk = play(one=(0, 3), two=(600, 0))
    said = desk.process.communicate(timeout=240)[0]
    assert said.count("said one 3") == 4
    assert "over 3" in said
    assert len(desk.pids("one")) == 5


def test_what_dies_before_the_desk_was_ready_is_not_started_again(play: Callable[..., Play], tmp_path: Path) -> None:
    (tmp_path / "early").touch()
    desk = play(one=(0, 3), two=(600, 0))
    assert "over 3" in desk.process.communicate(timeout=240)[0]
    assert len(desk.pids("one")) == 1
