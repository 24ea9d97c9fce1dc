"""Spikes and gaps of a utility, and the tail of a cost: kept, or filled, cut and lost."""

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.costs.costs import wasserstein1

KEYS = ("utilities.at_one", "utilities.below_zero", "utilities.missing", "utilities.mean")


def rows(n, seed):
    rng = np.random.default_rng(seed)
    utility = np.where(rng.random(n) < 0.2, 1.0, np.clip(rng.normal(0.55, 0.3, n), -0.4, 0.99))
    utility = np.where(rng.random(n) < 0.1, np.nan, utility)
    return pd.DataFrame({"utility": utility, "cost": rng.lognormal(8, 1, n), "age": rng.normal(60, 9, n)})


def filled(frame):
    return frame.assign(utility=frame["utility"].where(frame["utility"] != 1, 0.97))


def raised(frame):
    return frame.assign(utility=frame["utility"].mask(frame["utility"] < 0, 0.0))


def imputed(frame):
    return frame.assign(utility=frame["utility"].fillna(frame["utility"].median()))


def judged(spoil, keys=KEYS, width=0.02, n=4000):
    real = hs.Cohort(rows(n, 1), endpoints={}, utilities=["utility"], costs=["cost"], unit="year")
    drawn = [Cohort.derive(real.schema, spoil(rows(n, 10 + part)), label=None) for part in range(5)]
    margins = {key: {"absolute": width} for key in keys}
    found = hs.validate(real, drawn, "software-testing", margins).findings
    return {one.key: one for one in found if one.group == "all" and one.key in keys}, real, drawn


@pytest.mark.parametrize(
    ("spoil", "lost", "width"),
    [
        (filled, "utilities.at_one", 0.02),
        (raised, "utilities.below_zero", 0.02),
        (imputed, "utilities.missing", 0.04),
        (lambda frame: frame, "", 0.02),
    ],
)
def test_each_share_fails_the_cohort_that_lost_it_and_no_other(spoil, lost, width):
    """Imputing a tenth lowers the share at 1 by a tenth too, by 0.02 of 0.2: less than the margin it is held to."""
    found, *_ = judged(spoil, width=width)
    failed = {key for key, one in found.items() if one.verdict == "fail"}
    assert failed == ({lost} if lost else set())
    assert found["utilities.mean"].verdict == "pass"


def test_shares_are_of_patients_whose_utility_is_known():
    found, real, _ = judged(lambda frame: frame)
    values = real.frame["utility"].dropna()
    assert found["utilities.at_one"].real == pytest.approx((values == 1).mean())
    assert found["utilities.below_zero"].real == pytest.approx((values < 0).mean())
    assert found["utilities.missing"].real == pytest.approx(real.frame["utility"].isna().mean())


def test_the_distance_of_costs_is_wasserstein_over_the_mean():
    found, real, drawn = judged(lambda frame: frame.assign(cost=frame["cost"] + 900), ("costs.wasserstein",), 0.05)
    one = found["costs.wasserstein"]
    pooled = np.concatenate([cohort.frame["cost"] for cohort in drawn])
    exact = wasserstein1(real.frame["cost"].to_numpy(), pooled) / real.frame["cost"].mean()
    assert one.synthetic == pytest.approx(exact, rel=0.1)
    assert one.lower <= exact <= one.upper
    assert one.verdict == "fail"


def test_several_quantiles_are_several_findings():
    real = hs.Cohort(rows(400, 1), endpoints={}, costs=["cost"], unit="year")
    margins = {"costs.quantile": {"quantile": [0.5, 0.9], "relative": 0.25}}
    found = hs.validate(real, [Cohort.derive(real.schema, rows(400, 2), label=None)], "teaching", margins).findings
    assert {one.estimand for one in found if one.key == "costs.quantile"} == {"P50 of cost", "P90 of cost"}


def test_only_a_column_that_says_so_is_in_qalys():
    found, *_ = judged(lambda frame: frame, n=400)
    assert {key: found[key].unit for key in KEYS} == dict.fromkeys(KEYS, "")
    frame = rows(400, 1).rename(columns={"utility": "QALYs"})
    real = hs.Cohort(frame, endpoints={}, utilities=["QALYs"], unit="year")
    same = hs.validate(real, [Cohort.derive(real.schema, frame, label=None)], "software-testing",
                       {"utilities.mean": {"absolute": 0.1}})  # fmt: skip
    assert {one.unit for one in same.findings if one.key == "utilities.mean"} == {"QALY"}
