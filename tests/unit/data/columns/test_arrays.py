"""Arrays of columns: made once, unwritable, and those of the frame for rows that are taken."""

import pickle

import numpy as np
import pandas as pd
import pytest

from heorsynth.data.columns.arrays import Arrays, Levels
from heorsynth.data.columns.levels import as_text

FRAME = pd.DataFrame({
    "number": [3, 1, None, 2], "whole": [1, 0, 2, 1], "level": ["b", None, "", "b"], "mixed": ["7", "x", None, "1.5"]
})  # fmt: skip


def test_numbers_are_missing_where_a_value_is_missing_or_no_number() -> None:
    table = Arrays(FRAME)
    np.testing.assert_array_equal(table.numbers("number"), [3, 1, np.nan, 2])
    np.testing.assert_array_equal(table.numbers("mixed"), [7, np.nan, np.nan, 1.5])
    assert table.missing("mixed").tolist() == [False, False, True, False]


def test_levels_are_coded_in_order_and_an_empty_text_is_not_missing() -> None:
    levels = Arrays(FRAME).levels("level")
    assert levels.names.tolist() == ["", "b", ""] and levels.codes.tolist() == [1, -1, 0, 1]
    assert levels.counts == {"": 1, "b": 2}
    assert levels.among(["a", "b"]).tolist() == [1, -1, 2, 1]
    assert Arrays(FRAME).text("level").tolist() == ["b", "", "", "b"]


@pytest.mark.parametrize(
    "numbers",
    [
        np.array([3, -1, 12, 3]),
        np.array([2.0, np.nan, 10.0, -0.0, 1e17]),
        np.array([np.nan]),
        np.array([], dtype=float),
        np.arange(300, dtype=np.int16),
        np.array([1.5, 2.0]),
        np.array([1e19, 2.0]),
    ],
)
def test_whole_numbers_are_coded_as_their_text_is(numbers: np.ndarray) -> None:
    column = pd.Series(numbers)
    found, expected = Levels.of(column), Levels.of(as_text(column))
    assert found.names.tolist() == expected.names.tolist()
    assert found.codes.tolist() == expected.codes.tolist() and found.codes.dtype == expected.codes.dtype


@pytest.mark.parametrize("rows", [np.array([True, False, False, True]), np.array([3, 0, 3])])
def test_rows_taken_twice_have_the_arrays_of_their_frame(rows: np.ndarray) -> None:
    plain = (FRAME[rows] if rows.dtype == bool else FRAME.iloc[rows]).iloc[[1, 0]]
    taken = Arrays(FRAME).take(rows).take(np.array([1, 0]))
    assert taken.n == 2 and taken.names == set(FRAME.columns)
    for found in (taken, pickle.loads(pickle.dumps(taken))):
        pd.testing.assert_frame_equal(found.frame, plain)
        for name in FRAME.columns:
            assert found.text(name).tolist() == Arrays(plain).text(name).tolist()
            np.testing.assert_array_equal(found.numbers(name), Arrays(plain).numbers(name))
        assert found.whole_numbers("whole").tolist() == plain["whole"].tolist()
        assert found.held("whole").tolist() == plain["whole"].tolist()
        several = found.several_numbers(("mixed", "absent", "whole"))
        np.testing.assert_array_equal(several[[0, 2]], [Arrays(plain).numbers(name) for name in ("mixed", "whole")])
        assert np.isnan(several[1]).all() and found.several_numbers(()).shape == (0, 2)


def test_an_array_is_made_once_and_cannot_be_written_into() -> None:
    table = Arrays(FRAME)
    assert table.numbers("whole") is table.numbers("whole")
    assert table.several_numbers(("whole",)) is not table.several_numbers(("whole",))  # few rows: made in microseconds
    many = Arrays(pd.concat([FRAME] * 1000, ignore_index=True))
    for one in (many, many.take(np.arange(2500))):
        assert one.numbers("whole") is one.numbers("whole")
    assert many.several_numbers(("whole",)) is many.several_numbers(("whole",))
    for array in (table.held("whole"), table.several_numbers(("whole",))[0]):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 9
    assert len(pickle.dumps(table)) == len(pickle.dumps(Arrays(FRAME)))
