"""Would-you-recommend: asked with eleven buttons once a case is over, answered by one of them or in words ("8点")."""

from __future__ import annotations

import re
from typing import Any

from actions import words
from actions.replies import Speaker, inform
from actions.slots import KINDS, Turn
from madoguchi.services import scores
from madoguchi.services.desk import Desk

LONGEST = 24
"""A score in words is short; a number in a longer message is about something else."""
_NUMBER = re.compile(r"(?<![\d.])(?:10|\d)(?![\d.])")
_STANDS_FOR = "score:"


def ask(speaker: Speaker, case: str) -> str:
    """Ask whether the customer would recommend the desk, and return what is asked, for a score in words."""
    numbers = [{"title": str(value), "payload": inform("score", f"{case}:{value}")} for value in range(11)]
    speaker.say("score_question", choices=numbers)
    return f"{_STANDS_FOR}{case}"


def ask_if_due(desk: Desk, turn: Turn, speaker: Speaker) -> str | None:
    """Ask about a case that an agent or a timer has closed since the customer was here; return what is asked."""
    case = scores.due(desk, turn.conversation)
    return ask(speaker, case) if case is not None else None


def take_words(desk: Desk, turn: Turn, speaker: Speaker, asked: Any) -> bool:
    """Take a typed score where one was asked for; False where the words are none."""
    if not str(asked or "").startswith(_STANDS_FOR) or turn.returning:
        return False
    value = score_in(turn)
    if value is None:
        return False
    record(desk, turn, speaker, f"{str(asked).removeprefix(_STANDS_FOR)}:{value}")
    return True


def record(desk: Desk, turn: Turn, speaker: Speaker, told: str) -> None:
    """Record a score ("case:8"), once; a second one is thanked for all the same."""
    case, _, value = told.partition(":")
    if value.isdecimal() and 0 <= int(value) <= 10:
        scores.record(desk, turn.conversation, case, int(value))
    speaker.say("score_thanks")


def score_in(turn: Turn) -> int | None:
    """Return the one number from 0 to 10 in a short answer; None for a wish, a longer text, or several numbers."""
    if not turn.typed or turn.intent in KINDS or len(turn.text) > LONGEST:
        return None
    found = _NUMBER.findall(words.folded(turn.text))
    return int(found[0]) if len(found) == 1 else None
