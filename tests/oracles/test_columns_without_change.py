"""Columns that are coded once, and sums that are shared, against the plain way beside each of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import heorsynth as hs
from heorsynth.checks.core import coded_rows, observed
from heorsynth.checks.core.strata import at_level, patients_by
from heorsynth.checks.structure import check, designs
from heorsynth.checks.structure.panel_analyses import _explained, _levels_correlate, _whole_correlations
from heorsynth.core.disclosure import RULES
from heorsynth.data.columns.arrays import Distinct
from heorsynth.data.folders.tally import Tally
from heorsynth.estimators import association, least_squares
from heorsynth.estimators.costs import costs, two_part
from heorsynth.estimators.costs.two_part import any_cost, positive_cost
from heorsynth.estimators.economics import regression
from heorsynth.estimators.economics.increments import Increments
from heorsynth.estimators.least_squares import Model, first_coefficients
from heorsynth.estimators.propensity import _independent
from heorsynth.estimators.stacked.counts import stacked
from heorsynth.estimators.survival import summaries
from heorsynth.estimators.survival.estimates import kaplan_meier, reverse_kaplan_meier
from heorsynth.estimators.survival.pseudo_values import restricted_time

N = 700


@pytest.fixture(scope="module")
def cohort() -> hs.Cohort:
    """Patients with ties, times that differ by rounding, gaps and three arms."""
    rng = np.random.default_rng(1)
    time = rng.exponential(5, N).round(1) + 0.1
    time[:9] = 0.1 + 0.2
    frame = pd.DataFrame({
        "time": time, "event": rng.integers(0, 3, N), "arm": rng.choice(["a", "b", "c"], N),
        "sex": rng.choice(["f", "m", None], N), "cost": rng.gamma(0.5, 900, N).round(0), "qaly": rng.random(N).round(2),
    })  # fmt: skip
    frame.loc[rng.random(N) < 0.1, ["cost", "qaly"]] = np.nan
    roles = {"endpoints": {"os": ("time", "event")}, "costs": "cost", "utilities": "qaly"}
    return hs.Cohort(frame, arm="arm", arm_reference="a", subgroups="sex", **roles)


@pytest.mark.parametrize("rows", [slice(None), slice(0, 300), slice(0, 3), slice(0, 0)])
def test_a_coded_column_has_the_ranks_counts_and_order_of_its_numbers(cohort: hs.Cohort, rows: slice) -> None:
    taken = cohort.take(np.arange(N)[rows])
    values, held = taken.numbers("cost"), taken.arrays.distinct("cost")
    known = values[~np.isnan(values)]
    np.testing.assert_array_equal(np.append(held.values, np.nan)[held.codes], values)
    np.testing.assert_array_equal(held.ranks, stats.rankdata(values, nan_policy="omit") if len(values) else [])
    np.testing.assert_array_equal(held.ordered, np.sort(known))
    np.testing.assert_array_equal(held.at(np.arange(len(known))), np.sort(known))
    found, counts = np.unique(known, return_counts=True)
    np.testing.assert_array_equal(held.values[held.counts > 0], found)
    np.testing.assert_array_equal(held.counts[held.counts > 0], counts)
    assert held.n_known == len(known)


def test_curves_and_ranks_of_coded_times_are_those_of_the_rows(
    cohort: hs.Cohort, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coded_rows, "_MANY", 1)
    for some in (cohort, cohort.take(np.arange(0, N, 3))):
        time, cause, _ = some.outcome("os")
        found = observed.curve(some, "os"), observed.reverse_curve(some, "os")
        plain = kaplan_meier(time, cause == 1), reverse_kaplan_meier(time, cause > 0)
        for one, other in zip(found, plain, strict=True):
            for name in ("times", "survival", "se", "at_risk", "events", "n_used", "n_total"):
                np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        np.testing.assert_array_equal(
            observed.ranked(some, "cost").between(np.linspace(0, 1, 31)),
            np.quantile(some.numbers("cost")[~some.missing("cost")], np.linspace(0, 1, 31)),
        )


def test_stacks_of_coded_times_are_those_of_sorted_times(cohort: hs.Cohort) -> None:
    several = cohort, cohort.take(np.arange(0, N, 3))
    outcomes = [one.outcome("os") for one in several]
    coded = [(one.arrays.distinct("time").values, one.arrays.distinct("time").codes) for one in several]
    arms = [one.coded("arm").among(["c", "a"]) for one in several]
    left_out = [np.where(arm < 2, arm, -1) for arm in arms]
    for arm in (None, left_out):
        found, plain = stacked(outcomes, arm, coded), stacked(outcomes, arm)
        for name in ("times", "ends", "at_risk", "sound"):
            np.testing.assert_array_equal(getattr(found, name), getattr(plain, name))


def test_pseudo_values_are_the_change_of_the_area_with_a_patients_weight() -> None:
    rng = np.random.default_rng(2)
    time, event = rng.integers(1, 9, 40).astype(float), rng.random(40) < 0.6
    found, small = restricted_time(time, event, 6.0), 1e-6

    def area(weights: np.ndarray) -> float:
        curve = kaplan_meier(time, event, weights=weights)
        edges = np.concatenate([[0.0], np.minimum(curve.times, 6.0), [6.0]])
        return float(np.diff(edges) @ np.concatenate([[1.0], curve.survival]))

    for patient in range(40):
        up, down = (np.ones(40) + sign * small * (np.arange(40) == patient) for sign in (1, -1))
        slope = (area(up) - area(down)) / (2 * small)
        assert found[patient] == pytest.approx(area(np.ones(40)) + 40 * slope, abs=1e-5)


@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_models_that_share_their_sums_have_the_coefficients_and_errors_of_each_alone(
    missing: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(3)
    columns = rng.normal(size=(6, 900)) + 2
    columns[4:] = columns[4:] > 2
    columns[:3][rng.random((3, 900)) < missing] = np.nan
    models = [Model(0, ((4,),)), Model(1, ((4,),)), Model(0, ((4, 5), (4,), (5,))), Model(2, ((3,), (4,), (1,))),
              Model(2, ((4, 3), (4,), (3,))), Model(2, ((4,), (4,)))]  # fmt: skip
    plain = first_coefficients(columns, models)
    monkeypatch.setattr(least_squares, "_MANY", 1)
    monkeypatch.setattr(least_squares, "_CELLS", 700)
    np.testing.assert_allclose(first_coefficients(columns, models), plain, rtol=1e-9)
    assert np.isnan(plain[0]).tolist() == [False] * 5 + [True]


def test_correlations_without_gaps_are_those_of_the_general_way() -> None:
    rng = np.random.default_rng(4)
    design = rng.normal(size=(2, 300, 4))
    design[..., 3] = 1.0
    with_gap = np.concatenate([design, np.full((2, 1, 4), np.nan)], axis=1)
    np.testing.assert_allclose(designs.correlations(design), designs.correlations(with_gap), atol=1e-12)


def test_resampled_groups_are_the_rows_of_these_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(association, "_GROUPS", 5)
    monkeypatch.setattr(association, "_ROWS", 12)
    rng = np.random.default_rng(5)
    columns, pairs = rng.normal(size=(23, 3)) + 7, (np.array([0, 0, 1]), np.array([1, 2, 2]))
    found = association.resampled_correlations(columns, pairs, 6, np.random.default_rng(6))
    own = np.random.default_rng(6)
    parts = np.split(columns[own.permutation(23)], np.linspace(0, 23, 6).astype(int)[1:-1])
    for draw in range(6):
        often = np.bincount(own.integers(5, size=5), minlength=5)
        rows = np.concatenate([part for part, count in zip(parts, often, strict=True) for _ in range(count)])
        np.testing.assert_allclose(found[draw], np.corrcoef(rows.T)[pairs], rtol=1e-9)


def test_slice_means_of_resampled_groups_spread_as_those_of_resampled_values(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(7).lognormal(0, 1, 9000)
    grouped = costs.resampled_slice_means(values, 50, 1500, np.random.default_rng(8))
    monkeypatch.setattr(costs, "_GROUPS", len(values))
    plain = costs.resampled_slice_means(values, 50, 1500, np.random.default_rng(9))
    np.testing.assert_allclose(grouped.std(axis=0), plain.std(axis=0), rtol=0.12)  # sd of a ratio of these: 2.6%
    error = plain.std(axis=0) / np.sqrt(1500)
    assert (np.abs(grouped.mean(axis=0) - plain.mean(axis=0)) < 6 * error).all()
    sizes = [np.abs(one - one.mean(axis=0)).mean(axis=1).mean() for one in (grouped, plain)]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.05)  # what the floor of a distance is


def test_adjusted_means_from_sums_are_those_from_columns(cohort: hs.Cohort, monkeypatch: pytest.MonkeyPatch) -> None:
    arm = cohort.coded("arm").codes.astype(int)
    age = np.random.default_rng(9).normal(60, 9, (N, 2))
    age[5] = np.nan
    cost, effect = cohort.numbers("cost"), cohort.numbers("qaly")
    for own in (age, age[:, :1]):
        plain = regression.adjusted_means(cost, effect, arm, 3, age, own)
        monkeypatch.setattr(regression, "_MANY", 1)
        found = regression.adjusted_means(cost, effect, arm, 3, age, own)
        monkeypatch.undo()
        np.testing.assert_allclose(found.means, plain.means, rtol=1e-9)
        np.testing.assert_allclose(found.covariance, plain.covariance, rtol=1e-8, atol=1e-12)
        assert (found.n_used, found.n_total, found.parts[0][1]) == (plain.n_used, plain.n_total, plain.parts[0][1])


def test_columns_that_depend_on_earlier_ones_are_those_that_a_decomposition_finds() -> None:
    design = np.column_stack([np.ones(200), np.random.default_rng(10).normal(size=(200, 5))])
    design[:, 1:] /= design[:, 1:].std(axis=0)
    for spread, kept in ((0.0, 5), (1e-10, 5), (1e-5, 6), (1e-1, 6)):
        design[:, 3] = design[:, 1] - design[:, 2] + spread * np.random.default_rng(12).normal(size=200)
        upper = np.abs(np.diag(np.linalg.qr(design, mode="r")))
        np.testing.assert_array_equal(_independent(design.T), np.flatnonzero(upper > 1e-8 * upper.max()))
        assert len(_independent(design.T)) == kept


def test_relations_of_levels_are_those_of_their_indicators(cohort: hs.Cohort) -> None:
    arm, sex = cohort.coded("arm"), cohort.coded("sex")
    both = (arm.codes >= 0) & (sex.codes >= 0)
    plain = [[abs(np.corrcoef(arm.codes[both] == a, sex.codes[both] == b)[0, 1]) for b in range(2)] for a in range(3)]
    np.testing.assert_allclose(_levels_correlate(arm, sex), plain, rtol=1e-9)
    ranks = cohort.arrays.distinct("time").ranks
    for held, found in zip((arm, sex), _explained(cohort.arrays.distinct("time"), [arm, sex]), strict=True):
        seen = held.codes >= 0
        means = pd.Series(ranks[seen]).groupby(held.codes[seen]).agg(["mean", "size"]).sort_values("mean")
        blocks = np.split(np.sort(ranks[seen]), np.cumsum(means["size"])[:-1])
        centre = ranks[seen].mean()
        best = sum(len(block) * (block.mean() - centre) ** 2 for block in blocks)
        assert found == pytest.approx(float((means["size"] * (means["mean"] - centre) ** 2).sum()) / best, rel=1e-9)


def test_relations_of_numbers_without_gaps_are_the_correlations_of_their_ranks() -> None:
    rng = np.random.default_rng(7)
    columns = [np.round(rng.normal(size=5000), 1), rng.normal(size=5000)]
    columns.append(columns[0] + columns[1])
    found = _whole_correlations([Distinct.of(column) for column in columns])
    plain = np.abs(np.corrcoef([pd.Series(column).rank() for column in columns]))
    np.testing.assert_allclose(found, plain, rtol=1e-11)


def test_patients_at_a_level_are_those_with_its_text(cohort: hs.Cohort) -> None:
    part = cohort.take(np.flatnonzero(cohort.levels("arm") != cohort.levels("arm")[0]))
    for rows in (cohort, part):
        for name in ("arm", "sex"):
            text = rows.levels(name)
            for level in (*sorted(set(cohort.levels(name))), "no such level"):
                np.testing.assert_array_equal(at_level(rows, name, level), text == level)
            counts = patients_by(rows, [name])
            assert list(counts.items()) == list(Counter((one,) for one in text.tolist()).items())


def test_values_below_at_and_between_points_are_counted_as_one_by_one(cohort: hs.Cohort) -> None:
    other = cohort.take(np.arange(0, N, 3))
    found = check._counts_at_points([cohort, other], "cost")
    real = cohort.numbers("cost")[~cohort.missing("cost")]
    points = np.unique(np.quantile(real, np.linspace(0, 1, 101), method="lower"))
    for row, one in zip(found, (cohort, other), strict=True):
        values = one.numbers("cost")[~one.missing("cost")]
        cells = sum(np.searchsorted(points, values, side=side) for side in ("left", "right"))
        np.testing.assert_array_equal(row, np.bincount(cells, minlength=2 * len(points) + 1))


def test_a_group_of_a_tally_is_made_once_and_its_moments_are_those_of_its_patients(cohort: hs.Cohort) -> None:
    tally = Tally.of(cohort)
    cells = tally.levels("arm") == "b"
    taken = tally.take(cells)
    assert taken is tally.take(cells.copy()) and taken.same_as(Tally.of(cohort.take(cohort.levels("arm") == "b")))
    rows = cohort.rows.loc[cohort.levels("arm") == "b", ["cost", "qaly"]].dropna().to_numpy()
    n, mean, comoment = taken.moments.over([0, 1])
    assert n == len(rows)
    np.testing.assert_allclose(mean, rows.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(comoment, (n - 1) * np.cov(rows.T), rtol=1e-12)


def test_bands_are_found_in_more_rows_than_are_looked_at_first() -> None:
    rng = np.random.default_rng(11)
    age = rng.integers(20, 90, 3000).astype(float)
    late = np.where(np.arange(3000) == 2999, 0, age >= 50)  # a band but for one of the last patients
    frame = pd.DataFrame({"age": age, "old": np.where(age >= 50, "yes", "no"), "late": np.where(late, "yes", "no")})
    frame["time"], frame["event"] = rng.exponential(5, 3000) + 0.1, 1
    frame.loc[2999, "age"], frame.loc[2999, "old"] = 60.0, "yes"
    texts = [rule.text for rule in hs.Cohort(frame, endpoints={"os": ("time", "event")}).rules().rules]
    assert any("old" in text and "age" in text for text in texts)
    assert not any("late" in text and "age" in text for text in texts)


def test_an_empty_column_is_coded() -> None:
    held = Distinct.of(np.array([np.nan, np.nan]))
    assert held.values.tolist() == [] and held.n_known == 0 and np.isnan(held.ranks).all()


@pytest.mark.parametrize("scale", [1.0, 1e6])
@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_many_numbers_with_few_decimals_are_coded_as_by_a_sort(scale: float, missing: float) -> None:
    rng = np.random.default_rng(13)
    numbers = np.round(scale * rng.normal(size=5000), 2)
    numbers[rng.random(5000) < missing] = np.nan
    held, made = Distinct.of(numbers), Distinct._of_decimals(numbers)
    values, places, counts = np.unique(numbers[~np.isnan(numbers)], return_inverse=True, return_counts=True)
    assert made is not None
    for one in (held, made):
        np.testing.assert_array_equal(one.values, values)
        np.testing.assert_array_equal(one.counts, counts)
        np.testing.assert_array_equal(one.codes[~np.isnan(numbers)], places)
        assert (one.codes[np.isnan(numbers)] == -1).all()


def test_two_part_models_of_patients_counted_together_are_those_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(14)
    treated, levels = rng.random(600) < 0.5, (rng.random((600, 3)) < 0.4).astype(float)
    levels = np.column_stack([levels, 1 - levels[:, 0]])  # depends on the first
    cost = np.where(rng.random(600) < 0.3, 0.0, rng.gamma(2, 500 * np.exp(0.3 * treated + levels[:, 1])))
    cost[:7] = np.nan
    found = [part(cost, treated, levels) for part in (any_cost, positive_cost)]
    monkeypatch.setattr(two_part, "_MOST_INDICATORS", 0)
    for one, plain in zip(found, [part(cost, treated, levels) for part in (any_cost, positive_cost)], strict=True):
        np.testing.assert_allclose([one.value, one.se], [plain.value, plain.se], rtol=1e-9)
        assert (one.n_used, one.n_total) == (plain.n_used, plain.n_total)


def test_acceptability_curves_of_many_means_are_those_of_each() -> None:
    one = Increments(100.0, 0.02, np.array([[900.0, 0.1], [0.1, 1e-3]]), 50, 50)
    means, wtps = np.random.default_rng(15).normal([100, 0.02], [30, 0.03], size=(20, 2)), np.linspace(0, 5e4, 7)
    plain = [replace(one, cost=cost, effect=effect).ceac(wtps) for cost, effect in means]
    np.testing.assert_allclose(one.ceacs(wtps, means), plain, rtol=1e-12)


def test_five_times_around_a_median_are_those_of_the_events_written_out() -> None:
    rng = np.random.default_rng(16)
    curve = kaplan_meier(np.ceil(rng.exponential(9, 400)), rng.random(400) < 0.8)
    times = np.repeat(curve.times, curve.events.astype(int))
    at = int(np.searchsorted(times, summaries.curve_quantile(curve, 0.5).value))
    five = times[RULES.places(at, len(times))]
    assert summaries.around_quantile(curve, 0.5) == RULES.mean_around(five)


def test_a_tally_of_coded_columns_has_the_counts_of_their_values(cohort: hs.Cohort) -> None:
    part = cohort.take(np.flatnonzero(np.arange(N) % 3 > 0))  # some values and cells of the whole have no row
    for rows in (cohort, part):
        tally = Tally.of(rows)
        texts = np.array([rows.levels(name) for name in rows.schema.strata]).T
        members, cell = np.unique(texts, axis=0, return_inverse=True)
        assert [tuple(one) for one in members.tolist()] == list(tally.members)
        for name, held in {**tally.numbers, "time": tally.outcomes["os"]}.items():
            codes = rows.outcome("os")[1] if name == "time" else np.zeros(rows.n, int)
            known = ~np.isnan(rows.numbers(name))
            triples = Counter(zip(cell[known], rows.numbers(name)[known], codes[known], strict=True))
            plain = [(*key, triples[key]) for key in sorted(triples)]
            assert list(zip(held.cell, held.value, held.code, held.count, strict=True)) == plain
        for name, counts in tally.missing.items():
            gaps = rows.rows[name].isna().to_numpy()
            np.testing.assert_array_equal(counts, np.bincount(cell[gaps], minlength=len(members)))


def test_cells_of_a_tally_are_the_same_object_in_whatever_order_they_are_taken(cohort: hs.Cohort) -> None:
    tally = Tally.of(cohort)
    arm, sex = tally.levels("arm") == "b", tally.levels("sex") == "f"
    women = tally.take(sex)
    both = women.take(women.levels("arm") == "b")
    assert tally.take(arm & sex) is both
    assert tally.take(np.ones(len(tally.members), bool)) is tally
    for held, whole in ((both.outcomes["os"], tally.outcomes["os"]), (both.numbers["cost"], tally.numbers["cost"])):
        kept = (arm & sex)[whole.cell]
        values, codes, counts = held.by_value
        plain = pd.crosstab(whole.value[kept], whole.code[kept], whole.count[kept], aggfunc="sum").fillna(0)
        np.testing.assert_array_equal(values, plain.index)
        np.testing.assert_array_equal(codes, plain.columns)
        np.testing.assert_array_equal(counts, plain.to_numpy())


def test_limits_on_the_scale_of_logarithms_are_those_of_powers(cohort: hs.Cohort) -> None:
    curve = observed.curve(cohort, "os")
    for z in (1.0, 1.96):
        inner = (curve.survival > 0) & (curve.survival < 1)
        value = np.where(inner, curve.survival, 0.5)
        spread = z * curve.se / (value * np.abs(np.log(value)))
        for power, found in zip((spread, -spread), summaries._limits(
            curve.times, curve.survival, curve.se, 0.5, curve.times[-1], z
        ), strict=True):  # fmt: skip
            limit = np.where(inner, value ** np.exp(power), curve.survival)
            end = curve.times[-1] if curve.survival[-1] > 0 else np.inf
            assert found == summaries._crossing(curve.times, limit, 0.5, np.asarray(end))
