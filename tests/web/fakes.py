"""A small real engine for the web's tests: speaks the wire format, checks signatures, answers as it is told."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

SECRET = "the-engines-secret"

Answering = Callable[[dict[str, Any]], Awaitable[dict[str, Any] | Response]]


async def echo(asked: dict[str, Any]) -> dict[str, Any]:
    """Say back what came, and how it came."""
    how = "payload" if "payload" in asked else "text"
    return {"replies": [{"text": f"{how}:{asked[how]}"}], "intent": {"name": "inform", "confidence": 0.9}}


@dataclass
class FakeEngine:
    """An engine whose answers a test decides with `answer`; `down` refuses connections."""

    answer: Answering = echo
    down: bool = False
    asked: list[dict[str, Any]] = field(default_factory=list)
    at_work: dict[str, int] = field(default_factory=dict)
    most_at_once: int = 0
    guess: Callable[[str], list[tuple[str, float]]] = lambda _text: [("report_defect", 0.4), ("return_item", 0.35)]
    people: tuple[str, ...] = ()
    loaded: str = "fake"
    """The model that was put into service last."""

    async def turn(self, request: Request) -> Response:
        """Answer one turn."""
        body = await request.body()
        stamp = request.headers["x-madoguchi-timestamp"]
        wanted = hmac.new(SECRET.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(wanted, request.headers["x-madoguchi-signature"]):
            return JSONResponse({}, status_code=401)
        asked = json.loads(body)
        self.asked.append(asked)
        name = asked["conversation"]
        self.at_work[name] = self.at_work.get(name, 0) + 1
        self.most_at_once = max(self.most_at_once, self.at_work[name])
        try:
            answer = await self.answer(asked)
        finally:
            self.at_work[name] -= 1
        if isinstance(answer, Response):
            return answer
        whole = {"message": asked["message"], "replies": [], "intent": None, "entities": [], "model": self.loaded}
        return JSONResponse({**whole, "active_loop": None, "failed": False, **answer})

    async def inspect(self, request: Request) -> Response:
        """Say what the model makes of texts: the intent by `guess`, words by their letters, names by `people`."""
        asked = json.loads(await request.body())
        found = []
        for text in asked["texts"]:
            ranking = [{"name": name, "confidence": sure} for name, sure in self.guess(text)]
            names = [(text.find(each), each) for each in self.people if each in text]
            found.append(
                {
                    "intent": ranking[0],
                    "ranking": ranking,
                    "entities": [],
                    "tokens": [
                        {"text": char, "start": at, "end": at + 1, "pos": "NOUN", "tag": "名詞"}
                        for at, char in enumerate(text[:20])
                    ],
                    "names": [{"start": at, "end": at + len(each), "kind": "person"} for at, each in names],
                }
            )
        return JSONResponse({"model": "fake", "texts": found})

    async def model(self, request: Request) -> Response:
        """Put another model into service."""
        self.loaded = json.loads(await request.body())["model"]
        return JSONResponse({"model": self.loaded, "seconds": 0.1})

    async def health(self, _request: Request) -> Response:
        """Say that the engine is there."""
        return JSONResponse({"status": "ok", "model": self.loaded})

    def transport(self) -> httpx.AsyncBaseTransport:
        """Return the way to this engine, cut while it is down."""
        app = Starlette(
            routes=[
                Route("/webhooks/desk/turn", self.turn, methods=["POST"]),
                Route("/webhooks/desk/inspect", self.inspect, methods=["POST"]),
                Route("/webhooks/desk/model", self.model, methods=["POST"]),
                Route("/webhooks/desk/health", self.health),
            ]
        )
        inner = httpx.ASGITransport(app)
        fake = self

        class Cable(httpx.AsyncBaseTransport):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                if fake.down:
                    raise httpx.ConnectError("refused", request=request)
                return await inner.handle_async_request(request)

        return Cable()


def saying(*replies: dict[str, Any], after_s: float = 0, **more: Any) -> Answering:
    """Return an answering that always gives these replies."""

    async def answer(_asked: dict[str, Any]) -> dict[str, Any]:
        await asyncio.sleep(after_s)
        return {"replies": list(replies), **more}

    return answer
