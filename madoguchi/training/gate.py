"""The gate: what stands between a candidate and the customers. Pure: reports in, objections out.

A candidate passes if every behaviour test passes, no intent that moves money is understood worse than by the model in
service, and the overall score does not fall. Both are compared on the same held-out messages, so that a message added
to the set since then counts for neither.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

MONEY_INTENTS = frozenset(
    (
        "report_defect",
        "report_wrong_size",
        "report_wrong_item",
        "report_not_delivered",
        "report_accidental_signup",
        "report_seller_stockout",
        "report_conflicting_notice",
        "cancel_order",
        "return_item",
        "exchange_item",
        "reorder_item",
        "withdraw_request",
        "cancel_membership",
        "ask_refund_method",
        "affirm",
        "deny",
    )
)
"""The intents that begin, change, confirm or take back something that moves money or goods."""

_FALL = 1e-9
SURENESS_SLACK = 0.005
"""How far the mean confidence may fall: good lessons move it by a thousandth, see bench/gated.py."""


class Objection(StrEnum):
    """What speaks against a candidate."""

    NOT_EXAMINED = "not_examined"
    NOT_COMPARABLE = "not_comparable"
    BEHAVIOUR = "behaviour"
    MONEY_INTENT = "money_intent"
    ACCURACY = "accuracy"
    SURENESS = "sureness"


@dataclass(frozen=True)
class Objected:
    """One thing that speaks against a candidate: which, about what, and the figures before and now."""

    what: Objection
    subject: str = ""
    before: float | None = None
    now: float | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as the store keeps it."""
        return asdict(self)


@dataclass(frozen=True)
class Check:
    """One behaviour test and what it said."""

    name: str
    passed: bool
    words: str = ""


@dataclass(frozen=True)
class Examined:
    """What was seen of a model: its behaviour tests and its answers to every held-out message."""

    checks: Sequence[Check]
    messages: Sequence[Mapping[str, Any]]


def judge(candidate: Examined | None, in_service: Examined | None) -> tuple[Objected, ...]:
    """Return everything that speaks against a candidate; nothing where it may go into service.

    `in_service` is None only where no model has been in service yet: then there is nothing to fall behind.
    """
    if candidate is None or not candidate.checks or not candidate.messages:
        return (Objected(Objection.NOT_EXAMINED),)
    failed = tuple(Objected(Objection.BEHAVIOUR, each.name) for each in candidate.checks if not each.passed)
    if in_service is None:
        return failed
    before, now = shared(in_service.messages, candidate.messages)
    if not now:
        return (*failed, Objected(Objection.NOT_COMPARABLE))
    return (*failed, *_worse_intents(before, now), *_worse_overall(before, now))


def shared(
    before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]
) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Return the answers of both to the messages that both were asked, in the same order."""
    then = {(each["text"], each["intent"]): each for each in before}
    both = [each for each in now if (each["text"], each["intent"]) in then]
    return [then[each["text"], each["intent"]] for each in both], both


def f1_by_intent(messages: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Return the F1 of each intent that is meant or said."""
    hits, missed, spurious = Counter[str](), Counter[str](), Counter[str]()
    for each in messages:
        meant, said = each["intent"], each["predicted"] or ""
        if meant == said:
            hits[meant] += 1
        else:
            missed[meant] += 1
            spurious[said] += 1
    names = {*hits, *missed, *spurious} - {""}
    return {name: 2 * hits[name] / (2 * hits[name] + missed[name] + spurious[name]) for name in names}


def accuracy(messages: Sequence[Mapping[str, Any]]) -> float:
    """Return the share of messages that are understood."""
    return float(sum(each["intent"] == each["predicted"] for each in messages) / len(messages))


def sureness(messages: Sequence[Mapping[str, Any]]) -> float:
    """Return the mean confidence in the right intent, nothing where another one was said.

    It falls before the accuracy does: wrong labels take certainty away long before they turn an answer.
    """
    return float(sum(each["confidence"] for each in messages if each["intent"] == each["predicted"]) / len(messages))


def _worse_intents(before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> Iterable[Objected]:
    then, since = f1_by_intent(before), f1_by_intent(now)
    for name in sorted(MONEY_INTENTS & {*then, *since}):
        was, is_now = then.get(name, 1.0), since.get(name, 1.0)
        if is_now < was - _FALL:
            yield Objected(Objection.MONEY_INTENT, name, was, is_now)


def _worse_overall(before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> Iterable[Objected]:
    if accuracy(now) < accuracy(before) - _FALL:
        yield Objected(Objection.ACCURACY, "", accuracy(before), accuracy(now))
    if sureness(now) < sureness(before) - SURENESS_SLACK:
        yield Objected(Objection.SURENESS, "", sureness(before), sureness(now))
