"""hs.evaluate: pooled, adjusted, imputed, bootstrapped and exported, and a clear outcome for what cannot be."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import special

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.estimators.economics.arms import arm_means, pooled_arms, resampled_means
from heorsynth.estimators.economics.increments import increments
from heorsynth.estimators.economics.regression import imputed_means, seemingly_unrelated

ROLES = {"endpoints": {"os": ("time", "event")}, "arm": "arm", "costs": ["cost"], "utilities": ["qaly"]}
COMMON = {**ROLES, "arm_reference": "usual", "unit": "year", "currency": "EUR"}


def patients(n=300, seed=1, lost=0.0):
    """Utility at baseline, `before`, goes with the QALY and is out of balance; some QALYs are lost among the old."""
    rng = np.random.default_rng(seed)
    new = np.arange(n) % 2 == 1
    age = rng.normal(60, 8, n)
    before = 0.6 + 0.05 * new + rng.normal(0, 0.1, n)
    qaly = 0.2 + 0.5 * before - 0.004 * (age - 60) + 0.08 * new + rng.normal(0, 0.05, n)
    cost = 2000 + 900 * new + 20 * (age - 60) + rng.normal(0, 300, n)
    qaly[(age > 60) & (rng.random(n) < 2 * lost)] = np.nan
    return pd.DataFrame({
        "time": rng.uniform(1, 4, n), "event": rng.integers(0, 2, n), "arm": np.where(new, "new", "usual"),
        "age": age, "before": before, "cost": cost, "qaly": qaly, "sex": np.where(rng.random(n) < 0.5, "f", "m"),
    })  # fmt: skip


def cohort(**made):
    return hs.Cohort(patients(**made), **COMMON, subgroups=["sex"])


def told(evaluation):
    """What its card says, without the line breaks of a terminal."""
    return " ".join(repr(evaluation).split())


def test_pooled_degrees_of_freedom_are_the_patients_and_the_cohorts():
    """Two cohorts that differ much: nearly all of the variance is theirs, on one degree of freedom."""
    frame = patients(200)
    arm = (frame["arm"] == "new").to_numpy().astype(int)
    cost, qaly = frame["cost"].to_numpy(), frame["qaly"].to_numpy()
    found = [arm_means(cost + shift * arm, qaly, arm, 2) for shift in (0.0, 5000.0)]
    more = pooled_arms(found, 200, 200).increments(1)
    own = increments(cost, qaly, arm > 0)
    weights = np.array([-1.0, 20_000.0])
    within = [float(weights @ part @ weights) for part, _ in own.parts]
    drawn = 5000.0**2 / 2 / 2  # the variance of the two, over m
    degrees = (sum(within) + drawn) ** 2 / (within[0] ** 2 / 99 + within[1] ** 2 / 99 + drawn**2 / 1)
    assert more.freedom(weights) == pytest.approx(degrees)
    assert degrees < 1.1
    benefit = more.inmb(20_000)
    half = special.stdtrit(degrees, 0.975) * math.sqrt(sum(within) + drawn)
    assert benefit.high - benefit.value == pytest.approx(half)


def test_the_degrees_of_freedom_of_patients_are_welchs():
    found = hs.evaluate(cohort()).increments()
    frame = patients()
    parts = [frame.loc[frame["arm"] == arm, "cost"] for arm in ("new", "usual")]
    variances = [part.var() / len(part) for part in parts]
    welch = sum(variances) ** 2 / sum(one**2 / (len(part) - 1) for one, part in zip(variances, parts, strict=True))
    assert found.freedom(np.array([1.0, 0.0])) == pytest.approx(welch)


def test_pooled_cohorts_count_the_patients_whose_outcomes_are_known():
    source = cohort(n=400, lost=0.4)
    synthetic = hs.generators.create("bootstrap").fit(source, seed=1).sample(n=800, m=4, seed=1)
    real, pooled = hs.evaluate(source), hs.evaluate(synthetic)
    assert real.n_total == pooled.n_total == 400
    assert real.n_used == int(patients(400, lost=0.4)["qaly"].notna().sum()) < 350
    assert pooled.n_used == pytest.approx(real.n_used, abs=15)
    assert f"{pooled.n_used} of 400 patients with known cost and effect" in told(pooled)


def test_an_adjusted_evaluation_is_the_seemingly_unrelated_regression():
    frame = patients()
    found = hs.evaluate(cohort(), adjust=["age"], baseline="before").increments()
    treated = (frame["arm"] == "new").to_numpy()
    both = np.column_stack([frame["age"], frame["before"]])
    direct = seemingly_unrelated(frame["cost"], frame["qaly"], treated, frame["age"].to_numpy(), both)
    assert (found.cost, found.effect) == pytest.approx((direct.cost, direct.effect))
    assert found.covariance == pytest.approx(direct.covariance)


def test_adjusting_for_the_baseline_takes_its_imbalance_out_of_the_effect():
    """0.08 by construction; the new arm began 0.05 better off, half of which shows in the plain difference."""
    plain = [hs.evaluate(cohort(seed=s)).increments().effect for s in range(20)]
    adjusted = [hs.evaluate(cohort(seed=s), baseline="before").increments().effect for s in range(20)]
    error = np.std(adjusted, ddof=1) / math.sqrt(20)
    assert np.mean(adjusted) == pytest.approx(0.08, abs=4 * error)
    assert np.mean(plain) == pytest.approx(0.08 + 0.025, abs=4 * np.std(plain, ddof=1) / math.sqrt(20))


def test_a_covariate_of_levels_is_adjusted_for_by_its_indicators():
    frame = patients()
    found = hs.evaluate(cohort(), adjust="sex").increments()
    male = (frame["sex"] == "m").to_numpy(float)
    direct = seemingly_unrelated(frame["cost"], frame["qaly"], (frame["arm"] == "new").to_numpy(), male, male)
    assert found.cost == pytest.approx(direct.cost)
    assert "Adjusted for sex." in told(hs.evaluate(cohort(), adjust="sex"))


def test_adjusted_cohorts_are_pooled_with_the_patients_information_and_no_more():
    source = cohort()
    synthetic = hs.generators.create("bootstrap").fit(source, seed=1).sample(n=1500, m=10, seed=1)
    real, pooled = (hs.evaluate(rows, adjust=["age"], baseline="before").increments() for rows in (source, synthetic))
    assert pooled.inmb(20_000).se == pytest.approx(real.inmb(20_000).se, rel=0.15)
    assert pooled.inmb(20_000).value == pytest.approx(real.inmb(20_000).value, abs=real.inmb(20_000).se)


def test_imputing_states_its_assumption_and_so_do_complete_cases():
    source = cohort(n=120, lost=0.3)
    complete = hs.evaluate(source, adjust=["age"])
    assert "left out. This is valid only if, given arm and age, missingness is independent of" in told(complete)
    imputed = hs.evaluate(source, adjust=["age"], missing="impute", imputations=3)
    assert "This is valid only if they are missing at random given arm and age and the other" in told(imputed)
    assert (imputed.n_used, imputed.n_total) == (complete.n_used, 120)
    assert "missing" not in told(hs.evaluate(cohort(n=120)))


def test_imputed_patients_are_those_of_the_estimator_and_repeat_themselves():
    source = cohort(n=120, lost=0.3)
    found = [hs.evaluate(source, adjust=["age"], missing="impute", imputations=3, seed=s).means for s in (1, 1, 2)]
    assert np.array_equal(found[0], found[1]) and not np.array_equal(found[0], found[2])


def test_imputed_synthetic_cohorts_are_pooled_by_the_same_rule():
    source = cohort(n=200, lost=0.3)
    synthetic = hs.generators.create("bootstrap").fit(source, seed=1).sample(m=4, seed=1)
    asked = {"adjust": ["age"], "missing": "impute", "imputations": 4}
    alone = [hs.evaluate([one], **asked) for one in synthetic]
    pooled = hs.evaluate(synthetic, **asked)
    assert pooled.increments().inmb(20_000).se < np.mean([one.increments().inmb(20_000).se for one in alone])
    assert len(pooled.estimated.parts) == 3  # completed data, imputation, synthesis
    assert "imputed 4 times" in told(pooled)


def test_nothing_missing_imputes_to_the_adjusted_means():
    frame = patients(100)
    arm = (frame["arm"] == "new").to_numpy().astype(int)
    values = frame["cost"].to_numpy(), frame["qaly"].to_numpy()
    found = imputed_means(*values, arm, 2, frame["age"].to_numpy(), np.random.default_rng(1), imputations=2)
    direct = seemingly_unrelated(*values, arm > 0, frame["age"].to_numpy(), frame["age"].to_numpy())
    assert found.increments(1).covariance == pytest.approx(direct.covariance)


def test_the_bootstrap_of_patients_has_the_moments_of_their_means():
    source = cohort()
    found, plain = hs.evaluate(source, bootstrap=4000), hs.evaluate(source)
    plane = found.plane()
    assert plane.shape == (4000, 2)
    more = plain.increments()
    assert plane["cost"].mean() == pytest.approx(more.cost, abs=4 * math.sqrt(more.covariance[0, 0] / 4000))
    assert plane.cov().to_numpy()[0, 0] == pytest.approx(more.covariance[0, 0], rel=0.1)  # 4,000 draws: 4 SE are 0.09
    wtps = [5_000.0, 10_000.0, 20_000.0]
    assert found.ceac(wtps)["new"].to_numpy() == pytest.approx(plain.ceac(wtps)["new"].to_numpy(), abs=0.05)


@pytest.mark.parametrize(("m", "size"), [(1, 200), (3, 200), (3, 600), (20, 100)])
def test_the_bootstrap_over_both_has_the_pooled_covariance(m, size):
    rng = np.random.default_rng(m)
    cohorts = []
    for _ in range(m):
        shift, arm = rng.normal(0, 20), np.arange(size) % 2
        cohorts.append((rng.normal(1000, 300, size) + shift * arm, rng.normal(0.6, 0.1, size), arm))
    pooled = pooled_arms([arm_means(*one, 2) for one in cohorts], 200, size)
    drawn = resampled_means(cohorts, 2, 6000, np.random.default_rng(1), 200)
    wanted = np.sqrt(np.diag(pooled.covariance))
    assert drawn.reshape(6000, -1).std(axis=0) / wanted == pytest.approx(1, abs=0.06)  # SD of 6,000 draws, n - 1 for n
    assert drawn.mean(axis=0) == pytest.approx(
        pooled.means, rel=0.01
    )  # a hundredth of the mean is three standard errors


def test_three_arms_have_curves_that_add_up_and_a_frontier_of_the_best():
    rng = np.random.default_rng(2)
    frame = patients().assign(arm=np.resize(["usual", "new", "newer"], 300))
    frame["qaly"] += np.where(frame["arm"] == "newer", 0.05, 0.0) + rng.normal(0, 0.1, 300)
    found = hs.evaluate(hs.Cohort(frame, **COMMON))
    wtps = [0.0, 10_000.0, 40_000.0]
    curves = found.ceac(wtps)
    assert list(curves.columns) == list(found.arms)
    assert curves.sum(axis=1).to_numpy() == pytest.approx(1)
    best = [found.arms[int((at * found.means[:, 1] - found.means[:, 0]).argmax())] for at in wtps]
    assert found.best(wtps).tolist() == best == found.ceaf(wtps)["arm"].tolist()
    assert found.ceaf(wtps)["probability"].tolist() == [curves.loc[at, arm] for at, arm in zip(wtps, best, strict=True)]
    assert (found.evpi(wtps) >= 0).all()


def test_two_arms_have_the_curves_and_the_information_of_their_increments():
    found = hs.evaluate(cohort())
    assert found.ceac(20_000)["new"].tolist() == pytest.approx(found.increments().ceac([20_000]).tolist())
    assert found.evpi(20_000).tolist() == pytest.approx([found.increments().evpi(20_000)])
    assert found.ceaf(20_000)["probability"].tolist() == [found.ceac(20_000).to_numpy().max()]


def test_bcea_is_given_two_files_that_read_back_as_the_draws(tmp_path):
    evaluation = hs.evaluate(cohort())
    found = evaluation.to_bcea(tmp_path, draws=40)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["costs.csv", "effects.csv"]
    for key, name in (("e", "effects.csv"), ("c", "costs.csv")):
        read = pd.read_csv(tmp_path / name)
        assert list(read.columns) == ["usual", "new"] and read.shape == (40, 2)
        pd.testing.assert_frame_equal(read, found[key])
    wide = evaluation.draws(40).pivot(index="iteration", columns="intervention", values="cost")
    assert found["c"]["new"].to_numpy() == pytest.approx(wide["new"].to_numpy())
    with pytest.raises(errors.OutputError, match="does not exist"):
        evaluation.to_bcea(tmp_path / "none")


def test_one_threshold_may_be_given_as_a_number():
    found = hs.evaluate(cohort())
    assert "INMB at 20,000" in found.to_frame(20_000).columns
    assert list(found.ceac([20_000, 20_000]).index) == [20_000]
    with pytest.raises(errors.RoleError, match="from 0 up"):
        found.to_frame(-1)


def test_a_comparator_that_nobody_named_is_told():
    frame = patients()
    assert "'new' is used, the first in alphabetical order" in told(hs.evaluate(hs.Cohort(frame, **ROLES, unit="year")))
    assert "alphabetical" not in told(hs.evaluate(hs.Cohort(frame, **ROLES, unit="year"), comparator="usual"))


def test_effects_that_no_utility_can_have_are_counted():
    frame = patients()
    frame.loc[:11, "qaly"] = 1.3
    assert "12 of 300 values of qaly are above 1: possible for QALYs" in told(hs.evaluate(hs.Cohort(frame, **COMMON)))
    scaled = hs.Cohort(frame.assign(qaly=100 * frame["qaly"]), **COMMON)
    assert "is the scale 0 to 100?" in told(hs.evaluate(scaled))
    few = patients()
    few.loc[:1, "qaly"] = 1.3
    assert "<5 of 300 values" in told(hs.evaluate(hs.Cohort(few, **COMMON)))


@pytest.mark.parametrize(
    ("asked", "kind", "words"),
    [
        ({"adjust": ["agee"]}, errors.RoleError, "age"),
        ({"adjust": ["arm"]}, errors.RoleError, "is an outcome or the arm"),
        ({"adjust": ["cost"], "baseline": "qaly"}, errors.RoleError, "'qaly' is an outcome or the arm"),
        ({"baseline": "sex"}, errors.RoleError, "is not a number"),
        ({"missing": "drop"}, errors.RoleError, "complete"),
        ({"adjust": ["age"], "bootstrap": 10}, errors.NotEstimableError, "bootstrap"),
        ({"missing": "impute", "imputations": 1}, errors.NotEstimableError, "at least 2"),
        ({"seed": -1}, errors.SeedError, "seed"),
    ],
)
def test_what_cannot_be_asked_of_an_evaluation_is_told(asked, kind, words):
    with pytest.raises(kind, match=words):
        hs.evaluate(cohort(), **asked)


def test_an_arm_whose_effect_is_never_known_is_not_imputed_from_the_other():
    frame = patients()
    frame.loc[frame["arm"] == "new", "qaly"] = np.nan
    with pytest.raises(errors.NotEstimableError, match="0 patients of an arm"):
        hs.evaluate(hs.Cohort(frame, **COMMON), missing="impute", adjust=["age"])


def test_a_level_missing_in_some_patients_is_not_imputed():
    frame = patients(lost=0.2)
    frame.loc[:5, "sex"] = None
    source = hs.Cohort(frame, **COMMON)
    with pytest.raises(errors.NotEstimableError, match="make missing a separate level"):
        hs.evaluate(source, missing="impute", adjust=["sex"])
    assert hs.evaluate(source, adjust=["sex"]).n_used < hs.evaluate(source).n_used


def test_one_arm_is_told_that_a_comparison_needs_two():
    frame = patients()
    bare = hs.Cohort(frame.drop(columns="arm"), **{key: value for key, value in COMMON.items() if "arm" not in key})
    with pytest.raises(errors.RoleError, match="a cohort with one arm cannot be compared"):
        hs.evaluate(bare)
    half = cohort().take(cohort().levels("arm") == "new")
    with pytest.raises(errors.NotEstimableError, match="all patients are in one arm"):
        hs.evaluate(half)


def test_more_draws_than_bootstrap_samples_are_not_made_up():
    found = hs.evaluate(cohort(), bootstrap=20)
    assert len(found.draws()) == 40
    with pytest.raises(errors.NotEstimableError, match="there are 20 bootstrap draws"):
        found.draws(50)


def test_each_cohort_is_scaled_by_its_own_rows_whatever_their_order():
    rng = np.random.default_rng(8)

    def means(size):
        return arm_means(rng.normal(1000, 300, size), rng.normal(0.6, 0.1, size), np.arange(size) % 2, 2)

    few, many = means(400), means(4000)
    found = [pooled_arms(pair, 400, sizes).covariance for pair, sizes in [((few, many), [400, 4000]),
                                                                          ((many, few), [4000, 400])]]  # fmt: skip
    assert found[0] == pytest.approx(found[1])
    between = np.cov(np.array([few.means.ravel(), many.means.ravel()]).T, ddof=1) / 2
    assert found[0] == pytest.approx((few.covariance + 10 * many.covariance) / 2 + between)


def test_cohorts_of_unequal_size_evaluate_to_the_same_in_any_order():
    fitted = hs.generators.create("bootstrap").fit(cohort(), seed=1)
    small, large = fitted.sample(n=150, m=1, seed=1)[0], fitted.sample(n=900, m=1, seed=2)[0]
    one, other = hs.evaluate([small, large]), hs.evaluate([large, small])
    assert one.increments().covariance == pytest.approx(other.increments().covariance)


def test_a_cohort_with_a_cluster_is_evaluated_with_it_unasked():
    trial, _ = hs.datasets.simulated_cluster_trial(300, 12, seed=1, truth=hs.datasets.ClusterTruth(icc=0.2))
    plain = hs.Cohort.derive(trial.schema.with_roles(cluster=None), trial.frame, label=None)
    found, asked = hs.evaluate(trial).increments(), hs.evaluate(plain, cluster="site").increments()
    np.testing.assert_array_equal(found.covariance, asked.covariance)
    assert found.covariance[1, 1] > 1.5 * hs.evaluate(plain).increments().covariance[1, 1]
    assert any("clusters of site" in note for note in hs.evaluate(trial).notes)


@pytest.mark.parametrize("whole", [True, False])
def test_a_bootstrap_of_clusters_has_the_covariance_of_clusters(whole):
    trial, _ = hs.datasets.simulated_cluster_trial(
        800, 40, seed=2, truth=hs.datasets.ClusterTruth(icc=0.2), whole=whole
    )
    drawn = hs.evaluate(trial, bootstrap=4000).sample
    found = np.cov((drawn[:, 1] - drawn[:, 0]).T)
    expected = hs.evaluate(trial).increments().covariance
    np.testing.assert_allclose(np.diag(found), np.diag(expected), rtol=0.15)  # 4,000 draws: 2% a se; sizes vary too


def test_a_bootstrap_of_one_cluster_in_an_arm_is_refused():
    trial, _ = hs.datasets.simulated_cluster_trial(80, 4, seed=2)
    sites = sorted(set(trial.levels("site")[trial.levels("arm") == "new"]))[1:]
    few = trial.take(~np.isin(trial.levels("site"), sites))
    with pytest.raises(errors.NotEstimableError, match="cluster"):
        hs.evaluate(few, bootstrap=20)
