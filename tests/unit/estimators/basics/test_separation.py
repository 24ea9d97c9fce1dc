"""Whether a likelihood has a maximum is decided by who stands beside whom: with ties, entries, several covariates."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import optimize

from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators.basics.separation import RiskSets, separated
from heorsynth.estimators.costs.two_part import any_cost
from heorsynth.estimators.survival.cox import cox
from heorsynth.estimators.survival.cox_two_arms import ArmCounts, log_hazard_ratio
from heorsynth.estimators.survival.fine_gray import _Weighing, fine_gray

ALWAYS_SAME = settings(max_examples=60, deadline=None, derandomize=True)
NO_MAXIMUM = "no maximum"


@st.composite
def small(draw: st.DrawFn, columns: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A few patients with tied times, delayed entry and covariates of few values, where separation is common."""
    n = draw(st.integers(4, 9))
    time = np.array(draw(st.lists(st.integers(1, 6), min_size=n, max_size=n)), float)
    event = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    entry = np.floor(time * np.array(draw(st.lists(st.floats(0, 0.9), min_size=n, max_size=n))))
    if draw(st.booleans()):
        entry[:] = 0.0
    flat = draw(st.lists(st.integers(0, 2), min_size=n * columns, max_size=n * columns))
    assume(event.any())
    return time, event, entry, np.array(flat, float).reshape(n, columns)


def differences(time: np.ndarray, event: np.ndarray, entry: np.ndarray, x: np.ndarray) -> np.ndarray:
    """x of each event less x of each patient at risk with it: every constraint there is, by a plain loop."""
    pairs = [
        x[i] - x[j] for i in np.flatnonzero(event) for j in range(len(time)) if entry[j] < time[i] <= time[j] and i != j
    ]
    return np.array(pairs).reshape(-1, x.shape[1])


def has_direction(apart: np.ndarray) -> bool:
    """Whether some v has apart @ v >= 0 throughout, and > 0 somewhere, by one linear programme over all pairs."""
    if not len(apart):
        return False
    found = optimize.linprog(-apart.sum(axis=0), A_ub=-apart, b_ub=np.zeros(len(apart)), bounds=(-1, 1))
    return bool(-found.fun > 1e-6)


def risk_sets(time: np.ndarray, event: np.ndarray, entry: np.ndarray, x: np.ndarray) -> RiskSets:
    rows = np.flatnonzero(event)
    times = np.unique(time[rows])
    upper, lower = np.searchsorted(times, time, side="right"), np.searchsorted(times, entry, side="right")
    return RiskSets(x, rows, np.searchsorted(times, time[rows]), lower, upper)


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_separation_is_found_exactly_where_the_pairs_at_risk_say_so(columns: int) -> None:
    @ALWAYS_SAME
    @given(small(columns))
    def holds(data: tuple) -> None:
        assert separated(risk_sets(*data)) == has_direction(differences(*data))

    holds()


@ALWAYS_SAME
@given(small(2))
def test_cox_is_refused_exactly_where_a_direction_separates_or_says_nothing(data: tuple) -> None:
    time, event, entry, x = data
    centred = x - x.mean(axis=0)
    assume(np.linalg.matrix_rank(centred) == 2)
    apart = differences(time, event, entry, x)
    if has_direction(apart):
        with pytest.raises(NotEstimableError, match=NO_MAXIMUM):
            cox(time, event, x, entry)
    elif not len(apart) or np.linalg.matrix_rank(apart) < 2:
        with pytest.raises(NotEstimableError, match="no information"):
            cox(time, event, x, entry)
    else:
        assert np.isfinite(cox(time, event, x, entry).se).all()


@ALWAYS_SAME
@given(small(1))
def test_rows_and_counts_of_two_arms_refuse_the_same_hazard_ratios(data: tuple) -> None:
    time, event, entry, x = data
    arm = x[:, 0] > 0
    assume(0 < arm.sum() < len(arm))
    times = np.unique(time[event])
    events = np.array([[np.sum(event & side & (time == t)) for t in times] for side in (arm, ~arm)], float)
    risk = np.array([[np.sum(side & (entry < t) & (t <= time)) for t in times] for side in (arm, ~arm)], float)
    try:
        rows = cox(time, event, arm[:, None], entry)
    except NotEstimableError:
        with pytest.raises(NotEstimableError):
            log_hazard_ratio(ArmCounts(times, events, risk))
        return
    assert log_hazard_ratio(ArmCounts(times, events, risk)).value == pytest.approx(rows.coef[0], abs=1e-8)


@pytest.mark.parametrize("n", [6, 60, 600])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_events_in_the_order_of_the_covariate_have_no_maximum_at_any_size_or_scale(n: int, scale: float) -> None:
    x = scale * np.arange(n, 0.0, -1)
    for side in (x, -x):
        with pytest.raises(NotEstimableError, match=NO_MAXIMUM):
            cox(np.arange(1.0, n + 1), np.ones(n, bool), side[:, None])


def test_one_pair_out_of_order_is_enough_for_a_maximum() -> None:
    """All events but the last two come in the order of the covariate: far out, but there."""
    n = 60
    x = np.arange(n, 0.0, -1)
    x[[-2, -1]] = x[[-1, -2]]
    fit = cox(np.arange(1.0, n + 1), np.ones(n, bool), x[:, None])

    def loglik(b: float) -> float:
        return sum(b * x[i] - np.logaddexp.reduce(b * x[i:]) for i in range(n))

    best = optimize.minimize_scalar(lambda b: -loglik(b), bracket=(0.1, 1.0), options={"xtol": 1e-12})
    assert fit.coef[0] == pytest.approx(best.x, rel=1e-6)


def test_a_rare_level_without_an_event_among_many_patients_is_named_as_what_it_is() -> None:
    rng = np.random.default_rng(1)
    n = 2000
    age, rare = rng.normal(size=n), np.arange(n) < 3
    time, event = rng.exponential(np.exp(-0.5 * age)), rng.random(n) < 0.6
    event[:3] = False
    with pytest.raises(NotEstimableError, match=NO_MAXIMUM):
        cox(time, event, np.column_stack([age, rare]))
    with pytest.raises(NotEstimableError, match=NO_MAXIMUM):
        fine_gray(time, event.astype(int), np.column_stack([age, rare]))


def test_patients_who_had_a_competing_event_stay_at_risk_in_the_fine_gray_model() -> None:
    """Each event has the largest covariate of those still followed; who left first by the other cause has a larger."""
    time, cause = np.array([1.0, 2, 3, 4]), np.array([2, 1, 1, 0])
    x = np.array([5.0, 3, 2, 1])[:, None]
    assert separated(risk_sets(time, cause == 1, np.zeros(4), x))
    assert not separated(_Weighing(time, cause, x).risk_sets())
    with pytest.raises(NotEstimableError, match=NO_MAXIMUM):
        fine_gray(time, cause, np.array([0.0, 3, 2, 1])[:, None])


def test_a_combination_of_covariates_that_orders_the_events_is_found_though_neither_does() -> None:
    x = np.array([[3.0, 2], [1, 3], [2, 1], [0, 2], [1, 0], [0, 0]])
    order = np.argsort(-(x @ [1.0, 0.9]), kind="stable")
    time = np.empty(6)
    time[order] = np.arange(1.0, 7)
    assert all(separated(risk_sets(time, np.ones(6, bool), np.zeros(6), x[:, [k]])) is False for k in (0, 1))
    with pytest.raises(NotEstimableError, match=NO_MAXIMUM):
        cox(time, np.ones(6, bool), x)


def test_a_covariate_that_is_constant_but_for_rounding_is_constant() -> None:
    x = np.full(7, 0.1)
    with pytest.raises(NotEstimableError, match="constant"):
        cox(np.arange(1.0, 8), np.ones(7, bool), x[:, None])


def test_a_covariate_in_another_unit_beside_itself_follows_from_it() -> None:
    days = np.random.default_rng(2).integers(6000, 30000, 40).astype(float)
    with pytest.raises(NotEstimableError, match="follows from the others"):
        cox(np.arange(1.0, 41), np.ones(40, bool), np.column_stack([days, days / 365.25]))


def test_odds_of_any_cost_are_refused_for_separation_and_not_for_a_covariate_s_unit() -> None:
    rng = np.random.default_rng(3)
    treated, dose = np.arange(200) % 2 == 0, rng.normal(size=200)
    some = rng.random(200) < 1 / (1 + np.exp(-dose))
    cost = np.where(some, 100.0, 0.0)
    found = any_cost(cost, treated, dose[:, None])
    assert any_cost(cost, treated, dose[:, None] * 1e-6).value == pytest.approx(found.value, rel=1e-8)
    with pytest.raises(NotEstimableError, match=NO_MAXIMUM):
        any_cost(np.where(dose > 0.3, 100.0, 0.0), treated, dose[:, None] * 1e-6)


KERNELS = {"Prescott": "sse3 pni", "Nehalem": "sse4_2", "Haswell": "avx2", "Zen": "avx2", "SkylakeX": "avx512vl"}

ASKED = """
import numpy as np
from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators.survival.cox import cox
rng = np.random.default_rng(4)
told = []
for n in (6, 7, 12, 40):
    for x in (np.arange(n, 0.0, -1), np.arange(n) % 2.0, rng.normal(size=n), np.arange(float(n))):
        for event in (np.ones(n, bool), np.arange(n) % 2 == 0):
            for more in (x[:, None], np.column_stack([x, rng.normal(size=n)])):
                try:
                    told.append(f"{cox(np.arange(1.0, n + 1), event, more).coef[0]:.8g}")
                except NotEstimableError as error:
                    told.append(error.problems[0].found)
print(told)
"""


def kernels() -> list[str]:
    """The kernels of OpenBLAS that this processor can run."""
    if platform.machine() != "x86_64" or not Path("/proc/cpuinfo").exists():
        return []
    flags = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags")), "")
    return [name for name, needed in KERNELS.items() if set(needed.split()) & set(flags.split())]


@pytest.mark.skipif(len(kernels()) < 2, reason="only one kernel of OpenBLAS runs here")
def test_the_decision_is_the_same_under_every_kernel_of_the_linear_algebra() -> None:
    found = {
        name: subprocess.run(
            [sys.executable, "-c", ASKED],
            env={**os.environ, "OPENBLAS_CORETYPE": name},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for name in kernels()
    }
    assert len(set(found.values())) == 1
    assert NO_MAXIMUM in found["Nehalem"]
