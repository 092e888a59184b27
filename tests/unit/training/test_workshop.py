"""What the engine's programs say while they work, as it comes to those who watch."""

from __future__ import annotations

from pathlib import Path

from madoguchi.training import workshop


def test_of_a_progress_bar_its_end_is_told() -> None:
    told: list[str] = []
    said = "begun\\n 0%\\r50%\\r100%\\nover\\n"
    assert workshop.run(["printf", "%b", said], Path(), told.append, lambda: False) == 0
    assert told == ["begun", "100%", "over"]


def test_colours_are_left_out() -> None:
    told: list[str] = []
    assert workshop.run(["printf", "%b", "\\033[92mtrained\\033[0m\\n"], Path(), told.append, lambda: False) == 0
    assert told == ["trained"]
