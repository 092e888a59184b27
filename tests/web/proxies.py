"""A real proxy between a browser and the desk that gathers event streams, as proxies with response buffering do."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit


class GatheringProxy:
    """Passes everything on at once but event streams: of those it sends only whole blocks of `block` bytes.

    With `lets_through` bytes it lets the beginning of each stream pass, and gathers only then.
    """

    def __init__(self, behind: str, *, block: int, lets_through: int = 0) -> None:
        address = urlsplit(behind)
        self.host, self.port = address.hostname or "127.0.0.1", address.port or 80
        self.block, self.lets_through = block, lets_through
        self.held = 0
        """Bytes of streams that were kept back."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        with contextlib.suppress(OSError, asyncio.CancelledError):
            up_reader, up_writer = await asyncio.open_connection(self.host, self.port)
            await asyncio.gather(self._up(reader, up_writer), self._down(up_reader, writer))

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        gathered, passed, streams = b"", 0, False
        while data := await reader.read(65_536):
            if not streams and b"text/event-stream" in data:
                streams, passed = True, -len(data.partition(b"\r\n\r\n")[0])
            if not streams:
                writer.write(data)
            else:
                gathered += data
                while gathered and (passed < self.lets_through or len(gathered) >= self.block):
                    piece = gathered[: self.block]
                    gathered, passed = gathered[len(piece) :], passed + len(piece)
                    writer.write(piece)
                self.held = max(self.held, len(gathered))
            await writer.drain()
        writer.close()


@contextmanager
def in_front_of(behind: str, *, block: int, lets_through: int = 0) -> Iterator[tuple[str, GatheringProxy]]:
    """Run a proxy in front of an address for the length of a block; gives its own address and the proxy."""
    proxy, loop, started = GatheringProxy(behind, block=block, lets_through=lets_through), asyncio.new_event_loop(), []
    ready = threading.Event()

    async def start() -> None:
        server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
        started.append(server.sockets[0].getsockname()[1])
        ready.set()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.create_task(start())
        loop.run_forever()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(5)
    try:
        yield f"http://127.0.0.1:{started[0]}", proxy
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
