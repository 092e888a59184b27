"""Random walks through the running desk; `make prove` walks 3,000 of them."""

from __future__ import annotations

import os

import pytest

from bench.running import Stack
from madoguchi.bootstrap import build_desk
from tests.conversations.walks import Walk

pytestmark = pytest.mark.stack

WALKS = 3000 if os.environ.get("MADOGUCHI_PROVE") else 25


def test_every_walk_is_answered_and_nothing_changes_without_a_yes(stack: Stack) -> None:
    desk = build_desk(stack.settings)
    wrong = []
    for seed in range(WALKS):
        walk = Walk(stack.url, stack.settings, desk, seed)
        if walk.go():
            wrong.append("\n".join([f"walk {seed}:", *walk.problems, *walk.protocol]))
    desk.store.close()
    assert not wrong, "\n\n".join(wrong[:5])
