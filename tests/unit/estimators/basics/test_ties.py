"""One rule decides which times are one time, for every estimator, in every unit, of rows and of tallies."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.checks.core import observed
from heorsynth.core.errors import NotEstimableError
from heorsynth.data.folders.tally import Tally
from heorsynth.data.folders.value_counts import rounded
from heorsynth.estimators.basics.ties import TOLERANCE, as_one_time
from heorsynth.estimators.costs.censored import bang_tsiatis, lin
from heorsynth.estimators.survival.bootstrap import bootstrap_weights
from heorsynth.estimators.survival.cox import cox
from heorsynth.estimators.survival.estimates import (
    at_risk_table,
    cumulative_incidence,
    kaplan_meier,
    km_matrix,
    log_rank,
    median_survival,
    reverse_kaplan_meier,
    rmst,
)
from heorsynth.estimators.survival.fine_gray import fine_gray
from heorsynth.estimators.survival.parametric import fit_parametric
from heorsynth.estimators.survival.summaries import landmark, restricted_mean
from heorsynth.generators.peers.bootstrap import Bootstrap

SIZE = {"day": 1.0, "month": 30.4375, "year": 365.25}
N = 400


def follow_up(unit: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Time, cause, entry and arm: differences of ages in a unit, which round where the days were whole."""
    rng = np.random.default_rng(11)
    days, cause, arm = rng.integers(2, 200, N), rng.integers(0, 3, N), rng.random(N) < 0.5
    entry = np.where(rng.random(N) < 0.3, days // 2, 0)
    birth = rng.integers(10_000, 30_000, N)
    time, start = ((birth + part) / SIZE[unit] - birth / SIZE[unit] for part in (days, entry))
    return time, cause, np.where(entry > 0, start, 0.0), arm


def cohort(unit: str, rows: np.ndarray | None = None, *, entry: bool = False) -> hs.Cohort:
    time, cause, start, arm = follow_up(unit)
    frame = pd.DataFrame({"time": time, "event": cause, "start": start, "arm": np.where(arm, "b", "a")})
    frame = frame if rows is None else frame.iloc[rows].reset_index(drop=True)
    return hs.Cohort(
        frame, endpoints={"os": ("time", "event")}, arm="arm", unit=unit, entry="start" if entry else None
    )  # fmt: skip


def test_three_tenths_are_one_time_however_they_were_added_up() -> None:
    time, start = as_one_time(np.array([0.1 + 0.2, 0.3, np.nan, 0.7]), np.array([0.3, np.inf]))
    assert (time[:2] == 0.3).all()
    assert np.isnan(time[2])
    assert start.tolist() == [0.3, np.inf]


def test_times_farther_apart_than_the_tolerance_stay_apart() -> None:
    time = np.array([1.0, 1 + 3 * TOLERANCE, 1 + 6 * TOLERANCE])
    assert as_one_time(time)[0] is time


def test_the_tolerance_is_a_share_of_the_mean_of_distinct_times_however_many_patients_share_one() -> None:
    """R's aeqSurv takes sorted distinct times: 900 patients at 1000 do not tie two patients 5e-6 apart."""
    pair = np.array([1.0, 1.0 + 5e-6])
    many = np.concatenate(
        [pair, np.full(900, 1000.0)]
    )  # all patients: mean 997.8, tolerance 1.5e-5; distinct: 334, 5e-6
    assert len(np.unique(as_one_time(many)[0])) == 3
    few = np.concatenate([pair, [1000.0]])
    assert len(np.unique(as_one_time(few)[0])) == 3


def test_the_rule_does_not_depend_on_the_unit() -> None:
    time = np.array([1.0, 1 + TOLERANCE / 2, 2.0])
    for scale in (1e-12, 1.0, 1e12):
        assert len(np.unique(as_one_time(time * scale)[0])) == 2


def test_every_estimator_gives_the_same_in_days_months_and_years() -> None:
    def answers(unit: str) -> dict[str, float]:
        time, cause, entry, arm = follow_up(unit)
        size, event = SIZE[unit], cause == 1
        horizon = 90 / size
        curve = kaplan_meier(time, event)
        incidence = cumulative_incidence(time, cause)[1]
        draws = bootstrap_weights(N, 3, np.random.default_rng(1))
        table = at_risk_table(time, event, np.array([0, 50, 90]) / size, entry)
        return {
            "steps": len(curve.times),
            "landmark": float(landmark(curve, horizon).value),
            "survival with entry": float(kaplan_meier(time, event, entry).at(horizon)),
            "reverse": float(reverse_kaplan_meier(time, event).at(horizon)),
            "restricted mean": rmst(time, event, horizon).value * size,
            "its error": rmst(time, event, horizon).se * size,
            "median": median_survival(time, event).value * size,
            "incidence": float(incidence.at(horizon)),
            "its own error": float(incidence.se_at(horizon)),
            "log-rank": log_rank(time, event, arm).statistic,
            "log-rank with entry": log_rank(time, event, arm, entry).statistic,
            "hazard ratio": float(cox(time, event, arm[:, None]).coef[0]),
            "hazard ratio with entry": float(cox(time, event, arm[:, None], entry).coef[0]),
            "subdistribution": float(fine_gray(time, cause, arm[:, None]).coef[0]),
            "its robust error": float(fine_gray(time, cause, arm[:, None]).se[0]),
            "resampled": float(km_matrix(time, event, draws, np.array([horizon])).sum()),
            "at risk": float(table["at_risk"].to_numpy() @ [1, 1e3, 1e6]),
            "gone": float(table["events"].to_numpy() @ [1, 1e3, 1e6]),
            "parametric": fit_parametric("exponential", time, event).restricted_mean(horizon).value * size,
        }

    days = answers("day")
    for unit in ("month", "year"):
        assert answers(unit) == pytest.approx(days, rel=1e-9)


@pytest.mark.parametrize("entry", [False, True])
def test_a_cohort_and_the_tally_of_its_parts_give_the_same_in_days_and_years(entry: bool) -> None:
    def answers(data: observed.Observed, unit: str) -> list[float]:
        treated, size = data.levels("arm") == "b", SIZE[unit]
        curve = observed.curve(data, "os")
        return [
            observed.hazard(data, treated, "os").value,
            observed.hazard_change(data, treated, "os", 90 / size).value,
            restricted_mean(curve, 90 / size).value * size,
            float(curve.at(90 / size)),
            float(observed.reverse_curve(data, "os").at(90 / size)),
            float(observed.incidence(data, "os")[1].at(90 / size)),
            observed.followed(data, "os", 90 / size)[0],
        ]

    days = answers(cohort("day", entry=entry), "day")
    for unit in ("day", "year"):
        parts = [Tally.of(cohort(unit, np.arange(first, N, 3), entry=entry)) for first in range(3)]
        whole = Tally.total(parts)
        assert answers(cohort(unit, entry=entry), unit) == pytest.approx(days, rel=1e-9)
        assert answers(whole, unit) == pytest.approx(days, rel=1e-7)


def test_validation_finds_the_same_real_estimates_in_days_and_years() -> None:
    found = []
    for unit in ("day", "year"):
        real = cohort(unit)
        synthetic = Bootstrap().fit(real).sample(m=2, seed=1)
        margins = {
            "survival.hazard_ratio": {"ratio": [0.8, 1.25]},
            "survival.hazard_ratio_change": {"ratio": [0.5, 2.0]},
        }
        evidence = hs.validate(real, synthetic, "teaching", margins)
        found.append({(one.key, one.group): one.real for one in evidence.findings if "hazard_ratio" in one.key})
    assert len(found[0]) >= 2
    assert found[1] == pytest.approx(found[0], rel=1e-9, nan_ok=True)


def test_values_that_are_equal_but_for_rounding_are_rounded_to_one_step() -> None:
    odd = np.array([4097.0, 4099.0, 8195.0])
    for noise in (1 - 1e-14, 1 + 1e-14):
        np.testing.assert_array_equal(rounded(odd * noise), rounded(odd))


def test_follow_up_that_lasts_no_longer_than_rounding_is_refused() -> None:
    time, entry = np.array([0.1 + 0.2, 0.8, 0.9]), np.array([0.3, 0.0, 0.0])
    with pytest.raises(NotEstimableError, match="1 of 3 times are not after the start"):
        kaplan_meier(time, np.ones(3, bool), entry)


def test_a_horizon_that_misses_the_last_follow_up_by_rounding_is_it() -> None:
    time, event = np.array([0.1, 0.2, 0.3]), np.array([True, True, False])
    assert rmst(time, event, 0.1 + 0.2).value == pytest.approx(0.1 + 0.1 * 2 / 3 + 0.1 / 3)
    assert kaplan_meier(time, event).at(0.1 + 0.2) == pytest.approx(1 / 3)


def costs_by_interval(edges: int, size: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ten patients followed to whole tenths of a year, in a unit; everybody spends 100 in each tenth begun."""
    tenths = np.array([3, 6, 7, 9, 10, 10, 10, 10, 10, 10])
    died = np.array([0, 1, 0, 0, 0, 0, 0, 0, 0, 0], bool)
    cost = 100.0 * (np.arange(edges) < tenths[:, None])
    return cost, tenths / 10 * size, died


@pytest.mark.parametrize("size", [10.0, 1.0, 12.0, 365.25, 0.7])
def test_lin_counts_who_is_censored_at_an_interval_s_end_up_to_it_and_not_beyond(size: float) -> None:
    """Survival is 1 to 0.6 and then 8/9: 600 for the first six tenths, and 400 times that for the others."""
    cost, time, died = costs_by_interval(10, size)
    found = lin(cost, time, died, size)
    assert found.value == pytest.approx(600 + 400 * 8 / 9, rel=1e-12)
    assert found.n_used == 10


@pytest.mark.parametrize("size", [1.0, 12.0, 365.25, 0.7])
def test_censored_costs_do_not_depend_on_the_unit(size: float) -> None:
    cost, time, died = costs_by_interval(10, 10.0)
    plain, partitioned, by_lin = (
        estimator(costs, time, died, 10.0)
        for estimator, costs in ((bang_tsiatis, cost.sum(axis=1)), (bang_tsiatis, cost), (lin, cost))
    )
    scaled = costs_by_interval(10, size)[1]
    for whole, estimator, costs in (
        (plain, bang_tsiatis, cost.sum(axis=1)), (partitioned, bang_tsiatis, cost), (by_lin, lin, cost)
    ):  # fmt: skip
        found = estimator(costs, scaled, died, size)
        assert (found.value, found.se) == pytest.approx((whole.value, whole.se), rel=1e-12)


def test_an_interval_that_begins_at_a_patient_s_censoring_needs_no_cost_of_his() -> None:
    cost, time, died = costs_by_interval(10, 1.0)
    blank = np.where(cost > 0, cost, np.nan)
    assert lin(blank, time, died, 1.0).value == pytest.approx(600 + 400 * 8 / 9, rel=1e-12)
