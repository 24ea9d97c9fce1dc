"""Indirect comparisons of simulated trials: the 95% interval of matched ones holds the truth in 95 of 100."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.core.random import stream
from heorsynth.estimators.comparison.weighted_cox import weighted_cox

EFFECTS = {"A": -0.7, "B": 0.0, "C": -0.3}
OWN, TARGET = (0.0, 0.3), (0.5, 0.6)
"""Mean of x (normal) and share of z in the own trial and in the published one."""

N = 150


def trial(rng: np.random.Generator, arms: tuple[str, str], population: tuple[float, float], n: int) -> pd.DataFrame:
    """Patients whose prognosis depends on x and z, and whose effect of A and C (against B) on z."""
    x, z = rng.normal(population[0], 1, 2 * n), rng.random(2 * n) < population[1]
    arm = np.repeat(arms, n)
    effect = np.array([EFFECTS[one] for one in arm])
    log_hazard = -3 + 0.5 * x + 0.4 * z + effect + 0.5 * z * (arm != "B")
    death, censored = rng.exponential(np.exp(-log_hazard)), rng.uniform(10, 60, 2 * n)
    time = np.minimum(death, censored)
    return pd.DataFrame(
        {"time": time, "event": (death <= censored).astype(int), "arm": arm, "x": x, "z": z.astype(int)}
    )


def truth(arms: tuple[str, str], population: tuple[float, float]) -> float:
    """The marginal log hazard ratio of a trial of 600,000 patients."""
    big = trial(stream(7, "truth", *arms), arms, population, 300_000)
    ones = np.ones(len(big))
    return weighted_cox(
        big["time"].to_numpy(), big["event"].to_numpy() > 0, (big["arm"] == arms[0]).to_numpy(), ones
    ).value


def stated(published: pd.DataFrame) -> dict[str, object]:
    """What the paper prints of its patients."""
    x = published["x"]
    return {"x": {"mean": float(x.mean()), "sd": float(x.std())}, "z": float(published["z"].mean())}


@pytest.fixture(scope="module", params=[150, pytest.param(400, marks=pytest.mark.long)])
def results(request: pytest.FixtureRequest) -> pd.DataFrame:
    anchored = truth(("A", "B"), TARGET) - truth(("C", "B"), TARGET)
    direct = truth(("A", "C"), TARGET)
    rows = []
    for run in range(request.param):
        own = trial(stream(run, "own"), ("A", "B"), OWN, N)
        published = trial(stream(run, "published"), ("C", "B"), TARGET, N)
        given: dict[str, object] = {"treatment": "A", "comparator": "C"}
        one = hs.published.indirect_comparison
        found = {
            "Bucher": (one(own, published, anchor="B", **given), anchored),
            "anchored MAIC": (one(own, published, anchor="B", match=stated(published), **given), anchored),
            "unanchored MAIC": (one(own, published, match=stated(published), **given), direct),
            "unmatched": (one(own, published, match={"z": float(own["z"].mean())}, **given), direct),
        }
        for name, (comparison, true) in found.items():
            ratio = comparison.log_hazard_ratio
            rows.append((name, ratio.value - true, ratio.se, ratio.low <= true <= ratio.high))
    return pd.DataFrame(rows, columns=["method", "error", "se", "covered"])


@pytest.mark.parametrize("method", ["anchored MAIC", "unanchored MAIC"])
def test_the_interval_of_a_matched_comparison_holds_the_truth(results: pd.DataFrame, method: str) -> None:
    """Bounds are three standard errors: of 95% in so many trials, of a mean error and of a spread."""
    found = results[results["method"] == method]
    trials = len(found)
    assert abs(found["covered"].mean() - 0.95) <= 3 * np.sqrt(0.95 * 0.05 / trials)
    assert abs(found["error"].mean()) < 3 * found["error"].std() / np.sqrt(trials) + 0.01
    assert found["se"].mean() == pytest.approx(found["error"].std(), rel=3 / np.sqrt(2 * trials))


def test_an_unmatched_comparison_does_not_hold_it(results: pd.DataFrame) -> None:
    bucher, naive = (results[results["method"] == name] for name in ("Bucher", "unmatched"))
    assert bucher["error"].mean() < -0.08
    assert naive["covered"].mean() < 0.7
