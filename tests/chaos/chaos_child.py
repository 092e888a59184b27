"""What the killed process does: it works at a desk over a given database until SIGKILL takes it away."""

from __future__ import annotations

import itertools
import os
import random
import signal
import threading
from datetime import datetime
from multiprocessing.connection import Connection
from typing import Any

from money_shop import Clock, Shop
from sqlalchemy import event

from madoguchi.services import events, resolve, worker
from madoguchi.services.wishes import Done, Propose, Wish
from madoguchi.store import Store


def die_at_commit(url: str, now: datetime, number: int, job: str, arguments: tuple[str, ...]) -> None:
    """Do one job, and die right before the commit with this number, the processor's own counted among them."""
    shop = Shop(Store(url), Clock(now))
    left = itertools.count(number, -1)

    def count(_connection: Any) -> None:
        if next(left) == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    for engine in (shop.store.engine, shop.processor._engine):
        event.listen(engine, "commit", count)
    JOBS[job](shop, *arguments)


def work_until_killed(url: str, now: datetime, seed: int, report: Connection) -> None:
    """Cancel, return, scan and reorder in three threads, reporting the key of everything that was promised."""
    shop = Shop(Store(url), Clock(now))
    said = threading.Lock()

    def promise(key: str) -> None:
        with said:
            report.send(key)

    for number in range(3):
        threading.Thread(
            target=_work, args=(shop, random.Random(seed * 10 + number), seed * 10 + number, promise)
        ).start()


def confirm(shop: Shop, talk: str, key: str) -> None:
    """Say yes to a proposal."""
    assert isinstance(resolve.confirm(shop.desk, talk, key), Done)


def scan(shop: Shop, rma: str) -> None:
    """Scan a parcel in."""
    events.apply(shop.desk, f"scan-{rma}", "warehouse.parcel_scanned", {"rma": rma})


def one_pass(shop: Shop) -> None:
    """Make one pass of the worker."""
    worker.run_once(shop.desk)


JOBS: dict[str, Any] = {"confirm": confirm, "scan": scan, "worker": one_pass}


def _work(shop: Shop, chance: random.Random, place: int, promise: Any) -> None:
    shop._numbers = itertools.count(1_000_000 * (place + 1))  # names of its own for what each thread adds
    customer, talk = shop.customer()
    while True:
        shop.processor.behave() if chance.random() < 0.1 else None
        if chance.random() < 0.2:
            shop.processor.misbehave("*", chance.choice(["lost_reply", "unavailable", "twice"]), times=1)
        state = chance.choice(["placed", "delivered"])
        order = shop.order(customer, chance.randrange(100, 9_999), state=state)
        kind = "cancel" if state == "placed" else "change_of_mind"
        wish = Wish(kind=kind, order_number=order, condition="unopened" if state == "delivered" else None)
        step = resolve.consider(shop.desk, talk, wish)
        if not isinstance(step, Propose):
            continue
        if isinstance(resolve.confirm(shop.desk, talk, step.intent_key), Done):
            promise(step.intent_key)
        if state == "delivered" and chance.random() < 0.7:
            scan(shop, shop.rma(order))
        if chance.random() < 0.2:
            one_pass(shop)
