"""What a decision rests on, in 200,000 simulated patients, is the truth within four standard errors."""

import numpy as np
import pytest

import heorsynth as hs
from heorsynth.estimators.survival.estimates import rmst, rmst_difference


@pytest.fixture(scope="module")
def drawn() -> tuple["hs.Cohort", "hs.datasets.Truth"]:
    return hs.datasets.simulated_trial(200_000, seed=8)


def difference(values: np.ndarray, new: np.ndarray) -> tuple[float, float]:
    groups = (values[new], values[~new])
    gap = float(groups[0].mean() - groups[1].mean())
    return gap, float(np.sqrt(sum(group.var(ddof=1) / len(group) for group in groups)))


@pytest.mark.parametrize("threshold", [0, 20_000, 50_000])
def test_incremental_cost_qaly_and_net_benefit_are_the_true_ones(drawn, threshold: int) -> None:
    cohort, truth = drawn
    frame = cohort.frame
    new = (frame["arm"] == "new").to_numpy()
    benefit, se = difference((threshold * frame["qaly"] - frame["cost"]).to_numpy(), new)
    assert abs(benefit - truth.inmb(threshold)) < 4 * se
    gained, se = difference(frame["qaly"].to_numpy(), new)
    assert abs(gained - truth.incremental_qaly) < 4 * se


def test_the_icer_is_the_true_one_by_fieller(drawn) -> None:
    cohort, truth = drawn
    frame = cohort.frame
    residual = (frame["cost"] - truth.icer * frame["qaly"]).to_numpy()
    gap, se = difference(residual, (frame["arm"] == "new").to_numpy())
    assert abs(gap) < 4 * se


@pytest.mark.parametrize("arm", ["usual", "new"])
def test_rmst_is_the_true_one(drawn, arm: str) -> None:
    cohort, truth = drawn
    rows = cohort.frame[cohort.frame["arm"] == arm]
    found = rmst(rows["time"].to_numpy(), rows["event"].to_numpy() == 1, 2.9)
    assert abs(found.value - truth.rmst(2.9, arm)) < 4 * found.se


def test_the_difference_in_rmst_is_the_true_one(drawn) -> None:
    cohort, truth = drawn
    frame = cohort.frame
    found = rmst_difference(
        frame["time"].to_numpy(), frame["event"].to_numpy() == 1, (frame["arm"] == "new").to_numpy(), 2.9
    )  # fmt: skip
    assert abs(found.value - (truth.rmst(2.9, "new") - truth.rmst(2.9, "usual"))) < 4 * found.se


def test_a_third_of_patients_cost_nothing_at_hospital_and_the_tail_is_heavy(drawn) -> None:
    cohort, truth = drawn
    hospital = cohort.frame["hospital"]
    none = float(np.dot(truth.stage_shares, truth.hospital_zero))
    assert abs((hospital == 0).mean() - none) < 4 * np.sqrt(none * (1 - none) / len(hospital))
    assert hospital.quantile(0.99) > 5 * hospital.mean()
