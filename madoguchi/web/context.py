"""What every endpoint needs at hand, kept on the application and found through the request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import cast

from jinja2 import Environment
from starlette.requests import HTTPConnection

from madoguchi.bootstrap import Settings
from madoguchi.rasa import Engine
from madoguchi.services.desk import Desk
from madoguchi.web.sentences import Sentences

STORE_THREADS = 12
"""How many services run at once; fewer than the store has connections."""


@dataclass(frozen=True)
class Services:
    """The desk, and the way to call its services from the event loop without holding it up."""

    desk: Desk
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(STORE_THREADS, "store"))

    async def run[**P, R](self, service: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run one service in a thread; the desk is among `args`. Who is cancelled meanwhile waits for its end."""
        call = partial(copy_context().run, service, *args, **kwargs)
        running = asyncio.get_running_loop().run_in_executor(self._threads, call)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.wait([running])
            raise

    def close(self) -> None:
        """Let what is running end, and close the store."""
        self._threads.shutdown()
        self.desk.store.close()


@dataclass(frozen=True)
class Web:
    """The web program's parts."""

    settings: Settings
    services: Services
    engine: Engine
    sentences: Sentences
    pages: Environment

    @property
    def desk(self) -> Desk:
        """The desk behind the services."""
        return self.services.desk

    @cached_property
    def session_key(self) -> bytes:
        """What the cookies of sessions are marked with."""
        return bytes.fromhex(self.settings.secret_for("session"))


def web_of(connection: HTTPConnection) -> Web:
    """Return the parts of the program that this request came to."""
    return cast(Web, connection.app.state.web)
