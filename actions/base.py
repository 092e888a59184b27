"""What every action shares: the desk and the phrasebook at hand, and its work done in a thread of its own."""

from __future__ import annotations

from typing import Any, ClassVar

from anyio import to_thread
from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.replies import Phrasebook, Speaker
from actions.slots import Turn
from madoguchi.services.desk import Desk

type Events = list[dict[str, Any]]


class DeskAction(Action):  # type: ignore[misc]
    """A custom action: one turn in, replies said, events out."""

    NAME: ClassVar[str]

    def __init__(self, desk: Desk, book: Phrasebook) -> None:
        self.desk = desk
        self.book = book

    def name(self) -> str:
        """Return the name that domain.yml calls it by."""
        return self.NAME

    def act(self, turn: Turn, speaker: Speaker) -> Events:
        """Do the work; called in a thread, for the services are synchronous."""
        raise NotImplementedError

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """Run the action as the SDK calls it."""
        turn = Turn.of(tracker)
        speaker = Speaker(self.book, dispatcher, turn)
        return await to_thread.run_sync(self.act, turn, speaker, abandon_on_cancel=True)
