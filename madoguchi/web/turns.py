"""Runs the bot's turns: for each conversation with work one task, in order, one message after the other.

A message is stored before its turn is started, and a turn is claimed in the store before it is run; so whatever
dies in between, the sweep at start-up and every few seconds finds what was left and goes on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

import structlog
from sqlalchemy.exc import SQLAlchemyError

from madoguchi.rasa import Engine, EngineFailed, EngineUnreachable, Turn
from madoguchi.services import conversations
from madoguchi.services.handoffs import Promise
from madoguchi.services.talk import ClaimedTurn, News, Reply, Understood
from madoguchi.web.context import Services
from madoguchi.web.live import Live
from madoguchi.web.metrics import STAGES, Metrics
from madoguchi.web.pages import TOKYO
from madoguchi.web.replies import UnusableReply, to_replies
from madoguchi.web.sentences import Sentences

log = structlog.get_logger()

SWEEP_EVERY_S = 3.0
AT_ONCE = 16
PAUSES_S = (0.5, 1.0, 2.0, 4.0)
LATE_AFTER_S = 3.5
"""Seconds without an answer after which the customer is told that it is late, and that nothing is lost."""


class Turns:
    """The runner of turns in this program; any number of such programs may share one store."""

    def __init__(self, services: Services, engine: Engine, live: Live, sentences: Sentences, metrics: Metrics) -> None:
        self._services = services
        self._desk = services.desk
        self._engine = engine
        self._live = live
        self._sentences = sentences
        self._metrics = metrics
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._watches: dict[int, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._claimed: dict[str, ClaimedTurn] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._stopping = False

    def has_room_for(self, conversation_id: str) -> bool:
        """Say whether a turn of this conversation would be run at once."""
        return conversation_id not in self._tasks and not self._slots.locked()

    def wake(self, conversation_id: str, claimed: ClaimedTurn | None = None) -> None:
        """See to it that the conversation's messages are answered, now or right after the turn that is running.

        `claimed` is a turn that the caller has claimed already.
        """
        if claimed is not None:
            self._claimed[conversation_id] = claimed
        if conversation_id in self._tasks:
            self._again.add(conversation_id)
            return
        # Begun at once, so that the engine has the message before its sender has the receipt.
        work, name = self._work(conversation_id), f"turns of {conversation_id}"
        task = asyncio.Task(work, loop=asyncio.get_running_loop(), name=name, eager_start=True)
        self._tasks[conversation_id] = task
        task.add_done_callback(lambda _task: self._finished(conversation_id))

    async def sweep_forever(self) -> None:
        """Find unanswered messages that nobody is at work on, at start-up and every few seconds."""
        while True:
            try:
                for conversation_id in await self._services.run(conversations.with_work, self._desk):
                    self.wake(conversation_id)
            except SQLAlchemyError as error:
                log.error("sweep_failed", error=type(error).__name__)
            await asyncio.sleep(SWEEP_EVERY_S)

    async def stop(self) -> None:
        """Cancel what is running; the sweep of the next start takes it up."""
        self._stopping = True
        tasks = [*self._tasks.values(), *self._watches.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _finished(self, conversation_id: str) -> None:
        self._tasks.pop(conversation_id, None)
        if conversation_id in self._again and not self._stopping:
            self._again.discard(conversation_id)
            self.wake(conversation_id)

    async def _work(self, conversation_id: str) -> None:
        failures = 0
        try:
            while True:
                self._again.discard(conversation_id)
                async with self._slots:
                    turn = await self._next(conversation_id)
                    if turn is None:
                        return
                    self._watch(turn)
                    done = await self._run(turn)
                if done:
                    self._answered(turn)
                failures = 0 if done else failures + 1
                if not done:
                    await asyncio.sleep(PAUSES_S[min(failures, len(PAUSES_S)) - 1])
                elif not turn.more and conversation_id not in self._again:
                    # Whoever stored a message since the claim has woken us, so there is nothing to look for.
                    return
        except SQLAlchemyError as error:
            # The store is away; nothing can be said or kept now. The sweep takes the turn up when its lease ends.
            log.error("turn_interrupted", conversation=conversation_id, error=type(error).__name__)

    async def _next(self, conversation_id: str) -> ClaimedTurn | None:
        """Return the turn that was claimed with its message, unless its lease is half over, or claim the next one."""
        claimed = self._claimed.pop(conversation_id, None)
        if claimed is not None and self._age_s(claimed) < conversations.LEASE.total_seconds() / 2:
            return claimed
        return await self._services.run(conversations.next_turn, self._desk, conversation_id)

    def _watch(self, turn: ClaimedTurn) -> None:
        """See to it that the customer hears something in time, however often the turn is tried."""
        if turn.message_id not in self._watches:
            self._watches[turn.message_id] = asyncio.create_task(self._say_if_late(turn))

    def _answered(self, turn: ClaimedTurn) -> None:
        watch = self._watches.pop(turn.message_id, None)
        if watch is not None:
            watch.cancel()

    async def _say_if_late(self, turn: ClaimedTurn) -> None:
        await asyncio.sleep(LATE_AFTER_S)
        try:
            await self._services.run(conversations.say_late, self._desk, turn, Reply(self._sentences.turn_late))
            self._live.announce(turn.conversation_id)
        except SQLAlchemyError as error:
            log.error("late_word_failed", conversation=turn.conversation_id, error=type(error).__name__)

    async def _run(self, claimed: ClaimedTurn) -> bool:
        """Run one claimed turn; False where it is to be tried again."""
        structlog.contextvars.bind_contextvars(turn=claimed.client_id)
        self._metrics.stage("queue", self._age_s(claimed))
        with self._live.writing(claimed.conversation_id):
            if claimed.hopeless:
                return await self._give_up(claimed, "tried_too_often")
            began = time.perf_counter()
            try:
                turn = await self._ask(claimed)
                replies = to_replies(turn.replies, self._sentences)
            except EngineUnreachable as error:
                return await self._retry(claimed, str(error), counted=False)
            except (EngineFailed, UnusableReply) as error:
                return await self._retry(claimed, str(error), counted=True)
            answered = time.perf_counter()
            self._metrics.understood(turn.intent)
            if turn.failed or not replies:
                return await self._give_up(claimed, "action_failed" if turn.failed else "no_reply")
            understood = Understood(turn.intent, turn.confidence, turn.entities, turn.model)
            stored = await self._services.run(conversations.store_replies, self._desk, claimed, replies, understood)
            self._live.announce(claimed.conversation_id, stored)
        took = {**turn.took, "engine": answered - began, "store": time.perf_counter() - answered}
        await asyncio.sleep(0)  # the streams write first, the books are kept after
        self._note(claimed, turn, stored, took)
        return True

    def _age_s(self, claimed: ClaimedTurn) -> float:
        return (self._desk.clock() - claimed.stored_at).total_seconds()

    async def _ask(self, claimed: ClaimedTurn) -> Turn:
        day = self._desk.clock().astimezone(TOKYO).date().isoformat()
        return await self._engine.turn(
            claimed.conversation_id,
            str(claimed.message_id),
            text=claimed.text,
            payload=claimed.payload,
            metadata={"day": day, "purchases": list(claimed.purchases), "turn": claimed.client_id},
        )

    def _note(self, claimed: ClaimedTurn, turn: Turn, stored: News | None, took: Mapping[str, float]) -> None:
        """Tell the monitor and the log of a turn; `took` is in seconds by stage."""
        for stage, seconds in {**took, "whole": self._age_s(claimed)}.items():
            if stage in STAGES:
                self._metrics.stage(stage, seconds)
        self._metrics.turn("answered" if stored else "silent")
        log.info(
            "turn_done",
            conversation=claimed.conversation_id,
            message=claimed.message_id,
            attempt=claimed.attempt,
            intent=turn.intent,
            confidence=turn.confidence,
            engine_ms=round(took["engine"] * 1000, 1),
            replies=len(stored.messages) if stored else 0,
        )

    async def _retry(self, claimed: ClaimedTurn, why: str, *, counted: bool) -> bool:
        log.warning("turn_failed", conversation=claimed.conversation_id, message=claimed.message_id, why=why)
        again = await self._services.run(conversations.put_back, self._desk, claimed, counted=counted)
        if again:
            self._metrics.turn("again")
            return False
        return await self._give_up(claimed, "engine_failed")

    async def _give_up(self, claimed: ClaimedTurn, why: str) -> bool:
        log.error("turn_given_up", conversation=claimed.conversation_id, message=claimed.message_id, why=why)
        self._metrics.turn("given_up")
        await self._services.run(conversations.give_up, self._desk, claimed, self._apology)
        self._live.announce(claimed.conversation_id)
        return True

    def _apology(self, promise: Promise) -> Reply:
        by = promise.answer_by.astimezone(TOKYO)
        weekday = self._sentences.weekdays[by.weekday()]
        return Reply(
            self._sentences.turn_failed.format(month=by.month, day=by.day, weekday=weekday, time=by.strftime("%H:%M"))
        )
