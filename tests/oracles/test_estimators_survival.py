"""Second, slow implementations in plain Python, one patient at a time, on data with ties, weights and late entry."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators.survival.bootstrap import bootstrap_weights
from heorsynth.estimators.survival.cox import cox
from heorsynth.estimators.survival.estimates import (
    at_risk_table,
    cumulative_incidence,
    kaplan_meier,
    km_matrix,
    log_rank,
    quantile_survival,
    rmst,
)

CLOSE = 1e-9
ALWAYS_SAME = settings(max_examples=60, deadline=None, derandomize=True)


@st.composite
def follow_ups(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Time in whole units (many ties), cause 0, 1 or 2, and an entry before each time."""
    n = draw(st.integers(3, 25))
    time = draw(st.lists(st.integers(1, 9), min_size=n, max_size=n))
    cause = draw(st.lists(st.integers(0, 2), min_size=n, max_size=n))
    late = draw(st.lists(st.floats(0, 0.9), min_size=n, max_size=n)) if draw(st.booleans()) else [0.0] * n
    entry = [math.floor(t * share) for t, share in zip(time, late, strict=True)]
    return np.array(time, float), np.array(cause), np.array(entry, float)


def at_risk_at(t: float, time: np.ndarray, entry: np.ndarray, weight: np.ndarray | None = None) -> float:
    ones = np.ones(len(time)) if weight is None else weight
    return sum(float(w) for a, b, w in zip(entry, time, ones, strict=True) if a < t <= b)


def slow_survival(
    t: float,
    time: np.ndarray,
    event: np.ndarray,
    entry: np.ndarray,
    weight: np.ndarray,
) -> tuple[float, float]:
    survival, total = 1.0, 0.0
    for u in sorted({float(x) for x, e in zip(time, event, strict=True) if e and x <= t}):
        at_risk = at_risk_at(u, time, entry, weight)
        died = sum(float(w) for x, e, w in zip(time, event, weight, strict=True) if e and x == u)
        if at_risk > 0:
            survival *= 1 - died / at_risk
        if at_risk > died:
            total += died / (at_risk * (at_risk - died))
    return survival, survival * math.sqrt(total)


def slow_rmst(horizon: float, time: np.ndarray, event: np.ndarray, entry: np.ndarray) -> tuple[float, float]:
    ones = np.ones(len(time))
    deaths = sorted({float(x) for x, e in zip(time, event, strict=True) if e and x < horizon})

    def area(start: float) -> float:
        cuts = [start, *[u for u in deaths if u > start], horizon]
        return sum((b - a) * slow_survival(a, time, event, entry, ones)[0] for a, b in pairwise(cuts))

    variance = 0.0
    for u in deaths:
        at_risk, died = at_risk_at(u, time, entry), sum(1 for x, e in zip(time, event, strict=True) if e and x == u)
        if at_risk > died:
            variance += area(u) ** 2 * died / (at_risk * (at_risk - died))
    return area(0.0), math.sqrt(variance)


@ALWAYS_SAME
@given(follow_ups())
def test_kaplan_meier_and_greenwood_agree_with_a_loop_over_patients(data: tuple) -> None:
    time, cause, entry = data
    curve = kaplan_meier(time, cause == 1, entry)
    for t, survival, se in zip(curve.times, curve.survival, curve.se, strict=True):
        expected = slow_survival(t, time, cause == 1, entry, np.ones(len(time)))
        assert (survival, se) == pytest.approx(expected, abs=CLOSE)


@ALWAYS_SAME
@given(follow_ups(), st.integers(1, 8))
def test_restricted_mean_agrees_with_adding_rectangles(data: tuple, horizon: int) -> None:
    time, cause, entry = data
    assume(horizon <= time.max())
    found = rmst(time, cause == 1, horizon, entry)
    assert (found.value, found.se) == pytest.approx(slow_rmst(horizon, time, cause == 1, entry), abs=CLOSE)


@ALWAYS_SAME
@given(follow_ups())
def test_cumulative_incidence_agrees_with_the_formula_term_by_term(data: tuple) -> None:
    time, cause, entry = data
    assume((cause > 0).any())
    n, ones, whole = len(time), np.ones(len(time)), cause > 0
    for code, curve in cumulative_incidence(time, cause, entry).items():
        terms = []
        for u in sorted({float(t) for t in time}):
            before = slow_survival(u - 0.5, time, whole, entry, ones)[0]
            own = sum(1 for i in range(n) if time[i] == u and cause[i] == code)
            every = sum(1 for i in range(n) if time[i] == u and cause[i] > 0)
            terms.append((u, before, at_risk_at(u, time, entry), own, every))
        for t, incidence, se in zip(curve.times, curve.incidence, curve.se, strict=True):
            past = [term for term in terms if term[0] <= t]
            grown = np.cumsum([before * own / risk for _, before, risk, own, _ in past])
            assert incidence == pytest.approx(grown[-1], abs=CLOSE)
            variance = 0.0
            for (_, before, risk, own, every), reached in zip(past, grown, strict=True):
                rest = grown[-1] - reached
                if risk > every:
                    variance += rest**2 * every / (risk * (risk - every))
                variance += before**2 * own * (risk - own) / risk**3 - 2 * rest * before * own / risk**2
            assert se**2 == pytest.approx(max(variance, 0), abs=CLOSE)


@ALWAYS_SAME
@given(follow_ups())
def test_cumulative_incidences_and_survival_sum_to_one_at_every_time(data: tuple) -> None:
    time, cause, entry = data
    assume((cause > 0).any())
    curves = cumulative_incidence(time, cause, entry)
    whole = kaplan_meier(time, cause > 0, entry).survival + sum(curve.incidence for curve in curves.values())
    np.testing.assert_allclose(whole, 1, atol=CLOSE)


@ALWAYS_SAME
@given(follow_ups(), st.integers(0, 10))
def test_at_risk_table_agrees_with_counting_patients(data: tuple, t: int) -> None:
    time, cause, entry = data
    row = at_risk_table(time, cause == 1, np.array([t]), entry).iloc[0]
    enter_first = sum(1 for start in entry if start == entry.min() == t)
    assert row["at_risk"] == at_risk_at(t, time, entry) + enter_first
    assert row["events"] == sum(1 for x, c in zip(time, cause, strict=True) if x <= t and c == 1)
    assert row["censored"] == sum(1 for x, c in zip(time, cause, strict=True) if x <= t and c != 1)


@ALWAYS_SAME
@given(follow_ups(), st.integers(0, 2**32 - 1))
def test_curves_of_many_weights_agree_with_one_patient_at_a_time(data: tuple, seed: int) -> None:
    time, cause, _ = data
    weights = bootstrap_weights(len(time), 4, np.random.default_rng(seed))
    grid = np.arange(1, time.max() + 1)
    found = km_matrix(time, cause == 1, weights, grid)
    expected = [[slow_survival(t, time, cause == 1, np.zeros(len(time)), w)[0] for t in grid] for w in weights]
    np.testing.assert_allclose(found, expected, atol=CLOSE)


@ALWAYS_SAME
@given(follow_ups(), st.sampled_from([0.25, 0.5, 0.75]))
def test_survival_quantile_is_where_the_slow_curve_crosses(data: tuple, share: float) -> None:
    time, cause, _ = data
    event, none, ones = cause == 1, np.zeros(len(time)), np.ones(len(time))
    grid = sorted({float(t) for t in time})
    curve = [slow_survival(t, time, event, none, ones)[0] for t in grid]
    at_or_below = [t for t, s in zip(grid, curve, strict=True) if s <= 1 - share + 1e-12]
    if not at_or_below:
        with pytest.raises(NotEstimableError, match="not reached"):
            quantile_survival(time, event, share)
        return
    below = [t for t, s in zip(grid, curve, strict=True) if s < 1 - share - 1e-12]
    flat = abs(slow_survival(at_or_below[0], time, event, none, ones)[0] - (1 - share)) <= 1e-12
    expected = (at_or_below[0] + (below[0] if below else grid[-1])) / 2 if flat else at_or_below[0]
    found = quantile_survival(time, event, share)
    assert found.value == expected
    assert found.low <= found.value <= found.high


def slow_efron(coef: float, time: np.ndarray, event: np.ndarray, x: np.ndarray, entry: np.ndarray) -> float:
    """Efron's partial log-likelihood for one covariate."""
    total = 0.0
    for t in sorted({float(u) for u, e in zip(time, event, strict=True) if e}):
        tied = [i for i in range(len(time)) if event[i] and time[i] == t]
        risk = sum(math.exp(coef * x[i]) for i in range(len(time)) if entry[i] < t <= time[i])
        own = sum(math.exp(coef * x[i]) for i in tied)
        total += sum(coef * x[i] - math.log(risk - place / len(tied) * own) for place, i in enumerate(tied))
    return total


@ALWAYS_SAME
@given(follow_ups(), st.integers(0, 2**32 - 1))
def test_cox_sits_at_the_top_of_a_likelihood_written_patient_by_patient(data: tuple, seed: int) -> None:
    time, cause, entry = data
    event, x = cause == 1, np.random.default_rng(seed).normal(size=len(time))
    try:
        fit = cox(time, event, x[:, None], entry)
    except NotEstimableError:
        # No maximum: the likelihood must still rise, or be flat, a long way out on one side.
        ends = [slow_efron(b, time, event, x, entry) for b in (-40, -20, 0, 20, 40)]
        assert not event.any() or max(ends[0], ends[-1]) >= ends[2] - CLOSE
        return
    coef, here = float(fit.coef[0]), fit.loglik
    assert here == pytest.approx(slow_efron(coef, time, event, x, entry), abs=CLOSE)
    step = 1e-3 * float(fit.se[0])
    sides = [slow_efron(coef + s, time, event, x, entry) for s in (-step, step)]
    assert max(sides) <= here
    curvature = (2 * here - sides[0] - sides[1]) / step**2
    assert 1 / curvature == pytest.approx(fit.covariance[0, 0], rel=1e-4)


@ALWAYS_SAME
@given(follow_ups(), st.integers(0, 2**32 - 1))
def test_log_rank_of_two_groups_agrees_with_tables_added_up_time_by_time(data: tuple, seed: int) -> None:
    time, cause, entry = data
    event, group = cause == 1, np.random.default_rng(seed).random(len(time)) < 0.5
    assume(event.any() and 0 < group.sum() < len(group))
    gap = variance = 0.0
    for t in sorted({float(u) for u, e in zip(time, event, strict=True) if e}):
        risk, mine = at_risk_at(t, time, entry), at_risk_at(t, time[group], entry[group])
        died = sum(1 for u, e in zip(time, event, strict=True) if e and u == t)
        gap += sum(1 for u, e, g in zip(time, event, group, strict=True) if e and g and u == t) - died * mine / risk
        if risk > 1:
            variance += died * mine / risk * (1 - mine / risk) * (risk - died) / (risk - 1)
    assume(variance > 1e-9)
    assert log_rank(time, event, group, entry).statistic == pytest.approx(gap**2 / variance, rel=1e-7, abs=CLOSE)
