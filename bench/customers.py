"""Customers as the measurements and the fault tests play them: a session, an event stream, messages by POST.

Speaks HTTP/1.1 over asyncio's streams itself: on a machine of two cores a full client library would take as much
time as the programs that are measured. Everything goes to this machine only.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

PATIENCE_S = 70.0


class Refused(Exception):
    """The desk answered with another status than the one that was hoped for."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"status {status}: {body[:200]!r}")
        self.status = status


@dataclass
class Connection:
    """One connection that is kept; `ask` sends a request and returns status, headers and body."""

    host: str
    port: int
    cookie: str | None = None
    forged: str | None = None
    """An address that is made up, for the headers in which proxies tell one."""
    _reader: asyncio.StreamReader | None = None
    _writer: asyncio.StreamWriter | None = None

    async def begin(self, method: str, path: str, body: bytes | None = None) -> tuple[int, dict[str, str]]:
        """Send a request and return the status and the headers of its answer; the body is still to come."""
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(self.host, self.port)
        head = [f"{method} {path} HTTP/1.1", f"Host: {self.host}:{self.port}"]
        head += [f"Cookie: {self.cookie}"] if self.cookie else []
        head += [f"X-Forwarded-For: {self.forged}", f"X-Real-IP: {self.forged}"] if self.forged else []
        if body is not None:
            head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        self._writer.write("\r\n".join([*head, "", ""]).encode() + (body or b""))
        assert self._reader is not None
        lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines[1:] if line)
        return int(lines[0].split()[1]), {name.lower(): value.strip() for name, _, value in pairs}

    async def ask(self, method: str, path: str, content: Any = None) -> tuple[int, dict[str, str], bytes]:
        """Send a request and return its whole answer. Raises OSError where the desk cannot be reached."""
        body = None if content is None else json.dumps(content).encode()
        kept = self._writer is not None
        try:
            status, headers = await self.begin(method, path, body)
            assert self._reader is not None
            return status, headers, await self._reader.readexactly(int(headers.get("content-length", "0")))
        except (asyncio.IncompleteReadError, OSError):
            self.close()
            if kept:  # the desk closes what was quiet for a while; a browser asks again, and so do we
                return await self.ask(method, path, content)
            raise ConnectionError("the desk hung up") from None

    async def chunk(self) -> bytes:
        """Return the next piece of a streamed answer; empty at its end."""
        assert self._reader is not None
        size = int((await self._reader.readuntil(b"\r\n")).strip() or b"0", 16)
        piece = await self._reader.readexactly(size + 2)
        return piece[:-2]

    def close(self) -> None:
        """Hang up."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


@dataclass
class Customer:
    """One customer in front of the window."""

    url: str
    token: str | None = None
    seen: int = 0
    heard: list[dict[str, Any]] = field(default_factory=list)
    owner: str = "bot"
    cut: int = 0
    """How often the stream broke off."""
    _waiting: dict[str, asyncio.Future[float]] = field(default_factory=dict)
    _listening: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        address = urlsplit(self.url)
        self._up = Connection(address.hostname or "127.0.0.1", address.port or 80)
        self._down = Connection(self._up.host, self._up.port)

    async def open(self) -> None:
        """Open the session and the event stream."""
        status, headers, body = await self._up.ask("POST", "/chat/session", {"token": self.token} if self.token else {})
        if status != 200:
            raise Refused(status, body)
        self._up.cookie = self._down.cookie = headers["set-cookie"].partition(";")[0]
        self.start()

    def start(self) -> None:
        """Open the event stream."""
        self._listening = asyncio.create_task(self._listen())

    def listener(self) -> Customer:
        """Return another window of the same session, which listens only, once it is started."""
        other = Customer(self.url, seen=self.seen)
        other._up.cookie = other._down.cookie = self._up.cookie
        return other

    async def post(self, text: str, client_id: str | None = None) -> dict[str, Any]:
        """Send one message and return it as it was acknowledged."""
        content = {"id": client_id or str(uuid.uuid4()), "text": text}
        status, _, body = await self._up.ask("POST", "/chat/messages", content)
        if status != 202:
            raise Refused(status, body)
        return dict(json.loads(body)["message"])

    async def round_trip(self, text: str) -> float:
        """Send one message and return the seconds until its first reply came down the stream."""
        began = time.perf_counter()
        name = f"{(await self.post(text))['id']}:0"
        if any(message["client_id"] == name for message in self.heard[-4:]):
            return time.perf_counter() - began
        answered = self._waiting[name] = asyncio.get_running_loop().create_future()
        async with asyncio.timeout(PATIENCE_S):
            return await answered - began

    async def look(self) -> dict[str, Any]:
        """Return what a fresh page would show: the messages, who owns the talk, whether the bot is writing."""
        status, _, body = await self._up.ask("GET", "/chat/messages")
        if status != 200:
            raise Refused(status, body)
        return dict(json.loads(body))

    async def stop(self) -> None:
        """Close the event stream."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        self._down.close()

    async def close(self) -> None:
        """Close the window."""
        await self.stop()
        self._up.close()

    async def _listen(self) -> None:
        while True:
            with contextlib.suppress(asyncio.IncompleteReadError, OSError):
                await self._hear_until_cut()
            self._down.close()
            self.cut += 1
            await asyncio.sleep(0.2)

    async def _hear_until_cut(self) -> None:
        status, _ = await self._down.begin("GET", f"/chat/events?after={self.seen}")
        event: dict[str, str] = {}
        while status == 200 and (piece := await self._down.chunk()):
            for line in piece.decode().split("\n"):
                name, _, value = line.rstrip("\r").partition(": ")
                if name:
                    event[name] = value
                elif event:
                    self._take(event)
                    event = {}

    def _take(self, event: dict[str, str]) -> None:
        content = json.loads(event.get("data", "{}"))
        if event.get("event") == "state":
            self.owner = content["owner"]
        elif event.get("event") == "message":
            self.seen = content["id"]
            self.heard.append(content)
            answered = self._waiting.pop(content["client_id"], None)
            if answered is not None and not answered.done():
                answered.set_result(time.perf_counter())
