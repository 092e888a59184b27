"""What the customer hears while a part of the desk is away, and that nothing they wrote is lost.

The engine's memory is taken away and its programs are made to stand still, on the running stack.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import httpx
import pytest

from bench.running import Stack
from madoguchi.bootstrap import build_desk
from madoguchi.demo.scene import build
from madoguchi.services.desk import wall_clock
from madoguchi.web.tokens import make_token

pytestmark = pytest.mark.stack

PROVE = bool(os.environ.get("MADOGUCHI_PROVE"))
OUTAGE_S = 60.0 if PROVE else 5.0
STANDING_S = 90.0 if PROVE else 5.0
BURST = ("はい、お願いします", "はい", "はい、お願いします", "まだですか", "はい")
SCENE = {"orders": {"kettle": {"title": "電気ケトル", "category": "electronics", "price": 4980, "delivered": "-3d"}}}
LATE, FAILED, PROPOSED = "お返事に少しお時間", "担当者が引き継ぎ", "4,980円"


class Visit:
    """One customer's window, read without waiting for any answer."""

    def __init__(self, stack: Stack) -> None:
        desk = build_desk(stack.settings)
        names = build(desk.store, SCENE, wall_clock())
        desk.store.close()
        token = make_token(names["references"]["customer"], stack.settings.secret_for("shop_token"), wall_clock())
        self._client = httpx.Client(base_url=stack.url, timeout=10, headers={"Sec-Fetch-Site": "same-origin"})
        self.conversation: str = self._client.post("/chat/session", json={"token": token}).json()["conversation"]

    def say(self, text: str) -> int:
        """Send a message and return its number."""
        sent = self._client.post("/chat/messages", json={"id": str(uuid.uuid4()), "text": text})
        assert sent.status_code == 202
        return int(sent.json()["message"]["id"])

    def page(self, after: int) -> dict[str, Any]:
        """Return everything since a message, that message included."""
        page: dict[str, Any] = self._client.get("/chat/messages", params={"after": after - 1}).json()
        return page

    def settled(self, messages: Sequence[int]) -> bool:
        """Whether each of these was answered, or all that is left of the talk is a human's."""
        page = self.page(messages[0])
        states = {each["id"]: each["state"] for each in page["messages"]}
        return page["owner"] == "waiting" or all(states[message] != "stored" for message in messages)

    def answered(self, since: int) -> list[int]:
        """Return the messages that the bot's words since one of them answer, in the order of these words."""
        said = (each for each in self.page(since)["messages"] if each["author"] == "bot")
        return [int(each["client_id"].partition(":")[0]) for each in said]

    def hears(self, after: int, words: str) -> Callable[[], bool]:
        """Return a look at whether the bot has said something with these words since."""
        return lambda: any(words in each["text"] for each in self.page(after)["messages"] if each["author"] == "bot")


def wait(look: Callable[[], bool], within_s: float) -> None:
    """Look again and again; fail where it does not come true in time."""
    ends = time.monotonic() + within_s
    while not look():
        assert time.monotonic() < ends, f"this did not come true within {within_s:.0f} s"
        time.sleep(0.1)


@contextmanager
def no_memory(stack: Stack) -> Iterator[None]:
    """Hold the engine's database, so that it can write nothing."""
    with closing(sqlite3.connect(stack.settings.var / "engine.db", isolation_level=None, timeout=10)) as held:
        held.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            held.execute("ROLLBACK")


@contextmanager
def standing_still(stack: Stack, program: str) -> Iterator[None]:
    """Stop a program without killing it: no answer, and no refused connection either."""
    process = stack.pid(program)
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def test_without_its_memory_the_engine_acknowledges_nothing_and_the_customer_is_told(stack: Stack) -> None:
    visit = Visit(stack)
    first = visit.say("電気ケトルの電源が入りません")
    wait(visit.hears(first, PROPOSED), 20)
    with no_memory(stack):
        began = time.monotonic()
        yes = visit.say("はい、お願いします")
        wait(visit.hears(yes, LATE), 15)
        time.sleep(max(0.0, OUTAGE_S - (time.monotonic() - began)))
        assert not visit.hears(yes, "受付番号")()
    if PROVE:  # a minute is longer than a message may wait: it is a human's, and said so
        wait(visit.hears(yes, FAILED), 20)
        assert visit.page(yes)["owner"] == "waiting"
    else:
        wait(visit.hears(yes, "受付番号"), 20)
        assert returns(stack, visit) == 1


def test_the_old_state_does_not_come_back_after_an_outage(stack: Stack) -> None:
    visit = Visit(stack)
    wait(visit.hears(visit.say("電気ケトルの電源が入りません"), PROPOSED), 20)
    with no_memory(stack):
        no = visit.say("やっぱりやめます")
        time.sleep(1)
    wait(visit.hears(no, "ご安心ください"), 20)
    wait(visit.hears(yes := visit.say("はい"), ""), 20)
    assert not visit.hears(yes, "受付番号")()
    assert returns(stack, visit) == 0


def returns(stack: Stack, visit: Visit) -> int:
    """How many returns the customer of a talk has opened."""
    with closing(sqlite3.connect(stack.settings.var / "madoguchi.db")) as store:
        found = store.execute(
            "SELECT count(*) FROM return_authorizations r JOIN cases c ON c.id = r.case_id WHERE c.conversation_id = ?",
            [visit.conversation],
        )
        return int(found.fetchone()[0])


@pytest.mark.parametrize("program", ["actions", "engine"])
def test_a_program_that_stands_still_costs_an_apology_and_no_message(stack: Stack, program: str) -> None:
    visit = Visit(stack)
    first = visit.say("電気ケトルの電源が入りません")
    wait(visit.hears(first, PROPOSED), 20)
    with standing_still(stack, program):
        yes = visit.say("はい、お願いします")
        wait(lambda: visit.hears(yes, LATE)() or visit.hears(yes, "申し訳ございません")(), 15)
    wait(lambda: visit.page(yes)["messages"][0]["state"] != "stored", 60)
    done = visit.hears(yes, "受付番号")()
    assert done or visit.page(yes)["owner"] == "waiting"
    assert returns(stack, visit) <= 1


def test_a_burst_behind_an_action_that_stands_still_is_taken_one_by_one(stack: Stack) -> None:
    visit = Visit(stack)
    wait(visit.hears(visit.say("電気ケトルの電源が入りません"), PROPOSED), 20)
    with standing_still(stack, "actions"):
        burst = [visit.say(text) for text in BURST]
        time.sleep(STANDING_S)
    wait(lambda: visit.settled(burst), 60)
    answered = visit.answered(since=burst[0])
    assert answered == sorted(answered), "the answer to a later message stands before that to an earlier one"
    assert {each["author"] for each in visit.page(burst[0])["messages"]} == {"customer", "bot"}
    assert returns(stack, visit) <= 1
