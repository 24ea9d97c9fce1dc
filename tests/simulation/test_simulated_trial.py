"""The simulated trial is drawn from the truth it returns."""

import numpy as np
import pytest

import heorsynth as hs
from heorsynth.estimators.survival.cox import cox
from heorsynth.estimators.survival.estimates import kaplan_meier

N = 200_000


@pytest.fixture(scope="module")
def drawn() -> tuple["hs.Cohort", "hs.datasets.Truth"]:
    return hs.datasets.simulated_trial(N, seed=5)


@pytest.mark.parametrize("arm", ["new", "usual"])
def test_means_of_cost_and_qaly_are_the_true_ones(drawn, arm: str) -> None:
    cohort, truth = drawn
    rows = cohort.frame[cohort.frame["arm"] == arm]
    for name, true in (("cost", truth.mean_cost(arm)), ("qaly", truth.mean_qaly(arm))):
        assert abs(rows[name].mean() - true) < 4 * rows[name].std() / np.sqrt(len(rows))


@pytest.mark.parametrize("arm", ["new", "usual"])
def test_survival_and_rmst_are_the_true_ones(drawn, arm: str) -> None:
    cohort, truth = drawn
    rows = cohort.frame[cohort.frame["arm"] == arm]
    curve = kaplan_meier(rows["time"].to_numpy(), rows["event"].to_numpy() == 1)
    for moment in (0.5, 1.0, 2.0, 2.9):
        alive = float(curve.at(np.array([moment]))[0])
        assert abs(alive - truth.survival(moment, arm)) < 4 * np.sqrt(
            alive * (1 - alive) / len(rows) / 0.85
        )  # dropout leaves 85% and more
    grid = np.linspace(0, 2.9, 2901)
    area = np.trapezoid(curve.at(grid), grid)
    assert abs(area - truth.rmst(2.9, arm)) < 0.01 * truth.rmst(2.9, arm)  # 1%: four standard errors and the grid


def test_the_hazard_ratio_given_age_and_stage_is_the_true_one(drawn) -> None:
    cohort, truth = drawn
    frame = cohort.frame.head(40_000)
    stages = np.column_stack([frame["stage"] == stage for stage in ("II", "III", "IV")])
    columns = np.column_stack([frame["arm"] == "new", (frame["age"] - 62) / 10, stages]).astype(float)
    fit = cox(frame["time"].to_numpy(), frame["event"].to_numpy() == 1, columns)
    true = [truth.log_hazard_ratio, truth.log_hazard_age, *truth.log_hazard_stage[1:]]
    assert np.all(np.abs(fit.coef - true) < 4 * fit.se)


def test_the_default_is_the_published_decision_problem() -> None:
    truth = hs.datasets.simulated_trial(100, seed=1)[1]
    assert truth.icer == pytest.approx(26_100, rel=0.01)  # "about": the paper's own figure is 25,848
    assert truth.inmb(20_000) < 0 < truth.inmb(30_000)


def test_an_exponential_without_covariates_has_its_closed_form() -> None:
    law = hs.datasets.Truth(shape=1.0, log_hazard_age=0.0, log_hazard_stage=(0.0,) * 4)
    rate = law.hazard_ratio / law.scale
    assert law.rmst(4.0, "new") == pytest.approx((1 - np.exp(-4 * rate)) / rate, rel=1e-9)
    assert law.survival(4.0, "usual") == pytest.approx(np.exp(-4 / law.scale), rel=1e-12)


def test_the_smallest_trial_is_a_cohort_whatever_its_seed() -> None:
    assert all(hs.datasets.simulated_trial(20, seed=seed)[0].n == 20 for seed in range(40))


def test_one_seed_gives_one_trial() -> None:
    first, again, other = (hs.datasets.simulated_trial(60, seed=seed)[0].frame for seed in (1, 1, 2))
    assert first.equals(again)
    assert not first.equals(other)
