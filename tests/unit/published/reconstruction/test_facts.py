"""A printed number holds what rounds to it; steps that are seen are counted."""

import numpy as np
import pytest

from heorsynth.published.reconstruction.facts import Printed, steps_seen


@pytest.mark.parametrize(
    ("number", "inside", "outside"), [("0.80", 0.8049, 0.8051), (0.8, 0.84, 0.86), ("12", 12.4, 12.6)]
)
def test_a_printed_number_holds_what_rounds_to_it(number: str | float, inside: float, outside: float) -> None:
    assert Printed.of(number).holds(np.array([inside, outside])).tolist() == [True, False]


@pytest.mark.parametrize("number", ["", "NR", "0", "-1", "nan", "inf"])
def test_what_is_no_number_above_0_is_refused(number: str) -> None:
    with pytest.raises(ValueError, match="not a number"):
        Printed.of(number)


def test_small_falls_add_up_to_a_step() -> None:
    assert steps_seen(np.linspace(1, 0.5, 51), 0.049) == 10
    assert steps_seen(np.ones(5), 0.01) == 0
