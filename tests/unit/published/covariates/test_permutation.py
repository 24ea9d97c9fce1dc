"""The permutation algorithm draws from the partial likelihood."""

import numpy as np
import pytest

from heorsynth.estimators.survival.cox import cox
from heorsynth.published.covariates.permutation import permuted


def test_orders_have_the_probabilities_of_the_partial_likelihood() -> None:
    rng, risk = np.random.default_rng(1), np.log([1.0, 2.0, 5.0])
    event, n = np.array([True, False, True]), 4000
    found = np.array([permuted(event, risk, rng.exponential(size=3), rng.permutation(3)) for _ in range(n)])
    assert [(found[:, 0] == one).mean() for one in range(3)] == pytest.approx([1 / 8, 2 / 8, 5 / 8], abs=0.025)  # 3 SE
    rest = found[found[:, 0] == 0]
    assert (rest[:, 1] == 1).mean() == pytest.approx(0.5, abs=0.07)  # 3 SE of 500: who is lost does not depend on risk


def test_a_cox_model_finds_the_log_hazard_ratio_again() -> None:
    rng, n = np.random.default_rng(2), 3000
    time, event, score = np.sort(rng.exponential(size=n)), rng.uniform(size=n) < 0.6, rng.normal(size=n)
    who = permuted(event, 0.7 * score, rng.exponential(size=n), rng.permutation(n))
    assert sorted(who) == list(range(n))
    fit = cox(time, event, score[who][:, None])
    assert fit.coef[0] == pytest.approx(0.7, abs=4 * fit.se[0])
    assert fit.se[0] < 0.03
