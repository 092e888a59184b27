"""Encryption at rest for what must be kept and never be read by chance: bank accounts.

Fernet (AES in CBC with an HMAC) by the `cryptography` package. Several keys may be given: the first one seals, all
open, so that a key is changed by putting a new one before it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class CannotOpen(Exception):
    """It was sealed with another key, for another owner, or altered since."""


class Seal:
    """Seals small facts for one owner; what is sealed for one cannot be passed off as another's."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Take the keys, newest first. Raises ValueError for none, or for one that is no Fernet key."""
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def close(self, owner: str, facts: Mapping[str, str]) -> str:
        """Return the facts sealed, as text."""
        return self._fernet.encrypt(json.dumps({"owner": owner, "facts": dict(facts)}).encode()).decode()

    def open(self, owner: str, sealed: str) -> dict[str, str]:
        """Return what was sealed for this owner. Raises CannotOpen."""
        try:
            held = json.loads(self._fernet.decrypt(sealed.encode()))
        except InvalidToken:
            raise CannotOpen("not sealed by any of the keys") from None
        if held["owner"] != owner:
            raise CannotOpen("sealed for another owner")
        return dict(held["facts"])
