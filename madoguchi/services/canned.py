"""Replies that are written often: found by their words, filled with what is true of this conversation."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sqlalchemy import select

from madoguchi.services import audit
from madoguchi.services.agents import Person
from madoguchi.services.desk import Desk
from madoguchi.store import CannedReply, search

PLACEHOLDERS = ("customer", "order", "article", "agent")
"""What may stand in braces in a canned reply; anything else stays as it is written."""
_BRACES = re.compile(r"\{(" + "|".join(PLACEHOLDERS) + r")\}")
LONGEST_TITLE, LONGEST_BODY = 80, 2000


def find(desk: Desk, words: str = "") -> Sequence[CannedReply]:
    """Return the replies whose title or text hold every word, the most used first."""
    wanted = search.runs(words)
    with desk.store.reading() as session:
        every = session.scalars(
            select(CannedReply).where(CannedReply.retired.is_(False)).order_by(CannedReply.used.desc(), CannedReply.id)
        ).all()
    return [each for each in every if all(run in search.fold(f"{each.title} {each.body}") for run in wanted)]


def fill(body: str, values: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """Return the text with its placeholders filled, and the names of those for which nothing is known."""
    missing = tuple(dict.fromkeys(name for name in _BRACES.findall(body) if not values.get(name)))
    return _BRACES.sub(lambda match: values.get(match[1]) or match[0], body), missing


def unfilled(text: str) -> bool:
    """Whether a text still holds a placeholder that no customer should read."""
    return _BRACES.search(text) is not None


def save(desk: Desk, person: Person, reply_id: int | None, title: str, body: str) -> bool:
    """Add a reply, or change one; False for an empty or overlong one and for a title that is taken."""
    title, body = title.strip(), body.replace("\r\n", "\n").strip()
    if not (0 < len(title) <= LONGEST_TITLE and 0 < len(body) <= LONGEST_BODY):
        return False
    with desk.store.writing() as session:
        same = session.scalar(select(CannedReply).where(CannedReply.title == title))
        if same is not None and same.id != reply_id:
            if not same.retired or reply_id is not None:
                return False
            same.body, same.retired = body, False
        elif reply_id is None:
            session.add(CannedReply(title=title, body=body))
        else:
            row = session.get_one(CannedReply, reply_id)
            row.title, row.body = title, body
        audit.note(session, desk.clock(), person.actor, "canned_saved", f"canned:{reply_id or 0}")
    return True


def retire(desk: Desk, person: Person, reply_id: int) -> None:
    """Take a reply out of the list."""
    with desk.store.writing() as session:
        session.get_one(CannedReply, reply_id).retired = True
        audit.note(session, desk.clock(), person.actor, "canned_retired", f"canned:{reply_id}")


def use(desk: Desk, reply_id: int) -> CannedReply | None:
    """Return a reply and count its use."""
    with desk.store.writing() as session:
        row = session.get(CannedReply, reply_id)
        if row is None or row.retired:
            return None
        row.used += 1
        return row
