"""Mean cost under censoring, on the design of Lin et al. (1997) with a truth in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from heorsynth.estimators.costs.censored import bang_tsiatis, lin

YEARS, TRUTH = 9, 38_900.0
"""Mean initial 10,000; 2,000 a year alive, E[min(T, 9)] = 4.95; and the last year of life's 20,000, of which those who
die after nine years have spent the part before: P(T < 9) + the mean over T in [9, 10] of 10 - T, a tenth of a half,
with the first year's deaths spending all of it: 10,000 + 9,900 + 20,000 (0.9 + 0.05) = 38,900."""


def drawn(n: int, censored_by: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Costs of each of nine years (n, 9), follow-up and death: survival uniform on 0 to 10 years."""
    death, left = rng.uniform(0, 10, n), rng.uniform(0, censored_by, n)
    seen = np.minimum(death, left)
    yearly, last = rng.uniform(1000, 3000, n), rng.uniform(10_000, 30_000, n)
    cost = np.empty((n, YEARS))
    for year in range(YEARS):
        dying = np.clip(np.minimum(year + 1, seen) - np.maximum(year, death - 1), 0, None)
        cost[:, year] = yearly * np.clip(seen - year, 0, 1) + last * dying / np.minimum(death, 1)
    cost[:, 0] += rng.uniform(5000, 15_000, n)
    return cost, seen, death <= left


@pytest.mark.parametrize("partitioned", [False, True])
def test_bang_and_tsiatis_are_unbiased_and_their_interval_holds_the_truth(partitioned: bool) -> None:
    rng = np.random.default_rng(11)
    found = []
    for _ in range(300):
        cost, time, died = drawn(200, 12.5, rng)
        found.append(bang_tsiatis(cost if partitioned else cost.sum(axis=1), time, died, 9.0))
    values = np.array([one.value for one in found])
    assert abs(values.mean() - TRUTH) < 3 * values.std() / np.sqrt(300)
    assert np.mean([one.se for one in found]) == pytest.approx(values.std(), rel=0.12)
    assert 0.91 <= np.mean([one.low < TRUTH < one.high for one in found]) <= 0.98


def test_partitioning_sharpens_and_the_plain_mean_is_far_off() -> None:
    cost, time, died = drawn(20_000, 12.5, np.random.default_rng(5))
    whole, parts = bang_tsiatis(cost.sum(axis=1), time, died, 9.0), bang_tsiatis(cost, time, died, 9.0)
    assert parts.se < whole.se
    assert cost.sum(axis=1).mean() < 0.8 * TRUTH


def test_lin_is_unbiased_where_censoring_falls_on_the_intervals_ends() -> None:
    rng, found = np.random.default_rng(3), []
    for _ in range(300):
        death, left = rng.uniform(0, 10, 200), np.ceil(rng.uniform(0, 12, 200))
        time = np.minimum(death, left)
        cost = np.column_stack([np.clip(time - year, 0, 1) * 2000 for year in range(YEARS)])
        found.append(lin(cost, time, death <= left, 9.0))
    values = np.array([one.value for one in found])
    assert values.mean() == pytest.approx(2000 * 4.95, abs=3 * values.std() / np.sqrt(300))
    assert np.mean([one.se for one in found]) == pytest.approx(values.std(), rel=0.12)
