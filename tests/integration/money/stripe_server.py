"""A small stateful imitation of Stripe's refunds and payment intents, for tests of the adapter.

It keeps idempotency keys with their parameters as Stripe does: the same key again gives the saved answer, with
other parameters an error. `trouble` makes the next calls fail after or before the work.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


class StripeServer(ThreadingHTTPServer):
    """The imitation's state; one lock, for Stripe handles one key at a time."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.lock = threading.Lock()
        self.captured = {"ch_1": 1_000, "pi_1": 2_000}
        self.refunds: list[dict[str, Any]] = []
        self.intents: list[dict[str, Any]] = []
        self.saved: dict[str, tuple[dict[str, str], int, dict[str, Any]]] = {}
        self.trouble: list[str] = []  # lost_reply | error | rate_limit | bad_key | conflict

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def refund(self, given: dict[str, str]) -> tuple[int, dict[str, Any]]:
        charge = given.get("charge") or given.get("payment_intent") or ""
        amount = int(given["amount"])
        if charge not in self.captured:
            return 404, _error("resource_missing", "invalid_request_error")
        back = sum(each["amount"] for each in self.refunds if each["of"] == charge)
        if back + amount > self.captured[charge]:
            return 400, _error("charge_already_refunded", "invalid_request_error")
        refund = {
            "id": f"re_{len(self.refunds) + 1}", "object": "refund", "amount": amount, "of": charge,
            "status": "pending", "metadata": {"madoguchi_key": given["metadata[madoguchi_key]"]},
        }  # fmt: skip
        self.refunds.append(refund)
        return 200, refund

    def intent(self, given: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if given["payment_method"] == "pm_declined":
            return 402, _error("card_declined", "card_error")
        intent = {
            "id": f"pi_{len(self.intents) + 2}", "object": "payment_intent", "amount": int(given["amount"]),
            "status": "succeeded", "customer": given["customer"],
            "metadata": {"madoguchi_key": given["metadata[madoguchi_key]"]},
        }  # fmt: skip
        self.intents.append(intent)
        self.captured[intent["id"]] = intent["amount"]
        return 200, intent


@contextmanager
def running() -> Iterator[StripeServer]:
    """Run the imitation until the block ends."""
    server = StripeServer()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def _error(code: str | None, kind: str) -> dict[str, Any]:
    return {"error": {"type": kind, "message": code or kind} | ({"code": code} if code else {})}


class _Handler(BaseHTTPRequestHandler):
    server: StripeServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        given = dict(parse_qsl(self.rfile.read(int(self.headers["content-length"])).decode()))
        key, path = self.headers["idempotency-key"], urlsplit(self.path).path
        with self.server.lock:
            trouble = self.server.trouble.pop(0) if self.server.trouble else ""
            early = {
                "rate_limit": (429, _error("rate_limit", "rate_limit_error")),
                "bad_key": (401, _error("api_key_expired", "authentication_error")),
                "conflict": (409, _error("idempotency_key_in_use", "idempotency_error")),
            }.get(trouble)
            status, body = early or self._once(key, path, given)
        if trouble == "lost_reply":
            self.close_connection = True
            self.connection.close()
            return
        self._answer(500 if trouble == "error" else status, _error("x", "api_error") if trouble == "error" else body)

    def do_GET(self) -> None:
        query = dict(parse_qsl(urlsplit(self.path).query))
        with self.server.lock:
            trouble = self.server.trouble.pop(0) if self.server.trouble else ""
            if urlsplit(self.path).path == "/v1/refunds":
                wanted = query.get("charge") or query.get("payment_intent")
                found = [each for each in self.server.refunds if each["of"] == wanted]
            else:
                found = [each for each in self.server.intents if each["customer"] == query["customer"]]
        if trouble:
            self._answer(500, _error("x", "api_error"))
        else:
            url = urlsplit(self.path).path
            self._answer(200, {"object": "list", "data": found, "has_more": False, "url": url})

    def _once(self, key: str, path: str, given: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if key in self.server.saved:
            before, status, body = self.server.saved[key]
            if before != given:
                return 400, _error(None, "idempotency_error")
            return status, body
        status, body = self.server.refund(given) if path == "/v1/refunds" else self.server.intent(given)
        self.server.saved[key] = (given, status, body)
        return status, body

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
