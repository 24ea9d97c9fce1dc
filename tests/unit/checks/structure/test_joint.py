"""Distances of correlations within groups, and rank correlations, against pandas on every cohort by itself."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import margin_for
from heorsynth.data.cohort.cohort import Cohort

NUMBERS = ["cost", "qaly", "age"]


def rows(seed: int, n: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    cost = rng.gamma(2, 100, n)
    return pd.DataFrame({
        "sex": np.array(["f", "m"])[rng.permutation(n) % 2], "cost": cost,
        "qaly": np.where(rng.random(n) < 0.2, np.nan, 1 - cost / 2000 + rng.normal(0, 0.1, n)),
        "age": rng.integers(40, 50, n),
    })  # fmt: skip


def answers(key: str) -> tuple[Cohort, list[Cohort], dict[str, object]]:
    real = Cohort(rows(1, 60), endpoints={}, costs="cost", utilities="qaly", subgroups="sex", currency="EUR")
    synthetic = [Cohort.derive(real.schema, rows(seed, 40 + 5 * seed), label=None) for seed in (2, 3, 4)]
    margins = {key: margin_for(key, {"absolute": 0.1}, {})}
    found = registry.findings("structure", real, synthetic, margins, np.random.default_rng(1))
    return real, synthetic, {one.group: one for one in found}


def correlations(cohort: Cohort, sex: str) -> np.ndarray:
    ranked = cohort.rows[cohort.rows["sex"] == sex][NUMBERS].rank()
    pairs = [ranked[list(pair)].corr().iloc[0, 1] for pair in combinations(NUMBERS, 2)]
    return np.array(pairs)


def test_the_distance_within_a_group_is_the_mean_over_its_pairs_of_the_mean_over_its_cohorts() -> None:
    real, synthetic, found = answers("structure.conditional_associations")
    assert set(found) == {"sex=f", "sex=m"}
    for sex in ("f", "m"):
        gaps = np.mean([correlations(one, sex) for one in synthetic], axis=0) - correlations(real, sex)
        assert found[f"sex={sex}"].difference == pytest.approx(np.abs(gaps).mean(), rel=1e-9)


def test_a_rank_correlation_is_that_of_pandas_in_every_group() -> None:
    real, synthetic, found = answers("structure.joint_ranks")
    assert set(found) == {"all", "sex=f", "sex=m"}
    for group, one in found.items():
        kept = [c.rows if group == "all" else c.rows[c.rows["sex"] == group[-1]] for c in (real, *synthetic)]
        plain = [frame[["cost", "qaly"]].dropna().corr("spearman").iloc[0, 1] for frame in kept]
        assert (one.real, one.synthetic) == pytest.approx((plain[0], np.mean(plain[1:])), rel=1e-9)
