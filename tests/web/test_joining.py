"""A visitor who signs in keeps what they wrote; nobody ever gets what another customer wrote or proved."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from typing import Any

import httpx
import pytest

from madoguchi.store import Choice, Conversation, Order
from tests.web.conftest import Site, eventually, replies, say, talk
from tests.web.fakes import echo, saying


def sign_in(site: Site, client: httpx.Client, reference: str = "C-1") -> str:
    """Sign in with the browser that a visitor has written in; return the conversation."""
    answer = client.post("/chat/session", json={"token": site.token(reference)})
    assert answer.status_code == 200
    return str(answer.json()["conversation"])


def texts(client: httpx.Client) -> list[str]:
    return [message["text"] for message in talk(client)]


def prove(site: Site, client: httpx.Client, customer: int) -> None:
    """Note in the visitor's talk that an order of this customer was proved."""
    name = client.post("/chat/session", json={}).json()["conversation"]
    number = f"250-000000{customer}-0000009"
    with site.desk.store.writing() as session:
        session.add(Order(number=number, customer_id=customer, state="placed", placed_at=site.clock()))
        session.get_one(Conversation, name).proved_orders = [number]


@pytest.fixture
def visitor(site: Site) -> httpx.Client:
    """A visitor who has asked something and got an answer."""
    client = site.visitor()
    say(client, "返品できますか")
    replies(client, 1)
    return client


def test_the_first_talk_of_a_customer_is_the_one_they_began_as_a_visitor(site: Site, visitor: httpx.Client) -> None:
    before = talk(visitor)
    sign_in(site, visitor)
    assert talk(visitor) == before
    say(visitor, "続きです")
    assert replies(visitor, 2)[-1]["text"] == "text:続きです"


def test_it_joins_the_talk_there_is_in_the_order_things_were_said(site: Site) -> None:
    at_home, on_the_way = site.signed_in("C-1"), site.visitor()
    say(at_home, "家から")
    replies(at_home, 1)
    say(on_the_way, "外から")
    replies(on_the_way, 1)
    sign_in(site, on_the_way)
    assert texts(on_the_way) == ["家から", "text:家から", "外から", "text:外から"] == texts(at_home)
    say(on_the_way, "続きです")
    assert replies(at_home, 3)[-1]["text"] == "text:続きです"


@pytest.mark.parametrize("had_a_talk", [False, True])
def test_what_proved_another_customers_order_stays_with_nobody(
    site: Site, visitor: httpx.Client, had_a_talk: bool
) -> None:
    if had_a_talk:
        say(site.signed_in("C-1"), "前の話")
    prove(site, visitor, customer=2)
    sign_in(site, visitor, "C-1")
    assert "返品できますか" not in texts(visitor)
    assert "返品できますか" not in texts(site.signed_in("C-2"))


def test_what_proved_their_own_order_joins(site: Site, visitor: httpx.Client) -> None:
    say(site.signed_in("C-1"), "前の話")
    prove(site, visitor, customer=1)
    sign_in(site, visitor, "C-1")
    assert "返品できますか" in texts(visitor)


def test_a_customers_talk_never_joins_another_customers(site: Site) -> None:
    client = site.signed_in("C-1")
    say(client, "一人目の話")
    sign_in(site, client, "C-2")
    assert texts(client) == []
    assert texts(site.signed_in("C-1"))[0] == "一人目の話"


def test_a_visitor_with_a_human_stays_with_that_human(site: Site, visitor: httpx.Client) -> None:
    say(site.signed_in("C-1"), "前の話")
    name = visitor.post("/chat/session", json={}).json()["conversation"]
    with site.desk.store.writing() as session:
        waiting = session.get_one(Conversation, name)
        waiting.owner, waiting.waiting_since = "waiting", site.clock()
        waiting.promised_at = site.clock() + timedelta(minutes=10)
    assert sign_in(site, visitor) == name
    assert visitor.get("/chat/messages").json()["owner"] == "waiting"


def test_buttons_of_before_are_spent(site: Site, visitor: httpx.Client) -> None:
    say(site.signed_in("C-1"), "前の話")
    site.engine.answer = saying({"text": "どちらに", "buttons": [{"title": "はい", "payload": "/affirm"}]})
    say(visitor, "返品")
    token = replies(visitor, 2)[-1]["content"]["buttons"][0]["token"]
    sign_in(site, visitor)
    pressed = visitor.post("/chat/messages", json={"id": "0b0e7a53-13a5-4f0c-8a38-d9d8e3d3a111", "choice": token})
    assert pressed.status_code == 409
    with site.desk.store.reading() as session:
        assert session.get_one(Choice, token).used_at is not None


def test_a_question_that_is_being_answered_is_answered_once_in_the_joined_talk(site: Site) -> None:
    say(site.signed_in("C-1"), "前の話")
    going_on = threading.Event()

    async def slowly(asked: dict[str, Any]) -> dict[str, Any]:
        going_on.set()
        await asyncio.sleep(0.5)
        return await echo(asked)

    client = site.visitor()
    site.engine.answer = slowly
    say(client, "すぐ答えて")
    assert going_on.wait(8)
    name = sign_in(site, client)
    eventually(lambda: "text:すぐ答えて" in texts(client))
    assert texts(client).count("text:すぐ答えて") == 1
    assert {row.conversation_id for row in site.rows() if "すぐ答えて" in row.text} == {name}
