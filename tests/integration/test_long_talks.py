"""A conversation of hundreds of messages: the engine reads a short session of it, and the form forgets nothing."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing

import pytest

from bench.running import Stack
from tests.integration.test_outages import Visit, wait

pytestmark = pytest.mark.stack

MESSAGES = 500 if os.environ.get("MADOGUCHI_PROVE") else 24
LONGEST_READ = 90
"""Events of a session when it is ended, and those of one more turn; a session without an end has five a message."""


def test_the_session_that_is_read_stays_short_and_the_proposal_stands(stack: Stack) -> None:
    visit = Visit(stack)
    wait(visit.hears(visit.say("電気ケトルの電源が入りません"), "4,980円"), 20)
    longest = 0
    for number in range(MESSAGES):
        asked = visit.say(("返送料はかかりますか", "ありがとうございます")[number % 2])
        wait(visit.hears(asked, "4,980円"), 20)
        longest = max(longest, session_length(stack, visit.conversation))
    assert longest <= LONGEST_READ
    wait(visit.hears(visit.say("はい、お願いします"), "受付番号"), 20)


def session_length(stack: Stack, conversation: str) -> int:
    """Count the events since the newest session of a conversation began."""
    with closing(sqlite3.connect(stack.settings.var / "engine.db")) as events:
        found = events.execute(
            "SELECT count(*) FROM events WHERE sender_id = ?1 AND id >= "
            "(SELECT max(id) FROM events WHERE sender_id = ?1 AND type_name = 'session_started')",
            [conversation],
        )
        return int(found.fetchone()[0])
