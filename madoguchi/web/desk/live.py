"""Live pages: one look a second at whether anything was said or done, shared by every open page of this program.

A page's stream sends whole pieces of HTML by name. A piece is sent when it differs from the one sent before, and once
at the start, so that a browser that was away is up to date with the first thing it hears.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import cast

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request

from madoguchi.services import inbox
from madoguchi.web.context import Services, web_of
from madoguchi.web.desk.doors import person_of

log = structlog.get_logger()

LOOK_EVERY_S = 1.0
AGES_EVERY_S = 20.0
"""So often pieces are made anew although nothing happened: what waits grows older."""
KEEP_ALIVE_S = 15

type Pieces = Callable[[], Awaitable[Mapping[str, str]]]


class DeskLive:
    """Wakes the desk's open pages; looks at the store only while there are any."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._watchers: set[asyncio.Event] = set()
        self._looking: asyncio.Task[None] | None = None

    @contextmanager
    def watching(self) -> Iterator[asyncio.Event]:
        """Give an event that is set whenever something happened at the desk."""
        event = asyncio.Event()
        self._watchers.add(event)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(), name="desk looks for news")
        try:
            yield event
        finally:
            self._watchers.discard(event)

    def announce(self) -> None:
        """Wake every page at once, for what this program itself has done."""
        for event in self._watchers:
            event.set()

    async def _look(self) -> None:
        known = None
        while self._watchers:
            try:
                found = await self._services.run(inbox.revision, self._services.desk)
            except SQLAlchemyError as error:
                log.error("desk_look_failed", error=type(error).__name__)
            else:
                if known is not None and found != known:
                    self.announce()
                known = found
            await asyncio.sleep(LOOK_EVERY_S)


def live_of(request: Request) -> DeskLive:
    """Return the one of this program, made at its first use."""
    state = request.app.state
    if not hasattr(state, "desk_live"):
        state.desk_live = DeskLive(web_of(request).services)
    return cast(DeskLive, state.desk_live)


def stream(request: Request, pieces: Pieces) -> EventSourceResponse:
    """Answer with the page's pieces as they change, until the session ends."""
    return EventSourceResponse(_events(request, pieces), ping=KEEP_ALIVE_S)


async def _events(request: Request, pieces: Pieces) -> AsyncIterator[ServerSentEvent]:
    sent: dict[str, str] = {}
    with live_of(request).watching() as happened:
        while True:
            happened.clear()
            if await person_of(request) is None:
                yield ServerSentEvent(event="end", data="")
                return
            for name, html in (await pieces()).items():
                if sent.get(name) != html:
                    sent[name] = html
                    yield ServerSentEvent(event=name, data=html)
            try:
                async with asyncio.timeout(AGES_EVERY_S):
                    await happened.wait()
            except TimeoutError:
                continue
