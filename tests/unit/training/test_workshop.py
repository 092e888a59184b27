"""What the engine's programs say while they work, as it comes to those who watch."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from madoguchi.bootstrap import Settings
from madoguchi.training import workshop
from madoguchi.training.workshop import Place


def test_of_a_progress_bar_its_end_is_told() -> None:
    told: list[str] = []
    said = "begun\\n 0%\\r50%\\r100%\\nover\\n"
    assert workshop.run(["printf", "%b", said], Path(), told.append, lambda: False) == 0
    assert told == ["begun", "100%", "over"]


def test_colours_are_left_out() -> None:
    told: list[str] = []
    assert workshop.run(["printf", "%b", "\\033[92mtrained\\033[0m\\n"], Path(), told.append, lambda: False) == 0
    assert told == ["trained"]


NICE_TO_OTHERS = """
import os, pathlib, time
shared = pathlib.Path("/proc/self/autogroup")
for _ in range(100):
    group = shared.read_text() if shared.exists() else "x nice 19"
    if "nice 19" in group:
        break
    time.sleep(0.05)
print(os.nice(0), os.sched_getscheduler(0) == os.SCHED_IDLE, group.strip().rpartition(" nice ")[2])
"""


def test_what_runs_behind_everything_else_is_nice_to_other_sessions_too() -> None:
    told: list[str] = []
    command = [sys.executable, "-c", NICE_TO_OTHERS]
    assert workshop.run(command, Path(), told.append, lambda: False, behind=True) == 0
    assert told == [f"19 {shutil.which('chrt') is not None} 19"]
    assert Place.of(Settings()).behind
