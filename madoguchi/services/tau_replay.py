"""Replays the writes of a τ-bench retail folder through our policy and services, and compares where they end.

Each task starts from the imported shop anew. Its cancels, returns and exchanges are decided by the policy and
performed by the same saga as a customer's yes; the writes of other kinds are not ours and are left out.
"""

from __future__ import annotations

import itertools
import json
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from madoguchi.payments import Processor
from madoguchi.policy.decisions import Approved, Decision
from madoguchi.policy.facts import LineQuantity
from madoguchi.policy.requests import Replacement, Request, RequestKind
from madoguchi.policy.terms import TermsBook
from madoguchi.policy.vocabulary import DeclineReason, Fact
from madoguchi.services import deciding, saga, tau
from madoguchi.services.deciding import Subject
from madoguchi.services.desk import Desk
from madoguchi.services.tau import Told
from madoguchi.store import Intent, Order, OrderLine, Store
from madoguchi.store.migrate import upgrade

KINDS = ("cancel", "return", "exchange")
TOOLS = {
    "cancel_pending_order": "cancel",
    "return_delivered_order_items": "return",
    "exchange_delivered_order_items": "exchange",
}
OK = "ok"
REASONS = {DeclineReason.GIFT_BALANCE_TOO_LOW.value: "giftcard_balance_too_low"}
"""Our reasons in the words of the data, where the two differ."""


@dataclass(frozen=True)
class Failure:
    """One write or task that did not end as it should."""

    name: str
    expected: Any
    got: Any


@dataclass
class Tally:
    """How many of one kind came out right, and those that did not."""

    right: int = 0
    failures: list[Failure] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many there were."""
        return self.right + len(self.failures)

    def count(self, name: str, expected: Any, got: Any) -> None:
        """Count one more."""
        if expected == got:
            self.right += 1
        else:
            self.failures.append(Failure(name, expected, got))


class Replay:
    """A folder's shop, imported once, and copied for every task that is replayed on it."""

    def __init__(
        self, folder: Path, work: Path, terms: TermsBook, build_processor: Callable[[Store], Processor]
    ) -> None:
        """Import `folder`/db into a store under `work`, an empty folder for files that may be thrown away."""
        self._folder, self._snapshot, self._live = folder, work / "snapshot", work / "live"
        self._live.mkdir()
        self._store = Store(f"sqlite:///{self._live}/shop.db")
        self._desk = Desk(self._store, terms, build_processor(self._store))
        upgrade(self._store)
        with self._store.writing() as session:
            tau.load(session, folder / "db")
        self._desk.processor.find_refund("none", "none")  # its own book is opened by the first question
        self._close()
        shutil.copytree(self._live, self._snapshot)

    def writes(self, groups: Sequence[Sequence[Told]], on: Callable[[], None] = lambda: None) -> dict[str, Tally]:
        """Replay writes, those of one task in their order; `on` is called after each task."""
        tallies = {kind: Tally() for kind in KINDS}
        for group in groups:
            with self._fresh_desk() as desk:
                for case in group:
                    got = _write(desk, case["kind"], case["arguments"], case.get("status_before"))
                    expected = (case["expected"], case["status_after"])
                    name = f"{case['task']} {case['arguments']['order_id']}"
                    tallies[case["kind"]].count(name, expected, _in_their_words(case["expected"], got))
            on()
        return tallies

    def tasks(self, tasks: Sequence[Told], on: Callable[[], None] = lambda: None) -> dict[str, Tally]:
        """Replay whole tasks to their final orders; `on` is called after each."""
        tallies: dict[str, Tally] = {}
        for task in tasks:
            with self._fresh_desk() as desk:
                for write in task["writes"]:
                    _write(desk, TOOLS[write["tool"]], write["arguments"])
                expected = {number: tau.as_compared(told) for number, told in task["final_orders"].items()}
                with desk.store.reading() as session:
                    got = {number: tau.order_as_told(session, session.get_one(Order, number)) for number in expected}
            tallies.setdefault(task["class"], Tally()).count(task["id"], expected, got)
            on()
        return tallies

    def write_groups(self) -> list[list[Told]]:
        """Return the cancels, returns and exchanges of `write_cases.jsonl`, those of one task together."""
        lines = (self._folder / "write_cases.jsonl").read_text(encoding="utf-8").splitlines()
        cases = [case for line in lines if line.strip() and (case := json.loads(line))["kind"] in KINDS]
        grouped = itertools.groupby(cases, key=lambda case: (case.get("set"), case["task"]))
        return [list(group) for _, group in grouped]

    def plain_tasks(self) -> list[Told]:
        """Return the tasks that hold nothing but cancels, returns and exchanges, at least one of them."""
        paths = sorted(self._folder.glob("tasks_*.json"))
        every = [task for path in paths for task in tau.read_json(path)]
        return [task for task in every if task["writes"] and {each["tool"] for each in task["writes"]} <= set(TOOLS)]

    @contextmanager
    def _fresh_desk(self) -> Iterator[Desk]:
        """Give a desk over the shop as it was imported; one engine serves all, for it knows the statements."""
        shutil.rmtree(self._live)
        shutil.copytree(self._snapshot, self._live)
        yield self._desk
        self._close()

    def _close(self) -> None:
        self._store.close()  # the last connection brings the whole database into its one file
        self._desk.processor.close()


def _write(desk: Desk, kind: str, arguments: Told, status_before: str | None = None) -> tuple[str, str]:
    """Decide and perform one write; return what became of it and the order's state after it."""
    with desk.store.writing() as session:
        order = session.get(Order, arguments["order_id"])
        if order is None:
            return "order_not_found", ""
        if status_before is not None and not _brought_to(session, order, status_before):
            return f"cannot be brought to {status_before}", tau.status_of(session, order)
        request = _request(order, kind, arguments)
        decision = deciding.judge(session, desk, request, Subject(order), desk.clock())
        key = _agreed(session, desk, request, decision, order) if isinstance(decision, Approved) else None
    if key is not None:
        saga.carry_on(desk, key)
    with desk.store.reading() as session:
        outcome = _outcome(session, decision, key)
        return outcome, tau.status_of(session, session.get_one(Order, arguments["order_id"]))


def _agreed(session: Session, desk: Desk, request: Request, decision: Approved, order: Order) -> str:
    """Note the intent as a customer's yes would, and return its key."""
    now = desk.clock()
    case = deciding.case_for(session, Subject(order), request.kind.value, now)
    deciding.keep_receipt(session, request, decision, case, now)
    intent = Intent(
        key=secrets.token_urlsafe(16),
        case=case,
        request=deciding.request_json(request),
        plan=json.loads(decision.plan.to_json()),
        receipt=json.loads(json.dumps(asdict(decision.receipt), default=dict)),
        fingerprint=decision.plan.fingerprint(),
        recovery_point="confirmed",
        proposed_at=now,
        confirmed_at=now,
    )
    session.add(intent)
    return intent.key


def _outcome(session: Session, decision: Decision, key: str | None) -> str:
    if key is not None:
        point = session.get_one(Intent, key).recovery_point
        return OK if point == "finished" else f"stuck at {point}"
    reason = getattr(decision, "reason", None) or getattr(decision, "fact", None)
    return REASONS.get(str(reason), str(reason))


def _request(order: Order, kind: str, arguments: Told) -> Request:
    if kind == "cancel":
        return Request(RequestKind.CANCEL, cancel_reason=arguments["reason"])
    lines = list(_lines(order, arguments["item_ids"]))
    account = arguments["payment_method_id"]
    meant = tuple(LineQuantity(line_id, 1) for line_id in lines)
    if kind == "return":
        return Request(RequestKind.CHANGE_OF_MIND, lines=meant, refund_account=account)
    new = arguments["new_item_ids"]
    replacements = tuple(Replacement(line_id, sku) for line_id, sku in zip(lines, new, strict=False))
    return Request(RequestKind.EXCHANGE, lines=meant, refund_account=account, replacements=replacements)


def _lines(order: Order, item_ids: Iterable[str]) -> Iterator[str]:
    """Yield a line for each item named; one that the order does not hold so often yields a line it has not."""
    free: list[OrderLine] = list(order.lines)
    for item_id in item_ids:
        line = next((each for each in free if each.variant.reference == item_id), None)
        if line is not None:
            free.remove(line)
        yield str(line.id) if line is not None else "none"


def _brought_to(session: Session, order: Order, status: str) -> bool:
    """Bring an order to the state that a write of a kind which is not ours has left it in, if there is such a one."""
    if tau.status_of(session, order) == status:
        return True
    changed = status == "pending (item modified)"
    state = "pending" if changed else status
    if state not in tau.STATES or tau.status_of(session, order) not in tau.STATES:
        return False
    order.changed, order.state = changed, tau.STATES[state]
    return True


def _in_their_words(expected: str, got: tuple[str, str]) -> tuple[str, str]:
    """Give a refusal the data's own name for it, where the data uses one that we have no word for."""
    outcome, status = got
    declined = outcome in {*DeclineReason, *Fact, *REASONS.values()}
    unknown = expected != OK and expected not in REASONS.values()
    return (expected, status) if declined and unknown else got
