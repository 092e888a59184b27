"""The engine's door: signed requests only, each message once, and typed text that is never a payload."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from bench.running import Stack
from tests.conftest import ROOT

pytestmark = pytest.mark.stack

INVISIBLE = [
    "",
    " ",
    "\u3000",
    "\u00a0",
    "\u0085",
    "\u200b",
    "\u2060",
    "\ufeff",
    "\n",
    "\t",
    "\u2028",
    "\x1f",
    "\u00ad",
]
SLASHES = ["/", "／", "⁄", "∕", "//", "\\/"]
ARGUMENTS = ["", '{"order_number": "999"}', "｛＂order_number＂: ＂999＂｝", '@1.0{"order_number": "999"}']


@dataclass(frozen=True)
class Engine:
    """A caller of the engine that knows its secret."""

    http: httpx.Client
    secret: str

    def post(self, body: Any, *, secret: str | None = None, age_s: float = 0, **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        timestamp = str(int(time.time() - age_s))
        key = (secret or self.secret).encode()
        signature = hmac.new(key, f"{timestamp}.".encode() + content, hashlib.sha256).hexdigest()
        signed = {"X-Madoguchi-Timestamp": timestamp, "X-Madoguchi-Signature": signature, **headers}
        return self.http.post("/webhooks/desk/turn", content=content, headers=signed)

    def say(self, text: str, conversation: str | None = None, message: str | None = None) -> dict[str, Any]:
        answer = self.post(turn(text=text, conversation=conversation, message=message))
        assert answer.status_code == 200, answer.text
        said: dict[str, Any] = answer.json()
        return said


def turn(conversation: str | None = None, message: str | None = None, **content: Any) -> dict[str, Any]:
    """Return the body of a turn, in a conversation of its own unless told otherwise."""
    return {"conversation": conversation or uuid.uuid4().hex, "message": message or uuid.uuid4().hex, **content}


@pytest.fixture(scope="module")
def engine(stack: Stack) -> Iterator[Engine]:
    with httpx.Client(base_url=stack.settings.engine_url, timeout=30) as client:
        yield Engine(client, stack.settings.secret_for("engine"))


def test_it_answers_a_signed_message(engine: Engine) -> None:
    answer = engine.say("こんにちは", message="first")
    assert answer["message"] == "first"
    assert answer["intent"]["name"] == "greet"
    assert answer["replies"]
    assert not answer["failed"]
    assert answer["model"].endswith(".tar.gz")


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Madoguchi-Signature": ""},
        {"X-Madoguchi-Signature": "ff"},
        {"X-Madoguchi-Timestamp": "now"},
        {"X-Madoguchi-Timestamp": "0"},
    ],
)
def test_a_bad_signature_is_refused(engine: Engine, headers: dict[str, str]) -> None:
    assert engine.post(turn(text="こんにちは"), **headers).status_code == 401


def test_a_wrong_secret_and_an_old_request_are_refused(engine: Engine) -> None:
    assert engine.post(turn(text="こんにちは"), secret="x" * 64).status_code == 401
    assert engine.post(turn(text="こんにちは"), age_s=301).status_code == 401
    assert engine.post(turn(text="こんにちは"), age_s=-320).status_code == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"x" * (64 * 1024 + 1), 413),
        (b"{", 400),
        (b"[]", 400),
        (b"[" * 60_000, 400),
        (turn(), 400),
        (turn(text="はい", payload="/affirm"), 400),
        (turn(text=3), 400),
        (turn(payload="/no_such_intent"), 400),
        (turn(payload="affirm"), 400),
        (turn(payload="／affirm"), 400),
        (turn(text="はい", metadata=[1]), 400),
        ({"conversation": "", "message": "1", "text": "はい"}, 400),
        ({"conversation": "a" * 201, "message": "1", "text": "はい"}, 400),
        ({"conversation": "a", "message": "\n", "text": "はい"}, 400),
    ],
)
def test_a_malformed_request_is_refused(engine: Engine, body: Any, status: int) -> None:
    assert engine.post(body).status_code == status


def test_other_doors_are_closed(engine: Engine) -> None:
    for path in ("/webhooks/rest/webhook", "/webhooks/socketio", "/model/parse", "/conversations/x/tracker", "/model"):
        assert engine.http.post(path, json={"sender": "x", "message": "/affirm", "text": "x"}).status_code == 404


def test_a_payload_is_taken_as_its_intent(engine: Engine) -> None:
    answer = engine.post(turn(payload="/affirm")).json()
    assert answer["intent"] == {"name": "affirm", "confidence": 1.0}


def test_the_same_message_gives_the_same_reply_and_runs_once(engine: Engine) -> None:
    body = turn(text="こんにちは")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: engine.post(body).json(), range(8)))
    assert all(answer == answers[0] for answer in answers)


def test_typed_text_is_never_a_payload(engine: Engine) -> None:
    intents = sorted(path.stem for path in Path(ROOT, "data", "nlu").glob("*.yml"))
    intents += ["restart", "session_start"]
    variants = [
        f"{invisible}{SLASHES[(i + j) % len(SLASHES)]}{intent}{ARGUMENTS[(i + j) % len(ARGUMENTS)]}"
        for i, intent in enumerate(intents)
        for j, invisible in enumerate(INVISIBLE)
    ]
    if os.environ.get("MADOGUCHI_PROVE"):  # more than 500 ways to write each of them
        befores = [*INVISIBLE, *(f"{invisible}\u3000" for invisible in INVISIBLE)]
        ways = [(before, slash, end) for before in befores for slash in SLASHES for end in ARGUMENTS]
        variants = [f"{before}{slash}{intent}{end}" for intent in intents for before, slash, end in ways]
    parsed = []
    for number, text in enumerate(variants):
        answer = engine.say(text, conversation=f"typed-{number % 20}", message=f"{number}")
        handled = any(entity.get("extractor") == "RegexMessageHandler" for entity in answer["entities"])
        if handled or answer["intent"]["confidence"] == 1.0:
            parsed.append((text, answer["intent"]))
    assert len(variants) >= 450
    assert parsed == []


@pytest.mark.parametrize("text", ["", " ", "\u200b", "😀", "\x00", "あ" * 10_000, "${HOME}", "{name}", "\ud800"])
def test_any_text_gets_an_answer(engine: Engine, text: str) -> None:
    answer = engine.say(text)
    for entity in answer["entities"]:
        assert 0 <= entity["start"] < entity["end"] <= len(text)


def test_entities_point_into_what_was_typed(engine: Engine) -> None:
    text = "  😭 ２５０－１２３４５６７－７６５４３２１のｶﾒﾗが動きません "
    answer = engine.post(turn(text=text, metadata={"day": "2026-03-05", "purchases": ["ミラーレスカメラ"]})).json()
    surfaces = {entity["entity"]: text[entity["start"] : entity["end"]] for entity in answer["entities"]}
    assert surfaces["order_number"] == "２５０－１２３４５６７－７６５４３２１"
    assert surfaces["product"] == "ｶﾒﾗ"


def test_the_health_page_names_the_model(engine: Engine) -> None:
    health = engine.http.get("/webhooks/desk/health").json()
    assert health["ready"] is True
    assert health["model"].endswith(".tar.gz")
