"""The doors of an engine that a measurement talks through: the desk's signed one, and Rasa's own REST."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import itertools
import json
import time
from typing import Any, Protocol

from madoguchi.bootstrap import Settings

HOST = "127.0.0.1"
WAIT_S = 60.0


class Door(Protocol):
    """One connection of one customer."""

    def say(self, conversation: str, text: str) -> float:
        """Say something and return the milliseconds until the whole answer was read; RuntimeError for none."""

    def close(self) -> None:
        """Hang up."""


class OwnDoor:
    """The desk's channel: signed requests, each message with an id."""

    def __init__(self, settings: Settings) -> None:
        self._connection = http.client.HTTPConnection(HOST, settings.engine_port, timeout=WAIT_S)
        self._secret = settings.secret_for("engine").encode()
        self._ids = itertools.count()

    def say(self, conversation: str, text: str) -> float:
        """Say something through /webhooks/desk/turn."""
        message = {"conversation": conversation, "message": f"{id(self)}-{next(self._ids)}", "text": text}
        body = json.dumps(message).encode()
        at = str(int(time.time()))
        signature = hmac.new(self._secret, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        headers = {"X-Madoguchi-Timestamp": at, "X-Madoguchi-Signature": signature}
        began = time.perf_counter()
        answer = _post(self._connection, "/webhooks/desk/turn", body, headers)
        taken = (time.perf_counter() - began) * 1000
        if answer["failed"] or not answer["replies"]:
            raise RuntimeError(f"no good answer to {text!r}: {answer}")
        return taken

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class RestDoor:
    """Rasa's REST channel."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection(HOST, port, timeout=WAIT_S)

    def say(self, conversation: str, text: str) -> float:
        """Say something through /webhooks/rest/webhook."""
        body = json.dumps({"sender": conversation, "message": text}).encode()
        began = time.perf_counter()
        _post(self._connection, "/webhooks/rest/webhook", body, {"Content-Type": "application/json"})
        return (time.perf_counter() - began) * 1000

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _post(connection: http.client.HTTPConnection, path: str, body: bytes, headers: dict[str, str]) -> Any:
    connection.request("POST", path, body, headers)
    response = connection.getresponse()
    content = response.read()
    if response.status != 200:
        raise RuntimeError(f"{path} answered {response.status}: {content[:200]!r}")
    return json.loads(content)
