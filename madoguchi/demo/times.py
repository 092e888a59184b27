"""Moments and days of the demo shop, told from its present: all in Japan, none in the future."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

JAPAN = ZoneInfo("Asia/Tokyo")
_WEEKDAYS = "月火水木金土日"


def days_ago(now: datetime, days: int, rng: Random, *, hours: tuple[int, int] = (8, 22)) -> datetime:
    """Return a moment between these hours, so many days before the present one; for today one that is past."""
    today = now.astimezone(JAPAN)
    midnight = datetime.combine(today.date(), time(), JAPAN)
    if days <= 0:
        return midnight + (today - midnight) * rng.uniform(0.3, 0.8)
    start, end = (hour * 60 for hour in hours)
    return midnight - timedelta(days=days) + timedelta(minutes=rng.randrange(start, end))


def local_day(moment: datetime) -> date:
    """Return the day of a moment in Japan."""
    return moment.astimezone(JAPAN).date()


def add_months(moment: datetime, months: int) -> datetime:
    """Return the same day and hour so many months later; a day the month lacks becomes the 28th."""
    local = moment.astimezone(JAPAN)
    years, month = divmod(local.month - 1 + months, 12)
    return local.replace(year=local.year + years, month=month + 1, day=min(local.day, 28))


def written(day: date | datetime) -> str:
    """Return a day as a mail writes it: 3月5日（木）."""
    local = local_day(day) if isinstance(day, datetime) else day
    return f"{local.month}月{local.day}日（{_WEEKDAYS[local.weekday()]}）"
