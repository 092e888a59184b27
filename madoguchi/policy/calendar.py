"""Business days and hours: Japanese holidays, the shop's own closures (年末年始), and the two clocks of a refund."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import jpholiday

from madoguchi.policy.terms import CalendarTerms, RefundTerms
from madoguchi.policy.vocabulary import RefundMethod

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_YEAR = 366


@dataclass(frozen=True, slots=True)
class RefundClock:
    """When a refund shows: on the day it is sent, or between two days, both included."""

    earliest: date
    latest: date

    @property
    def at_once(self) -> bool:
        """Whether there is nothing to wait for."""
        return self.earliest == self.latest


def local_day(instant: datetime, calendar: CalendarTerms) -> date:
    """The shop's day at this instant; ValueError where the instant has no zone."""
    if instant.tzinfo is None:
        raise ValueError("an instant must be zone-aware")
    return instant.astimezone(calendar.zone).date()


def day_begins(day: date, calendar: CalendarTerms) -> datetime:
    """The first instant of the day in the shop's zone."""
    return datetime.combine(day, datetime.min.time(), calendar.zone)


def is_business_day(day: date, calendar: CalendarTerms) -> bool:
    """Whether the shop works on this day."""
    if _WEEKDAYS[day.weekday()] in calendar.closed_weekdays:
        return False
    if day in calendar.closed_on or day.strftime("%m-%d") in calendar.closed_every_year:
        return False
    return not (calendar.holidays == "japan" and jpholiday.is_holiday(day))


def add_business_days(day: date, count: int, calendar: CalendarTerms) -> date:
    """The `count`-th business day after the day; with 0 the day itself. ValueError where the shop never works."""
    for _ in range(count):
        day = _next_business_day(day, calendar)
    return day


def is_open(now: datetime, calendar: CalendarTerms) -> bool:
    """Whether somebody is there now; the closing minute itself is closed."""
    time = now.astimezone(calendar.zone).time()
    return is_business_day(local_day(now, calendar), calendar) and calendar.opens <= time < calendar.closes


def next_opening(now: datetime, calendar: CalendarTerms) -> datetime:
    """Now where the shop is open, else the instant it next opens, in the shop's zone."""
    if is_open(now, calendar):
        return now.astimezone(calendar.zone)
    today = local_day(now, calendar)
    opening = datetime.combine(today, calendar.opens, calendar.zone)
    if now < opening and is_business_day(today, calendar):
        return opening
    return datetime.combine(_next_business_day(today, calendar), calendar.opens, calendar.zone)


def refund_clock(method: RefundMethod, sent_at: datetime, refunds: RefundTerms, calendar: CalendarTerms) -> RefundClock:
    """When a refund sent at this instant shows: gift balance at once, everything else in business days."""
    sent_on = local_day(sent_at, calendar)
    if method is RefundMethod.GIFT_BALANCE:
        return RefundClock(sent_on, sent_on)
    shortest, longest = refunds.card_business_days
    return RefundClock(add_business_days(sent_on, shortest, calendar), add_business_days(sent_on, longest, calendar))


def _next_business_day(day: date, calendar: CalendarTerms) -> date:
    for _ in range(_YEAR):
        day += timedelta(days=1)
        if is_business_day(day, calendar):
            return day
    raise ValueError("the calendar leaves no business day in a whole year")
