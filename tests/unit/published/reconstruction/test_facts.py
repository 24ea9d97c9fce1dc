"""A printed number holds what rounds to it; steps that are seen are counted."""

import numpy as np
import pandas as pd
import pytest

from heorsynth.core.errors import CurveError
from heorsynth.published.reconstruction.cleaning import arms_of
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


def test_a_steep_fall_beside_a_number_at_risk_is_no_contradiction() -> None:
    """The number may be that before the fall or after it: the clicked times have an error."""
    curve = pd.DataFrame({"arm": "a", "time": [10, 10, 10.3, 10.3, 20], "survival": [1.0, 0.9, 0.9, 0.6, 0.6]})
    before, after, later = 90, 60, 59
    for first in (before, after):
        risk = pd.DataFrame({"arm": "a", "time": [0, 10.2, 19], "at_risk": [100, first, later]})
        assert arms_of(curve, risk, None, 3.0)[0].n == 100
    high = pd.DataFrame({"arm": "a", "time": [0, 12, 19], "at_risk": [100, 60, 95]})
    with pytest.raises(CurveError):
        arms_of(curve, high, None, 3.0)
