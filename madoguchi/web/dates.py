"""How moments are written for customers: 11月25日(水), 11月25日(水) 15:05, always in the shop's own time."""

from __future__ import annotations

from datetime import date, datetime

from madoguchi.web.pages import TOKYO
from madoguchi.web.sentences import Sentences


def day(value: date | datetime, sentences: Sentences) -> str:
    """Return 11月25日(水)."""
    on = value.astimezone(TOKYO).date() if isinstance(value, datetime) else value
    return f"{on.month}月{on.day}日({sentences.weekdays[on.weekday()]})"


def moment(value: datetime, sentences: Sentences) -> str:
    """Return 11月25日(水) 15:05."""
    return f"{day(value, sentences)} {value.astimezone(TOKYO):%H:%M}"
