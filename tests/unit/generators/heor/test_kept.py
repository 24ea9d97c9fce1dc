"""Kept covariates: adjusted increments of the copies are those of the patients, and no value is changed for it."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

import heorsynth as hs
from heorsynth.core.random import stream
from heorsynth.generators import registry
from heorsynth.generators.heor.columns import ColumnLaw
from heorsynth.generators.heor.groups import Groups
from heorsynth.generators.heor.kept import Drawn, KeptMoments

IMBALANCE = 1.7


def trial(n: int = 400, seed: int = 1, arms: int = 2, tiny: int = 0) -> "hs.Cohort":
    """A trial whose mean baseline utility differs by 1.7 standard errors between the first two arms."""
    rng = stream(seed, "test kept")
    arm = rng.permutation(np.arange(n) % arms)
    age = np.round(rng.normal(62, 9, n), 1)
    frail = rng.normal(size=n) + (age - 62) / 20
    for level in range(arms):
        frail[arm == level] -= frail[arm == level].mean()
    frail += np.where(arm == 1, 0.5, -0.5) * IMBALANCE * frail.std() * np.sqrt(2 * arms / n)
    u0 = np.round(np.minimum(0.75 - 0.18 * frail, 1.0), 3)
    qaly = np.round(0.15 + 0.75 * u0 + 0.03 * (arm == 1) - 0.003 * (age - 62) + rng.normal(0, 0.12, n), 4)
    cost = np.round(rng.lognormal(7.2 + 0.35 * frail, 0.9) * (rng.random(n) < 0.75) + 900 * (1 + (arm == 1)), 2)
    death, last = 6 * rng.exponential(size=n) / np.exp(0.4 * frail), rng.uniform(2, 5, n)
    names = np.array(["usual", "new", "third"], dtype=object)[arm]
    names[:tiny] = "tiny"
    frame = pd.DataFrame(
        {
            "arm": names,
            "age": age,
            "sex": np.where(rng.random(n) < 1 / (1 + np.exp(-frail)), "f", "m"),
            "u0": u0,
            "time": np.maximum(np.round(np.minimum(death, last), 3), 0.001),
            "event": (death <= last).astype(int),
            "cost": cost,
            "qaly": qaly,
        }
    )
    roles = {"endpoints": {"os": ("time", "event")}, "costs": ["cost"], "utilities": ["qaly"], "unit": "year"}
    return hs.Cohort(frame, arm="arm", arm_reference="usual", **roles)


def cohorts(real: "hs.Cohort", keep: list[str], m: int = 20, n: int | None = None) -> "hs.SyntheticCohorts":
    return hs.generators.create("heor", keep=keep).fit(real, seed=1).sample(n=n, m=m, seed=1)


def increments(cohort: "hs.Cohort", **asked: object) -> tuple[np.ndarray, np.ndarray]:
    found = hs.evaluate(cohort, effect="qaly", **asked).increments()
    return np.array([found.cost, found.effect]), np.sqrt(np.diag(np.asarray(found.covariance)))


def bias(real: "hs.Cohort", drawn: Sequence["hs.Cohort"], **asked: object) -> np.ndarray:
    """Bias of the cohorts' mean adjusted incremental cost and effect, in standard errors of the patients."""
    value, error = increments(real, **asked)
    return np.abs(np.mean([increments(one, **asked)[0] for one in drawn], axis=0) - value) / error


def slope(frame: pd.DataFrame, outcome: str, covariate: str, arm: str) -> float:
    rows = frame[(frame["arm"] == arm) & frame[covariate].notna()]
    return float(np.cov(rows[covariate].astype(float), rows[outcome], ddof=0)[0, 1])


def test_adjusted_increments_are_those_of_the_patients_with_keep_and_not_without() -> None:
    real = trial()
    kept, shrunk = cohorts(real, ["u0", "age"], m=50), cohorts(real, [], m=10)
    for asked in ({"baseline": "u0"}, {"baseline": "u0", "adjust": ["age"]}):
        assert (bias(real, kept, **asked) < 0.35).all()
        assert bias(real, shrunk, **asked)[1] > 1.0


def test_means_by_arm_and_covariances_by_arm_are_the_patients_own() -> None:
    real = trial()
    for one in cohorts(real, ["u0"], m=5):
        for arm in ("usual", "new"):
            held = [frame.loc[frame["arm"] == arm, "u0"] for frame in (real.frame, one.frame)]
            assert abs(held[0].mean() - held[1].mean()) < 0.1 * held[0].std() / np.sqrt(200)
            for outcome in ("qaly", "cost"):
                truth = slope(real.frame, outcome, "u0", arm)
                error = held[0].std() * real.frame.loc[real.frame["arm"] == arm, outcome].std() / np.sqrt(200)
                assert abs(slope(one.frame, outcome, "u0", arm) - truth) < 0.25 * error


def test_keeping_changes_the_order_of_values_and_never_the_values() -> None:
    law = ColumnLaw.of_numbers("x", np.arange(40.0), "", np.full(40, ""))
    rng = np.random.default_rng(1)
    values, other, arm = np.round(rng.normal(size=60), 2), rng.normal(size=60), np.repeat(["a", "b"], 30)
    held = np.sort(rng.normal(size=60)) + (arm == "b")
    kept = KeptMoments.of([law], {"x": held}, {"y": (other, frozenset())}, arm, np.ones(60))
    drawn = Drawn(law, values, values[:, None], Groups.one(60))
    found = kept.met({"x": drawn}, {"y": (other, frozenset())}, arm)["x"]
    assert sorted(found) == sorted(values)
    assert found[arm == "b"].mean() > found[arm == "a"].mean() + 1.0
    assert values[arm == "b"].mean() < values[arm == "a"].mean() + 0.5


def test_a_kept_column_keeps_its_range_decimals_and_spike() -> None:
    real = trial()
    drawn = cohorts(real, ["u0"], m=3)
    for one in drawn:
        u0 = one.frame["u0"]
        assert u0.max() == 1.0
        assert np.allclose(u0.round(3), u0)
        assert abs((u0 == 1.0).mean() - (real.frame["u0"] == 1.0).mean()) < 0.01
    assert drawn.broken == {}


def test_a_binary_column_keeps_its_share_by_arm_and_its_covariance_with_the_outcomes() -> None:
    real = trial(800)
    rows = real.frame.assign(sick=(real.frame["sex"] == "f").astype(int))
    cohort = hs.Cohort.derive(real.schema, rows, label=None)
    for one in cohorts(cohort, ["sick", "sex"], m=3):
        for arm in ("usual", "new"):
            shares = [frame.loc[frame["arm"] == arm, "sick"].mean() for frame in (rows, one.frame)]
            assert abs(shares[0] - shares[1]) < 0.015  # six of 400 patients: `sick` follows from `sex` in every row
            error = rows["qaly"].std() * 0.5 / np.sqrt(400)
            assert abs(slope(one.frame, "qaly", "sick", arm) - slope(rows, "qaly", "sick", arm)) < 0.25 * error


def test_three_levels_keep_their_shares_by_arm() -> None:
    real = trial(600)
    stage = pd.cut(real.frame["u0"], [-9, 0.6, 0.85, 9], labels=["I", "II", "III"]).astype(str)
    rows = real.frame.assign(stage=stage)
    cohort = hs.Cohort.derive(real.schema, rows, label=None)
    shares = pd.crosstab(rows["arm"], rows["stage"], normalize="index")
    drawn = [pd.crosstab(one.frame["arm"], one.frame["stage"], normalize="index")
             for one in cohorts(cohort, ["stage"], m=20)]  # fmt: skip
    assert np.abs(sum(drawn) / len(drawn) - shares).to_numpy().max() < 0.012
    assert max(np.abs(found - shares).to_numpy().max() for found in drawn) < 0.04


def test_missing_values_of_a_kept_column_stay_missing_and_the_known_keep_their_means() -> None:
    real = trial()
    gaps = stream(3, "gaps").random(real.n) < 0.25
    rows = real.frame.assign(u0=real.frame["u0"].where(~gaps))
    cohort = hs.Cohort.derive(real.schema, rows, label=None)
    drawn = cohorts(cohort, ["u0"], m=20)
    for one in drawn[:3]:
        assert abs(one.frame["u0"].isna().mean() - gaps.mean()) < 0.01
        for arm in ("usual", "new"):
            means = [frame.loc[frame["arm"] == arm, "u0"].mean() for frame in (rows, one.frame)]
            assert abs(means[0] - means[1]) < 0.2 * rows["u0"].std() / np.sqrt(150)
    assert (bias(cohort, drawn, baseline="u0") < 0.35).all()


def test_a_cohort_without_arm_keeps_the_covariances_of_all_its_patients() -> None:
    rows = trial().frame.drop(columns="arm")
    roles = {"endpoints": {"os": ("time", "event")}, "costs": ["cost"], "utilities": ["qaly"]}
    truth = np.cov(rows["u0"], rows["qaly"], ddof=0)[0, 1]
    drawn = cohorts(hs.Cohort(rows, **roles), ["u0"], m=20)
    off = [np.cov(one.frame["u0"], one.frame["qaly"], ddof=0)[0, 1] - truth for one in drawn]
    assert np.abs(off).max() < 0.2 * rows["u0"].std() * rows["qaly"].std() / np.sqrt(400)


def test_an_arm_of_too_few_patients_has_no_mean_kept_nor_the_arm_that_would_give_it_away() -> None:
    sampler = hs.generators.create("heor", keep=["u0"], min_patients=8).fit(trial(300, tiny=6), seed=1)
    label = sampler.sample(m=1, seed=1)[0].label
    assert label is not None
    assert "fewer than 8 patients: means by arm" in label.settings["not_kept"]["u0"]  # type: ignore[index]
    told = [(moment.arm, moment.other) for moment in sampler.law.kept.units[-1].moments]  # type: ignore[attr-defined]
    assert "tiny" not in {arm for arm, _ in told}
    assert len({arm for arm, other in told if not other}) == 1


def test_no_moment_is_told_that_fewer_than_five_patients_decide() -> None:
    rng = np.random.default_rng(1)
    arm, cost = np.repeat(["a", "b"], 100), rng.normal(size=200)
    quantities = {"cost": (cost, frozenset(["cost"]))}
    for rare in (1, 4, 5, 60):
        sick = np.full(200, "no", dtype=object)
        sick[50 - rare // 2 : 50 - rare // 2 + rare] = "yes"
        sick[150 : 150 + rare] = "yes"
        law = ColumnLaw.of_levels("sick", sick, "", np.full(200, ""))
        kept = KeptMoments.of([law], {"sick": sick}, quantities, arm, np.ones(200))
        own: set[str | None] = {moment.arm for moment in kept.units[0].moments if moment.other}
        assert own == ({"a", "b"} if rare >= 5 else {None} if rare == 4 else set())
        assert bool(kept.reasons) == (rare < 5)


def test_missing_values_of_fewer_than_five_patients_have_no_moments() -> None:
    values = np.random.default_rng(1).normal(size=100)
    values[[3, 70]] = np.nan
    law = ColumnLaw.of_numbers("x", values, "", np.full(100, ""))
    kept = KeptMoments.of(
        [law], {"x": values}, {"y": (values**2, frozenset())}, np.repeat(["a", "b"], 50), np.ones(100)
    )
    assert [unit.missing for unit in kept.units] == [True, False]
    assert kept.units[0].moments == ()
    assert kept.units[1].moments != ()


def test_all_arms_that_are_large_enough_have_their_means_kept() -> None:
    sampler = hs.generators.create("heor", keep=["u0"]).fit(trial(300, arms=3), seed=1)
    kept = sampler.law.kept  # type: ignore[attr-defined]
    assert kept.reasons == {}
    assert {moment.arm for unit in kept.units for moment in unit.moments if not moment.other} == {
        "usual",
        "new",
        "third",
    }


def test_small_arms_share_one_covariance_and_large_ones_have_their_own() -> None:
    arms = {}
    for n in (60, 200):
        law = hs.generators.create("heor", keep=["u0"]).fit(trial(n), seed=1).law
        u0 = law.kept.units[-1]  # type: ignore[attr-defined]
        arms[n] = {moment.arm for moment in u0.moments if moment.other}
    assert arms == {60: {None}, 200: {"usual", "new"}}


def test_keep_of_nothing_gives_the_rows_of_a_recipe_without_it() -> None:
    real = trial(80)
    plain = hs.generators.create("heor").fit(real, seed=1)
    empty = hs.generators.create("heor", keep=[]).fit(real, seed=1)
    assert plain.law.kept is None and plain.settings == empty.settings  # type: ignore[attr-defined]
    pd.testing.assert_frame_equal(plain.sample(m=1)[0].frame, empty.sample(m=1)[0].frame)


def test_the_label_names_what_is_kept_and_a_draw_of_some_levels_claims_nothing(tmp_path) -> None:  # type: ignore[no-untyped-def]
    sampler = hs.generators.create("heor", keep=["u0", "age", "u0"]).fit(trial(100), seed=1)
    whole, part = sampler.sample(m=1)[0].label, sampler.sample(m=1, n=20, where={"arm": "new"})[0].label
    assert whole is not None and part is not None
    assert (whole.kept, part.kept) == (("u0", "age"), ())
    loaded = registry.load(sampler.save(tmp_path / "heor.json"))
    pd.testing.assert_frame_equal(loaded.sample(m=1)[0].frame, sampler.sample(m=1)[0].frame)
    assert loaded.kept == ("u0", "age")


def test_a_few_rows_can_be_drawn_from_a_law_with_kept_covariates() -> None:
    assert cohorts(trial(100), ["u0", "age", "sex"], m=1, n=2)[0].n == 2


def test_a_utility_a_part_of_a_total_and_a_subgroup_can_be_kept() -> None:
    real = hs.datasets.simulated_trial(200, seed=3)[0]
    label = cohorts(real, ["qaly", "drug", "sex", "cost"], m=1).label
    assert label.kept == ("qaly", "drug", "sex", "cost")
