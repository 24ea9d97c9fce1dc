"""Bucher's comparison: the closed form, and the numbers of the paper that proposed it."""

import math
from statistics import NormalDist

import pytest

from heorsynth.core.estimate import Estimate
from heorsynth.estimators.comparison.bucher import bucher


def of_interval(ratio: float, low: float, high: float) -> Estimate:
    return Estimate.normal(math.log(ratio), math.log(high / low) / 2 / 1.959964)


def test_effects_are_subtracted_and_variances_added() -> None:
    found = bucher(Estimate.normal(-0.5, 0.3, n_used=100), Estimate.normal(0.1, 0.4, n_used=50), level=0.9)
    assert (found.value, found.se, found.level, found.n_used) == (-0.6, pytest.approx(0.5), 0.9, 150)
    assert found.high == pytest.approx(-0.6 + 1.6448536 * 0.5)


def test_the_published_difference_of_indirect_and_direct_evidence_is_found() -> None:
    """Bucher et al. 1997, abstract: odds ratio 0.37 (0.21 to 0.65) and 0.64 (0.45 to 0.90), p for difference 0.11."""
    difference = bucher(of_interval(0.37, 0.21, 0.65), of_interval(0.64, 0.45, 0.90))
    p_value = 2 * NormalDist().cdf(-abs(difference.value) / difference.se)
    assert round(p_value, 2) in (0.10, 0.11)  # the inputs are printed with two digits
