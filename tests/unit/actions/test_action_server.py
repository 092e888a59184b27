"""The action server's door: who is let in, what is too much, and what the customer hears when an action breaks."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from rasa_sdk import Action
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from actions.replies import Phrasebook
from actions.server import ACTIONS, LARGEST_BODY, Door, app
from actions.slots import FORM
from madoguchi.services.desk import Desk
from madoguchi.store import Conversation
from tests.unit.actions.conftest import Talk

SECRET = "s" * 32
KEY = {"Authorization": f"Bearer {SECRET}"}


def call(name: str, conversation: str, **message: Any) -> dict[str, Any]:
    """What the engine sends."""
    tracker = {
        "sender_id": conversation,
        "slots": {},
        "latest_message": {"intent": {"name": "affirm"}, "entities": [], "text": "はい", **message},
        "events": [{"event": "user"}],
        "paused": False,
        "followup_action": None,
        "active_loop": {},
        "latest_action_name": "action_listen",
    }
    return {"next_action": name, "sender_id": conversation, "tracker": tracker, "domain": {}}


@pytest.fixture
def client(desk: Desk, book: Phrasebook) -> TestClient:
    """A client of the action server over the desk."""
    return TestClient(app(desk, book, SECRET))


def test_runs_an_action(client: TestClient, talk: Callable[..., Talk]) -> None:
    answer = client.post("/webhook", json=call(f"validate_{FORM}", talk().conversation), headers=KEY)
    assert answer.status_code == 200
    assert answer.json()["responses"][0]["text"]


@pytest.mark.parametrize("key", [{}, {"Authorization": "Bearer"}, {"Authorization": f"Bearer {'x' * 32}"}])
def test_refuses_whoever_does_not_know_the_secret(
    client: TestClient, talk: Callable[..., Talk], key: dict[str, str]
) -> None:
    assert client.post("/webhook", json=call(f"validate_{FORM}", talk().conversation), headers=key).status_code == 401


def test_refuses_a_body_that_is_too_large(client: TestClient) -> None:
    assert client.post("/webhook", content=b"x" * (LARGEST_BODY + 1), headers=KEY).status_code == 413


@pytest.mark.parametrize("body", [b"", b"[", b"[]", b"{}", b"[" * 100_000, b'"text"'])
def test_refuses_what_is_no_call(client: TestClient, body: bytes) -> None:
    assert client.post("/webhook", content=body, headers=KEY).status_code == 400


def test_every_action_of_the_domain_is_served(client: TestClient) -> None:
    from ruamel.yaml import YAML

    wanted = YAML(typ="safe").load(open("domain.yml", encoding="utf-8"))["actions"]  # noqa: SIM115
    assert sorted(wanted) == client.get("/healthz").json()["actions"]
    assert len(ACTIONS) == len(wanted)


class Broken(Action):  # type: ignore[misc]
    """An action that breaks, or takes too long."""

    def __init__(self, failure: Exception | None) -> None:
        self.failure = failure

    def name(self) -> str:
        return "action_broken"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        import asyncio

        if self.failure is not None:
            raise self.failure
        await asyncio.sleep(60)
        return []


@pytest.mark.parametrize(
    "failure",
    [RuntimeError("4111 1111 1111 1111"), OperationalError("SELECT", {}, Exception("database is locked")), None],
    ids=["bug", "locked", "too slow"],
)
def test_a_broken_action_is_an_apology_and_a_human_in_time(
    desk: Desk,
    book: Phrasebook,
    talk: Callable[..., Talk],
    failure: Exception | None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    begun = talk()
    door = Door(desk, book, SECRET, deadline_s=0.3, handoff_s=4)
    door.executor.register_action(Broken(failure))
    client = TestClient(app_of(door))
    started = time.monotonic()
    answer = client.post("/webhook", json=call("action_broken", begun.conversation), headers=KEY)
    assert time.monotonic() - started < 5
    assert answer.status_code == 200
    assert "申し訳ございません" in answer.json()["responses"][0]["text"]
    assert {"event": "slot", "name": "proposal", "value": None} in answer.json()["events"]
    with desk.store.reading() as session:
        conversation = session.get_one(Conversation, begun.conversation)
        assert (conversation.owner, conversation.handoff_reason) == ("waiting", "desk_hurt")
    assert "4111" not in capsys.readouterr().out


def test_the_apology_stands_even_where_no_human_can_be_called(desk: Desk, book: Phrasebook) -> None:
    door = Door(desk, book, SECRET, deadline_s=0.3, handoff_s=4)
    door.executor.register_action(Broken(RuntimeError()))
    answer = TestClient(app_of(door)).post("/webhook", json=call("action_broken", "nobody's"), headers=KEY)
    assert answer.status_code == 200
    assert len(answer.json()["responses"]) == 1


def app_of(door: Door) -> Any:
    """The program of a door."""
    from starlette.applications import Starlette
    from starlette.routing import Route

    return Starlette(routes=[Route("/webhook", door.webhook, methods=["POST"])])
