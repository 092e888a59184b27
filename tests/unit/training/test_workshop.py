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


def test_a_training_runs_behind_everything_else() -> None:
    told: list[str] = []
    ask = [sys.executable, "-c", "import os; print(os.nice(0), os.sched_getscheduler(0) == os.SCHED_IDLE)"]
    assert workshop.run([*Place.of(Settings()).behind, *ask], Path(), told.append, lambda: False) == 0
    assert told == [f"19 {shutil.which('chrt') is not None}"]
