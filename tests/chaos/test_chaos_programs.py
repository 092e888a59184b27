"""Programs that are killed while customers talk: no acknowledged message is lost, doubled, out of order or left alone.

Each round 20 visitors write, as the window does: a message is sent again under its own id until it is acknowledged.
Meanwhile every program is killed once, at random instants. Then each acknowledged message has to be in the talk
once, in the order it was sent, and answered by the bot or in the hands of a human within a minute.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from bench.customers import Customer, Refused
from bench.running import PROGRAMS, Stack

PROVE = bool(os.environ.get("MADOGUCHI_PROVE"))
ROUNDS = 50 if PROVE else 3
CUSTOMERS = 20
ANSWERED_WITHIN_S = 60.0
LINES = (
    "返品の送料はどちらの負担になりますか",
    "返金の方法を教えてください",
    "ありがとうございます",
    "返品の手続きを教えてください",
)
pytestmark = pytest.mark.stack


@dataclass
class Talker:
    """A visitor who notes what the desk acknowledged, in order."""

    customer: Customer
    sent: list[str] = field(default_factory=list)

    async def talk(self, until: float, dice: random.Random) -> None:
        """Write now and then until a time; every message that was begun is acknowledged in the end."""
        while time.monotonic() < until:
            name = str(uuid.uuid4())
            await self._until_acknowledged(dice.choice(LINES), name)
            self.sent.append(name)
            await asyncio.sleep(dice.uniform(0.5, 1.5))

    async def _until_acknowledged(self, text: str, name: str) -> None:
        while True:
            try:
                await self.customer.post(text, name)
                return
            except Refused as refused:
                if refused.status != 429:
                    raise
            except OSError:
                pass  # the web program is away; a window sends the same again
            await asyncio.sleep(0.3)

    async def unanswered(self) -> list[str]:
        """Return the acknowledged messages that neither the bot has answered nor a human has to; none is missing."""
        look = await self.customer.look()
        talk = look["messages"]
        shown = Counter(message["client_id"] for message in talk)
        assert [m["client_id"] for m in talk if m["author"] == "customer"] == self.sent, "lost, doubled or out of order"
        assert set(shown.values()) == {1}, "a reply is there twice"
        if look["owner"] != "bot":
            return []
        return [m["client_id"] for m in talk if m["author"] == "customer" and f"{m['id']}:0" not in shown]


async def kill_all(desk: Stack, seconds: float, dice: random.Random) -> None:
    """Kill every program once, each at a random instant of the time given."""
    instants = sorted((dice.uniform(0.1, 0.8) * seconds, program) for program in PROGRAMS)
    began = time.monotonic()
    for instant, program in instants:
        await asyncio.sleep(max(0.0, instant - (time.monotonic() - began)))
        os.kill(desk.pid(program), signal.SIGKILL)


async def one_round(desk: Stack, dice: random.Random) -> int:
    """Play one round and return how many messages were acknowledged in it."""
    talkers = [Talker(Customer(desk.url)) for _ in range(CUSTOMERS)]
    for talker in talkers:
        await talker.customer.open()
    seconds = 8.0
    until = time.monotonic() + seconds
    await asyncio.gather(kill_all(desk, seconds, dice), *(talker.talk(until, dice) for talker in talkers))
    end, left = time.monotonic() + ANSWERED_WITHIN_S, list(talkers)
    while left and time.monotonic() < end:
        left = [talker for talker in left if await _unanswered(talker)]
        await asyncio.sleep(0.5)
    assert not left, f"{len(left)} customers wait for an answer"
    for talker in talkers:
        await talker.customer.close()
    return sum(len(talker.sent) for talker in talkers)


async def _unanswered(talker: Talker) -> Any:
    try:
        return await talker.unanswered()
    except OSError:
        return ["the web program is away"]


def test_every_acknowledged_message_is_answered_whatever_is_killed(stack: Stack) -> None:
    dice = random.Random(17)
    for number in range(ROUNDS):
        pids = {program: stack.pid(program) for program in PROGRAMS}
        assert asyncio.run(one_round(stack, dice)) >= CUSTOMERS
        stack.wait_until_ready()
        assert not {program for program in PROGRAMS if stack.pid(program) == pids[program]}, number
