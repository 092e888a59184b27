"""Trying a candidate: its own process, kept for a while, so that only the first message waits for the loading.

One candidate is tried at a time in a program; another one, or some minutes without a message, ends the process.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from madoguchi.training import workshop
from madoguchi.training.workshop import Place

IDLE_S = 180.0
READY_WITHIN_S = 120.0
ANSWER_WITHIN_S = 15.0
_LONGEST_LINE = 1 << 20


class TrialFailed(Exception):
    """The candidate could not be loaded or did not answer."""


class Trial:
    """The candidate that is tried in this program."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._process: asyncio.subprocess.Process | None = None
        self._name: str | None = None
        self._turn = asyncio.Lock()
        self._ending: asyncio.TimerHandle | None = None

    async def understand(self, name: str, text: str, day: str) -> Mapping[str, Any]:
        """Return what the candidate makes of a text: intent, ranking and entities. Raises TrialFailed."""
        async with self._turn:
            if self._ending is not None:
                self._ending.cancel()
            try:
                process = await self._ready(name)
                answer = await self._ask(process, {"text": text, "day": day})
            except (TimeoutError, OSError, ValueError) as error:
                await self._end()
                raise TrialFailed(type(error).__name__) from None
            except asyncio.CancelledError:
                await self._end()  # an answer that nobody read would be taken for the next one's
                raise
            self._ending = asyncio.get_running_loop().call_later(IDLE_S, self._end_soon)
            return answer

    async def close(self) -> None:
        """End the process."""
        async with self._turn:
            await self._end()

    async def _ready(self, name: str) -> asyncio.subprocess.Process:
        if self._process is not None and self._name == name and self._process.returncode is None:
            return self._process
        await self._end()
        command = ["nice", "-n", "10", *self._place.engine_python, "engine.trial", str(self._place.model(name))]
        self._process = await asyncio.create_subprocess_exec(
            *command,
            cwd=self._place.root,
            env=workshop.environment(workshop.engine_environment(self._place)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=_LONGEST_LINE,
        )
        self._name = name
        async with asyncio.timeout(READY_WITHIN_S):
            await self._read(self._process)
        return self._process

    async def _ask(self, process: asyncio.subprocess.Process, line: Mapping[str, str]) -> Mapping[str, Any]:
        assert process.stdin is not None, "it was opened with a pipe"
        process.stdin.write(json.dumps(line).encode() + b"\n")
        async with asyncio.timeout(ANSWER_WITHIN_S):
            await process.stdin.drain()
            return await self._read(process)

    async def _read(self, process: asyncio.subprocess.Process) -> Mapping[str, Any]:
        assert process.stdout is not None, "it was opened with a pipe"
        while row := await process.stdout.readline():
            if row.startswith(b"{"):  # a library's greeting is no answer
                return dict(json.loads(row))
        raise ValueError("it ended")

    def _end_soon(self) -> None:
        self._closing = asyncio.get_running_loop().create_task(self.close())

    async def _end(self) -> None:
        process, self._process, self._name = self._process, None, None
        if process is not None and process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(5):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
