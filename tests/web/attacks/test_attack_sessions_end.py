"""Sessions end at once: signing out, a changed password, the shop's word; who holds a copy is out within a second."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import httpx

from madoguchi.services import agents
from madoguchi.services.agents import SignedIn
from madoguchi.web.webhooks import signer
from tests.integration.desk.builders import PASSWORD
from tests.web.conftest import Site, eventually, say
from tests.web.desk.conftest import DeskSite
from tests.web.test_events import stream

WITHIN_S = 5.0
"""The desk looks once a second; the rest is for a machine that has other things to do."""


def told(site: Site, reference: str, event_id: str, *, secret: str | None = None) -> httpx.Response:
    """Tell the desk, as the shop's server does, that a customer's sessions are over."""
    now, kind = datetime.now(UTC), "shop.signed_out"
    body = json.dumps({"type": kind, "timestamp": now.isoformat(), "data": {"customer": reference}})
    signature = signer(secret or site.settings.secret_for("webhooks")).sign(event_id, now, body)
    headers = {
        "content-type": "application/json",
        "webhook-id": event_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }
    return site.client().post("/webhooks/shop", content=body, headers=headers)


def test_a_password_changed_at_the_shop_ends_every_session_of_the_customer(site: Site) -> None:
    windows, other = [site.signed_in("C-1"), site.signed_in("C-1")], site.signed_in("C-2")
    with stream(windows[0]) as live:
        live.until("state")
        assert told(site, "C-1", "e-1").json()["outcome"] == "done"
        assert [window.get("/chat/messages").status_code for window in windows] == [401, 401]
        assert say(windows[1], "まだ書けますか").status_code == 401
        live.until("end")
        assert live.ended.wait(WITHIN_S)
    assert other.get("/chat/messages").status_code == 200
    assert site.rows(author="customer") == []


def test_a_session_opened_afterwards_is_not_ended_by_the_same_word_told_again(site: Site) -> None:
    site.signed_in("C-1")
    told(site, "C-1", "e-1")
    again = site.signed_in("C-1")
    assert told(site, "C-1", "e-1").json()["duplicate"] is True
    assert again.get("/chat/messages").status_code == 200


def test_nobody_but_the_shop_ends_sessions(site: Site) -> None:
    client = site.signed_in("C-1")
    assert told(site, "C-1", "e-1", secret="bm9ib2R5cyBzZWNyZXQgYXQgYWxs").status_code == 401
    assert client.get("/chat/messages").status_code == 200
    assert told(site, "C-999", "e-2").json()["outcome"] == "unknown_subject"


def test_a_session_ended_by_another_program_ends_its_stream_too(site: Site) -> None:
    from madoguchi.services import sessions

    client = site.signed_in("C-1")
    with stream(client) as live:
        live.until("state")
        secret = client.cookies["madoguchi_session"].partition(".")[0]
        sessions.sign_out(site.desk, secret)  # behind the web program's back
        live.until("end")
        assert live.ended.wait(WITHIN_S)


def test_a_changed_password_ends_the_other_sessions_of_the_staff(desk_site: DeskSite) -> None:
    thief = desk_site.browser("sato")
    assert thief.get("/desk/").status_code == 200
    with thief.stream("GET", "/desk/events") as response:
        pieces = response.iter_text()
        next(pieces)
        person = desk_site.world.person("sato")
        changed = agents.change_password(desk_site.world.desk, person, PASSWORD, "another very long password")
        assert isinstance(changed, SignedIn)
        assert any("event: end" in piece for piece in pieces), "the stream ends"
    eventually(lambda: thief.get("/desk/").status_code == 303, within_s=WITHIN_S)
