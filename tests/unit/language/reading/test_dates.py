"""Dates, as texts write them."""

import pytest

from heorsynth.language.reading.dates import dates_in

DAY = 19753
"""2024-01-31."""


@pytest.mark.parametrize("text", ["2024-01-31", "2024/1/31", "31/01/2024", "01/31/2024", "31.1.2024", "31 january 2024",
                                  "31st of january 2024", "the 31st day of january, 2024", "january 31, 2024",
                                  "jan. 31st, 2024", "31-jan-2024", "31jan2024", "2024 january 31"])  # fmt: skip
def test_a_date_is_read_in_its_usual_forms(text: str) -> None:
    assert [one.days for one in dates_in(text)] == [(DAY,)]


def test_an_open_order_of_day_and_month_gives_both_and_an_impossible_date_none() -> None:
    assert [len(one.days) for one in dates_in("03/04/2024; 2024-02-30; 32 may 2024")] == [2, 0, 0]


def test_numbers_that_are_no_dates_are_none() -> None:
    assert dates_in("5-7 days, 1.5, 2024; may 5; ratio 3/4") == []
