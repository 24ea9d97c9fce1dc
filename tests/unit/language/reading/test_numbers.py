"""Numbers and units, as texts write them."""

import time

import pytest

from heorsynth.language.reading.numbers import canonical_unit, factor, numbers_in


@pytest.mark.parametrize("text, value, unit", [
    ("1,234,567.5 eur", 1234567.5, "eur"),
    ("1 200 days", 1200.0, "day"),
    ("$300", 300.0, "usd"),
    ("eur 300", 300.0, "eur"),
    ("one hundred and twelve days", 112.0, "day"),
    ("twenty-one months", 21.0, "month"),
    ("two thousand three hundred euros", 2300.0, "eur"),
    ("5 years", 5.0, "year"),
    ("platelets 221 x10^9/l", 221.0, "10^9/l"),
    ("of -7.5", -7.5, ""),
    ("35%", 35.0, "%"),
    ("1.4mg/dl", 1.4, "mg/dl"),
    ("1.4 milligrams per decilitre", 1.4, "mg/dl"),
])  # fmt: skip
def test_a_number_is_read_with_its_unit(text: str, value: float, unit: str) -> None:
    assert [(one.value, one.unit) for one in numbers_in(text)] == [(value, unit)]


@pytest.mark.parametrize("text", ["64-year-old", "64 year old", "64 yo", "64 y/o", "64 years of age",
                                  "sixty-four years old", "64-yr-old", "64 yrs old"])  # fmt: skip
def test_an_age_is_known_by_its_form(text: str) -> None:
    assert [(one.value, one.old) for one in numbers_in(text)] == [(64.0, True)]


def test_small_number_words_without_a_unit_and_parts_of_codes_are_no_numbers() -> None:
    assert numbers_in("one of two patients, covid-19, syn-1a2b") == []
    assert [one.value for one in numbers_in("1.2.3 and 5-7")] == [5.0]


def test_two_number_words_that_make_no_number_are_none() -> None:
    assert [one.value for one in numbers_in("five sixty months")] in ([], [60.0])


def test_units_are_converted_within_a_dimension_only() -> None:
    assert factor("year", "day") == 365.25 and factor("mg/dl", "g/l") == pytest.approx(0.01)
    assert factor("mg/dl", "day") is None and factor("eur", "usd") is None
    assert canonical_unit("USD 2024") == "usd" and canonical_unit("μmol/L") == "µmol/l"


@pytest.mark.parametrize("text", ["9" * 300, "9" * 100_000, "1," * 50_000, "twenty " * 15_000,
                                  "one hundred and " * 6_000, "- " * 50_000])  # fmt: skip
def test_a_hostile_text_is_read_in_linear_time(text: str) -> None:
    begun = time.process_time()
    numbers_in(text)
    assert time.process_time() - begun < 3
