"""Limits: a flood is slowed down, and the innocent beside it do not notice."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest

from madoguchi.web import chat, limits
from madoguchi.web.limits import Limits, Rate
from tests.web.conftest import Site, eventually, say, talk


@pytest.fixture(autouse=True)
def slow_refills(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no bucket fill up again while a test runs, however slow the machine is."""
    for name in ("ATTEMPTS", "MESSAGES", "SIGN_INS", "NEW_VISITORS"):
        monkeypatch.setattr(chat, name, replace(getattr(chat, name), per_s=0.001))


class TestBuckets:
    RATE = Rate(burst=3, per_s=0.5)

    def test_a_burst_and_then_as_time_goes(self) -> None:
        buckets = Limits()
        assert [buckets.wait_s(self.RATE, "k", "a", 0.0) for _ in range(4)] == [None, None, None, 3]
        assert buckets.wait_s(self.RATE, "k", "a", 1.9) == 1
        assert buckets.wait_s(self.RATE, "k", "a", 2.0) is None
        assert buckets.wait_s(self.RATE, "k", "a", 1000.0) is None
        assert [buckets.wait_s(self.RATE, "k", "a", 1000.0) for _ in range(3)] == [None, None, 3]

    def test_each_key_and_kind_has_its_own(self) -> None:
        buckets = Limits()
        for _ in range(9):
            buckets.wait_s(self.RATE, "k", "a", 0.0)
        assert buckets.wait_s(self.RATE, "k", "b", 0.0) is None
        assert buckets.wait_s(self.RATE, "other", "a", 0.0) is None

    def test_a_flood_of_keys_fills_no_memory(self) -> None:
        buckets = Limits()
        for number in range(limits.MOST_KEYS + 10):
            buckets.wait_s(self.RATE, "k", str(number), float(number))
        assert len(buckets._buckets) <= limits.MOST_KEYS


def test_a_flood_of_messages_is_slowed_and_nothing_of_it_lost(site: Site) -> None:
    client, other = site.signed_in("C-1"), site.signed_in("C-2")
    answers = [say(client, f"{number}") for number in range(limits.MESSAGES.burst + 20)]
    accepted = [answer for answer in answers if answer.status_code == 202]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(accepted) + len(refused) == len(answers)
    assert refused
    assert int(refused[0].headers["retry-after"]) >= 1
    assert refused[0].json()["type"] == "urn:madoguchi:problem:too_many"
    assert say(other, "隣の者です").status_code == 202
    mine = eventually(lambda: [m for m in talk(client) if m["author"] == "customer"])
    assert len(mine) == len(accepted)


def test_a_flood_of_visitors_harms_nobody_who_is_here_or_signed_in(site: Site) -> None:
    here = site.visitor()
    tried = [site.client().post("/chat/session", json={}).status_code for _ in range(limits.NEW_VISITORS.burst + 20)]
    assert 429 in tried
    assert here.post("/chat/session", json={}).status_code == 200
    assert say(here, "まだ書けます").status_code == 202
    assert say(site.signed_in(), "会員です").status_code == 202


def test_a_forged_address_changes_nothing(site: Site) -> None:
    tried = []
    for number in range(limits.NEW_VISITORS.burst + 20):
        forged = dict.fromkeys(
            ("X-Forwarded-For", "X-Real-IP", "Forwarded", "Client-IP", "True-Client-IP"), f"203.0.113.{number}"
        )
        tried.append(site.client().post("/chat/session", json={}, headers=forged).status_code)
    assert 429 in tried


def test_one_customer_cannot_open_sessions_without_end(site: Site) -> None:
    tried = [site.client().post("/chat/session", json={"token": site.token()}).status_code for _ in range(40)]
    assert 429 in tried
    assert site.client().post("/chat/session", json={"token": site.token("C-2")}).status_code == 200


def test_a_resent_message_is_the_same_even_under_the_limit(site: Site) -> None:
    client, name = site.signed_in(), str(uuid.uuid4())
    assert {say(client, "一度", name).status_code for _ in range(10)} == {202}
    assert len(site.rows(author="customer")) == 1


def test_a_flood_of_attempts_is_refused_before_the_store_is_asked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    flooder = site.signed_in("C-2")
    flooder_again = site.client(cookies=dict(flooder.cookies))
    flooder.delete("/chat/session")  # the cookie was given here once, and the session has ended
    asked = _asking(monkeypatch)
    answers = [say(flooder_again, f"{number}").status_code for number in range(limits.ATTEMPTS.burst + 20)]
    assert answers.count(401) == len(asked) == limits.ATTEMPTS.burst
    assert answers.count(429) == 20
    assert say(site.signed_in(), "隣の者です").status_code == 202


def test_an_invented_session_never_reaches_the_store(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    real = site.signed_in("C-2").cookies["madoguchi_session"]
    asked = _asking(monkeypatch)
    for invented in ("x" * 43, f"{'x' * 43}.{real.partition('.')[2]}", f"{real.partition('.')[0]}.{'0' * 32}", "."):
        client = site.client(cookies={"madoguchi_session": invented})
        assert say(client, "こんにちは").status_code == 401
        assert [client.get(path).status_code for path in ("/chat/messages", "/chat/events")] == [401, 401]
    assert asked == []
    assert say(site.signed_in(), "隣の者です").status_code == 202


def _asking(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list in which each question for a session will stand."""
    asked: list[str] = []
    for name in ("visit_of", "look"):
        real = getattr(chat.sessions, name)
        monkeypatch.setattr(chat.sessions, name, lambda *given, of=name, ask=real: asked.append(of) or ask(*given))
    return asked
