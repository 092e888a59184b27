"""Webhooks: signed ones are taken in once, forged and old ones are refused before anything is read of them."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from money_databases import fresh_store
from money_shop import Shop
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.testclient import TestClient

from madoguchi.bootstrap import Settings
from madoguchi.web import webhooks
from madoguchi.web.context import Services, Web

STRIPE_SECRET = "whsec_stripe"


@pytest.fixture
def shop(tmp_path: Any) -> Iterator[Shop]:
    """A small shop on SQLite: what is proved here does not depend on the database."""
    store = fresh_store("sqlite", tmp_path)
    yield Shop(store)
    store.close()


@pytest.fixture
def settings(tmp_path: Any) -> Settings:
    return Settings(var=tmp_path, secret=SecretStr("root"), stripe_webhook_secret=SecretStr(STRIPE_SECRET))


@pytest.fixture
def client(shop: Shop, settings: Settings) -> Iterator[TestClient]:
    app = Starlette(routes=webhooks.routes)
    app.state.web = Web(settings, Services(shop.desk), cast(Any, None), cast(Any, SimpleNamespace()), cast(Any, None))
    with TestClient(app) as client:
        yield client


@pytest.fixture
def rma(shop: Shop) -> str:
    customer, talk = shop.customer()
    order = shop.order(customer, state="delivered")
    shop.agree(talk, kind="defect", order_number=order)
    return shop.rma(order)


def signed(settings: Settings, event_id: str, body: bytes, *, at: datetime | None = None) -> dict[str, str]:
    at = at or datetime.now(UTC)
    signature = webhooks.signer(settings.secret_for("webhooks")).sign(event_id, at, body.decode())
    return {"webhook-id": event_id, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}


def scan(rma: str) -> bytes:
    return json.dumps({"type": "warehouse.parcel_scanned", "data": {"rma": rma}}).encode()


def refunds(shop: Shop) -> int:
    return len(shop.rows("SELECT id FROM refunds"))


def test_a_signed_scan_pays_once_however_often_it_is_sent(
    client: TestClient, shop: Shop, settings: Settings, rma: str
) -> None:
    body = scan(rma)
    answers = [
        client.post("/webhooks/warehouse", content=body, headers=signed(settings, "evt-1", body)).json()
        for _ in range(20)
    ]
    assert answers[0] == {"outcome": "done", "duplicate": False}
    assert answers[1:] == [{"outcome": "done", "duplicate": True}] * 19
    assert refunds(shop) == 1


def forgeries(settings: Settings, body: bytes) -> dict[str, tuple[bytes, dict[str, str]]]:
    good = signed(settings, "evt", body)
    now = datetime.now(UTC)
    return {
        "no headers at all": (body, {}),
        "no signature": (body, {k: v for k, v in good.items() if k != "webhook-signature"}),
        "no id": (body, {k: v for k, v in good.items() if k != "webhook-id"}),
        "no time": (body, {k: v for k, v in good.items() if k != "webhook-timestamp"}),
        "another id": (body, {**good, "webhook-id": "evt-other"}),
        "another body": (body.replace(b"R-", b"R_"), good),
        "another time": (body, {**good, "webhook-timestamp": str(int(now.timestamp()) - 1)}),
        "too old": (body, signed(settings, "evt", body, at=now - timedelta(minutes=6))),
        "from the future": (body, signed(settings, "evt", body, at=now + timedelta(minutes=6))),
        "another secret": (body, signed(Settings(secret=SecretStr("x")), "evt", body)),
        "no version": (body, {**good, "webhook-signature": good["webhook-signature"].partition(",")[2]}),
        "another version": (body, {**good, "webhook-signature": "v2" + good["webhook-signature"][2:]}),
        "not base64": (body, {**good, "webhook-signature": "v1,***"}),
        "empty signature": (body, {**good, "webhook-signature": "v1,"}),
        "not a time": (body, {**good, "webhook-timestamp": "nan"}),
        "not text": (b"\xff\xfe", good),
    }


def test_forged_and_old_ones_change_nothing(client: TestClient, shop: Shop, settings: Settings, rma: str) -> None:
    for name, (body, headers) in forgeries(settings, scan(rma)).items():
        answer = client.post("/webhooks/warehouse", content=body, headers=headers)
        assert answer.status_code == 401, name
        assert answer.headers["content-type"].startswith("application/problem+json")
    assert refunds(shop) == 0
    assert shop.rows("SELECT id FROM incoming_events") == []


@pytest.mark.parametrize(
    ("source", "body", "status"),
    [
        ("warehouse", b"[]", 422),
        ("warehouse", b'{"type": 5, "data": {}}', 422),
        ("warehouse", b'{"type": "warehouse.canceled"}', 422),
        ("warehouse", b'{"type": "warehouse.canceled", "data": {}}', 422),
        ("warehouse", b'{"type": "warehouse.burnt", "data": {"order": "1"}}', 422),
        ("carrier", b'{"type": "warehouse.canceled", "data": {"order": "1"}}', 422),
        ("nobody", b'{"type": "nobody.said", "data": {}}', 404),
        ("warehouse", b"not json", 401),
        ("warehouse", b'{"type": "warehouse.canceled", "data": {"order": "1"}}', 200),
    ],
)
def test_what_cannot_be_understood_is_said_so(
    client: TestClient, settings: Settings, source: str, body: bytes, status: int
) -> None:
    assert client.post(f"/webhooks/{source}", content=body, headers=signed(settings, "e", body)).status_code == status


def test_an_id_with_other_content_is_a_conflict(client: TestClient, settings: Settings) -> None:
    for order, status in (("1", 200), ("2", 409)):
        body = json.dumps({"type": "warehouse.canceled", "data": {"order": order}}).encode()
        answer = client.post("/webhooks/warehouse", content=body, headers=signed(settings, "e", body))
        assert answer.status_code == status


def stripe_event(key: str, status: str = "succeeded") -> bytes:
    refund = {"id": "re_1", "object": "refund", "status": status, "metadata": {"madoguchi_key": key}}
    return json.dumps(
        {"id": f"evt_{status}", "object": "event", "type": "refund.updated", "data": {"object": refund}}
    ).encode()


def stripe_signed(body: bytes, *, secret: str = STRIPE_SECRET, age_s: int = 0) -> dict[str, str]:
    at = int(time.time()) - age_s
    signature = hmac.new(secret.encode(), f"{at}.{body.decode()}".encode(), hashlib.sha256).hexdigest()
    return {"stripe-signature": f"t={at},v1={signature}"}


def test_stripes_own_webhook_settles_a_refund(client: TestClient, shop: Shop) -> None:
    customer, talk = shop.customer()
    shop.agree(talk, kind="cancel", order_number=shop.order(customer))
    body = stripe_event(str(shop.value("SELECT key FROM refunds")))
    for headers in ({}, stripe_signed(body, secret="x"), stripe_signed(body, age_s=900)):
        assert client.post("/webhooks/stripe", content=body, headers=headers).status_code == 401
    assert shop.value("SELECT state FROM refunds") == "sent"

    answer = client.post("/webhooks/stripe", content=body, headers=stripe_signed(body))

    assert answer.json() == {"outcome": "done", "duplicate": False}
    assert shop.value("SELECT state FROM refunds") == "settled"


def test_the_command_sends_what_the_web_program_accepts(
    client: TestClient, shop: Shop, settings: Settings, rma: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from madoguchi.cli import shop as command

    def post(url: str, *, content: bytes, headers: dict[str, str], timeout: float) -> httpx.Response:
        return client.post(httpx.URL(url).path, content=content, headers=headers)

    monkeypatch.setattr(httpx, "post", post)
    answer = command._send(settings, "warehouse.parcel_scanned", {"rma": rma}, "from-the-terminal")
    assert answer.json() == {"outcome": "done", "duplicate": False}
    assert refunds(shop) == 1
