"""Several wishes in one message: told apart, so that each is served, one after the other.

"動きません。返品したいです" is one wish with its reason; "ケトルは返品、ライトはキャンセルで" are two. Two parts of a
message are two wishes where they are about different things: an order and a membership, two articles that were bought,
or, where the second is added by a word such as それと, something still to come and something that has arrived.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from rasa_sdk.events import FollowupAction

from actions import words
from actions.slots import FORM, HINTS, KINDS, RETURNING, Part, Turn
from madoguchi.services import answers
from madoguchi.services.desk import Desk
from madoguchi.services.wishes import REORDER

SURE = 0.5
"""How sure the engine must be of a part for it to be a wish of its own."""
OF_A_MEMBERSHIP = frozenset({"accidental_signup", "leave_membership"})
STILL_TO_COME = frozenset({"cancel", "seller_stockout", "not_delivered"})
ARRIVED = frozenset({"defect", "wrong_size", "wrong_item", "change_of_mind", "exchange"})
WITHOUT_REASON = frozenset({"change_of_mind", "exchange", "cancel"})
"""Kinds that give way to the reason told beside them."""
AT_FAULT = ARRIVED - WITHOUT_REASON
type Bought = Callable[[str], frozenset[int]]
"""From an article in the customer's words to the lines of their orders that it names."""


@dataclass(frozen=True)
class Told:
    """One wish as a part of a message tells it."""

    kind: str
    hints: Mapping[str, Any]
    added: bool = False
    also: tuple[str, ...] = ()
    """Other articles that are named for the same."""

    @property
    def slots(self) -> dict[str, Any]:
        """The slots that hold it until its turn has come."""
        return {"trouble": self.kind, **self.hints}

    def is_another_than(self, earlier: Told, bought: Bought) -> bool:
        """Whether it is about another thing than what was told before it."""
        if (self.kind in OF_A_MEMBERSHIP) != (earlier.kind in OF_A_MEMBERSHIP):
            return not any(told.kind == "cancel" and not told.hints and not self.added for told in (self, earlier))
        numbers = {told.hints["order_number"] for told in (self, earlier) if "order_number" in told.hints}
        if len(numbers) == 2:
            return True
        mine, others = (bought(str(told.hints.get("product") or "")) for told in (self, earlier))
        if mine and others:
            return not mine & others
        return self.added and self._group != earlier._group

    def with_reason_of(self, other: Told) -> Told:
        """Return both as one wish: the reason that is told counts more than what it is to lead to."""
        kind = other.kind if self.kind in WITHOUT_REASON else self.kind
        return replace(self, kind=kind, hints={**other.hints, **self.hints}, also=(*self.also, *other.also))

    def one_by_one(self, bought: Bought) -> list[Told]:
        """Return it for each article that is named and was bought, in place of one for all of them."""
        mine = bought(str(self.hints.get("product") or ""))
        others = [article for article in self.also if mine and bought(article) and not bought(article) & mine]
        return [replace(self, also=()), *(Told(self.kind, {**self.hints, "product": each}) for each in others)]

    def about(self, order_number: str) -> Told:
        """Return it as a wish about this order, unless it names another or is about a membership."""
        if self.kind in OF_A_MEMBERSHIP or "order_number" in self.hints:
            return self
        return replace(self, hints={**self.hints, "order_number": order_number})

    @property
    def _group(self) -> str:
        if self.kind in STILL_TO_COME:
            return "still to come"
        return "arrived" if self.kind in ARRIVED else self.kind


def wishes(turn: Turn, bought: Bought) -> tuple[Told, ...]:
    """Return the wishes that the parts of a message tell, in the order they were said.

    The one order number that stands beside them is what they are about: "動きません。番号は250-…です".
    """
    found: list[Told] = []
    wishing = [part for part in turn.parts if _is_wish(part)]
    # "ランタンはそのまま送って" beside a wish is no wish of its own: it says what the wish is not about.
    for part in [part for part in wishing if not part.says("keeps")] or wishing:
        told = Told(KINDS[part.intent], _hints(part), part.added, _others(part))
        if found and not told.is_another_than(found[-1], bought):
            found[-1] = found[-1].with_reason_of(told)
        else:
            found.append(told)
    if len(found) > 1:
        found = [each for told in found for each in told.one_by_one(bought)]
    beside = {number for part in turn.parts if not _is_wish(part) for number in part.entities.get("order_number", ())}
    return tuple(told.about(*beside) for told in found) if len(beside) == 1 else tuple(found)


def bought_by(desk: Desk, turn: Turn) -> Bought:
    """Return the look-up of articles in the orders of this talk's customer."""
    return partial(answers.lines_named, desk, turn.conversation)


def besides(desk: Desk, turn: Turn) -> list[dict[str, Any]]:
    """Return the event that lets the form take up what was wished beside a question, where no form is open."""
    waits = not turn.in_form and turn.slot("trouble") is None and wishes(turn, bought_by(desk, turn))
    return [FollowupAction(FORM)] if waits else []


def counted(numbers: Sequence[Any], text: str) -> str:
    """Return which of several numbers is wished for: not what was bought, nor what the customer keeps."""
    counts = [int(value) for value in numbers if str(value).isdecimal()]
    if len(counts) < 2:
        return str(numbers[0])
    kept = words.meant("kept_units", text)
    counts = [count for count in counts if str(count) != kept] or counts
    match words.meant("how_many_of", text):
        case "every":
            meant = max(counts)  # "2台とも"
        case "some":
            meant = min(counts)  # of the three that were bought, two are meant
        case _:
            meant = counts[-1]  # the last word counts: "もう1個ありました。2個返します"
    return str(meant)


def _is_wish(part: Part) -> bool:
    if part.intent not in KINDS or part.confidence < SURE:
        return False
    # "もういちど返金し直して" asks for money, "もう一度返品を申し込みます" sends back: neither orders anything.
    return KINDS[part.intent] != REORDER or not (part.says("of_money") or part.says("sends_back"))


def _others(part: Part) -> tuple[str, ...]:
    """Return the articles of a part after the first one."""
    return tuple(dict.fromkeys(map(str, part.entities.get("product", ()))))[1:]


def _hints(part: Part) -> dict[str, Any]:
    kind = KINDS[part.intent]
    matters = {
        "condition": kind in RETURNING,
        "problem": kind == "exchange",
        "refund_method": True,
        "whole_order": True,
    }
    said = {topic: words.meant(topic, part.text) for topic, wanted in matters.items() if wanted}
    named = {name: values[0] for name, values in part.entities.items() if name in HINTS}
    if "quantity" in named:
        named["quantity"] = counted(part.entities["quantity"], part.text)
    return {**{topic: value for topic, value in said.items() if value is not None}, **named}
