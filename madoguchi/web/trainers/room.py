"""What the trainers' pages share: the examples as they lie in the files, and messages gathered in the background."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request

from madoguchi.rasa import EngineFailed, EngineUnreachable, Inspected
from madoguchi.training import messages, sameness
from madoguchi.training.corpus import Corpus, Shelf
from madoguchi.web.context import Web, web_of

GATHER_EVERY_S = 5.0
LOOK_AT_ONCE = 10

log = structlog.get_logger()


class Room:
    """The trainers' room of one program; made when the first trainer comes in."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self.shelf = Shelf(web.settings.examples)
        self.checks = web.settings.var / "training"
        self.lock = self.checks / "publish.lock"
        self._keys = self.checks / "keys.json"
        self._piles = messages.Piles()
        self._known: Corpus | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def folder(self) -> Path:
        """Where the examples lie."""
        return self.shelf.folder

    async def corpus(self) -> Corpus:
        """Return the examples as they are now."""
        corpus = await self._web.services.run(self._read)
        if corpus is not self._known:
            self._known = corpus
            self._start(self._web.services.run(self._warm, corpus))
        return corpus

    async def look(self, texts: list[str], *, names: bool = False) -> tuple[Inspected, ...] | None:
        """Return what the model in service makes of texts; None where it cannot be asked."""
        try:
            return await self._web.engine.inspect(texts, names=names)
        except (EngineUnreachable, EngineFailed):
            return None

    async def gather_forever(self) -> None:
        """Take in customers' messages as they come, and have the engine look at them a few at a time."""
        while True:
            try:
                busy = await self._gather()
            except SQLAlchemyError as error:
                log.error("gathering_failed", error=type(error).__name__)
                busy = False
            await asyncio.sleep(0.2 if busy else GATHER_EVERY_S)

    async def gather(self) -> bool:
        """Do one round; returns whether more is waiting."""
        return await self._gather()

    def begin(self) -> None:
        """Begin to gather."""
        self._start(self.gather_forever())

    async def _gather(self) -> bool:
        run, desk = self._web.services.run, self._web.desk
        corpus = await self.corpus()
        taken = await run(messages.take_in, desk, corpus, self._piles)
        if not taken:
            await run(messages.refresh, desk)
        waiting = await run(messages.unseen, desk, LOOK_AT_ONCE)
        if not waiting:
            return taken > 0
        found = await self.look([text for _, text in waiting], names=True)
        if found is not None:
            seen = {number: each for (number, _), each in zip(waiting, found, strict=True)}
            await run(messages.keep, desk, seen)
        return found is not None or taken > 0

    def _read(self) -> Corpus:
        if self._known is None:
            sameness.recall(self._keys)
        return self.shelf.corpus()

    def _warm(self, corpus: Corpus) -> None:
        corpus.nearest("はい", 1)
        next(corpus.find("はい"), None)
        sameness.keep(self._keys, [each.text for each in corpus.examples])

    def _start(self, work: object) -> None:
        task = asyncio.ensure_future(work)  # type: ignore[call-overload]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def room_of(request: Request) -> Room:
    """Return the room of this program, opened at its first use."""
    state = request.app.state
    if not hasattr(state, "room"):
        state.room = Room(web_of(request))
        state.room.begin()
    return cast(Room, state.room)
