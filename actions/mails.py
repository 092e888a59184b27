"""Sending a mail of the message centre again: by its button, or by a typed yes where only one can be meant."""

from __future__ import annotations

from typing import Any

from actions.replies import Speaker
from actions.slots import Turn
from madoguchi.services import notices
from madoguchi.services.desk import Desk


def is_mail(asked: Any) -> bool:
    """Whether what was asked last is to send a certain mail again."""
    return str(asked or "").startswith("notice:")


def send_again(desk: Desk, turn: Turn, speaker: Speaker, mail: str) -> None:
    """Send a mail ("notice:12") again if it is the customer's own, and say so."""
    number = mail.removeprefix("notice:")
    subject = notices.resend(desk, turn.conversation, int(number)) if number.isdecimal() else None
    speaker.say("mail_resent" if subject else "missing_mail_none", {"subject": subject})
