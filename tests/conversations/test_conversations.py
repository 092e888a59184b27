"""Every situation of this folder, played through the chat of the running desk to the end of the store."""

from __future__ import annotations

import pytest

from bench.running import Stack
from madoguchi.bootstrap import build_desk
from tests.conversations.runner import Player, Situation, situations

pytestmark = pytest.mark.stack


@pytest.mark.parametrize("situation", situations(), ids=lambda situation: situation.name)
def test_ends_as_the_file_says(stack: Stack, situation: Situation) -> None:
    desk = build_desk(stack.settings)
    player = Player(stack.url, stack.settings, desk, situation)
    try:
        problems = player.play()
    finally:
        desk.store.close()
    assert not problems, "\n".join([*problems, "", *player.protocol])
