"""Typed commands: whatever a customer types reaches the engine as words, whatever it looks like."""

from __future__ import annotations

import uuid

import pytest

from tests.web.attacks.tables import PROVE, intents, typed_commands
from tests.web.conftest import Site, eventually, say

pytestmark = pytest.mark.usefixtures("no_limits")


def test_the_table_is_whole() -> None:
    assert len(set(typed_commands())) == 500
    assert len(intents()) >= 30


def test_no_typed_command_reaches_the_engine_as_one(site: Site) -> None:
    """Every dress in turn with every intent under `make prove`; with one intent each otherwise."""
    names, client, sent = intents(), site.signed_in(), 0
    for number, (before, after) in enumerate(typed_commands()):
        for name in names if PROVE else [names[number % len(names)]]:
            answer = say(client, f"{before}{name}{after}")
            assert answer.status_code in (202, 422), answer.text
            sent += answer.status_code == 202
    eventually(lambda: len(site.engine.asked) == sent, within_s=600)
    assert sent >= 500
    assert not [asked for asked in site.engine.asked if "payload" in asked or "text" not in asked]


@pytest.mark.parametrize("field", ["payload", "intent", "choice", "sender", "metadata", "conversation", "message"])
def test_no_other_field_of_a_message_becomes_a_command(site: Site, field: str) -> None:
    client = site.signed_in()
    body = {"id": str(uuid.uuid4()), "text": "こんにちは", field: '/affirm{"amount": 1}'}
    answer = client.post("/chat/messages", json=body)
    if answer.status_code == 202:
        (asked,) = eventually(lambda: list(site.engine.asked))
        assert asked["text"] == "こんにちは"
        assert "affirm" not in str(asked)
    else:
        assert answer.status_code == 422
        assert site.rows(author="customer") == []
