"""Sequential trees: values of patients of the right leaf, against the tree and the law they come from."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import heorsynth as hs
from heorsynth.core.errors import GeneratorError
from heorsynth.generators.peers import trees
from heorsynth.generators.sampling.formats import Format


def step(n: int) -> tuple[np.ndarray, np.ndarray]:
    """A predictor, and numbers that tell its two halves apart."""
    x = np.arange(n, dtype=float)
    return x[:, None], np.where(x < n / 2, x, 1000 + x)


def test_a_value_is_that_of_a_patient_on_the_same_side_of_the_split() -> None:
    known, values = step(60)
    leaves = trees._Leaves.grown(values, known, levels=False, least=20, seed=1)
    drawn = leaves.draw(known.repeat(50, axis=0), np.random.default_rng(1))
    side = known.repeat(50) < 30
    assert set(drawn[side]) == set(values[:30]) and set(drawn[~side]) == set(values[30:])


def test_a_node_of_fewer_than_three_leaves_is_not_split() -> None:
    known, values = step(14)
    assert trees._Leaves.grown(values, known, levels=False, least=5, seed=1).tree is None
    known, values = step(15)
    assert trees._Leaves.grown(values, known, levels=False, least=5, seed=1).tree.get_n_leaves() == 2


@pytest.mark.parametrize("levels", [False, True])
def test_every_leaf_has_enough_patients_and_each_patient_is_in_one(levels: bool) -> None:
    rng = np.random.default_rng(2)
    known = rng.normal(size=(300, 3))
    values = (known[:, 0] + rng.normal(size=300) > 0).astype(int) if levels else known[:, 0] + rng.normal(size=300)
    leaves = trees._Leaves.grown(values, known, levels, 5, seed=1)
    counts = np.array([leaves.stop[node] - leaves.start[node] for node in leaves.start])
    assert counts.min() >= 5 and counts.sum() == 300
    leaf = leaves.tree.apply(known)
    for node in leaves.start:
        held = leaves.donors[leaves.start[node] : leaves.stop[node]]
        assert sorted(held) == sorted(values[leaf == node])


def test_values_of_a_leaf_are_drawn_equally_often() -> None:
    leaves = trees._Leaves.grown(np.arange(8.0), np.empty((8, 0)), levels=False, least=5, seed=1)
    drawn = leaves.draw(np.empty((8000, 0)), np.random.default_rng(3))
    assert stats.chisquare(np.unique(drawn, return_counts=True)[1]).pvalue > 0.001


def mixed(n: int = 600) -> "hs.Cohort":
    """A grade, a marker that is missing in grade b alone, a score that follows the marker's product with the grade."""
    rng = np.random.default_rng(5)
    grade = rng.choice(["a", "b", "c"], n)
    marker = rng.normal(size=n)
    score = np.where(grade == "a", 3 * marker, -3 * marker)
    frame = pd.DataFrame({
        "grade": grade, "marker": np.where((grade == "b") & (rng.random(n) < 0.5), np.nan, marker),
        "note": pd.Series(rng.choice(["seen", "heard", None], n, p=[0.5, 0.3, 0.2]), dtype=object), "score": score,
        "cost": np.where(rng.random(n) < 0.8, 0.0, rng.lognormal(5, 1, n).round(2)),
        "time": (rng.exponential(10, n) + 0.1).round(1), "event": rng.integers(0, 2, n),
    })  # fmt: skip
    return hs.Cohort(frame, endpoints={"os": ("time", "event")}, subgroups=["grade"], costs=["cost"], currency="EUR")


def drawn(**options: object) -> pd.DataFrame:
    """600 rows before the watermark, which moves last digits."""
    sampler = hs.generators.create("sequential_trees", **options).fit(mixed(), seed=1)
    return sampler.law.draw(600, np.random.default_rng(1))


def test_missing_values_are_where_the_patients_have_them_and_levels_may_be_missing() -> None:
    found = drawn()
    assert not found.loc[found["grade"] != "b", "marker"].isna().any()
    # half of some 200 patients; four standard errors are 0.14
    assert abs(found.loc[found["grade"] == "b", "marker"].isna().mean() - 0.5) < 0.14
    assert abs(found["note"].isna().mean() - 0.2) < 0.07


def test_an_effect_that_depends_on_a_third_column_is_kept() -> None:
    known = drawn().dropna(subset=["marker"])
    slopes = {level: np.polyfit(part["marker"], part["score"], 1)[0] for level, part in known.groupby("grade")}
    assert slopes["a"] > 2 and slopes["c"] < -2


def test_a_drawn_number_is_a_patients_unless_it_is_smoothed() -> None:
    source = mixed().frame
    plain, smooth = drawn(), drawn(smoothing=True)
    assert set(plain["score"]) <= set(source["score"]) and set(plain["time"]) <= set(source["time"])
    assert len(set(smooth["score"]) & set(source["score"])) < 20
    assert smooth["score"].between(source["score"].min(), source["score"].max()).all()
    # 80% of costs are 0, and stay so
    assert abs((smooth["cost"] == 0).mean() - (plain["cost"] == 0).mean()) < 0.08
    assert stats.ks_2samp(smooth["score"], source["score"]).statistic < 0.1


def test_the_bandwidth_is_silvermans_without_the_spike() -> None:
    values = np.random.default_rng(1).normal(size=200)
    quarter, three = np.quantile(values, [0.25, 0.75])
    wanted = 0.9 * min(values.std(ddof=1), (three - quarter) / 1.34) * 200**-0.2
    spiked = np.concatenate([np.full(800, 7.5), values])
    bandwidth, spike, bounds = trees._smoothing(spiked)
    assert bandwidth == pytest.approx(wanted, rel=1e-12)
    assert spike == 7.5 and bounds == (values.min(), 7.5)
    assert np.isnan(trees._smoothing(values)[1])
    assert trees._smoothing(np.full(9, 2.0))[0] == 0.0


def test_predictors_of_levels_are_their_indicators_with_missing_as_one_of_them() -> None:
    column = pd.Series(["a", "b", None, "a"], dtype=object)
    form = Format.of(column)
    codes = trees._values(column, form)
    assert codes.tolist() == [0, 1, 2, 0]
    assert trees._predictors(codes, form).tolist() == [[0, 0], [1, 0], [0, 1], [0, 0]]


@pytest.mark.parametrize("options", [{"min_leaf": 0}, {"min_leaf": 2.5}, {"smoothing": "yes"}, {"min_leaf": True}])
def test_settings_without_meaning_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(GeneratorError, match=next(iter(options))):
        hs.generators.create("sequential_trees", **options)
