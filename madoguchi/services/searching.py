"""Searching the desk: order, case and return numbers as a whole, customers and messages by their words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from madoguchi.services.desk import Desk
from madoguchi.services.inbox import Row, rows
from madoguchi.store import Case, Conversation, Customer, Message, Order, ReturnAuthorization, search

SHOWN = 50
CANDIDATES = 120
ROUNDS = 8
"""So many times so many candidates are looked at, so that a search for a phrase that never occurs still ends."""
_DASHES = re.compile(r"[‐-―−ー－-]")


@dataclass(frozen=True)
class Found:
    """The conversations found, by what: a number, a customer, or the words of a message."""

    rows: tuple[Row, ...]
    more: bool = False


def find(desk: Desk, words: str) -> Found:
    """Return the conversations that fit, numbers first, then customers, then messages, the newest first."""
    words = words.strip()[:200]
    if not search.runs(words):
        return Found(())
    with desk.store.reading() as session:
        found: dict[str, int | None] = dict.fromkeys(_by_number(session, words))
        if not found:
            found = dict.fromkeys(_by_customer(session, words))
            found |= {name: said for name, said in _by_message(session, words).items() if name not in found}
        quotes = {name: said for name, said in found.items() if said is not None}
        return Found(rows(session, list(found)[:SHOWN], quotes), more=len(found) > SHOWN)


def _by_number(session: Session, words: str) -> list[str]:
    """Find by an order's, case's or return's number, written in any width and with any dash."""
    number = _DASHES.sub("-", unicodedata.normalize("NFKC", words)).strip().upper()
    if not re.fullmatch(r"[A-Z0-9][A-Z0-9-]{5,31}", number):
        return []
    if re.fullmatch(r"\d{17}", number):
        number = f"{number[:3]}-{number[3:10]}-{number[10:]}"
    by_case = select(Case.conversation_id).where((Case.reference == number) | (Case.order_number == number))
    of_return = (
        select(Case.conversation_id)
        .join(ReturnAuthorization, ReturnAuthorization.case_id == Case.id)
        .where(ReturnAuthorization.number == number)
    )
    talks = [*session.scalars(by_case.order_by(Case.id.desc())), *session.scalars(of_return)]
    owner = session.scalar(select(Order.customer_id).where(Order.number == number))
    if owner is not None:
        talks += _of_customers(session, [owner])
    return list(dict.fromkeys(each for each in talks if each is not None))


def _by_customer(session: Session, words: str) -> list[str]:
    ids = [-number for number in search.matching(session, words, below=None, limit=CANDIDATES, customers=True)]
    people = session.scalars(select(Customer).where(Customer.id.in_(ids)))
    return _of_customers(session, [each.id for each in people if _holds(search.customer_text(each), words)])


def _of_customers(session: Session, ids: Iterable[int]) -> list[str]:
    newest = select(Conversation.id).where(Conversation.customer_id.in_(list(ids)))
    return list(session.scalars(newest.order_by(Conversation.last_at.desc()).limit(SHOWN + 1)))


def _by_message(session: Session, words: str) -> dict[str, int]:
    """Return conversations, each with its newest message that holds the words as they stand."""
    found: dict[str, int] = {}
    below: int | None = None
    for _ in range(ROUNDS):
        ids = search.matching(session, words, below=below, limit=CANDIDATES)
        if not ids:
            break
        below = ids[-1]
        candidates = select(Message.conversation_id, Message.id, Message.text).where(Message.id.in_(ids))
        for name, number, text in session.execute(candidates.order_by(Message.id.desc())):
            if name not in found and _holds(text, words):
                found[name] = number
        if len(found) > SHOWN or len(ids) < CANDIDATES:
            break
    return found


def _holds(text: str, words: str) -> bool:
    folded = search.fold(text)
    return all(run in folded for run in _runs(words))


@lru_cache(maxsize=64)
def _runs(words: str) -> tuple[str, ...]:
    return tuple(search.runs(words))
