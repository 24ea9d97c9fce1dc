"""What counts as a number of an argument: whole ones with a least, finite ones, and no truth value or text."""

import numpy as np

from heorsynth.core.numbers import WHOLE_FLOATS, is_number, is_whole


def test_a_whole_number_is_held_to_its_least() -> None:
    assert is_whole(3, 3) and is_whole(np.int64(3), 3)
    assert not is_whole(2, 3)
    assert not is_whole(True, 1)


def test_text_truth_values_and_what_is_not_finite_are_no_numbers() -> None:
    assert is_number(0) and is_number(np.float32(0.5))
    for value in (True, np.bool_(True), "1", None, float("nan"), float("-inf"), 1 + 0j):
        assert not is_number(value)


def test_the_limit_of_whole_floats_is_where_the_next_whole_number_is_lost() -> None:
    assert WHOLE_FLOATS - 1 != WHOLE_FLOATS
    assert WHOLE_FLOATS + 1 == WHOLE_FLOATS
