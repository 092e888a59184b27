"""A desk over a store of its own, and a talk with the form that needs no engine: intents are given, not guessed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.base import DeskAction
from actions.forms import ResolutionForm
from actions.replies import Phrasebook, Speaker
from actions.slots import FORM, Turn
from madoguchi.bootstrap import Settings, build_desk
from madoguchi.demo.scene import build
from madoguchi.services import conversations
from madoguchi.services.desk import Desk
from tests.stores import empty_store

BOOK = Phrasebook()


@pytest.fixture
def book() -> Phrasebook:
    """The sentences of domain.yml."""
    return BOOK


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk with an empty store."""
    empty_store(tmp_path / "store.db").close()
    desk = build_desk(Settings(database_url=f"sqlite:///{tmp_path}/store.db", var=tmp_path))
    yield desk
    desk.store.close()


@dataclass
class Talk:
    """A talk whose messages come with their intents, as an engine would hand them to the actions."""

    desk: Desk
    names: Mapping[str, Any]
    conversation: str
    slots: dict[str, Any] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    open: bool = False
    message: dict[str, Any] = field(default_factory=dict)
    parts: list[dict[str, Any]] = field(default_factory=list)

    def hear(self, intent: str, text: str = "", /, **entities: Any) -> list[str]:
        """Let the form take a message, and return what is said."""
        return self.hear_entities(intent, text, list(entities.items()))

    def hear_entities(self, intent: str, text: str, found: list[tuple[str, Any]]) -> list[str]:
        """Do the same with entities that come several times."""
        return [str(message["text"]) for message in self._act(ResolutionForm, intent, text, found)]

    def hear_parts(self, intent: str, *parts: tuple[str, str, dict[str, Any]]) -> list[str]:
        """Let the form take a message of several parts, each with its intent, its text and its entities."""
        self.parts = [
            {
                "text": text,
                "intent": name,
                "confidence": 0.9,
                "entities": [{"entity": key, "value": value} for key, value in entities.items()],
                "added": text.startswith(("それと", "あと")),
            }
            for name, text, entities in parts
        ]
        found = [(key, value) for _, _, entities in parts for key, value in entities.items()]
        said = self.hear_entities(intent, "。".join(text for _, text, _ in parts), found)
        self.parts = []
        return said

    def hear_again(self) -> list[str]:
        """Let the form go on after a rule has answered the last message."""
        return [str(message["text"]) for message in self._run(ResolutionForm)]

    def replies(
        self, action: type[DeskAction], intent: str, text: str = "", /, **entities: Any
    ) -> list[dict[str, Any]]:
        """Let an action take a message, and return its replies with their buttons."""
        return self._act(action, intent, text, list(entities.items()))

    def replies_of_form(self, intent: str, text: str = "", /, **entities: Any) -> list[dict[str, Any]]:
        """Let the form take a message, and return its replies with their buttons and cards."""
        return self._act(ResolutionForm, intent, text, list(entities.items()))

    def _act(
        self, action: type[DeskAction], intent: str, text: str, found: list[tuple[str, Any]]
    ) -> list[dict[str, Any]]:
        for name in {name for name, _ in found} & set(HINTS):
            values = [value for each, value in found if each == name]
            self.slots[name] = values[0] if len(values) == 1 else values
        entities = [{"entity": name, "value": value} for name, value in found]
        self.message = {
            "intent": {"name": intent},
            "entities": entities,
            "text": text or f"/{intent}",
            "parts": self.parts,
        }
        self.events.append({"event": "user"})
        return self._run(action)

    def _run(self, action: type[DeskAction]) -> list[dict[str, Any]]:
        loop = {"name": FORM} if self.open else {}
        tracker = Tracker(self.conversation, self.slots, self.message, self.events, False, None, loop, "action_listen")
        dispatcher = CollectingDispatcher()
        turn = Turn.of(tracker)
        for event in action(self.desk, BOOK).act(turn, Speaker(BOOK, dispatcher, turn)):
            if event["event"] == "slot":
                self.slots[event["name"]] = event["value"]
        self.open = self.slots.get("requested_slot") is not None
        self.events += [{"event": "bot", "text": message["text"]} for message in dispatcher.messages]
        return list(dispatcher.messages)


HINTS = ("order_number", "product", "size", "refund_method", "quantity", "line", "membership", "condition", "at_once")


@pytest.fixture
def talk(desk: Desk) -> Callable[..., Talk]:
    """Begin a talk of the first customer of a scene."""

    def begin(**scene: Any) -> Talk:
        now = datetime.now(UTC)
        names = build(desk.store, scene, now)
        with desk.store.writing() as session:
            customer = next(iter(names["customers"].values()))
            conversation = conversations.open_conversation(session, customer, now).id
        return Talk(desk, json.loads(json.dumps(names, default=str)), conversation)

    return begin
