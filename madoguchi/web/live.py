"""What is happening right now: wakes the event streams of a conversation, and knows where the bot is writing.

What this program stores in a turn it hands to the streams as news; what others store (an agent's answer, a warehouse's
scan) and every step of a case is found by a look a second over the conversations that somebody is looking at.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from sqlalchemy.exc import SQLAlchemyError

from madoguchi.services import progress, sessions
from madoguchi.services.talk import Head, News
from madoguchi.web.context import Services

log = structlog.get_logger()

LOOK_EVERY_S = 1.0


class Watch:
    """One open stream's ear: woken by what was stored, and by the dots going on and off."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self._woken = asyncio.Event()
        self._due = True
        self._news: list[News] = []
        self._shown: Head | None = None
        self._called_at: float | None = None

    def wake(self, news: News | None = None, *, look: bool = False) -> None:
        """Say that something happened: these news, or what only a look at the store can tell."""
        if (look or news) and self._called_at is None:
            self._called_at = time.perf_counter()
        self._due = self._due or look
        if news is not None:
            self._news.append(news)
        self._woken.set()

    def take(self) -> tuple[News, ...] | None:
        """Return the news since the last time, once; None where a look at the store is due instead.

        It is due where somebody said so, and where the news are not what comes right behind the last message shown.
        """
        self._woken.clear()
        news, self._news = tuple(self._news), []
        due, self._due = self._due, False
        return None if due or not self._follow(news) else news

    def _follow(self, news: tuple[News, ...]) -> bool:
        last = None if self._shown is None else self._shown.last_message_id
        for each in news:
            if each.before != last:
                return False
            last = each.messages[-1].id if each.messages else last
        return True

    def showed(self, head: Head) -> float | None:
        """Note how far this stream has got; return how long ago it was called for this, None where it was not."""
        self._shown = head
        called_at, self._called_at = self._called_at, None
        return None if called_at is None else time.perf_counter() - called_at

    def lacks(self, head: Head) -> bool:
        """Say whether the store stands at something that this stream has not shown."""
        shown = self._shown
        return shown is None or shown.owner != head.owner or shown.last_message_id < head.last_message_id

    async def wait(self, at_most_s: float) -> None:
        """Wait for the next thing; a look is due in any case when nothing came for so long."""
        try:
            async with asyncio.timeout(at_most_s):
                await self._woken.wait()
        except TimeoutError:
            self._due = True


class Live:
    """The streams that are open on this program, by conversation."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._watchers: dict[str, set[Watch]] = defaultdict(set)
        self._held: dict[str, str] = {}
        self._steps: dict[str, object] = {}
        self._writing: set[str] = set()

    @contextmanager
    def watching(self, conversation_id: str, secret: str) -> Iterator[Watch]:
        """Give an ear for the conversation to who holds this session; the first look at the store is due at once."""
        watch = Watch(secret)
        self._watchers[conversation_id].add(watch)
        self._held[secret] = conversation_id
        try:
            yield watch
        finally:
            watchers = self._watchers[conversation_id]
            watchers.discard(watch)
            if all(other.secret != secret for other in watchers):
                del self._held[secret]
            if not watchers:
                del self._watchers[conversation_id]

    def conversation_of(self, secret: str) -> str | None:
        """Return the conversation that this secret has a stream open on; None proves nothing about the secret."""
        return self._held.get(secret)

    def announce(self, conversation_id: str, news: News | None = None) -> None:
        """Wake everybody who looks at this conversation: the store has these news, or something to look for."""
        for watch in self._watchers.get(conversation_id, ()):
            watch.wake(news, look=news is None)

    @contextmanager
    def writing(self, conversation_id: str) -> Iterator[None]:
        """Show the typing dots for as long as the block lasts, however it ends."""
        self._writing.add(conversation_id)
        self._wake(conversation_id)
        try:
            yield
        finally:
            self._writing.discard(conversation_id)
            self._wake(conversation_id)

    def is_writing(self, conversation_id: str) -> bool:
        """Say whether the bot is at work on an answer."""
        return conversation_id in self._writing

    async def look_forever(self) -> None:
        """Look for what other programs have stored, again and again."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if not self._watchers:
                continue
            try:
                await self._look()
            except SQLAlchemyError as error:
                log.error("look_failed", error=type(error).__name__)

    def _wake(self, conversation_id: str) -> None:
        for watch in self._watchers.get(conversation_id, ()):
            watch.wake()

    async def _look(self) -> None:
        found = await self._services.run(progress.heads, self._services.desk, tuple(self._watchers))
        held = {watch.secret for watches in self._watchers.values() for watch in watches}
        over = await self._services.run(sessions.over, self._services.desk, held)
        for conversation_id, watches in list(self._watchers.items()):
            head, steps = found.get(conversation_id, (None, None))
            moved = head is not None and self._steps.get(conversation_id) != steps
            for watch in watches:
                if moved or watch.secret in over or (head is not None and watch.lacks(head)):
                    watch.wake(look=True)
        self._steps = {name: steps for name, (_, steps) in found.items() if name in self._watchers}
