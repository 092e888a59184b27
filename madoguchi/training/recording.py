"""A real talk as a conversation test: the people in it hidden, its orders as a scene, its end as the store's end.

The format is the one of tests/conversations/README.md. What is written down is what happened: a trainer reads it,
and takes out what the test should not insist on.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from madoguchi.services import audit, masking
from madoguchi.services.agents import Person
from madoguchi.services.desk import Desk
from madoguchi.store import Case, Choice, Conversation, Customer, Message, Order
from madoguchi.training import recorded_ends

FOLDER = Path("tests/conversations")
PHONE, MAIL, OTHER_ORDER = "090-1234-5678", "hanako@example.jp", "250-0000000-0000000"
NAME, KANA, PLACE = "山田", "ヤマダ", "東京"
_ORDER = re.compile(r"\d{3}-\d{7}-\d{7}")
_ANY_PHONE = re.compile(r"(?<![\d-])(?:\+81[-\s]?|0)\d{1,4}[-\s]?\d{1,4}[-\s]?\d{3,4}(?![\d-])")
_ANY_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_POSTAL = re.compile(r"(?<![\d-])〒?\d{3}-\d{4}(?![\d-])")
_ADDRESS = re.compile(r"(?:東京都|北海道|(?:京都|大阪)府|[一-龥]{2,3}県)[^\s、。にへでをは]+")
_SELF = re.compile(r"[一-龥々]{1,4}[ 　]?[一-龥々]{0,4}(?=と(?:申し|いい)ます|という者)")
_DASHES = re.compile(r"(?<=\d)[‐-―−ー](?=\d)")


@dataclass(frozen=True)
class Recorded:
    """The test that was made; `path` is None where there is no folder for it, `hidden` counts what was hidden."""

    conversation: str
    text: str
    path: Path | None
    hidden: int


@dataclass
class Mask:
    """Hides people in texts, in such a way that the desk understands the same."""

    orders: Mapping[str, str]
    names: Sequence[str]
    places: Sequence[str] = ()
    hidden: int = field(default=0)

    def __call__(self, text: str) -> str:
        """Return the text without anybody in it."""
        plain = _DASHES.sub("-", unicodedata.normalize("NFKC", text))
        found = _ORDER.sub(self._order, plain)
        for pattern, instead in (
            (_ANY_MAIL, MAIL),
            (_ANY_PHONE, PHONE),
            (_POSTAL, "100-0001"),
            (_ADDRESS, "東京都千代田区"),
        ):
            found = self._replaced(pattern, instead, found)
        found = self._replaced(_SELF, NAME, masking.cards(found))
        for name in self.names:
            found = self._replaced(re.compile(re.escape(name)), KANA if _is_kana(name) else NAME, found)
        for place in self.places:
            found = self._replaced(re.compile(re.escape(place)), PLACE, found)
        # Where nothing had to be hidden, the customer's own widths and spellings stay.
        return text if found == plain else found

    def _order(self, match: re.Match[str]) -> str:
        name = self.orders.get(match[0])
        self.hidden += name is None
        return f"<order:{name}>" if name else OTHER_ORDER

    def _replaced(self, pattern: re.Pattern[str], instead: str, text: str) -> str:
        changed, count = pattern.subn(instead, text)
        self.hidden += count if changed != text else 0
        return changed


@dataclass(frozen=True)
class Named:
    """The persons and places that somebody else's eye, GiNZA's, has seen in a talk."""

    persons: tuple[str, ...] = ()
    places: tuple[str, ...] = ()


def said(desk: Desk, conversation: str) -> list[str]:
    """Return what the customer typed in a talk."""
    with desk.store.reading() as session:
        wanted = select(Message.text).where(Message.conversation_id == conversation, Message.author == "customer")
        return list(session.scalars(wanted.where(Message.choice.is_(None)).order_by(Message.id)))


def record(desk: Desk, person: Person, conversation: str, folder: Path, named: Named | None = None) -> Recorded | None:
    """Make a test of a talk and write it into the folder, where there is one; None where there is no such talk."""
    now = desk.clock()
    with desk.store.writing() as session:
        talk = session.get(Conversation, conversation)
        if talk is None:
            return None
        content, hidden = _content(session, talk, named or Named())
        audit.note(session, now, person.actor, "talk_recorded", conversation, {"hidden": hidden})
    text = _as_yaml(content)
    path = None
    if folder.is_dir():
        path = folder / f"recorded_{now:%Y%m%d}_{conversation[:8]}.yml"
        path.write_text(text, encoding="utf-8")
    return Recorded(conversation, text, path and path.relative_to(folder.parents[1]), hidden)


def _content(session: Session, talk: Conversation, named: Named) -> tuple[dict[str, Any], int]:
    messages = session.scalars(
        select(Message).where(Message.conversation_id == talk.id, Message.author != "note").order_by(Message.id)
    ).all()
    begun = messages[0].created_at if messages else talk.opened_at
    orders = _orders(session, talk, begun)
    names = {order.number: f"order_{number}" for number, order in enumerate(orders, start=1)}
    customer = session.get(Customer, talk.customer_id) if talk.customer_id else None
    mask = Mask(names, [*_names_of(customer), *named.persons], named.places)
    said = _talk(session, messages, mask)
    scene = {names[order.number]: recorded_ends.before(session, order, begun) for order in orders}
    content: dict[str, Any] = {"about": "お客様との実際の会話から作った試験です。"}
    if customer is None:
        content["visitor"] = True
    sized = recorded_ends.products(session, orders, begun)
    if scene:
        content["scene"] = {"products": sized, "orders": scene} if sized else {"orders": scene}
    return {**content, "talk": said, "store": recorded_ends.after(session, talk, orders, names, begun)}, mask.hidden


def _orders(session: Session, talk: Conversation, begun: datetime) -> list[Order]:
    """Return the orders that the talk could know: the customer's own, or those a visitor proved."""
    if talk.customer_id is None:
        wanted: ColumnElement[bool] = Order.number.in_(list(talk.proved_orders))
    else:
        wanted = Order.customer_id == talk.customer_id
    named = select(Case.order_number).where(Case.conversation_id == talk.id, Case.order_number.is_not(None))
    found = session.scalars(
        select(Order).where(wanted, or_(Order.placed_at < begun, Order.number.in_(named))).order_by(Order.placed_at)
    ).all()
    return list(found)


def _talk(session: Session, messages: Sequence[Message], mask: Mask) -> list[dict[str, Any]]:
    tokens = [each.choice for each in messages if each.choice]
    titles = {each.token: each.title for each in session.scalars(select(Choice).where(Choice.token.in_(tokens)))}
    steps: list[dict[str, Any]] = []
    for at, message in enumerate(messages):
        if message.author != "customer" or not (message.text or message.choice):
            continue
        pressed = titles.get(message.choice or "")
        step: dict[str, Any] = {"press": mask(pressed)} if pressed else {"customer": mask(message.text)}
        answers = [each for each in _until_next(messages[at + 1 :]) if each.author == "bot"]
        expected = _expected(session, answers, mask)
        steps.append({**step, "expect": expected} if expected else step)
    return steps


def _until_next(messages: Sequence[Message]) -> Sequence[Message]:
    end = next((at for at, each in enumerate(messages) if each.author == "customer"), len(messages))
    return messages[:end]


def _expected(session: Session, answers: Sequence[Message], mask: Mask) -> dict[str, Any]:
    """Return what the answer must hold whenever it is played: sentences and buttons without a day or an amount."""
    sentences = [part for each in answers for part in re.split(r"(?<=[。？！])|\n", each.text) if _lasting(part, mask)]
    choices = session.scalars(
        select(Choice.title).where(Choice.message_id.in_([each.id for each in answers])).order_by(Choice.token)
    ).all()
    buttons = [title for title in dict.fromkeys(choices) if _lasting(title, mask)]
    expected: dict[str, Any] = {"contains": [sentences[0].strip()]} if sentences else {}
    return {**expected, "buttons": sorted(buttons)} if buttons else expected


def _lasting(part: str, mask: Mask) -> bool:
    before = mask.hidden
    same = mask(part) == part
    mask.hidden = before
    return same and len(part.strip()) > 1 and not re.search(r"[0-9０-９●]", part) and not _Times.search(part)


_Times = re.compile(r"[月火水木金土日]曜|今日|明日|昨日|午前|午後")


def _names_of(customer: Customer | None) -> list[str]:
    """Return every way in which the customer's name may stand in a text, the longest first."""
    if customer is None:
        return []
    whole = [name for name in (customer.name, customer.kana or "") if name]
    parts = [part for name in whole for part in re.split(r"[\s\u3000]+", name)]
    every = {*whole, *(re.sub(r"[\s\u3000]", "", name) for name in whole), *(part for part in parts if len(part) > 1)}
    return sorted(every, key=lambda name: (-len(name), name))


def _is_kana(name: str) -> bool:
    return bool(re.fullmatch(r"[ぁ-んァ-ヶー\s\u3000]+", name))


def _as_yaml(content: Mapping[str, Any]) -> str:
    yaml = YAML()
    yaml.width, yaml.allow_unicode = 4096, True
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = io.StringIO()
    yaml.dump(dict(content), out)
    return out.getvalue()
