"""Distances of correlations within groups, and rank correlations, against pandas on every cohort by itself."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from heorsynth.checks.core.finding import Finding
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


MANY = 240


def many(seed: int, tied: float = 0.0) -> pd.DataFrame:
    """Forty patients with many columns; with `tied`, every two neighbours are correlated so strongly."""
    held = np.random.default_rng(seed).normal(size=(40, MANY))
    held[:, 1::2] = tied * held[:, ::2] + np.sqrt(1 - tied**2) * held[:, 1::2]
    return pd.DataFrame({f"x{place:03d}": held[:, place] for place in range(MANY)})


def of_many(key: str, tied: float = 0.0) -> tuple[Cohort, list[Cohort], Finding]:
    real = Cohort(many(1, 0.9), endpoints={})
    synthetic = [Cohort.derive(real.schema, many(seed, tied), label=None) for seed in (2, 3, 4)]
    margins = {key: margin_for(key, {"absolute": 0.1}, {})}
    return real, synthetic, registry.findings("structure", real, synthetic, margins, np.random.default_rng(1))[0]


def test_of_very_many_pairs_a_random_part_is_compared_and_the_finding_says_so() -> None:
    real, synthetic, one = of_many("structure.associations")
    first, *others = (
        np.corrcoef(each.rows.rank().to_numpy().T)[np.triu_indices(MANY, 1)] for each in (real, *synthetic)
    )
    assert "of 28,680 pairs, drawn at random" in one.because
    compared = int(one.because.split(" of ")[0].replace(",", ""))
    assert 0.5 * 20_000 < compared < 1.2 * 20_000
    assert one.difference == pytest.approx(np.abs(np.mean(others, axis=0) - first).mean(), rel=0.03)  # half the pairs
    assert of_many("structure.associations")[2].difference == one.difference


def test_a_few_columns_are_compared_in_every_pair() -> None:
    assert "drawn at random" not in answers("structure.associations")[2]["all"].because


def test_more_columns_than_rows_are_told_apart_by_some_of_them() -> None:
    """240 columns of 80 rows separate any rows: the model has four, and copies of the same law are alike under it."""
    one = of_many("structure.propensity", 0.9)[2]
    assert "of 4 of 240 columns, drawn at random" in one.because and one.difference < 0.1
    assert "drawn at random" not in answers("structure.propensity")[2]["all"].because
