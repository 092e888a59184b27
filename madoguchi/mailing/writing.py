"""A letter as a mail that every program understands: UTF-8, plain text, and a Message-ID made of the letter's key."""

from __future__ import annotations

import hashlib
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage

from madoguchi.mailing.port import Letter


def message_of(letter: Letter, sender: str) -> EmailMessage | None:
    """Return the mail; None where the address is none.

    The same letter always bears the same Message-ID, by which a mailbox knows a copy that came twice.
    """
    try:
        to = Address(display_name=_one_line(letter.name), addr_spec=letter.address)
    except (ValueError, IndexError, MessageError):
        return None
    if not to.username or not to.domain:
        return None
    mail = EmailMessage()
    mail["Subject"] = _one_line(letter.subject)
    mail["From"] = sender
    mail["To"] = to
    mail["Message-ID"] = f"<{name_of(letter)}@{sender.rpartition('@')[2].rstrip('>')}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(letter.body, cte="base64")
    return mail


def name_of(letter: Letter) -> str:
    """Return the name under which a letter is known outside; nothing of its content can be read from it."""
    return hashlib.sha256(letter.key.encode()).hexdigest()[:40]


def _one_line(text: str) -> str:
    return " ".join(text.split())
