"""The decision of pooled cohorts, and the overlap of intervals, by hand."""

import numpy as np
import pytest

from heorsynth.checks.analyses.agreement import agreeing, fragile, overlapping, pooled, pooled_decision
from heorsynth.checks.analyses.models import Coefficient
from heorsynth.core.errors import NotEstimableError

SIZE = (100, 100, False)
REAL = Coefficient(3.0, 1.0)


def near(centre: float) -> list[Coefficient]:
    return [Coefficient(centre + shift, 1.0) for shift in np.linspace(-0.1, 0.1, 21)]


def test_the_pool_of_equal_cohorts_has_the_variance_of_the_patients() -> None:
    assert pooled([Coefficient(1.0, 0.5)] * 4, SIZE, 0.95).se == pytest.approx(0.5)


def test_the_same_estimate_decides_alike_and_no_effect_does_not() -> None:
    assert agreeing(REAL, near(3.0), 0.05) == 21 and agreeing(REAL, near(0.0), 0.05) == 0
    assert pooled_decision(REAL, near(3.0), SIZE, 0.05).difference > -0.01
    assert pooled_decision(REAL, near(0.0), SIZE, 0.05).difference < -0.99
    assert pooled_decision(Coefficient(0.0, 1.0), near(0.1), SIZE, 0.05).difference > -0.01
    assert pooled_decision(Coefficient(-3.0, 1.0), near(3.0), SIZE, 0.05).difference < -0.99


def test_an_estimate_on_the_edge_of_significance_is_fragile() -> None:
    assert fragile(Coefficient(2.0, 1.0), 0.05, 1.0) and not fragile(REAL, 0.05, 1.0)


def test_overlap_is_full_for_equal_intervals_and_half_at_two_standard_errors() -> None:
    assert overlapping(REAL, near(3.0), SIZE).synthetic == pytest.approx(1.0, abs=0.01)
    shifted = overlapping(REAL, near(3.0 + 1.96), SIZE)
    assert shifted.synthetic == pytest.approx(0.5, abs=0.01)
    assert shifted.lower < shifted.difference < shifted.upper


@pytest.mark.parametrize("answer", [lambda: pooled_decision(REAL, near(3.0)[:1], SIZE, 0.05),
                                    lambda: overlapping(REAL, near(3.0)[:1], SIZE)])  # fmt: skip
def test_one_cohort_says_nothing_of_the_variance_between_cohorts(answer: object) -> None:
    with pytest.raises(NotEstimableError, match="draw two or more"):
        answer()
