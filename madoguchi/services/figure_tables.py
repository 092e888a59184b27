"""The figures as tables, one for each figure and one of all days, for files; times in seconds, amounts in yen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from madoguchi.services.figures import Day, Figures, spread

type Row = dict[str, object]


@dataclass(frozen=True)
class Table:
    """The names of a table's columns, and its rows."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def table(figures: Figures, what: str) -> Table | None:
    """Return one figure as a table; None for one that there is not."""
    make = _TABLES.get(what)
    if make is None:
        return None
    columns, rows = make(figures)
    return Table(tuple(columns.split()), tuple(rows))


def names() -> tuple[str, ...]:
    """Return the names of all tables."""
    return tuple(_TABLES)


def _days(figures: Figures) -> tuple[str, list[Row]]:
    columns = "day conversations solved_alone handoffs first_word_median_s refunds refunded seller_answers nps"
    return columns, [_day(day) for day in figures.days]


def _day(day: Day) -> Row:
    wait = spread(day.first_word_s)
    return {
        "day": day.day.isoformat(),
        "conversations": day.conversations,
        "solved_alone": day.solved_alone,
        "handoffs": sum(day.reasons.values()),
        "first_word_median_s": wait[0] if wait else "",
        "refunds": sum(day.refunds.values()),
        "refunded": day.refunded_sum,
        "seller_answers": len(day.seller_answer_s),
        "nps": _or_empty(day.nps),
    }


def _conversations(figures: Figures) -> tuple[str, list[Row]]:
    rows: list[Row] = [{"day": day.day.isoformat(), "conversations": day.conversations} for day in figures.days]
    return "day conversations", rows


def _solved(figures: Figures) -> tuple[str, list[Row]]:
    return "day conversations solved_alone percent", [
        {
            "day": day.day.isoformat(),
            "conversations": day.conversations,
            "solved_alone": day.solved_alone,
            "percent": _or_empty(day.solved_percent),
        }
        for day in figures.days
    ]


def _waits(of: Callable[[Day], Sequence[int]]) -> Callable[[Figures], tuple[str, list[Row]]]:
    def make(figures: Figures) -> tuple[str, list[Row]]:
        rows: list[Row] = []
        for day in figures.days:
            waits, both = of(day), spread(of(day))
            told: Row = {"median_s": both[0], "p90_s": both[1]} if both else {}
            rows.append({"day": day.day.isoformat(), "answers": len(waits), **told})
        return "day answers median_s p90_s", rows

    return make


def _nps(figures: Figures) -> tuple[str, list[Row]]:
    return "day scores promoters detractors nps", [
        {
            "day": day.day.isoformat(),
            "scores": len(day.scores),
            "promoters": sum(score >= 9 for score in day.scores),
            "detractors": sum(score <= 6 for score in day.scores),
            "nps": _or_empty(day.nps),
        }
        for day in figures.days
    ]


def _reasons(figures: Figures) -> tuple[str, list[Row]]:
    return "reason handoffs", [{"reason": name, "handoffs": count} for name, count in figures.reasons]


def _refunds(figures: Figures) -> tuple[str, list[Row]]:
    rows: list[Row] = [{"reason": name, "refunds": count, "amount": amount} for name, count, amount in figures.refunds]
    return "reason refunds amount", rows


def _words(figures: Figures) -> tuple[str, list[Row]]:
    return "score words", [{"score": score, "words": said} for score, said in figures.words]


def _or_empty(share: float | None) -> object:
    return "" if share is None else round(share, 1)


_TABLES: dict[str, Callable[[Figures], tuple[str, list[Row]]]] = {
    "days": _days,
    "conversations": _conversations,
    "solved": _solved,
    "first_word": _waits(lambda day: day.first_word_s),
    "seller": _waits(lambda day: day.seller_answer_s),
    "nps": _nps,
    "reasons": _reasons,
    "refunds": _refunds,
    "words": _words,
}
