"""Random walks through the running desk; `make prove` walks 3,000 of them."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from bench.running import Stack
from madoguchi.bootstrap import build_desk
from tests.conversations.walks import Walk

pytestmark = pytest.mark.stack

SEEDS = range(3000 if os.environ.get("MADOGUCHI_PROVE") else 25)
AT_ONCE = 4


def test_every_walk_is_answered_and_nothing_changes_without_a_yes(stack: Stack) -> None:
    desk = build_desk(stack.settings)

    def walked(seed: int) -> str:
        walk = Walk(stack.url, stack.settings, desk, seed)
        return "\n".join([f"walk {seed}:", *walk.problems, *walk.protocol]) if walk.go() else ""

    with ThreadPoolExecutor(AT_ONCE) as pool:
        wrong = [protocol for protocol in pool.map(walked, SEEDS) if protocol]
    desk.store.close()
    assert not wrong, f"{len(wrong)} of {len(SEEDS)} walks:\n\n" + "\n\n".join(wrong)
