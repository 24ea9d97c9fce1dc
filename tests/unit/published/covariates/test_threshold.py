"""Cuts through a number are read as a forest plot writes them."""

import numpy as np
import pytest

from heorsynth.published.covariates.threshold import above_or_below, is_threshold


@pytest.mark.parametrize(
    ("level", "held"), [("<65", [1, 0, 0]), ("≤ 65", [1, 1, 0]), (">65 years", [0, 0, 1]), (">=65", [0, 1, 1])]
)
def test_patients_are_below_or_above_the_cut(level: str, held: list[int]) -> None:
    assert is_threshold(level)
    assert above_or_below(level, np.array([64.9, 65.0, 65.1])).tolist() == [bool(one) for one in held]


@pytest.mark.parametrize("level", ["female", "18-64", "65", "<old"])
def test_other_levels_are_no_cuts(level: str) -> None:
    assert not is_threshold(level)
