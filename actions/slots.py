"""What a turn brings: the intent, the entities and the slots, read once into a frozen `Turn` and from it into a `Wish`.

Everything here is a hint at what the customer means. Amounts, owners and states are never read from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import SlotSet

from actions import words
from madoguchi.policy.requests import RequestKind
from madoguchi.policy.vocabulary import Condition, RefundMethod
from madoguchi.services.wishes import REORDER, Wish

FORM = "resolution_form"
KINDS: Mapping[str, str] = {
    "report_defect": "defect",
    "report_wrong_size": "wrong_size",
    "report_wrong_item": "wrong_item",
    "report_not_delivered": "not_delivered",
    "report_accidental_signup": "accidental_signup",
    "report_seller_stockout": "seller_stockout",
    "report_conflicting_notice": "conflicting_notice",
    "cancel_order": "cancel",
    "return_item": "change_of_mind",
    "exchange_item": "exchange",
    "reorder_item": REORDER,
    "withdraw_request": "withdraw",
    "cancel_membership": "leave_membership",
}
"""Intent → the kind of wish it begins."""
ASKED: Mapping[str, str] = {
    "ask_refund_status": "refund_status",
    "ask_refund_method": "refund_method",
    "ask_return_fee": "return_fee",
    "ask_return_procedure": "return_procedure",
    "ask_order_status": "order_status",
    "ask_cancel_status": "cancel_status",
    "ask_guarantee": "guarantee",
    "ask_missing_mail": "missing_mail",
    "ask_membership": "membership",
}
"""Intent → the question that `answers` knows."""

RETURNING = frozenset({"defect", "missing_part", "wrong_item", "wrong_size", "change_of_mind", "exchange", "cancel"})
"""Kinds for which the condition of the article may matter."""

HINTS = (
    *("order_number", "product", "size", "refund_method", "quantity", "line", "membership"),
    *("condition", "at_once", "problem", "contact", "whole_order"),
)
"""The slots that say what one wish is about; emptied when the next one begins."""
STANDING = ("trouble", "asked", "proposal")
RETURN_OFFERED = "return"
"""What is asked where a button offers a return: a typed yes, or the state of the article, takes it up as well."""
PLAINLY = 0.9
"""How sure the engine must be of a part that moves money or stands beside another wish: " だる" is a yes at 0.61."""
LAST_TEXTS = 4
RESUMED, OVER = "resumed", "over"
"""The slot by which an action says that the form has gone on behind its answer: what the form waits for, or `OVER`."""
_QUIET = frozenset({"action_extract_slots", "action_listen", "action_session_start", FORM})


@dataclass(frozen=True)
class Part:
    """One part of a message that says several things, understood by itself."""

    text: str
    intent: str
    confidence: float
    entities: Mapping[str, tuple[Any, ...]]
    added: bool = False
    """Whether it begins with a word that adds it to what was said before."""

    def says(self, topic: str) -> str | None:
        """Return what the words of this part say on a topic of words.yml."""
        return words.meant(topic, self.text)

    @classmethod
    def of(cls, part: Mapping[str, Any]) -> Part:
        """Read one part as the engine tells it."""
        sure, found = float(part.get("confidence") or 0), _entities(part.get("entities") or ())
        return cls(str(part["text"]), str(part.get("intent") or ""), sure, found, bool(part.get("added")))


@dataclass(frozen=True)
class Turn:
    """One message of a customer and where the talk stands."""

    conversation: str
    intent: str
    text: str
    typed: bool
    """False where a button was pressed."""
    entities: Mapping[str, tuple[Any, ...]]
    slots: Mapping[str, Any]
    in_form: bool = False
    returning: bool = False
    """True where a rule has taken the message in between and the form goes on."""
    answered: bool = False
    """True where something has been said already in answer to this very message."""
    ranking: tuple[tuple[str, float], ...] = ()
    parts: tuple[Part, ...] = ()
    """The parts of a message that says several things."""
    last_texts: tuple[str, ...] = ()
    bot_turns: int = 0

    @classmethod
    def of(cls, tracker: Tracker) -> Turn:
        """Read the turn from a tracker."""
        message = tracker.latest_message or {}
        text = str(message.get("text") or "")
        said = [str(event.get("text") or "") for event in tracker.events if event.get("event") == "bot"]
        loop = tracker.active_loop or {}
        return cls(
            conversation=tracker.sender_id,
            intent=str((message.get("intent") or {}).get("name") or ""),
            text=text,
            typed=not text.startswith("/"),
            entities=_entities(message.get("entities") or ()),
            slots=dict(tracker.slots),
            in_form=loop.get("name") == FORM,
            returning=_since_message(tracker.events, "action"),
            answered=_since_message(tracker.events, "bot"),
            ranking=tuple(
                (str(each["name"]), float(each["confidence"])) for each in message.get("intent_ranking") or ()
            ),
            parts=tuple(map(Part.of, message.get("parts") or ())),
            last_texts=tuple(said[-LAST_TEXTS:]),
            bot_turns=len(said),
        )

    def entity(self, name: str) -> Any:
        """Return the first value of an entity of this message, or None."""
        return next(iter(self.entities.get(name, ())), None)

    def not_kept(self, name: str) -> list[Any]:
        """Return an entity's values, each once, but for those that the words want left as they are."""
        kept = {value for part in self.parts if part.says("keeps") for value in part.entities.get(name, ())}
        named = list(dict.fromkeys(self.entities.get(name, ())))
        for clause in words.clauses(self.text) if len(named) > 1 else ():
            if words.meant("keeps", clause):
                kept |= {value for value in named if words.folded(str(value)) in clause}
        return [value for value in named if value not in kept] or named

    @property
    def keeps_only(self) -> bool:
        """Whether an answer only names what is to stay as it is: "まな板はそのまま届くんですよね" chooses nothing."""
        return self.in_form and self.intent not in KINDS and "product" in self.entities and bool(self.says("keeps"))

    @property
    def sure(self) -> Turn:
        """The turn with those parts alone of which the engine is plainly sure, or that name a thing or add a wish."""
        kept = (part for part in self.parts if part.confidence >= PLAINLY or part.entities or part.added)
        return replace(self, parts=tuple(kept))

    def without_kept(self) -> Turn:
        """Return the turn without the article that is to stay; what ends as a question does is no yes either."""
        rest = {name: values for name, values in self.entities.items() if name != "product"}
        asks = self.intent == "affirm" and self.says("asks") is not None
        return replace(self, entities=rest, intent="inform" if asks else self.intent)

    def slot(self, name: str) -> Any:
        """Return a slot's value, the first one where the message brought several."""
        value = self.slots.get(name)
        return value[0] if isinstance(value, list) and value else value

    def says(self, topic: str) -> str | None:
        """Return what the typed words say on a topic of words.yml."""
        return words.meant(topic, self.text) if self.typed else None


@dataclass
class Memory:
    """The slots as they will be after this turn; only what changed becomes an event."""

    before: Mapping[str, Any]
    after: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        value = self.after.get(name, self.before.get(name))
        return value[0] if isinstance(value, list) and value and name != "later" else value

    def __setitem__(self, name: str, value: Any) -> None:
        self.after[name] = value

    def forget(self, *names: str) -> None:
        """Empty these slots."""
        for name in names:
            self.after[name] = None

    def events(self) -> list[dict[str, Any]]:
        """Return the changes as events."""
        return [SlotSet(name, value) for name, value in self.after.items() if self.before.get(name) != value]

    def wish(self) -> Wish:
        """Return the wish as far as it is known."""
        return Wish(
            kind=self["trouble"],
            order_number=_text(self["order_number"]),
            contact=_text(self["contact"]),
            product=_text(self["product"]),
            line=_text(self["line"]),
            membership=_text(self["membership"]),
            quantity=_count(self["quantity"]),
            size=_text(self["size"]),
            condition=_known(Condition, self["condition"]),
            refund_method=_known(RefundMethod, self["refund_method"]),
            at_once=_yes_or_no(self["at_once"]),
            whole_order=True if self["whole_order"] else None,
            problem=_known(RequestKind, self["problem"]),
        )

    def take_up(self, wish: Wish) -> None:
        """Begin this wish; what was known of the last one is forgotten."""
        self.forget(*HINTS, *STANDING)
        self["trouble"] = wish.kind
        for name in ("order_number", "product", "line", "membership", "size", "condition", "refund_method", "problem"):
            self[name] = getattr(wish, name)
        self["quantity"] = str(wish.quantity) if wish.quantity else None


def _entities(found: Any) -> dict[str, tuple[Any, ...]]:
    values: dict[str, tuple[Any, ...]] = {}
    for each in found:
        values[each["entity"]] = (*values.get(each["entity"], ()), each["value"])
    return values


def _since_message(events: list[dict[str, Any]], kind: str) -> bool:
    """Whether since the customer's last words there was such an event, of another action than the form."""
    for event in reversed(events):
        if event.get("event") == "user":
            return False
        if event.get("event") == kind and event.get("name") not in _QUIET:
            return True
    return False


def _text(value: Any) -> str | None:
    return str(value) if value not in (None, "") else None


def _known(values: type[StrEnum], value: Any) -> str | None:
    """Return the value where the policy knows it; the words of a customer may be anything."""
    return str(value) if value in tuple(values) else None


def _count(value: Any) -> int | None:
    return int(value) if str(value or "").isdecimal() and int(value) > 0 else None


def _yes_or_no(value: Any) -> bool | None:
    return None if value in (None, "") else str(value).casefold() == "true"
