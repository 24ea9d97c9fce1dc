"""Imputation removes the bias of dropout at random; a jump to reference loses the effect after dropout."""

import numpy as np
import pytest

from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators.economics.arms import arm_means
from heorsynth.estimators.visits.imputation import AT_RANDOM, JUMP, imputed_values, imputed_visit_means
from heorsynth.estimators.visits.trajectories import Outcome, Trajectories

N = 4000
ARM = np.arange(N) % 2
NO_COVARIATES = np.empty((N, 0))


def trial(effect: float = 1.0) -> tuple[Trajectories, np.ndarray]:
    """Three visits with an effect at the last two; half of those above 0 at the second leave, in the second arm."""
    rng = np.random.default_rng(1)
    whole = rng.normal(size=(N, 1)) + 0.6 * rng.normal(size=(N, 3)) + effect * ARM[:, None] * [0, 1, 1]
    seen = whole.copy()
    seen[(ARM == 1) & (whole[:, 1] > 1) & (rng.random(N) < 0.5), 2] = np.nan
    return Trajectories(np.array([0, 0.5, 1.0]), seen, np.zeros(seen.shape, bool)), whole


def of_last(seen: Trajectories) -> Outcome:
    return Outcome(seen, np.broadcast_to([0.0, 0.0, 1.0], seen.values.shape))


def cost() -> Outcome:
    return Outcome.of_column(np.random.default_rng(9).normal(100, 1, N))


def effect(method: str) -> tuple[float, float]:
    seen, _ = trial()
    found = imputed_visit_means(cost(), of_last(seen), ARM, 2, NO_COVARIATES, np.random.default_rng(1), method=method)
    more = found.increments(1)
    return more.effect, float(np.sqrt(more.covariance[1, 1]))


def test_imputation_at_random_finds_the_effect_that_complete_cases_lose() -> None:
    seen, whole = trial()
    truth = whole[ARM == 1, 2].mean() - whole[ARM == 0, 2].mean()
    complete = arm_means(np.ones(N), seen.values[:, 2], ARM, 2).increments(1).effect
    found, error = effect(AT_RANDOM)
    assert truth - complete > 5 * error
    assert abs(found - truth) < 2 * error


def test_a_jump_to_reference_takes_the_mean_of_the_reference_arm() -> None:
    """A quarter of the arm leaves, and loses the effect but for what its own earlier values carry on."""
    seen, whole = trial()
    found, error = effect(JUMP)
    left = np.isnan(seen.values[:, 2])
    usual = np.cov(whole[ARM == 0].T)
    gain = np.linalg.solve(usual[:2, :2], usual[:2, 2])
    mean = whole[ARM == 1].mean(axis=0)
    expected = whole[:, 2].copy()
    expected[left] = whole[ARM == 0, 2].mean() + (whole[left, :2] - mean[:2]) @ gain
    wanted = expected[ARM == 1].mean() - whole[ARM == 0, 2].mean()
    assert wanted < 0.85
    assert abs(found - wanted) < 2 * error


def test_a_gap_does_not_jump() -> None:
    seen, _ = trial()
    values = np.where((np.arange(N) % 6 == 1)[:, None] & (np.arange(3) == 1), np.nan, trial()[1])
    gaps = Trajectories(seen.times, values, seen.late)
    found = [
        next(imputed_values([gaps], ARM, NO_COVARIATES, np.random.default_rng(1), method=method, imputations=2))[0]
        for method in (AT_RANDOM, JUMP)
    ]
    assert np.array_equal(found[0], found[1])


def test_values_after_death_are_0_and_known_values_stay() -> None:
    seen, _ = trial()
    late = np.zeros((N, 3), bool)
    late[:50, 1:] = True
    dead = Trajectories(seen.times, seen.values, late)
    (one,) = next(imputed_values([dead], ARM, NO_COVARIATES, np.random.default_rng(1), imputations=2))
    assert (one[:50, 1:] == 0).all() and np.isfinite(one).all()
    assert one[dead.known] == pytest.approx(dead.values[dead.known], abs=1e-12)


def test_a_baseline_and_covariates_narrow_the_interval() -> None:
    seen, _ = trial()
    rng = np.random.default_rng
    plain = imputed_visit_means(cost(), of_last(seen), ARM, 2, NO_COVARIATES, rng(1), imputations=5)
    given = imputed_visit_means(cost(), of_last(seen), ARM, 2, NO_COVARIATES, rng(1), imputations=5, baseline=0)
    assert given.increments(1).covariance[1, 1] < 0.7 * plain.increments(1).covariance[1, 1]
    assert given.n_used == int(np.isfinite(seen.values).all(axis=1).sum()) and given.n_total == N


def test_patients_of_other_arms_are_left_out() -> None:
    seen, _ = trial()
    arm = np.where(np.arange(N) < 1000, -1, ARM)
    found = imputed_visit_means(cost(), of_last(seen), arm, 2, NO_COVARIATES, np.random.default_rng(1), imputations=2)
    assert found.n_total == 3000


@pytest.mark.parametrize(
    ("changed", "said"),
    [({"method": "last value"}, "jump-to-reference"), ({"imputations": 1}, "at least 2")],
)
def test_impossible_requests_are_refused(changed: dict, said: str) -> None:
    with pytest.raises(NotEstimableError, match=said):
        next(imputed_values([trial()[0]], ARM, NO_COVARIATES, np.random.default_rng(1), **changed))


def test_missing_covariates_are_refused() -> None:
    with pytest.raises(NotEstimableError, match="covariates"):
        next(imputed_values([trial()[0]], ARM, np.full((N, 1), np.nan), np.random.default_rng(1)))
