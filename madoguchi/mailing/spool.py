"""Mails into a Maildir, which any mail program reads: the way of the demo, and of a shop with its own mailer."""

from __future__ import annotations

import os
from email.policy import SMTP
from pathlib import Path

from madoguchi.mailing.port import Away, Handed, Letter, Undeliverable
from madoguchi.mailing.writing import message_of, name_of


class Spool:
    """A Maildir: a mail is written whole under tmp/ and then moved to new/, under a name made of its key."""

    def __init__(self, folder: Path, sender: str) -> None:
        """Take the folder, which is made when the first mail comes."""
        self._folder = folder
        self._sender = sender

    def send(self, letter: Letter) -> Handed | Undeliverable:
        """Hand a mail on; one that lies there already, read or not, is not written again. Raises Away."""
        mail = message_of(letter, self._sender)
        if mail is None:
            return Undeliverable("bad_address")
        name = name_of(letter)
        try:
            for part in ("tmp", "new", "cur"):
                (self._folder / part).mkdir(parents=True, exist_ok=True, mode=0o700)
            if (self._folder / "new" / name).exists() or any((self._folder / "cur").glob(f"{name}:2,*")):
                return Handed()
            self._write(name, mail.as_bytes(policy=SMTP))
        except OSError as error:
            raise Away(type(error).__name__) from error
        return Handed()

    def _write(self, name: str, content: bytes) -> None:
        draft = self._folder / "tmp" / f"{name}.{os.getpid()}"
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._folder / "new" / name)
