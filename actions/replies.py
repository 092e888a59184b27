"""From a reply's name and typed values to Japanese: the sentences stand in domain.yml, this module only fills them.

A sentence is chosen so that the customer never reads the same one twice in a row. Placeholders take the values that the
service gave and nothing else, so that no slot, and thus nothing a customer said, can stand where an amount belongs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from string import Formatter
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton
from babel.numbers import format_currency
from rasa_sdk.executor import CollectingDispatcher
from ruamel.yaml import YAML

from actions.slots import Turn
from madoguchi.services.views import Choice, Money, Value, Values

DOMAIN = Path("domain.yml")
AGAIN = "_again"
"""What a reply's name ends in that says the same to somebody who has just read it and tells it once more."""
ANSWER = 2
"""The texts of which an answer mostly consists: an apology, and what is to be done."""
TOKYO = ZoneInfo("Asia/Tokyo")
LOCALE = "ja"
PICTURED = frozenset({"article", "membership", "notice", "order_status"})
"""Questions whose choices are shown as cards with picture, price and day; all others are plain buttons."""


@dataclass(frozen=True)
class Button:
    """One thing to press: its label's name in domain.yml and the payload behind it."""

    label: str
    payload: str


_MONEY = ("amount", "way", "when")
ROWS: dict[str, tuple[str, ...]] = {
    "return": ("article", *_MONEY, "fee"),
    "return_paid": ("article", *_MONEY, "fee"),
    "return_half": ("article", *_MONEY, "fee"),
    "refuse_parcel": ("article", *_MONEY, "fee"),
    "cancel": ("article", *_MONEY),
    "cancel_request": ("article", *_MONEY),
    "seller_inquiry": ("article", "seller", "deadline", *_MONEY),
    "conflict_freeze": ("article", "seller", "deadline"),
    "membership_refund": ("plan", *_MONEY),
}
"""Which rows the card of a proposal has, by the proposal's name."""

YES = Button("button_yes", "/affirm")
NO = Button("button_no", "/deny")
HUMAN = Button("button_human", "/request_agent")
CALL = Button("button_call", "/request_callback")
REORDER = Button("button_reorder", "/affirm")
RETURN = Button("button_return", "/return_item")
NONE_OF_THEM = Button("choice_none_of_them", "/deny")


class Phrasebook:
    """The sentences of domain.yml by their reply's name (there "utter_<reply>"), each in one or more wordings."""

    def __init__(self, path: Path = DOMAIN) -> None:
        responses = YAML(typ="safe").load(path)["responses"]
        self._wordings = {
            name.removeprefix("utter_"): tuple(str(each.get("text", "")) for each in said)
            for name, said in responses.items()
        }

    def __contains__(self, name: object) -> bool:
        return name in self._wordings

    def wordings(self, name: str) -> tuple[str, ...]:
        """Return every wording of a reply, with its placeholders as they stand."""
        return self._wordings[name]

    def names(self) -> frozenset[str]:
        """Return the names of all replies."""
        return frozenset(self._wordings)

    def place(self, name: str) -> int:
        """Return where a reply stands among the others, so that choices keep the order of domain.yml; 0 for none."""
        return list(self._wordings).index(name) if name in self else 0

    def placeholders(self, name: str) -> frozenset[str]:
        """Return the names that a reply's wordings want filled."""
        parsed = (part for wording in self._wordings[name] for part in Formatter().parse(wording))
        return frozenset(field for _, field, _, _ in parsed if field)

    def text(self, name: str, values: Mapping[str, str], *, number: int = 0, avoid: Sequence[str] = ()) -> str:
        """Return the `number`-th wording, filled, or the next one that is none of `avoid`.

        LookupError for a reply that domain.yml does not have, or a value that was not given.
        """
        wordings = self._wordings[name]
        filled = [wordings[(number + step) % len(wordings)].format_map(values) for step in range(len(wordings))]
        return next((text for text in filled if text not in avoid), filled[0])

    def label(self, name: str, values: Mapping[str, str] | None = None) -> str:
        """Return a word for a card, a button or the middle of a sentence; nothing where there is none."""
        return self.text(name, values or {}) if name in self else ""


def shown(value: Value, book: Phrasebook) -> str:
    """Return a typed value as the customer reads it: 9,800円, 3月5日(木), 3月5日(木) 14:30."""
    match value:
        case None:
            return ""
        case Money(amount, currency):
            return str(format_currency(amount, currency, locale=LOCALE, format_type="name"))
        case datetime():
            day, time = (format_skeleton(part, value, tzinfo=TOKYO, locale=LOCALE) for part in ("MMMEd", "Hm"))
            return f"{day} {time}"
        case date():
            return str(format_skeleton("MMMEd", value, locale=LOCALE))
        case tuple():
            return book.label("label_and").join(shown(each, book) for each in value)
        case _:
            return str(value)


def phrases(values: Values, book: Phrasebook) -> dict[str, str]:
    """Return the values as strings, and the parts of sentences that follow from them: way, when, fee and notes."""
    filled = {name: shown(value, book) for name, value in values.items()}
    label = filled.get("method_label", "")
    filled["label_note"] = book.label("label_label_note", {"label": label}) if label else ""
    size = filled.get("size", "")
    filled["size_note"] = book.label("label_size_note", {"size": size}) if size else ""
    method, timing = filled.get("method") or "none", filled.get("timing") or "none"
    filled["way"] = book.label(f"way_{method}", filled)
    when = f"when_{timing}_{method}"
    filled["when"] = book.label(when, filled) if when in book else ""
    filled["fee"] = book.label(f"fee_{filled.get('payer') or 'nobody'}")
    filled["plan"] = filled.get("article", "")
    filled["new_way"] = book.label(f"way_{filled.get('new_method') or 'none'}", {**filled, "label_note": ""})
    return filled


def inform(entity: str, value: str) -> str:
    """Return the payload of a button that tells the desk one fact."""
    return f"/inform{json.dumps({entity: value}, ensure_ascii=False)}"


def proposal_card(name: str, values: Values, book: Phrasebook) -> dict[str, Any] | None:
    """Return a long proposal as a card: what it is about, how much, whereto, when, who pays; None for a short one."""
    if f"card_{name}" not in book:
        return None
    filled = phrases(values, book)
    rows = [{"label": book.label(f"row_{row}"), "value": filled[row]} for row in ROWS[name] if filled.get(row)]
    note = f"card_note_{name}"
    return {
        "card": "confirm",
        "title": book.label(f"card_{name}"),
        "rows": rows,
        "note": book.label(note, filled),
        "question": book.label("card_question"),
    }


@dataclass
class Speaker:
    """Says replies in one turn; the dispatcher carries them to the engine."""

    book: Phrasebook
    dispatcher: CollectingDispatcher
    turn: Turn
    said: list[str] = field(default_factory=list)

    def say(
        self,
        reply: str,
        values: Values | None = None,
        *,
        buttons: Sequence[Button] = (),
        choices: Sequence[dict[str, str]] = (),
        card: dict[str, Any] | None = None,
    ) -> None:
        """Say a reply, with buttons under it, choices that bear their own titles, and a card."""
        text = self._fresh(reply, phrases(values or {}, self.book))
        self.said.append(text)
        pressed = [*choices, *({"title": self.book.label(each.label), "payload": each.payload} for each in buttons)]
        self.dispatcher.utter_message(text=text, buttons=pressed or None, json_message=card)

    def has_just_said(self, reply: str) -> bool:
        """Whether the answer before this one said so, in one of its wordings; for replies without placeholders."""
        return any(text in self.book.wordings(reply) for text in self.turn.last_texts[-ANSWER:])

    def _fresh(self, reply: str, filled: Mapping[str, str]) -> str:
        """Return a wording that was not read lately: another, the one for those who ask again, or a word about it."""
        avoid = (*self.turn.last_texts, *self.said)
        number = self.turn.bot_turns + len(self.said)
        names = [name for name in (reply, f"{reply}{AGAIN}") if name in self.book or name == reply]
        texts = [self.book.text(name, filled, number=number, avoid=avoid) for name in names]
        fresh = next((text for text in texts if text not in avoid), None)
        return fresh or self.book.text("as_said", {"said": texts[-1]}, number=number, avoid=avoid)

    def offer(
        self,
        what: str,
        reply: str,
        values: Values,
        choices: Sequence[Choice],
        *,
        intent: str = "inform",
        buttons: Sequence[Button] = (),
    ) -> None:
        """Say a question with its choices: as a card where they have pictures, else as buttons."""
        if what not in PICTURED:
            in_order = sorted(choices, key=lambda choice: self.book.place(_label(what, choice)))
            self.say(reply, values, choices=[self._button(what, choice) for choice in in_order], buttons=buttons)
            return
        items = [self._item(what, choice, intent) for choice in choices]
        self.say(reply, values, card={"card": "choices", "items": items} if items else None, buttons=buttons)

    def trace(self, reply: str, moments: Sequence[Choice]) -> None:
        """Say what happened when, one step under the other."""
        steps = [{"label": each.title, "state": "done", "at": shown(each.on, self.book)} for each in moments]
        self.say(reply, card={"card": "progress", "steps": steps})

    def _button(self, what: str, choice: Choice) -> dict[str, str]:
        value = choice.value.removeprefix(f"{what}:")
        label = _label(what, choice)
        title = self.book.label(label) if label in self.book else choice.title
        return {"title": title, "payload": inform(what, value)}

    def _item(self, what: str, choice: Choice, intent: str) -> dict[str, Any]:
        return {
            "title": choice.title,
            "detail": self.book.label(f"detail_{choice.detail}") or choice.detail,
            "image": choice.image,
            "price": shown(choice.price, self.book),
            "date": shown(day_of(choice), self.book),
            "payload": f"/{intent}{json.dumps({_entity(what, choice): choice.value}, ensure_ascii=False)}",
        }


def day_of(choice: Choice) -> date | None:
    """Return the day of a choice as the customer's calendar shows it."""
    return choice.on.astimezone(TOKYO).date() if isinstance(choice.on, datetime) else choice.on


def _label(what: str, choice: Choice) -> str:
    """Return the name of the words for a choice, for choices that are codes."""
    return f"choice_{what}_{choice.value.removeprefix(f'{what}:')}"


def _entity(what: str, choice: Choice) -> str:
    """Return the entity that a choice's payload carries: an article or an order is a `line` either way."""
    return "line" if choice.value.startswith(("line:", "order:")) else what
