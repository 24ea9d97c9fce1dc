"""How surely pooled cohorts decide: against the noncentral t of another library, and by how often it is wrong."""

import math

import numpy as np
import pytest
from scipy import stats

from heorsynth.core import errors
from heorsynth.estimators.economics.agreement import (
    joint_agreement,
    noncentral_bound,
    pooled_agreement,
    standardised_mean,
    syntheses_needed,
)

LEVEL = 0.90


@pytest.mark.parametrize("freedom", [1, 4, 19, 99])
@pytest.mark.parametrize("t", [-2.0, 0.5, 3.0, 30.0])
@pytest.mark.parametrize("probability", [0.05, 0.95])
def test_the_noncentrality_is_that_of_the_noncentral_t(freedom, t, probability):
    centre = noncentral_bound(t, freedom, probability)
    assert stats.nct.cdf(t, freedom, centre) == pytest.approx(probability, abs=2e-4)


@pytest.mark.parametrize(
    ("m", "repetitions", "allowed"),
    [
        (2, 1000, (0.029, 0.075)),
        *(pytest.param(m, 3000, (0.038, 0.064), marks=pytest.mark.long) for m in (2, 3, 5, 10, 20)),
    ],
)
def test_an_agreement_of_exactly_the_margin_passes_in_5_of_100_however_few_the_cohorts(m, repetitions, allowed):
    """With normal limits it passed in 37 of 100 at m = 2. `allowed` is Binomial(repetitions, 0.05) in 999 of 1,000."""
    rng = np.random.default_rng(m)
    ahead = stats.norm.ppf(0.95) / math.sqrt(m)
    passed = [pooled_agreement(rng.normal(ahead, 1.0, m), LEVEL)[1] >= 0.95 for _ in range(repetitions)]
    assert allowed[0] <= np.mean(passed) <= allowed[1]


def test_the_interval_of_the_syntheses_needed_holds_the_number_in_nine_of_ten():
    rng, ahead, needed = np.random.default_rng(1), 0.8, (stats.norm.ppf(0.95) / 0.8) ** 2
    inside = 0
    for _ in range(1000):
        _, fewest, most = syntheses_needed(rng.normal(ahead, 1.0, 12), 0.95, LEVEL)
        inside += fewest <= math.ceil(needed) <= most
    assert inside / 1000 >= 0.87  # counts are rounded up, which only widens


def test_cohorts_that_lean_the_other_way_need_more_than_any_number():
    value, fewest, most = syntheses_needed(np.array([-1.0, -1.1, -0.9]), 0.95, LEVEL)
    assert math.isinf(value) and math.isinf(most) and math.isinf(fewest)
    value, fewest, most = syntheses_needed(np.array([0.5, 2.0, -1.0, 1.0]), 0.95, LEVEL)
    assert 1 <= fewest < value < most == math.inf


def test_cohorts_that_do_not_vary_decide_for_certain():
    assert pooled_agreement(np.full(5, 3.0), LEVEL) == (1.0, 1.0, 1.0)
    assert pooled_agreement(np.full(5, -3.0), LEVEL) == (0.0, 0.0, 0.0)
    assert syntheses_needed(np.full(5, 3.0), 0.99, LEVEL) == (1.0, 1.0, 1.0)


def test_one_cohort_says_nothing_of_how_they_vary():
    with pytest.raises(errors.NotEstimableError, match="two or more"):
        standardised_mean(np.array([1.0]), LEVEL)


def test_of_two_options_the_joint_agreement_is_that_of_the_pair():
    margins = np.random.default_rng(3).normal(0.5, 1.0, (8, 1))
    joint = joint_agreement(margins, LEVEL, np.random.default_rng(1))
    assert joint == pytest.approx(pooled_agreement(margins[:, 0], LEVEL), abs=1e-12)


def test_an_option_ahead_of_one_other_and_level_with_a_third_is_chosen_in_half():
    rng = np.random.default_rng(4)
    margins = np.column_stack([rng.normal(5.0, 1.0, 40), rng.normal(0.0, 1.0, 40)])
    margins[:, 1] -= margins[:, 1].mean()
    value, low, high = joint_agreement(margins, LEVEL, rng)
    assert value == pytest.approx(0.5, abs=0.02)  # 20,000 draws: three standard errors are 0.011
    assert low < 0.1 and high > 0.9


def test_the_joint_bound_passes_an_agreement_of_the_margin_in_at_most_5_of_100():
    """Two rivals, each beaten with probability √0.95: together 0.95. Binomial(1,000, 0.05): above 0.068 in 1 of 100."""
    rng, m = np.random.default_rng(5), 5
    ahead = stats.norm.ppf(math.sqrt(0.95)) / math.sqrt(m)
    passed = [joint_agreement(rng.normal(ahead, 1.0, (m, 2)), LEVEL, rng, draws=10)[1] >= 0.95 for _ in range(1000)]
    assert np.mean(passed) <= 0.068
