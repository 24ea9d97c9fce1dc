"""The law of missing a visit, against its truth, and systematic sampling."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from heorsynth.generators.visits.hazards import Hazard, chosen


def records(slope: float, n: int = 4000):
    rng = np.random.default_rng(3)
    arm, visit, past = rng.integers(2, size=n), rng.integers(3, size=n), rng.normal(0.7, 0.2, size=(n, 1))
    level = np.array([[-2.0, -1.5, -1.0], [-1.0, -1.0, -0.5]])[arm, visit]
    return arm, visit, past, rng.random(n) < expit(level + slope * (past[:, 0] - 0.7) / 0.2)


def test_the_slope_of_past_values_is_found():
    arm, visit, past, event = records(-0.8)
    law = Hazard.of(arm, visit, past, event, 2, 3, 5)
    # four standard errors of a logistic slope of 4,000 records
    assert law.slopes[0] == pytest.approx(-0.8, abs=0.2)
    assert law.rates[0, 1] == event[(arm == 0) & (visit == 1)].mean()


def test_a_slope_that_chance_explains_is_shrunk():
    arm, visit, past, event = records(0.0, 200)
    assert abs(Hazard.of(arm, visit, past, event, 2, 3, 5).slopes[0]) < 0.2


def test_probabilities_have_the_share_of_each_arm_as_their_mean():
    arm, visit, past, event = records(-0.8)
    law = Hazard.of(arm, visit, past, event, 2, 3, 5)
    found = law.probabilities(arm, past, law.rates[:, 2])
    assert found[arm == 1].mean() == pytest.approx(law.rates[1, 2], abs=1e-9)
    assert np.corrcoef(found, past[:, 0])[0, 1] < 0


def test_shares_of_few_patients_are_those_of_all_arms():
    arm, visit = np.array([0] * 20 + [1] * 2), np.zeros(22, dtype=int)
    event = np.array([True] * 5 + [False] * 15 + [True] * 2)
    law = Hazard.of(arm, visit, np.full((22, 1), np.nan), event, 2, 2, 5)
    assert law.rates[0, 0] == 0.25
    assert law.rates[1, 0] == pytest.approx(7 / 22)
    assert law.rates[:, 1] == pytest.approx([7 / 22, 7 / 22])


def test_as_many_rows_are_chosen_as_their_probabilities_add_up_to():
    rng = np.random.default_rng(1)
    chances, group = rng.random(500), rng.integers(2, size=500)
    for _ in range(20):
        taken = chosen(chances, group, rng)
        for one in (0, 1):
            assert abs(taken[group == one].sum() - chances[group == one].sum()) <= 1


def test_each_row_is_chosen_with_its_probability():
    chances = np.array([0.1, 0.5, 0.9, 0.5])
    rng = np.random.default_rng(1)
    found = np.mean([chosen(chances, np.zeros(4), rng) for _ in range(4000)], axis=0)
    # four standard errors of a share of 4,000
    assert np.allclose(found, chances, atol=0.032)
