"""The desk's figures, day by day of the shop's calendar; a day that is over is counted once and kept.

What each figure means stands beside it on the page, in the same words as here:
conversations are those opened on the day; solved alone are those of them that no human ever took over or was asked
for; the first human word is measured from the handoff to the first reply of a person; refunds count when they were
written, whatever became of them but voided; a seller's answer time runs from the question to the answer.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from statistics import median

from pydantic import TypeAdapter
from sqlalchemy import exists, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from madoguchi.policy.calendar import day_begins, local_day
from madoguchi.services.desk import Desk
from madoguchi.store import Conversation, Handling, Inquiry, Refund, SavedFigures, Score

LONGEST_DAYS = 400
SETTLED_AFTER = timedelta(days=2)
"""So long after a day its conversations may still be handed over; until then it is counted anew."""


@dataclass(frozen=True)
class Day:
    """The figures of one day. Waits are seconds, amounts the smallest unit of the currency."""

    day: date
    conversations: int = 0
    solved_alone: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    first_word_s: list[int] = field(default_factory=list)
    refunds: dict[str, int] = field(default_factory=dict)
    refunded: dict[str, int] = field(default_factory=dict)
    seller_answer_s: list[int] = field(default_factory=list)
    scores: list[int] = field(default_factory=list)

    @property
    def solved_percent(self) -> float | None:
        """The share of the day's conversations that needed no human; None where there were none."""
        return 100 * self.solved_alone / self.conversations if self.conversations else None

    @property
    def nps(self) -> float | None:
        """The day's net promoter score; None where nobody gave one."""
        return nps(self.scores)

    @property
    def first_word_min(self) -> int:
        """The median wait for the first human word, in whole minutes; 0 where nobody waited."""
        return round(median(self.first_word_s) / 60) if self.first_word_s else 0

    @property
    def seller_answer_h(self) -> int:
        """The median of sellers' answer times, in whole hours; 0 where nobody answered."""
        return round(median(self.seller_answer_s) / 3600) if self.seller_answer_s else 0

    @property
    def refunded_sum(self) -> int:
        """The amount of all refunds."""
        return sum(self.refunded.values())


@dataclass(frozen=True)
class Figures:
    """The figures of a span of days, oldest first, and the words that came with its scores."""

    days: tuple[Day, ...]
    words: tuple[tuple[int, str], ...]

    @property
    def conversations(self) -> int:
        """How many conversations were opened."""
        return sum(day.conversations for day in self.days)

    @property
    def solved_percent(self) -> float | None:
        """The share of them that needed no human."""
        whole = self.conversations
        return None if not whole else 100 * sum(day.solved_alone for day in self.days) / whole

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """Reasons of handoffs, the most frequent first."""
        return _summed(day.reasons for day in self.days).most_common()

    @property
    def refunds(self) -> list[tuple[str, int, int]]:
        """Reason, number and amount of refunds, the largest amount first."""
        numbers = _summed(day.refunds for day in self.days)
        return [(name, numbers[name], sum_) for name, sum_ in _summed(day.refunded for day in self.days).most_common()]

    @property
    def first_word(self) -> tuple[float, float] | None:
        """Median and 90th percentile of the wait for the first human word, in seconds."""
        return spread([wait for day in self.days for wait in day.first_word_s])

    @property
    def seller_answer(self) -> tuple[float, float] | None:
        """Median and 90th percentile of sellers' answer times, in seconds."""
        return spread([wait for day in self.days for wait in day.seller_answer_s])

    @property
    def nps(self) -> float | None:
        """Share of 9 and 10 less share of 0 to 6, from -100 to 100."""
        return nps([score for day in self.days for score in day.scores])


def of_days(desk: Desk, first: date, last: date) -> Figures:
    """Return the figures of the days from first to last, both included; ValueError for more than 400 days."""
    if not 0 <= (last - first).days < LONGEST_DAYS:
        raise ValueError("a span of figures has 1 to 400 days")
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    with desk.store.reading() as session:
        saved = {
            row.day: _DAY.validate_python(row.figures)
            for row in session.scalars(select(SavedFigures).where(SavedFigures.day.between(first, last)))
        }
        counted = {day: _count(session, desk, day) for day in days if day not in saved}
        words = _words(session, desk, first, last)
    _save(desk, counted.values())
    return Figures(tuple(saved.get(day) or counted[day] for day in days), words)


def today(desk: Desk) -> date:
    """Return the shop's day."""
    now = desk.clock()
    return local_day(now, desk.terms.at(now).calendar)


def nps(scores: Sequence[int]) -> float | None:
    """Return the net promoter score of some scores; None where there are none."""
    if not scores:
        return None
    good, bad = sum(score >= 9 for score in scores), sum(score <= 6 for score in scores)
    return 100 * (good - bad) / len(scores)


_DAY: TypeAdapter[Day] = TypeAdapter(Day)


def _count(session: Session, desk: Desk, day: date) -> Day:
    begins, ends = _span(desk, day, day)
    opened = Conversation.opened_at.between(begins, ends - timedelta(microseconds=1))
    handled = exists().where(Handling.conversation_id == Conversation.id)
    touched = handled | Conversation.handoff_reason.is_not(None) | Conversation.waiting_since.is_not(None)
    whole = session.scalar(select(func.count()).select_from(Conversation).where(opened)) or 0
    human = session.scalar(select(func.count()).select_from(Conversation).where(opened, touched)) or 0
    reasons = Counter(
        session.scalars(select(Handling.reason).where(Handling.taken_at >= begins, Handling.taken_at < ends))
    )
    waits = session.execute(
        select(Handling.waiting_since, Handling.first_word_at).where(
            Handling.taken_at >= begins,
            Handling.taken_at < ends,
            Handling.waiting_since.is_not(None),
            Handling.first_word_at.is_not(None),
        )
    )
    numbers, amounts = _refunds(session, begins, ends)
    answers = session.execute(
        select(Inquiry.asked_at, Inquiry.answered_at).where(Inquiry.answered_at >= begins, Inquiry.answered_at < ends)
    )
    scores = session.scalars(select(Score.value).where(Score.given_at >= begins, Score.given_at < ends))
    return Day(
        day=day,
        conversations=whole,
        solved_alone=whole - human,
        reasons={reason or "taken_unasked": number for reason, number in reasons.items()},
        first_word_s=_seconds((a, b) for a, b in waits if a is not None and b is not None),
        refunds=numbers,
        refunded=amounts,
        seller_answer_s=_seconds((a, b) for a, b in answers if b is not None),
        scores=list(scores),
    )


def _refunds(session: Session, begins: datetime, ends: datetime) -> tuple[dict[str, int], dict[str, int]]:
    rows = session.execute(
        select(Refund.reason, func.count(), func.sum(Refund.amount))
        .where(Refund.created_at >= begins, Refund.created_at < ends, Refund.state != "voided")
        .group_by(Refund.reason)
    ).all()
    return {name: number for name, number, _ in rows}, {name: int(amount) for name, _, amount in rows}


def _words(session: Session, desk: Desk, first: date, last: date) -> tuple[tuple[int, str], ...]:
    begins, ends = _span(desk, first, last)
    said = select(Score.value, Score.words).where(Score.given_at >= begins, Score.given_at < ends, Score.words != "")
    return tuple(
        (value, words) for value, words in session.execute(said.order_by(Score.given_at.desc()).limit(50)) if words
    )


def _save(desk: Desk, days: Iterable[Day]) -> None:
    """Keep the days that can no longer change; two programs that count the same day keep the same."""
    now = desk.clock()
    over = [day for day in days if _span(desk, day.day, day.day)[1] + SETTLED_AFTER <= now]
    if not over:
        return
    insert = sqlite.insert if desk.store.is_sqlite else postgresql.insert
    rows = [{"day": day.day, "figures": _DAY.dump_python(day, mode="json"), "counted_at": now} for day in over]
    with desk.store.writing() as session:
        session.execute(insert(SavedFigures).values(rows).on_conflict_do_nothing())


def _span(desk: Desk, first: date, last: date) -> tuple[datetime, datetime]:
    calendar = desk.terms.at(desk.clock()).calendar
    return day_begins(first, calendar), day_begins(last + timedelta(days=1), calendar)


def _seconds(pairs: Iterable[tuple[datetime, datetime]]) -> list[int]:
    return sorted(max(0, int((later - earlier).total_seconds())) for earlier, later in pairs)


def _summed(parts: Iterable[dict[str, int]]) -> Counter[str]:
    whole: defaultdict[str, int] = defaultdict(int)
    for part in parts:
        for name, number in part.items():
            whole[name] += number
    return Counter(whole)


def spread(waits: Sequence[int]) -> tuple[float, float] | None:
    """Return the median and the 90th percentile of some waits; None where there are none."""
    if not waits:
        return None
    ordered = sorted(waits)
    return median(ordered), ordered[min(len(ordered) - 1, int(len(ordered) * 0.9))]
