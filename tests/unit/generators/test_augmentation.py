"""Added rows are labelled, counted apart, and never taken for patients; fitted models are pooled term by term."""

import statistics

import numpy as np
import pytest
from lifelines import CoxPHFitter
from statsmodels.formula.api import ols

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.core.estimate import Estimate
from heorsynth.generators.augmentation import AugmentedCohorts, MoreRowsThanPatients


def trial(n: int = 100, seed: int = 3) -> hs.Cohort:
    return hs.datasets.simulated_trial(n, seed=seed)[0]


def augmented(cohort: hs.Cohort, n: int, m: int = 3, seed: int = 1) -> AugmentedCohorts:
    with pytest.warns(MoreRowsThanPatients, match="stay"):
        return hs.augment(cohort, n, m=m, seed=seed)


def mean_cost(cohort: hs.Cohort) -> tuple[float, float]:
    cost = cohort.frame["cost"]
    return cost.mean(), cost.var() / len(cost)


def test_the_patients_are_there_unchanged_and_flagged_apart_from_the_rows() -> None:
    cohort = trial()
    found = augmented(cohort, 250)
    for index, one in enumerate(found):
        added = found.synthetic_rows(index)
        assert (added.sum(), (~added).sum()) == (250, 100)
        patients = one.frame[~added.to_numpy()]
        assert (patients["cost"].to_numpy() == cohort.frame["cost"].to_numpy()).all()
    assert not found[0].frame.equals(found[1].frame)


def test_the_effective_sample_size_and_the_label_say_how_many_patients_there_are() -> None:
    found = augmented(trial(), 400)
    assert found.effective_sample_size == 100
    label = found[0].label
    assert label is not None and (label.rests_on, label.n_rows) == (100, 500)
    assert "100 real patients" in label.statement and "do not share it as synthetic" in label.statement
    assert "effective sample size" in repr(found) and "100" in repr(found)


def test_the_pooled_interval_is_as_wide_as_the_patients_own_and_the_plain_one_claims_more() -> None:
    cohort = trial(200)
    found = augmented(cohort, 1800, m=10)
    pooled = found.analyse(mean_cost)
    assert isinstance(pooled, Estimate)
    own, plain = mean_cost(cohort)[1] ** 0.5, mean_cost(found[0])[1] ** 0.5
    assert pooled.se == pytest.approx(own, rel=0.15)
    assert plain < 0.4 * own


def test_a_synthetic_cohort_is_not_augmented() -> None:
    synthetic = hs.generators.create("heor").fit(trial(), seed=1).sample(m=1, seed=1)[0]
    with pytest.raises(errors.LabelError, match="itself synthetic"):
        hs.augment(synthetic, 50)


def cox(cohort: hs.Cohort) -> CoxPHFitter:
    frame = cohort.frame.assign(new=cohort.frame["arm"] == "new")[["time", "event", "new", "age"]].astype(float)
    return CoxPHFitter().fit(frame, "time", "event")


def test_a_lifelines_model_is_pooled_coefficient_by_coefficient() -> None:
    syn = hs.generators.create("heor").fit(trial(150), seed=1).sample(m=4, seed=1)
    pooled = syn.analyse(cox)
    assert isinstance(pooled, dict) and list(pooled) == ["new", "age"]
    alone = [float(cox(one).params_["new"]) for one in syn]
    assert pooled["new"].value == pytest.approx(statistics.mean(alone))
    by_hand = syn.analyse(lambda c: (cox(c).params_["new"], cox(c).standard_errors_["new"] ** 2))
    assert pooled["new"] == by_hand


def test_a_statsmodels_model_is_pooled_coefficient_by_coefficient() -> None:
    syn = hs.generators.create("heor").fit(trial(150), seed=1).sample(m=4, seed=1)
    pooled = syn.analyse(lambda c: ols("cost ~ age + C(arm)", c.frame).fit())
    assert isinstance(pooled, dict) and {"Intercept", "age"} <= set(pooled)
    assert all(np.isfinite(found.se) and found.n_used == 150 for found in pooled.values())


def test_models_with_other_terms_in_some_cohorts_are_refused() -> None:
    syn = hs.generators.create("heor").fit(trial(150), seed=1).sample(m=2, seed=1)
    formulas = iter(["cost ~ age", "cost ~ age + qaly"])
    with pytest.raises(errors.NotEstimableError, match="models have other terms"):
        syn.analyse(lambda c: ols(next(formulas), c.frame).fit())


def test_an_analysis_that_returns_neither_is_told_what_to_return() -> None:
    syn = hs.generators.create("heor").fit(trial(150), seed=1).sample(m=2, seed=1)
    with pytest.raises(errors.NotEstimableError, match="estimate, variance"):
        syn.analyse(lambda c: "no number")


def test_a_sampler_of_these_patients_is_not_fitted_again_and_that_of_others_is_refused() -> None:
    cohort, sampler = trial(), hs.generators.create("heor").fit(trial(), seed=1)
    with pytest.warns(MoreRowsThanPatients):
        found = hs.augment(cohort, 20, generator=sampler, m=2, seed=1)
    assert found[1].frame.equals(augmented(cohort, 20, m=2)[1].frame)
    with pytest.raises(errors.GeneratorError, match="fitted to 100 patients, and the cohort has 60"):
        hs.augment(trial(60), 20, generator=sampler)
