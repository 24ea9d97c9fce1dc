"""What was made fast gives what the plain way gives: text of levels, pieces of a quantile function, resampling."""

import itertools
import pickle
from collections import Counter

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.checks.core.observed import hazard_change
from heorsynth.checks.core.strata import patients_by
from heorsynth.checks.structure.columns import compared_columns
from heorsynth.checks.structure.designs import correlations, designs
from heorsynth.checks.structure.panel_analyses import _Source
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.ranks import rising
from heorsynth.data.columns.levels import as_text
from heorsynth.estimators.association import resampled_correlations
from heorsynth.estimators.attacks.attack import RELABELLINGS
from heorsynth.estimators.attacks.guesses import singling_out
from heorsynth.estimators.attacks.records import _same
from heorsynth.estimators.costs.costs import resampled_slice_means, slice_means
from heorsynth.estimators.survival.cox import cox
from heorsynth.estimators.survival.cox_two_arms import arm_counts, log_hazard_ratio
from heorsynth.generators.latent.quantiles import Quantiles

COLUMNS = {
    "text": pd.Series(["b", None, "a", "b", np.nan]),
    "numbers and text": pd.Series([1, 1.0, True, "1", None], dtype=object),
    "whole floats": pd.Series([1.0, np.nan, -0.0, 2.0]),
    "fractions with two zeros": pd.Series([0.5, -0.0, 0.0, np.nan]),
    "integers": pd.Series([3, 1, 3, -1]),
    "nullable integers": pd.Series([3, None, 1], dtype="Int64"),
    "truth values": pd.Series([True, False, True]),
    "nullable truth values": pd.Series([True, None, False], dtype="boolean"),
    "strings": pd.Series(["x", None, "y"], dtype="string"),
    "categories": pd.Series(["x", None, "y"], dtype="category"),
    "nothing known": pd.Series([None, None], dtype=object),
    "dates": pd.Series(pd.to_datetime(["2024-01-31", None])),
}


def one_by_one(column: pd.Series) -> list[str | None]:
    whole = pd.api.types.is_float_dtype(column) and all(value % 1 == 0 for value in column.dropna())
    held = column.astype("Int64") if whole else column
    text, known = held.astype(str).tolist(), held.notna().tolist()
    return [value if there else None for value, there in zip(text, known, strict=True)]


@pytest.mark.parametrize("name", COLUMNS)
def test_text_of_levels_is_that_of_each_value_by_itself(name: str) -> None:
    column = COLUMNS[name].rename("level").set_axis([f"row {i}" for i in range(len(COLUMNS[name]))])
    found = as_text(column)
    assert found.tolist() == one_by_one(column)
    assert found.dtype == object and found.name == "level" and found.index.equals(column.index)


def pieces_one_by_one(held: np.ndarray, weight: np.ndarray, least: int, *, open_top: bool) -> list[tuple[float, ...]]:
    """Left, rise, power and weight of each piece of sorted values, none of them shared, written out."""
    found = []
    parts: list[list[int]] = [[]]
    for place in range(len(held)):
        parts[-1].append(place)
        share = weight[parts[-1]]
        if len(share) >= max(least, len(held) // 2000) and share.sum() >= least * share.max():
            parts.append([])
    while len(parts) > 1 and (
        len(parts[-1]) < max(least, len(held) // 2000) or weight[parts[-1]].sum() < least * weight[parts[-1]].max()
    ):
        parts[-2:] = [parts[-2] + parts[-1]]
    for index, rows in enumerate(parts):
        part, share = held[rows], weight[rows]
        count, mean = len(part), float(np.average(part, weights=share))
        low, high = float(part[:2].mean()), float(part[-2:].mean())
        if open_top and index == len(parts) - 1 and mean > low and count > 1:
            ratio = float(np.average((part - mean) ** 2, weights=share)) / (mean - low) ** 2
            power = ratio + (ratio**2 + ratio) ** 0.5
            found.append((low, (power + 1) * (mean - low), power, float(share.sum())))
            continue
        middles = (np.arange(count) + 0.5) / count - 0.5
        slope = float(middles @ part / (middles @ middles)) if count > 1 else 0.0
        half = max(0.0, min(slope / 2, mean - low, high - mean))
        found.append((mean - half, 2 * half, 1.0, float(share.sum())))
    return sorted(found, key=lambda piece: piece[0] + piece[1] / (piece[2] + 1))


@pytest.mark.parametrize("n", [1, 4, 5, 11, 503, 10_007, 25_000])
@pytest.mark.parametrize("open_top", [False, True])
def test_pieces_worked_on_together_are_those_of_one_at_a_time_to_the_last_bit(n: int, open_top: bool) -> None:
    rng = np.random.default_rng(n)
    values, weight = np.sort(rng.gamma(0.7, 900, n)), rng.uniform(0.2, 3, n)
    expected = np.array(pieces_one_by_one(values, weight, 5, open_top=open_top)).T
    shuffled = rng.permutation(n)
    found = Quantiles.of(values[shuffled], 5, weight[shuffled], open_top=open_top)
    for name, column in zip(("left", "rise", "power"), expected, strict=False):
        np.testing.assert_array_equal(getattr(found, name), column)
    edges = np.concatenate([[0.0], np.cumsum(expected[3])])
    np.testing.assert_array_equal(found.edges, edges / edges[-1])


@pytest.mark.parametrize("decimals", [0, 15])
def test_values_rise_in_the_order_of_a_stable_sort_whether_or_not_some_are_equal(decimals: int) -> None:
    values = np.round(np.random.default_rng(4).normal(size=20_000), decimals)
    assert rising(values).tolist() == sorted(range(20_000), key=values.tolist().__getitem__)


def test_correlations_of_bootstrap_samples_are_those_of_the_rows_drawn() -> None:
    rng = np.random.default_rng(5)
    columns = rng.normal(size=(3000, 7))
    columns[:, 1] += columns[:, 0]
    columns[:, 2] = columns[:, 2] > 1
    columns[:, 3] = np.arange(3000) == 7
    columns[rng.random(3000) < 0.3, 4:6] = np.nan
    columns[rng.random(3000) < 0.9, 6] = np.nan
    pairs = np.triu_indices(7, 1)
    plain = np.random.default_rng(6)
    expected = np.array([correlations(columns[plain.integers(3000, size=3000)])[pairs] for _ in range(40)])
    found = resampled_correlations(columns, pairs, 40, np.random.default_rng(6))
    assert np.isnan(expected).any() and np.isfinite(expected).any()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_bootstrap_samples_are_the_same_however_many_are_held_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    columns, pairs = np.random.default_rng(1).normal(size=(100, 3)), np.triu_indices(3, 1)
    together = resampled_correlations(columns, pairs, 7, np.random.default_rng(2))
    monkeypatch.setattr("heorsynth.estimators.association.WEIGHTS", 200)
    np.testing.assert_allclose(
        resampled_correlations(columns, pairs, 7, np.random.default_rng(2)), together, rtol=0, atol=1e-13
    )


def test_the_label_is_with_the_frame_and_is_not_copied_into_every_column() -> None:
    drawn = hs.generators.create("bootstrap").fit(hs.datasets.load("veterans"), seed=1).sample(m=1, seed=1)[0]
    assert drawn.rows.attrs == {} and drawn.frame.attrs["heorsynth"] == drawn.label.to_dict()
    assert drawn.take(np.arange(50)).frame.attrs["heorsynth"]["n_rows"] == 50


def test_levels_are_made_once_cannot_be_written_into_and_are_sent_to_no_other_process() -> None:
    cohort = hs.datasets.load("veterans")
    before = len(pickle.dumps(cohort))
    held = cohort.levels("Treatment")
    assert cohort.coded("Treatment") is cohort.coded("Treatment")
    with pytest.raises(ValueError, match="read-only"):
        held[0] = "other"
    assert len(pickle.dumps(cohort)) == before
    assert pickle.loads(pickle.dumps(cohort)).levels("Treatment").tolist() == held.tolist()


@pytest.mark.parametrize("delayed", [False, True])
def test_the_hazard_ratio_of_two_arms_is_that_of_the_cox_model_of_rows(delayed: bool) -> None:
    rng = np.random.default_rng(8)
    treated = rng.random(150) < 0.5
    time = np.ceil(4 * rng.exponential(1 + 0.5 * treated)) + 1  # with many ties
    event = rng.random(150) < 0.7
    entry = np.where(rng.random(150) < 0.4, np.floor(time / 2), 0.0) if delayed else None
    time[:3] = np.nan
    found = log_hazard_ratio(arm_counts(time, event, treated, entry))
    fit = cox(time, event, treated.astype(float)[:, None], entry)
    assert (found.value, found.se) == pytest.approx((fit.coef[0], fit.se[0]), rel=1e-9)


def test_a_change_of_hazard_in_an_arm_that_ends_early_is_refused_in_the_words_of_the_model() -> None:
    rows = pd.DataFrame({
        "time": [1.0, 2.0, 1.5, 2.2, 5.0, 6.0], "event": [1, 1, 1, 1, 1, 0], "arm": ["a", "a", "b", "b", "b", "b"]
    })  # fmt: skip
    cohort = hs.Cohort(rows, endpoints={"os": ("time", "event")}, arm="arm")
    with pytest.raises(NotEstimableError, match="one is constant"):
        hazard_change(cohort, (rows["arm"] == "b").to_numpy(), "os", 2.5)


def test_ranks_and_indicators_are_those_of_pandas() -> None:
    rng = np.random.default_rng(5)
    rows = pd.DataFrame({
        "x": np.where(rng.random(60) < 0.2, np.nan, rng.integers(0, 9, 60)), "g": rng.choice(["b", "a", None], 60)
    })  # fmt: skip
    found = next(designs([hs.Cohort(rows, endpoints={})], ["x", "g"], {"g": ["a", "b"]}))[0]
    np.testing.assert_array_equal(found[:, 0], rows["x"].rank())
    np.testing.assert_array_equal(found[:, 1], np.where(rows["g"].isna(), np.nan, rows["g"] == "b"))


def test_levels_of_taken_rows_are_those_of_the_rows() -> None:
    cohort = hs.Cohort(pd.DataFrame({"g": ["b", None, "a", "b"]}), endpoints={})
    before = cohort.levels("g")
    taken = cohort.take(np.array([True, False, True, True]))
    assert before.tolist() == ["b", "", "a", "b"] and taken.levels("g").tolist() == ["b", "a", "b"]
    with pytest.raises(ValueError, match="read-only"):
        taken.levels("g")[0] = "a"


def test_means_of_slices_of_bootstrap_samples_are_those_of_the_values_drawn() -> None:
    values = np.random.default_rng(3).gamma(0.5, 900, 713).round(0)
    found = resampled_slice_means(values, 200, 7, np.random.default_rng(5))
    drawn = values[np.random.default_rng(5).integers(len(values), size=(7, len(values)))]
    np.testing.assert_allclose(found, slice_means(drawn, 200), rtol=1e-12)


def test_combinations_of_levels_are_counted_as_one_by_one_and_in_their_order() -> None:
    rng = np.random.default_rng(4)
    names = {"arm": ["a", "b"], "stage": ["I", "II", None], "site": [f"site {number}" for number in range(127)]}
    frame = pd.DataFrame({name: rng.choice(np.array(levels, dtype=object), 900) for name, levels in names.items()})
    cohort = hs.Cohort(frame.assign(time=1.0 + np.arange(900), event=1), endpoints={"os": ("time", "event")})
    for chosen in (["arm"], ["stage", "arm"], ["arm", "stage", "site"]):
        for some in (cohort, cohort.take(np.arange(0, 900, 7)), cohort.take(np.zeros(900, dtype=bool))):
            expected = Counter(zip(*(some.levels(name).tolist() for name in chosen), strict=True))
            assert list(patients_by(some, chosen).items()) == list(expected.items())


@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_an_analysis_is_estimable_where_each_of_its_groups_is_whether_or_not_a_few_rows_show_it(missing: float) -> None:
    rng = np.random.default_rng(6)
    n = 6_000
    frame = pd.DataFrame({"arm": rng.choice(["a", "b"], n), "age": rng.normal(60, 9, n), "rare": rng.random(n) < 0.003,
                          "late": np.r_[np.zeros(n - 40), np.ones(40)], "cost": rng.gamma(1, 900, n)})  # fmt: skip
    frame.loc[rng.random(n) < missing, "age"] = np.nan
    frame["time"], frame["event"] = rng.exponential(5, n), (rng.random(n) < 0.4).astype(int)
    cohort = hs.Cohort(frame, endpoints={"os": ("time", "event")}, arm="arm", costs="cost", unit="year")
    source = _Source(cohort, compared_columns(cohort))
    columns = list(source.values)
    answers = []
    for outcome, one, other in itertools.product(columns, columns, columns):
        if len({outcome, one, other}) == 3:
            terms = ((one, other), (one,))
            held = [source.values[column] for column in (outcome, one, other)]
            whole = np.isfinite(held).all(axis=0)
            seen = [values[whole] for values in held]
            high = [v > np.median(v) if len(np.unique(v)) > 2 else v == v.max() for v in seen[1:]]
            cells = [high[0] * 2 + high[1], high[0]]
            parts = [
                [seen[0][cell == place] for place in range(size)] for cell, size in zip(cells, (4, 2), strict=True)
            ]
            plain = whole.sum() >= 30 and all(len(part) >= 10 and np.ptp(part) > 0 for some in parts for part in some)
            answers.append(plain)
            assert source.estimable(outcome, terms) == plain
    assert 0.1 < np.mean(answers) < 0.95


def test_rows_that_equal_a_person_are_those_with_the_same_values_in_all_columns() -> None:
    rng = np.random.default_rng(7)
    people, rows = (rng.integers(0, 3, (n, 4)).astype(float) for n in (30, 400))
    people[:4, 1], rows[:50, 1], rows[50:90, 0] = np.nan, np.nan, -0.0
    expected = [any(((row == one) | (np.isnan(row) & np.isnan(one))).all() for one in people) for row in rows]
    assert _same(rows, people).tolist() == expected
    assert 0.1 < np.mean(expected) < 0.9
    assert not _same(rows, people[:0]).any()


def plainly_singled_out(
    rows: np.ndarray, source: np.ndarray, unseen: np.ndarray, numeric: np.ndarray, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Descriptions of four columns, one person and one comparison at a time."""
    size = min(len(source), len(unseen))
    people = np.concatenate([part[rng.permutation(len(part))[:size]] for part in (source, unseen)])
    middle = [np.nanmedian(column) for column in rows.T]

    def fits(person: np.ndarray, row: np.ndarray, place: int) -> bool:
        value, known = row[place], person[place]
        if np.isnan(value):
            return bool(np.isnan(known))
        if not numeric[place]:
            return bool(known == value)
        return bool(known >= value if value >= middle[place] else known <= value)

    found = []
    for _ in range(400):
        row, chosen = rows[rng.integers(len(rows))], rng.permutation(rows.shape[1])[:4]
        if sum(all(fits(one, row, place) for place in chosen) for one in rows) == 1:
            found.append([all(fits(one, row, place) for place in chosen) for one in people])
        if len(found) == 100:
            break
    ours = np.repeat([True, False], size)
    dealt = [ours, *(rng.permutation(ours) for _ in range(RELABELLINGS))]
    gaps = [
        np.mean([np.sum(np.array(one)[group]) == 1 for one in found])
        - np.mean([np.sum(np.array(one)[~group]) == 1 for one in found])
        for group in dealt
    ]
    alone = [np.mean([np.sum(np.array(one)[group]) == 1 for one in found]) for group in (ours, ~ours)]
    return float(alone[0]), float(alone[1]), float(np.std(gaps[1:], ddof=1))


def test_descriptions_held_as_bits_single_out_the_same_people() -> None:
    rng = np.random.default_rng(4)
    numeric = np.array([True, False, True, False, True, False])
    held = np.where(numeric, rng.normal(size=(75, 6)).round(1), rng.integers(0, 3, (75, 6)))
    held[rng.random(held.shape) < 0.1] = np.nan
    parts = held[:30], held[30:53], held[53:]
    found = singling_out(*parts, numeric, np.random.default_rng(5), attempts=100)
    plain = plainly_singled_out(*parts, numeric, np.random.default_rng(5))
    np.testing.assert_allclose([found.success, found.control, found.se], plain, rtol=1e-9)
    assert found.success > 0
