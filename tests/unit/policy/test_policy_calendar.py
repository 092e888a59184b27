"""The calendar: Japanese business days, the shop's own closures, business hours, the clocks of a refund."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_builders import TOKYO, day

from madoguchi.policy.calendar import (
    add_business_days,
    day_begins,
    is_business_day,
    is_open,
    local_day,
    next_opening,
    refund_clock,
)
from madoguchi.policy.terms import CalendarTerms, RefundTerms
from madoguchi.policy.vocabulary import RefundMethod

SHOP = CalendarTerms()


def at(text: str) -> datetime:
    """An instant in Japan."""
    return datetime.fromisoformat(text).replace(tzinfo=TOKYO)


class TestBusinessDays:
    """Business days are Japanese ones, with holidays and the shop's own closures."""

    @pytest.mark.parametrize(
        ("text", "works"),
        [
            ("2026-06-10", True),  # a Wednesday
            ("2026-06-13", False),  # a Saturday
            ("2026-06-14", False),  # a Sunday
            ("2026-05-04", False),  # みどりの日
            ("2026-05-06", False),  # the substitute holiday of that year
            ("2026-12-28", True),
            ("2026-12-29", False),  # 年末年始
            ("2026-12-31", False),
            ("2027-01-01", False),
            ("2027-01-03", False),
            ("2027-01-04", True),
        ],
    )
    def test_each_day(self, text: str, works: bool) -> None:
        assert is_business_day(day(text), SHOP) is works

    def test_the_shops_own_closure_of_one_year(self) -> None:
        obon = CalendarTerms(closed_on=(day("2026-08-13"),))
        assert not is_business_day(day("2026-08-13"), obon)
        assert is_business_day(day("2027-08-13"), obon)

    def test_a_shop_that_knows_no_holidays(self) -> None:
        assert is_business_day(day("2026-05-04"), CalendarTerms(holidays="none"))


class TestAddingBusinessDays:
    """Days of the year's end are not counted."""

    @pytest.mark.parametrize(
        ("start", "count", "end"),
        [
            ("2026-06-10", 0, "2026-06-10"),
            ("2026-06-10", 3, "2026-06-15"),
            ("2026-12-25", 1, "2026-12-28"),
            ("2026-12-28", 1, "2027-01-04"),
            ("2026-12-28", 3, "2027-01-06"),
            ("2026-12-31", 5, "2027-01-08"),
            ("2026-04-28", 3, "2026-05-07"),
        ],
    )
    def test_it_ends_on(self, start: str, count: int, end: str) -> None:
        assert add_business_days(day(start), count, SHOP) == day(end)

    @given(start=st.dates(day("2026-01-01"), day("2030-12-31")), count=st.integers(1, 20))
    def test_it_ends_on_a_business_day_after_so_many_of_them(self, start: object, count: int) -> None:
        end = add_business_days(start, count, SHOP)  # type: ignore[arg-type]
        assert is_business_day(end, SHOP)
        days = [datetime.fromordinal(n).date() for n in range(start.toordinal() + 1, end.toordinal() + 1)]  # type: ignore[attr-defined]
        assert sum(is_business_day(each, SHOP) for each in days) == count


class TestBusinessHours:
    """A callback is at once in business hours, else at the next opening."""

    @pytest.mark.parametrize(
        ("text", "opened"),
        [
            ("2026-06-10T08:59:59", False),
            ("2026-06-10T09:00:00", True),
            ("2026-06-10T17:59:59", True),
            ("2026-06-10T18:00:00", False),
            ("2026-06-13T12:00:00", False),
        ],
    )
    def test_open(self, text: str, opened: bool) -> None:
        assert is_open(at(text), SHOP) is opened

    @pytest.mark.parametrize(
        ("text", "opens"),
        [
            ("2026-06-10T12:00:00", "2026-06-10T12:00:00"),
            ("2026-06-10T07:00:00", "2026-06-10T09:00:00"),
            ("2026-06-10T18:00:00", "2026-06-11T09:00:00"),
            ("2026-06-12T19:00:00", "2026-06-15T09:00:00"),
            ("2026-12-28T18:30:00", "2027-01-04T09:00:00"),
        ],
    )
    def test_next_opening(self, text: str, opens: str) -> None:
        assert next_opening(at(text), SHOP) == at(opens)

    def test_the_hours_are_those_of_the_shops_zone(self) -> None:
        assert is_open(datetime(2026, 6, 10, 0, 0, tzinfo=UTC), SHOP)
        assert not is_open(datetime(2026, 6, 10, 12, 0, tzinfo=UTC), SHOP)


class TestRefundClocks:
    """Gift balance at once, card in 3 to 5 business days."""

    def test_gift_balance_shows_the_same_day(self) -> None:
        clock = refund_clock(RefundMethod.GIFT_BALANCE, at("2026-06-13T23:00:00"), RefundTerms(), SHOP)
        assert (clock.at_once, clock.earliest) == (True, day("2026-06-13"))

    def test_a_card_shows_in_3_to_5_business_days(self) -> None:
        clock = refund_clock(RefundMethod.ORIGINAL_PAYMENT, at("2026-06-10T12:00:00"), RefundTerms(), SHOP)
        assert (clock.at_once, clock.earliest, clock.latest) == (False, day("2026-06-15"), day("2026-06-17"))

    def test_over_the_years_end_it_takes_longer(self) -> None:
        clock = refund_clock(RefundMethod.ORIGINAL_PAYMENT, at("2026-12-28T12:00:00"), RefundTerms(), SHOP)
        assert (clock.earliest, clock.latest) == (day("2027-01-06"), day("2027-01-08"))

    def test_the_day_it_is_sent_is_the_shops(self) -> None:
        sent_at = datetime(2026, 6, 10, 15, 30, tzinfo=UTC)  # 00:30 of the 11th in Japan
        clock = refund_clock(RefundMethod.ORIGINAL_PAYMENT, sent_at, RefundTerms(), SHOP)
        assert clock.earliest == day("2026-06-16")


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone-aware"):
        local_day(datetime(2026, 6, 10), SHOP)  # noqa: DTZ001


def test_a_day_begins_at_midnight_in_the_shops_zone() -> None:
    assert day_begins(day("2026-06-10"), SHOP) == datetime(2026, 6, 9, 15, tzinfo=UTC)
