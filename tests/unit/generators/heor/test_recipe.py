"""The heor generator: any cohort in, a valid cohort out; exact subgroups; kept means, zeros, spikes and order."""

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.generators.heor.cells import Cells
from heorsynth.generators.heor.law import HeorLaw
from heorsynth.generators.heor.outcome import systematic_sample
from heorsynth.generators.latent.dependence import james_stein
from heorsynth.generators.latent.quantiles import MIN_PATIENTS, Quantiles, split


def drawn(cohort: "hs.Cohort", seed: int = 1, **asked: object) -> "hs.Cohort":
    return hs.generators.create("heor").fit(cohort, seed=seed).sample(**{"m": 1, "seed": seed, **asked})[0]


@st.composite
def cohorts(draw: st.DrawFn) -> "hs.Cohort":
    """Cohorts of 12 to 120 patients with whatever columns a HEOR cohort has, and missing values in most."""
    n = draw(st.integers(12, 120))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    time = np.round(rng.weibull(1.3, n) * draw(st.sampled_from([0.5, 30.0, 2000.0])) + 0.01, draw(st.integers(2, 4)))
    frame = pd.DataFrame({"time": time, "event": rng.integers(0, draw(st.integers(2, 3)), n)})
    frame.loc[:1, "event"] = 1
    roles: dict = {"endpoints": {"os": ("time", "event")}}
    if draw(st.booleans()):
        frame["arm"], roles["arm"] = np.where(np.arange(n) % 2 == 0, "a", "b"), "arm"
    if draw(st.booleans()):
        frame["sex"], roles["subgroups"] = np.where(np.arange(n) % 5 < 2, 1, 2), ["sex"]
    if draw(st.booleans()):
        early = rng.random(n) < 0.5
        frame["progressed"] = np.where(early, np.round(time * rng.uniform(0.2, 0.9, n), 4), time)
        frame["progression"] = np.where(frame["progressed"] < time, 1, (frame["event"] == 1).astype(int))
        roles["endpoints"]["pfs"], roles["order"] = ("progressed", "progression"), [("pfs", "os")]
    if draw(st.booleans()):
        parts = np.round(rng.lognormal(6, 1, (n, 2)) * (rng.random((n, 2)) < 0.7), 2)
        frame["drug"], frame["stay"] = parts.T
        frame["cost"] = np.round(parts.sum(axis=1), 2)
        roles |= {"costs": ["cost"], "totals": {"cost": ["drug", "stay"]}}
    if draw(st.booleans()):
        frame["qaly"], roles["utilities"] = (
            np.where(rng.random(n) < 0.3, 1.0, np.round(rng.uniform(-0.3, 0.9, n), 3)),
            ["qaly"],
        )
    if draw(st.booleans()):
        frame["start"], roles["entry"] = np.round(time * rng.uniform(0, 0.5, n), 4), "start"
        frame["start"] = np.where(
            frame["start"] < frame[[n for n in frame if n in ("time", "progressed")]].min(axis=1), frame["start"], 0.0
        )
    frame["score"] = np.where(rng.random(n) < draw(st.sampled_from([0.0, 0.2])), np.nan, rng.integers(0, 12, n))
    frame["kind"] = rng.choice(["x", "y", "z"], n)
    frame["flag"] = rng.random(n) < 0.5
    return hs.Cohort.derive(hs.Cohort(pd.concat([frame] * 2), **roles).schema, frame, label=None)


def require_valid_draw(cohort: "hs.Cohort") -> None:
    sampler = hs.generators.create("heor").fit(cohort, seed=1)
    synthetic = sampler.sample(m=2, seed=1)
    assert synthetic.broken == {}
    for one in synthetic:
        assert one.n == cohort.n
        for name in (*cohort.schema.subgroups, *([cohort.schema.arm] if cohort.schema.arm else [])):
            wanted, found = (np.unique(part.levels(name), return_counts=True) for part in (cohort, one))
            assert wanted[0].tolist() == found[0].tolist()
            assert wanted[1].tolist() == found[1].tolist()
    assert sampler.sample(n=7, m=1, seed=2)[0].n == 7


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(cohorts())
def test_any_cohort_in_gives_a_valid_cohort_out(cohort: "hs.Cohort") -> None:
    require_valid_draw(cohort)


@pytest.mark.long
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(cohorts())
def test_any_of_60_cohorts_in_gives_a_valid_cohort_out(cohort: "hs.Cohort") -> None:
    require_valid_draw(cohort)


def test_eleven_patients_work_and_nine_are_refused_with_the_reason() -> None:
    cohort, _ = hs.datasets.simulated_trial(40, seed=3)
    few = hs.Cohort.derive(cohort.schema, cohort.frame.head(11), label=None)
    assert drawn(few).n == 11
    with pytest.raises(errors.TooFewPatientsError, match="at least 10"):
        drawn(hs.Cohort.derive(cohort.schema, cohort.frame.head(9), label=None))


def test_every_cell_of_arm_and_subgroups_is_kept_and_scaled_to_rounding() -> None:
    cohort = hs.datasets.load("pbc")
    cells = ["trt", "sex", "age_group"]
    wanted = cohort.frame.groupby(cells, dropna=False).size()
    pd.testing.assert_series_equal(drawn(cohort).frame.groupby(cells, dropna=False).size(), wanted)
    thrice = drawn(cohort, n=3 * cohort.n).frame.groupby(cells, dropna=False).size()
    assert (thrice - 3 * wanted).abs().max() <= 1


def test_a_rare_subgroup_keeps_its_own_survival_and_does_not_take_the_others() -> None:
    cohort = hs.datasets.load("pbc")
    men = cohort.take(cohort.levels("sex") == "m")
    synthetic = hs.generators.create("heor").fit(cohort, seed=1).sample(m=20, seed=1)

    def alive(part: "hs.Cohort") -> float:
        frame = part.frame
        from heorsynth.estimators.survival.estimates import rmst

        return rmst(frame["time"].to_numpy(float), frame["event"].to_numpy() == 1, 2500.0).value

    found = np.mean([alive(one.take(one.levels("sex") == "m")) for one in synthetic])
    assert found == pytest.approx(alive(men), rel=0.03)  # 44 men in 12 cells, each smoothed over five patients


def test_means_zeros_and_spikes_of_money_and_utility_are_kept_in_each_arm() -> None:
    cohort, _ = hs.datasets.simulated_trial(400, seed=2)
    frame, copy = cohort.frame, drawn(cohort).frame
    for arm in ("new", "usual"):
        real, made = frame[frame["arm"] == arm], copy[copy["arm"] == arm]
        for name in ("cost", "qaly"):
            error = real[name].std() / np.sqrt(len(real))
            assert abs(made[name].mean() - real[name].mean()) < 0.3 * error  # a fresh sample strays by 1.4 on average
        assert abs((made["drug"] == 0).sum() - (real["drug"] == 0).sum()) <= 1
        assert abs((made["qaly"] == 1).sum() - (real["qaly"] == 1).sum()) <= 1
    assert (copy["cost"] - copy["drug"] - copy["hospital"]).abs().max() < 0.005


def test_a_subgroup_keeps_its_own_mean_cost() -> None:
    """Black participants of the RAND experiment spent 112 dollars where the others spent 182: neither is erased."""
    cohort = hs.datasets.load("randhie")
    frame, copy = cohort.frame, drawn(cohort).frame
    for race in ("black", "other"):
        real, made = (part.loc[part["race"] == race, "meddol"] for part in (frame, copy))
        assert abs(made.mean() - real.mean()) < 0.3 * real.std() / np.sqrt(len(real))


def test_a_known_hazard_ratio_and_restricted_mean_are_recovered_from_5000_patients() -> None:
    from heorsynth.estimators.survival.cox import cox
    from heorsynth.estimators.survival.estimates import rmst

    cohort, truth = hs.datasets.simulated_trial(5000, seed=4)
    frame = drawn(cohort).frame
    stages = np.column_stack([frame["stage"] == stage for stage in ("II", "III", "IV")])
    columns = np.column_stack([frame["arm"] == "new", (frame["age"] - 62) / 10, stages]).astype(float)
    fit = cox(frame["time"].to_numpy(), frame["event"].to_numpy() == 1, columns)
    true = np.array([truth.log_hazard_ratio, truth.log_hazard_age, *truth.log_hazard_stage[1:]])
    assert np.all(np.abs(fit.coef - true) < 3 * fit.se)
    for arm in ("new", "usual"):
        rows = frame[frame["arm"] == arm]
        found = rmst(rows["time"].to_numpy(), rows["event"].to_numpy() == 1, 2.9)
        assert abs(found.value - truth.rmst(2.9, arm)) < 3 * found.se


def test_where_on_two_subgroups_gives_their_rows_and_a_combination_nobody_has_is_refused() -> None:
    cohort = hs.datasets.load("pbc")
    copy = drawn(cohort, n=25, where={"sex": "m", "age_group": "60+"}).frame
    assert (len(copy), set(copy["sex"]), set(copy["age_group"])) == (25, {"m"}, {"60+"})
    assert copy["age"].between(60, 80).all()
    smokers = cohort.frame.assign(smoker=np.where(np.arange(cohort.n) % 3 == 0, "yes", "no"))
    with pytest.raises(errors.GeneratorError, match="declare it"):
        drawn(hs.Cohort.derive(cohort.schema, smokers, label=None), n=5, where={"smoker": "yes"})
    older = cohort.take(~((cohort.levels("sex") == "m") & (cohort.levels("age_group") == "<40")))
    with pytest.raises(errors.GeneratorError, match="no patient has these levels together"):
        drawn(older, n=5, where={"sex": "m", "age_group": "<40"})


def test_no_row_of_the_source_comes_back() -> None:
    for name in ("pbc", "gbsg2"):
        cohort = hs.datasets.load(name)
        columns = list(cohort.frame.columns)
        assert drawn(cohort).frame.merge(cohort.frame, on=columns, how="inner").empty


def test_strong_privacy_forgets_more_and_an_unknown_setting_is_refused() -> None:
    cohort = hs.datasets.load("pbc")

    def tie(privacy: str) -> float:
        frame = hs.generators.create("heor", privacy=privacy).fit(cohort, seed=1).sample(m=1, seed=1)[0].frame
        return float(frame[["bili", "albumin", "protime", "stage"]].corr("spearman").abs().to_numpy().mean())

    assert tie("strong") < tie("standard")
    with pytest.raises(errors.GeneratorError, match="'strong'"):
        hs.generators.create("heor", privacy="strongest")


def test_dates_and_free_text_are_refused_by_column() -> None:
    cohort, _ = hs.datasets.simulated_trial(60, seed=1)
    noted = cohort.frame.assign(note=[f"seen by {i}" for i in range(60)], born=pd.Timestamp("1950-01-01"))
    with pytest.raises(errors.UnfitColumnError) as caught:
        drawn(hs.Cohort.derive(cohort.schema, noted, label=None))
    assert {"column 'note'", "column 'born'"} == {problem.where for problem in caught.value.problems}
    assert "seen by" not in str(caught.value)


def test_levels_of_fewer_than_five_patients_are_pooled_and_counted() -> None:
    cohort, _ = hs.datasets.simulated_trial(60, seed=1)
    kinds = ["common"] * 50 + ["other"] * 7 + ["rare"] * 3
    one = drawn(hs.Cohort.derive(cohort.schema, cohort.frame.assign(kind=kinds), label=None))
    counts = one.frame["kind"].value_counts()
    assert counts.to_dict() == {"common": 48, "other": 7, "other (pooled)": 5}, "three would be told apart"
    assert one.label is not None
    assert one.label.settings["pooled_rare_levels"] == {"kind": "<5"}


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200), st.integers(0, 5))
@settings(deadline=None, derandomize=True)
def test_a_quantile_function_keeps_the_mean_and_stays_within_the_values(values: list[float], decimals: int) -> None:
    held = np.round(values, decimals)
    law = Quantiles.of(held)
    assert law.edges[0] == 0 and law.edges[-1] == pytest.approx(1)
    pieces = (law.left + law.rise / (law.power + 1)) * np.diff(law.edges)
    assert pieces.sum() == pytest.approx(held.mean(), rel=1e-9, abs=1e-6)
    found = law(np.linspace(0, 1, 101))
    assert found.min() >= held.min() - 1e-6 and found.max() <= held.max() + 1e-6


@pytest.mark.parametrize("others", [[], [2.0] * 3, [2.0, 3.0], [2.0] * 5 + [3.0]])
def test_no_piece_of_a_quantile_function_rests_on_fewer_than_five_patients(others: list[float]) -> None:
    """Nor does a few values' own mean stand alone among patients who share one value."""
    for values in (np.append(np.random.default_rng(1).normal(0, 1, 93), np.zeros(7)), np.zeros(40)):
        held = np.append(values, others)
        assert (np.diff(Quantiles.of(held).edges) * len(held)).min() >= MIN_PATIENTS - 1e-9


@given(st.integers(6, 200), st.floats(0.2, 1.6), st.integers(0, 1000))
@settings(deadline=None, derandomize=True)
def test_the_open_top_of_costs_keeps_mean_and_variance(n: int, sigma: float, seed: int) -> None:
    values = np.random.default_rng(seed).lognormal(7, sigma, n)
    law = Quantiles.of(values, open_top=True)
    drawn = law((np.arange(200_000) + 0.5) / 200_000)
    assert drawn.mean() == pytest.approx(values.mean(), rel=0.002)  # the grid of shares
    assert drawn.var() == pytest.approx(values.var(), rel=0.1)  # the straight pieces below the top


def test_a_spike_keeps_its_share_exactly() -> None:
    values = np.concatenate([np.zeros(30), np.arange(1.0, 71.0)])
    assert (Quantiles.of(values)((np.arange(100) + 0.5) / 100) == 0).sum() == 30


def test_systematic_sampling_picks_the_expected_number() -> None:
    chance = np.random.default_rng(3).random(200)
    for seed in range(20):
        assert abs(systematic_sample(chance, np.random.default_rng(seed)).sum() - chance.sum()) < 1


def test_small_cells_lend_as_much_as_they_borrow_and_large_ones_keep_to_themselves() -> None:
    cells = Cells(("sex", "stage"), (("f", "I"), ("f", "II"), ("m", "I"), ("m", "II")), np.array([80, 40, 6, 7]))
    plan = cells.borrowed(10)
    assert plan.sum(axis=0) == pytest.approx(cells.counts)
    assert plan.sum(axis=1) == pytest.approx(cells.counts)
    assert plan[0, 0] == 80 and plan[1, 1] == 40
    assert plan[2, 3] > 0


@pytest.mark.parametrize("counts", [[80, 40, 6, 7], [1, 1, 50, 3], [1, 30, 2, 9, 4, 1, 40], [1, 1, 8], [1, 9, 10]])
def test_no_patient_of_a_small_cell_weighs_more_than_a_tenth_of_any_cell(counts):
    members = tuple((str(place % 2), str(place // 2)) for place in range(len(counts)))
    cells = Cells(("sex", "stage"), members, np.array(counts))
    plan = cells.borrowed(10)
    assert plan.sum(axis=0) == pytest.approx(cells.counts) and plan.sum(axis=1) == pytest.approx(cells.counts)
    shares = plan / cells.counts / cells.counts[:, None]
    assert shares.max() <= 0.1 + 1e-6


def test_a_cohort_of_fewer_than_ten_patients_shares_one_law_alike():
    cells = Cells(("arm",), (("a",), ("b",), ("c",)), np.array([2, 1, 1]))
    assert cells.borrowed(10) == pytest.approx(np.outer(cells.counts, cells.counts) / 4)


def test_no_patient_weighs_more_than_a_fifth_of_a_piece_and_equal_ones_are_cut_evenly():
    rng = np.random.default_rng(4)
    for n in (5, 9, 23, 60, 400):
        weight = np.concatenate([rng.random(n - 1) + 0.05, [0.2 * n]])
        weight = rng.permutation(weight)
        parts = split(weight, 5)
        assert parts[0].start == 0 and parts[-1].stop == n
        assert all(before.stop == after.start for before, after in itertools.pairwise(parts))
        for part in parts:
            assert part.stop - part.start >= 5
            assert len(parts) == 1 or weight[part].max() <= weight[part].sum() / 5 * (1 + 1e-6)
    assert [part.stop - part.start for part in split(np.full(23, 0.7), 5)] == [6, 6, 6, 5]
    assert len(split(rng.random(10_000), 5, most=50)) <= 50


def test_no_column_depends_on_a_level_of_fewer_patients_than_make_a_piece():
    """The indicator of two patients alone would carry their values into the copies of the level."""
    cells = Cells(("arm", "sex"), (("a", "f"), ("a", "x"), ("b", "f"), ("b", "m")), np.array([9, 2, 8, 6]), least=5)
    found = cells.indicators(np.array([0, 1, 2, 3]))
    assert cells.indicator_names() == ("arm", "sex")
    assert found.tolist() == [[1, 0], [1, 0], [0, 0], [0, 1]]
    assert Cells.from_dict(cells.to_dict()).indicator_names() == cells.indicator_names()


def test_shrinkage_forgets_what_chance_explains_and_keeps_the_rest() -> None:
    kept = james_stein(np.array([0.05, 0.9, -0.9]), 100, 2.5)
    assert kept[0] == 0
    assert kept[1] == pytest.approx(0.9 * (1 - 2.5 / (0.81 * 100 / 0.19)))
    assert kept[2] == -kept[1]


def test_a_group_drawn_alone_has_its_own_mean_cost_however_long_the_tail() -> None:
    """A finite table of latents once gave every larger latent the largest value: a third too much."""
    rng = np.random.default_rng(8)
    n = 2400
    frame = pd.DataFrame({
        "plan": rng.choice(["a", "b"], n), "group": rng.choice(list("wxyz"), n, p=[0.1, 0.2, 0.3, 0.4]),
        "cost": np.where(rng.random(n) < 0.2, 0.0, rng.lognormal(5, 1.4, n)).round(2),
        "visits": rng.poisson(3, n) * 1.0, "marker": rng.lognormal(0, 1.2, n).round(3),
    })  # fmt: skip
    source = hs.Cohort(frame, endpoints={}, arm="plan", costs=["cost"], subgroups=["group"], unit="year")
    sampler = hs.generators.create("heor").fit(source, seed=1)
    for level in "wxyz":
        patients = frame[frame["group"] == level]
        drawn = sampler.sample(n=len(patients), m=20, seed=1, where={"group": level})
        cost = np.mean([cohort.frame["cost"].mean() for cohort in drawn])
        assert cost == pytest.approx(patients["cost"].mean(), rel=0.04)
        marker = np.mean([cohort.frame["marker"].mean() for cohort in drawn])
        spread = patients["marker"].std() / np.sqrt(len(patients))
        assert marker == pytest.approx(patients["marker"].mean(), abs=3 * spread)


def test_the_law_is_learnt_on_one_thread_whatever_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[int] = set()
    learn = HeorLaw.of

    def watched(*args: Any, **options: Any) -> HeorLaw:
        seen.update(library["num_threads"] for library in threadpool_info())
        return learn(*args, **options)

    monkeypatch.setattr(HeorLaw, "of", watched)
    trial, _ = hs.datasets.simulated_trial(60, seed=1)
    with threadpool_limits(2):
        hs.generators.create("heor").fit(trial, seed=1)
    assert seen == {1}


def test_an_order_of_endpoints_that_all_patients_show_is_kept_though_nobody_declared_it() -> None:
    """A bleeding with death as competing event, declared first, and overall survival, both cut at five years."""
    rng = np.random.default_rng(3)
    bleeding = rng.random(900) < 0.11
    death = np.where(rng.random(900) < 0.08, rng.uniform(40, 1824, 900), np.inf).round()
    first = np.where(bleeding, rng.uniform(5, 100, 900).round(), np.inf)
    time = np.minimum(np.minimum(first, death), 1825)
    frame = pd.DataFrame({
        "b_time": time, "b_event": np.where(first < np.minimum(death, 1825), 1, np.where(time == death, 2, 0)),
        "os_time": np.minimum(death, 1825), "os_event": (death < 1825).astype(int), "x": rng.normal(size=900).round(2),
    })  # fmt: skip
    endpoints = {"bleeding": ("b_time", "b_event", {1: "bleeding", 2: "death"}), "os": ("os_time", "os_event")}
    cohort = hs.Cohort(frame, endpoints=endpoints, unit="day")
    copy = drawn(cohort)
    rows = copy.frame
    died = rows["b_event"] == 2
    assert rows["os_time"].max() <= 1825 and (rows["b_time"] <= rows["os_time"]).all()
    assert died.sum() > 30 and (rows.loc[died, "b_time"] == rows.loc[died, "os_time"]).all()
    found, wanted = (np.corrcoef(held["os_time"], held["os_event"])[0, 1] for held in (rows, frame))
    assert abs(found - wanted) < 0.03
    assert copy.schema.order == cohort.schema.order == ()
