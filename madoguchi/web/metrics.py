"""What a Prometheus server reads at /metrics: turns by stage, intents, fallbacks, handoffs, refunds, queues.

No personal data: labels are the names of stages, intents, reasons and routes, each from a bounded set. Whoever asks
shows the secret `MADOGUCHI_METRICS_SECRET` (printed by `madoguchi env`) as a bearer: the address a request comes
from proves nothing behind a proxy.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

import anyio
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from madoguchi.services.gauges import Gauges, Reading
from madoguchi.web.context import web_of
from madoguchi.web.problems import Problem

STAGES = ("accept", "queue", "engine", "understand", "actions", "store", "deliver", "whole")
"""Of a turn: stored and acknowledged, waited for its turn, run by the engine (of which: understood, acted), replies
stored, replies written to a stream; and from the stored message to the stored replies as a whole."""
OUTCOMES = ("answered", "silent", "again", "given_up")
MOST_VALUES = 80
_FINE = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10, 30, 60)
_PLAIN = re.compile(r"[a-z][a-z_]{0,39}")
_FAMILIES = ("chat", "desk", "shop", "static", "webhooks", "healthz", "readyz", "metrics", "orders", "trainer")


class Bounded:
    """The values a label may have: plain words, and not more of them than a monitor can bear."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def of(self, value: str | None) -> str:
        """Return the value, or `other` for what is no plain word or comes after too many others."""
        if value is None or not _PLAIN.fullmatch(value):
            return "other" if value else "none"
        if value not in self._known and len(self._known) >= MOST_VALUES:
            return "other"
        self._known.add(value)
        return value


@dataclass(eq=False)
class Metrics:
    """The counters of this program; the store's own figures are read when somebody asks."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    gauges: Gauges = field(default_factory=Gauges)
    reading: Reading | None = None
    lock: anyio.Lock = field(default_factory=anyio.Lock)

    def __post_init__(self) -> None:
        self._stages = Histogram(
            "madoguchi_turn_seconds", "Time of a turn by stage", ["stage"], registry=self.registry, buckets=_FINE
        )
        self._turns = Counter("madoguchi_turns", "Turns by outcome", ["outcome"], registry=self.registry)
        self._intents = Counter("madoguchi_intents", "Messages by intent", ["intent"], registry=self.registry)
        self._fallbacks = Counter("madoguchi_fallbacks", "Messages not understood", registry=self.registry)
        self._requests = Histogram(
            "madoguchi_request_seconds",
            "Time of a request by kind of page and class of status",
            ["family", "status"],
            registry=self.registry,
            buckets=_FINE,
        )
        self._known_intents, self._known_reasons = Bounded(), Bounded()
        self.registry.register(self)

    def stage(self, name: str, seconds: float) -> None:
        """Note how long one stage of a turn took."""
        self._stages.labels(name).observe(max(0.0, seconds))

    def turn(self, outcome: str) -> None:
        """Count a turn by how it ended."""
        self._turns.labels(outcome).inc()

    def understood(self, intent: str | None) -> None:
        """Count a message by what it was taken for."""
        self._intents.labels(self._known_intents.of(intent)).inc()
        if intent == "nlu_fallback":
            self._fallbacks.inc()

    def request(self, path: str, status: int, seconds: float) -> None:
        """Note how long a request took; an event stream is counted by its end."""
        first = path.split("/", 2)[1] if path.startswith("/") else ""
        family = first if first in _FAMILIES else ("front" if path == "/" else "other")
        self._requests.labels(family, f"{status // 100}xx" if status else "none").observe(seconds)

    def collect(self) -> Iterator[Metric]:
        """Give the store's figures as they were read last; prometheus-client asks for them."""
        if self.reading is None:
            return
        count = GaugeMetricFamily("madoguchi_queue_waiting", "How many wait", labels=["queue"])
        age = GaugeMetricFamily("madoguchi_queue_oldest_seconds", "How long the oldest has waited", labels=["queue"])
        for name, queue in self.reading.queues.items():
            count.add_metric([name], queue.waiting)
            age.add_metric([name], queue.oldest_s)
        late = GaugeMetricFamily("madoguchi_promises_late", "Customers who wait for longer than was promised")
        late.add_metric([], self.reading.late_promises)
        yield from (count, age, late)
        yield self._counted("madoguchi_handoffs", "Conversations handed to a human", "reason", self.reading.handoffs)
        yield self._counted("madoguchi_refunds", "Refunds agreed", "destination", self.reading.refunds)
        yield self._counted("madoguchi_refunded_yen", "Yen of these refunds", "destination", self.reading.refunded_yen)

    def _counted(self, name: str, about: str, label: str, counts: dict[str, int]) -> CounterMetricFamily:
        family = CounterMetricFamily(name, about, labels=[label])
        summed: dict[str, int] = {}
        for value, count in counts.items():
            bounded = self._known_reasons.of(value)
            summed[bounded] = summed.get(bounded, 0) + count
        for value, count in summed.items():
            family.add_metric([value], count)
        return family


def metrics_of(request: Request) -> Metrics:
    """Return the counters of the program that this request came to."""
    return cast(Metrics, request.app.state.metrics)


async def read(request: Request) -> Response:
    """GET /metrics: everything, to whoever shows the secret."""
    web, metrics = web_of(request), metrics_of(request)
    expected = f"Bearer {web.settings.secret_for('metrics')}".encode()
    if not hmac.compare_digest(request.headers.get("authorization", "").encode(), expected):
        raise Problem("no_secret")
    async with metrics.lock:
        metrics.reading = await web.services.run(metrics.gauges.read, web.desk)
        content = generate_latest(metrics.registry)
    return Response(content, headers={"Content-Type": CONTENT_TYPE_LATEST})


routes = [Route("/metrics", read)]
