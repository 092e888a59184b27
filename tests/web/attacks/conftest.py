"""What the attacks share: the running programs to attack, and no limit in the way of those that are about others."""

from __future__ import annotations

import pytest

from madoguchi.web import chat
from madoguchi.web.limits import Rate
from tests.web.desk.conftest import desk_site

__all__ = ["desk_site"]
ANY_NUMBER = Rate(burst=1_000_000, per_s=1_000_000)


@pytest.fixture
def no_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one attacker send as much as they like, so that it is not the limit which stops them."""
    for name in ("ATTEMPTS", "MESSAGES", "SIGN_INS", "NEW_VISITORS"):
        monkeypatch.setattr(chat, name, ANY_NUMBER)
