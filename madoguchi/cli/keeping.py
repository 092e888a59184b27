"""Keeps the desk's programs running: one that dies is started again, one that cannot live ends the desk.

honcho starts the programs, gathers their words and stops them; by itself it stops all when one dies, and at a shop
a desk that is gone at night is worse than a program that is back in a second.
"""

from __future__ import annotations

import multiprocessing
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from honcho.manager import Manager
from honcho.printer import Printer

MOST_DEATHS = 5
WITHIN_S = 60.0
LONGEST_PAUSE_S = 8.0


class Keeper(Manager):  # type: ignore[misc]
    """honcho's manager that starts what died again, once `keep` was called; five deaths in a minute end it."""

    def __init__(self, printer: Printer, say: Callable[[str, int], None]) -> None:
        """Say every death with the program's name and exit code to `say`."""
        super().__init__(printer)
        self._say = say
        self._keeping = False
        self._deaths: dict[str, deque[float]] = {}
        self._due: dict[str, tuple[float, int]] = {}

    def keep(self) -> None:
        """From now on start again what dies; before that a program that dies could never live."""
        self._keeping = True

    def terminate(self) -> None:
        """Stop everything, and what was about to be started again is not."""
        for name, (_, code) in self._due.items():
            self._processes[name]["returncode"] = code
        self._due.clear()
        super().terminate()

    def _any_stopped(self) -> bool:
        """Say whether the desk is over; honcho asks ten times a second."""
        if self._terminating or not self._keeping:
            return bool(super()._any_stopped())
        for name, entry in self._processes.items():
            if entry.get("returncode") is not None and not self._take_death(name, entry):
                return True
        self._start_due()
        return False

    def _take_death(self, name: str, entry: dict[str, Any]) -> bool:
        """Note a death and when to start again; False where it died too often."""
        now = time.monotonic()
        deaths = self._deaths.setdefault(name, deque(maxlen=MOST_DEATHS))
        deaths.append(now)
        if len(deaths) == MOST_DEATHS and now - deaths[0] < WITHIN_S:
            return False
        recent = sum(1 for death in deaths if now - death < WITHIN_S)
        code = entry.pop("returncode")
        self.returncode = None
        self._due[name] = now + (0.0 if recent == 1 else min(2.0 ** (recent - 1), LONGEST_PAUSE_S)), code
        self._say(name, code)
        return True

    def _start_due(self) -> None:
        now = time.monotonic()
        for name, (due, _) in list(self._due.items()):
            if due > now:
                continue
            del self._due[name]
            entry = self._processes[name]
            entry["process"] = multiprocessing.Process(name=name, target=entry["obj"].run, args=(self.events, True))
            entry["process"].start()
