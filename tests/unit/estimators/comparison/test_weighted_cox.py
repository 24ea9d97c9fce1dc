"""The weighted Cox model: weights as copies, residuals, and what is not estimable."""

import numpy as np
import pytest

from heorsynth.core.errors import NotEstimableError
from heorsynth.core.random import stream
from heorsynth.estimators.comparison.weighted_cox import weighted_cox
from heorsynth.estimators.survival.cox_two_arms import hazard_ratio_of_rows


def patients(n: int = 80) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = stream(5, "weighted cox")
    treated = np.arange(n) % 2 == 0
    time = rng.exponential(np.where(treated, 20, 12))
    return time, rng.random(n) < 0.7, treated


def test_without_ties_and_weights_it_is_the_usual_model() -> None:
    time, event, treated = patients()
    fit, usual = weighted_cox(time, event, treated, np.ones(80)), hazard_ratio_of_rows(time, event, treated)
    assert (fit.value, 1 / np.sqrt(fit.information)) == pytest.approx((usual.value, usual.se), rel=1e-8)


def test_a_whole_weight_counts_copies() -> None:
    time, event, treated = patients()
    weights = 1.0 + np.arange(80) % 3
    copies = np.repeat(np.arange(80), weights.astype(int))
    fit = weighted_cox(time, event, treated, weights)
    copied = weighted_cox(time[copies], event[copies], treated[copies], np.ones(len(copies)))
    assert (fit.value, fit.information) == pytest.approx((copied.value, copied.information))


def test_weighted_residuals_sum_to_zero_and_are_the_derivative_by_the_weight() -> None:
    time, event, treated = patients()
    weights = 0.5 + (np.arange(80) % 4) / 2
    fit = weighted_cox(time, event, treated, weights)
    assert (fit.weights * fit.residuals).sum() == pytest.approx(0, abs=1e-8)
    for place in (0, 7, 33):
        more = weights.copy()
        more[place] += 1e-6
        slope = (weighted_cox(time, event, treated, more).value - fit.value) / 1e-6
        assert slope == pytest.approx(fit.residuals[place] / fit.information, abs=1e-5)


def test_an_arm_without_events_is_not_estimable() -> None:
    time, event, treated = patients()
    with pytest.raises(NotEstimableError, match="no event"):
        weighted_cox(time, event & ~treated, treated, np.ones(80))
