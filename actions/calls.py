"""A booked call that is no longer needed, taken back in words: "やっぱり電話はいらないです"."""

from __future__ import annotations

from actions.replies import Speaker
from actions.slots import Turn
from madoguchi.services import callbacks
from madoguchi.services.desk import Desk


def call_off(desk: Desk, turn: Turn, speaker: Speaker) -> bool:
    """Take the booked call back where the words say so, and say it; False where they do not, or none is booked."""
    if turn.returning or turn.says("calls_off") is None or not callbacks.cancel(desk, turn.conversation):
        return False
    speaker.say("call_canceled")
    return True
