"""Numbers written as text: what is read, by which decimal mark, and what is left and counted without a value."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from heorsynth.data.columns.number_text import (
    AMBIGUOUS,
    CURRENCIES,
    CURRENCY,
    THOUSANDS,
    UNREAD,
    ZEROS,
    counts_in_words,
    n_unread,
    parsed,
)


@pytest.mark.parametrize(("cells", "numbers"), [
    (["€ 12", "€ 7.5"], [12, 7.5]),
    (["1,234.50", "2.25", "1,200"], [1234.5, 2.25, 1200]),
    (["$1.200", "$1.25"], [1.2, 1.25]),
    (["1.234,50 €", "12 €", "1.200 €"], [1234.5, 12, 1200]),
    (["1,5", "2,25", "1.234"], [1.5, 2.25, 1234]),
    (["1 234,5", "1\u00a0234 567", "3"], [1234.5, 1234567, 3]),
    (["CHF 1'234.50", "chf 3"], [1234.5, 3]),
    (["-$12.50", "$ -3", "−4", "+5"], [-12.5, -3, -4, 5]),
    (["1,234,567", "1,234"], [1234567, 1234]),
    (["12%", "3.5 %"], [12, 3.5]),
    (["1e3", "2.5E-1", ".5", "5."], [1000, 0.25, 0.5, 5]),
    (["1.200", "3.400"], [1.2, 3.4]),
    ([1, 2.5, Decimal("3.25"), "4"], [1, 2.5, 3.25, 4]),
])  # fmt: skip
def test_numbers_are_read_with_the_mark_that_their_column_shows(cells: list, numbers: list[float]) -> None:
    values, counts = parsed(pd.Series(cells, dtype=object))
    assert values.tolist() == numbers
    assert not any(counts[kind] for kind in UNREAD)


@pytest.mark.parametrize(("cells", "kind"), [
    (["1,234", "2,345", "7"], AMBIGUOUS), (["$1.200", "$3.400"], AMBIGUOUS), (["1,5", "2.25"], AMBIGUOUS),
    (["€ 5", "$ 7"], CURRENCIES), (["12%", "0.12", "3%"], AMBIGUOUS),
])  # fmt: skip
def test_what_may_mean_two_numbers_is_left_and_counted(cells: list[str], kind: str) -> None:
    values, counts = parsed(pd.Series(cells))
    assert counts[kind] == 2 and np.isnan(values).sum() == 2


def test_inequalities_words_and_missing_marks_are_counted_apart_and_no_value_is_told() -> None:
    column = pd.Series(
        ["> 75", "<LOD", "≥3", "75+", "below 5", "unknown", "Meier", "NA", "n/a", "'--", ".", "12 mg", None]
    )
    values, counts = parsed(column)
    assert np.isnan(values).all()
    assert counts_in_words(counts) == "4 missing marks, 5 inequalities, 2 words, 1 other text"
    assert n_unread(counts) == 8
    assert not any(text in counts_in_words(counts) for text in ("Meier", "75", "12"))


def test_leading_zeros_are_counted_since_they_speak_for_a_code() -> None:
    assert parsed(pd.Series(["01", "007", "0", "0.5", "10"]))[1][ZEROS] == 2


def test_a_cell_may_have_a_currency_and_thousands_and_every_row_counts() -> None:
    _, counts = parsed(pd.Series(["€1,234.50"] * 3))
    assert (counts[CURRENCY], counts[THOUSANDS]) == (3, 3)


def test_a_numeric_column_and_an_empty_one_are_what_they_are() -> None:
    values, counts = parsed(pd.Series([1, None, 3], dtype="Int64"))
    assert values[[0, 2]].tolist() == [1, 3] and np.isnan(values[1]) and counts["plain"] == 2
    assert parsed(pd.Series([None, None], dtype=object))[1].total() == 0
    assert parsed(pd.Series([], dtype=object))[0].shape == (0,)


def test_booleans_are_no_numbers() -> None:
    assert n_unread(parsed(pd.Series([True, False]))[1]) == 2
