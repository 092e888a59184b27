"""Every behaviour test and every step of a training has its word for trainers."""

from __future__ import annotations

import re

import pytest

from madoguchi.web.trainers.model_words import say
from tests.conftest import ROOT

TESTS = re.findall(r"^def (test_\w+)", (ROOT / "tests/nlu/test_behaviour.py").read_text(encoding="utf-8"), re.M)


@pytest.mark.parametrize("name", TESTS)
def test_a_behaviour_test_has_its_word(name: str) -> None:
    assert say(name, "tests") != name


@pytest.mark.parametrize("step", ["waiting", "queueing", "training", "served", "heldout", "behaviour", "lookback"])
def test_a_step_has_its_word(step: str) -> None:
    assert say(step, "steps") != step
