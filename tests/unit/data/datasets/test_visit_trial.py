"""A trial with visits follows its law, and its QALYs and costs are those of its visits."""

import numpy as np
import pytest

import heorsynth as hs
from heorsynth.core.errors import CohortError, TooFewPatientsError
from heorsynth.data.datasets.trial import Truth, simulated_trial
from heorsynth.data.datasets.visit_truth import VisitTruth

COHORT, TRUTH = simulated_trial(6000, seed=3, visits=VisitTruth())
ROWS = COHORT.frame


def test_three_arms_are_of_one_size_and_one_seed_gives_one_trial() -> None:
    assert ROWS["arm"].value_counts().tolist() == [2000, 2000, 2000]
    again, _ = simulated_trial(6000, seed=3, visits=VisitTruth())
    assert again.frame.equals(ROWS)
    assert not simulated_trial(6000, seed=4, visits=VisitTruth())[0].frame.equals(ROWS)


def test_qaly_and_total_are_those_of_the_visits() -> None:
    times, utility = COHORT.visit_values("eq5d")
    alive = (ROWS["time"].to_numpy() >= 1) | (ROWS["event"].to_numpy() == 0)
    complete = alive & np.isfinite(utility).all(axis=1)
    fine = np.linspace(0, 1, 20_001)
    for row in np.flatnonzero(complete)[:5]:
        expected = np.trapezoid(np.interp(fine, times, utility[row]) * 1.035**-fine, fine)
        assert ROWS["qaly"].iloc[row] == pytest.approx(expected, abs=1e-6)
    costs = COHORT.visit_values("cost")[1]
    whole = alive & np.isfinite(costs).all(axis=1)
    assert ROWS["total"][whole].to_numpy() == pytest.approx(costs[whole].sum(axis=1), rel=1e-9)


def test_there_are_no_values_after_death() -> None:
    dead = (ROWS["event"] == 1).to_numpy()
    for time, column in COHORT.visits["eq5d"]:
        assert ROWS[column][dead & (ROWS["time"] < time).to_numpy()].isna().all()


@pytest.mark.parametrize("arm", TRUTH.arms)
def test_means_are_within_four_errors_of_the_truth(arm: str) -> None:
    full, _ = simulated_trial(6000, seed=3, visits=VisitTruth(leaves=-60.0, gap=0.0))
    rows = full.frame[full.frame["arm"] == arm]
    for column, truth in (("qaly", TRUTH.mean_qaly(arm)), ("total", TRUTH.mean_total(arm))):
        assert rows[column].mean() == pytest.approx(truth, abs=4 * rows[column].std() / np.sqrt(len(rows)))
    for (_, column), truth in zip(full.visits["eq5d"], TRUTH.profile(arm), strict=True):
        assert rows[column].mean() == pytest.approx(truth, abs=4 * rows[column].std() / np.sqrt(len(rows)))


def test_utilities_have_a_spike_at_1_and_values_below_0() -> None:
    baseline = ROWS["eq5d_0m"]
    assert 0.07 < (baseline == 1).mean() < 0.13
    assert 0 < (baseline < 0).mean() < 0.1


def test_low_utilities_leave_more_often() -> None:
    stayed = ROWS["eq5d_12m"].notna()
    alive = (ROWS["time"] >= 1).to_numpy()
    assert ROWS["eq5d_0m"][alive & stayed].mean() > ROWS["eq5d_0m"][alive & ~stayed].mean() + 0.02


def test_too_few_patients_and_two_laws_are_refused() -> None:
    with pytest.raises(TooFewPatientsError, match="60 or more"):
        simulated_trial(59, visits=VisitTruth())
    with pytest.raises(CohortError, match="two laws"):
        hs.datasets.simulated_trial(100, 1, Truth(), visits=VisitTruth())  # type: ignore[call-overload]
