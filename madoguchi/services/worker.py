"""The worker: whatever is due gets done, whoever started it and whatever was restarted in between.

One pass takes timers, unfinished intents, the outbox, mails, the processor's notices and the work of the day. Several
workers may run at once: every piece of work is claimed with a lease. This is an outermost door: what goes wrong is
logged without personal data, and the worker goes on after a pause.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from types import FrameType

import structlog

from madoguchi.payments.port import Notifying, Unavailable
from madoguchi.services import events, housekeeping, mails, outbox, saga, timers
from madoguchi.services.desk import Desk
from madoguchi.services.housekeeping import Household

PAUSE = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(seconds=60)
log = structlog.get_logger(__name__)


def run_forever(
    desk: Desk,
    *,
    household: Household | None = None,
    stop: threading.Event | None = None,
    pause: timedelta = PAUSE,
) -> None:
    """Make pass after pass until SIGTERM, SIGINT or `stop`; the work at hand is finished first."""
    stop = stop or _stop_by_signal()
    troubles = 0
    while not stop.is_set():
        done, trouble = run_once(desk, household)
        troubles = troubles + 1 if trouble else 0
        if troubles:
            stop.wait(min(pause * 2 ** min(troubles, 10), LONGEST_PAUSE).total_seconds())
        elif done == 0:
            stop.wait(pause.total_seconds())
    desk.store.close()
    desk.processor.close()


def run_once(desk: Desk, household: Household | None = None) -> tuple[int, bool]:
    """Make one pass over all that is due; return how much was done and whether anything went wrong."""
    done, trouble = 0, False
    steps = dict(_STEPS)
    if household is not None:
        steps["housekeeping"] = partial(housekeeping.run_daily, household=household)
    for name, step in steps.items():
        try:
            done += step(desk)
        except Exception as error:  # noqa: BLE001 — the outermost door: one kind of work must not stop the others
            trouble = True
            log.error("work failed", work=name, error=type(error).__name__)
    return done, trouble


def take_notices(desk: Desk) -> int:
    """Take in what a processor without webhooks has to report, and return how many notices there were."""
    if not isinstance(desk.processor, Notifying):
        return 0
    try:
        due = desk.processor.notices_due(desk.clock())
    except Unavailable:
        return 0
    for notice in due:
        payload = {"refund": notice.key, "reference": notice.reference}
        events.apply(desk, notice.id, notice.kind, payload)
        desk.processor.acknowledge(notice.id)
    return len(due)


def _unfinished(desk: Desk) -> int:
    # An intent that waits for the outbox is looked at in every pass, and that alone is no progress.
    saga.resume_unfinished(desk)
    return 0


_STEPS: dict[str, Callable[[Desk], int]] = {
    "timers": timers.run_due,
    "intents": _unfinished,
    "outbox": outbox.send_due,
    "mails": mails.send_due,
    "notices": take_notices,
}


def _stop_by_signal() -> threading.Event:
    stop = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)
    return stop
