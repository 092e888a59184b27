"""Live: what happens reaches an open stream at once, and a stream that was cut catches up without loss."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, Queue

import httpx
import pytest

from madoguchi.services import sessions
from madoguchi.store import Conversation, Message
from madoguchi.web import live as live_streams
from tests.web.conftest import Site, replies, say, talk
from tests.web.fakes import saying


class Stream:
    """An event stream, read in the background."""

    def __init__(self, client: httpx.Client, headers: dict[str, str], after: int | None) -> None:
        self.events: Queue[dict] = Queue()
        self.ended = threading.Event()
        query = {} if after is None else {"after": after}
        self._request = client.build_request("GET", "/chat/events", headers=headers, params=query)
        self._response = client.send(self._request, stream=True)
        self.status = self._response.status_code
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        event: dict = {}
        try:
            for line in self._response.iter_lines():
                name, _, value = line.partition(": ")
                if line == "" and event:
                    self.events.put(event | {"data": json.loads(event["data"])})
                    event = {}
                elif name in ("event", "data", "id"):
                    event[name] = value
        except (httpx.HTTPError, httpx.StreamError):
            pass
        finally:
            self.ended.set()

    def messages(self, count: int) -> list[dict]:
        found: list[dict] = []
        while len(found) < count:
            event = self.events.get(timeout=8)
            if event["event"] == "message":
                found.append(event)
        return found

    def until(self, kind: str, **wanted: object) -> dict:
        while True:
            event = self.events.get(timeout=8)
            if event["event"] == kind and wanted.items() <= event["data"].items():
                return event

    def quiet(self, kind: str | None = None) -> bool:
        try:
            while kind not in (None, self.events.get(timeout=0.6)["event"]):
                pass
        except Empty:
            return True
        return False


@contextmanager
def stream(client: httpx.Client, *, last: int | None = None, after: int | None = None) -> Iterator[Stream]:
    """Open a stream for the length of a block."""
    opened = Stream(client, {} if last is None else {"Last-Event-ID": str(last)}, after)
    try:
        yield opened
    finally:
        opened._response.close()


def test_messages_and_replies_arrive_as_they_are_stored(site: Site) -> None:
    client = site.signed_in()
    with stream(client) as live:
        say(client, "届いていますか")
        asked, answered = live.messages(2)
    assert asked["data"]["text"] == "届いていますか"
    assert answered["data"]["text"] == "text:届いていますか"
    assert int(answered["id"]) == answered["data"]["id"]


def test_a_stream_that_was_cut_catches_up_from_the_last_event(site: Site) -> None:
    client = site.signed_in()
    for number in range(3):
        say(client, f"{number}通目")
    everything = [message["id"] for message in (replies(client, 3), talk(client))[1]]
    for seen in range(len(everything)):
        with stream(client, last=everything[seen]) as live:
            caught_up = [int(event["id"]) for event in live.messages(len(everything) - seen - 1)]
        assert caught_up == everything[seen + 1 :]
    with stream(client, after=everything[-2]) as live:
        assert int(live.messages(1)[0]["id"]) == everything[-1]


def test_events_plus_what_was_seen_equal_a_fresh_look(site: Site) -> None:
    client = site.signed_in()
    with stream(client) as live:
        for number in range(5):
            say(client, f"{number}通目")
        seen = [event["data"] for event in live.messages(10)]
    fresh = talk(client)
    strip = [{**message, "state": ""} for message in seen]
    assert strip == [{**message, "state": ""} for message in fresh]


def test_the_dots_go_on_and_off_again_even_when_the_turn_fails(site: Site) -> None:
    site.engine.answer = saying({"text": "x"}, after_s=0.3, failed=True)
    client = site.signed_in()
    with stream(client) as live:
        say(client, "考えてください")
        live.until("state", typing=True)
        live.until("state", typing=False, owner="waiting")


def test_what_another_program_stores_arrives_too(site: Site) -> None:
    client = site.signed_in()
    say(client, "担当者をお願いします")
    replies(client, 1)
    name = site.conversation(1).id
    with stream(client, after=talk(client)[-1]["id"]) as live:
        live.until("state", owner="bot")
        with site.desk.store.writing() as session:
            session.get_one(Conversation, name).owner = "agent"
            for author, text in (("note", "内緒の覚え書き"), ("agent", "お待たせいたしました")):
                session.add(
                    Message(conversation_id=name, client_id=author, author=author, text=text, created_at=site.clock())
                )
        (answer,) = live.messages(1)
    assert answer["data"]["text"] == "お待たせいたしました"
    assert "内緒" not in client.get("/chat/messages").text


def test_nobody_hears_what_is_not_theirs(site: Site) -> None:
    client, other = site.signed_in("C-1"), site.signed_in("C-2")
    with stream(other) as live:
        live.until("state")
        say(client, "一人目だけの話")
        replies(client, 1)
        assert live.quiet()


def test_signing_out_ends_the_stream(site: Site) -> None:
    client = site.signed_in()
    with stream(client) as live:
        live.until("state")
        client.delete("/chat/session")
        live.until("end")
        assert live.ended.wait(3)


def test_a_stream_without_a_session_does_not_open(site: Site) -> None:
    with stream(site.client()) as live:
        assert live.status == 401


def test_a_proxy_is_told_not_to_buffer(site: Site) -> None:
    client = site.signed_in()
    with stream(client) as live:
        headers = live._response.headers
    assert headers["x-accel-buffering"] == "no"
    assert headers["content-type"].startswith("text/event-stream")


def test_what_another_program_stored_just_before_comes_first(site: Site) -> None:
    client = site.signed_in()
    with stream(client) as live:
        say(client, "一つ目です")
        live.messages(2)
        with site.desk.store.writing() as session:
            talk_id = session.query(Conversation).one().id
            session.add(
                Message(
                    conversation_id=talk_id,
                    client_id="from-elsewhere",
                    author="agent",
                    text="担当者です",
                    created_at=site.clock(),
                    state="answered",
                )
            )
        say(client, "二つ目です")
        assert [event["data"]["text"] for event in live.messages(3)] == ["担当者です", "二つ目です", "text:二つ目です"]
        assert live.quiet("message")


def test_a_talk_of_many_turns_needs_one_look_at_the_store_for_all_its_words(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, looks = site.signed_in(), []
    real = sessions.look
    monkeypatch.setattr(sessions, "look", lambda *given: looks.append(1) or real(*given))
    monkeypatch.setattr(live_streams, "LOOK_EVERY_S", 3600)
    with stream(client) as live:
        live.until("state")
        before = len(looks)
        for number in range(5):
            say(client, f"{number}番目です")
            assert [event["data"]["author"] for event in live.messages(2)] == ["customer", "bot"]
        assert len(looks) == before == 1
