"""An economic evaluation with visits imputed, and its sensitivity to the assumption."""

import numpy as np
import pytest

import heorsynth as hs
from heorsynth.core.errors import RoleError
from heorsynth.core.random import stream
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.visits.imputation import imputed_visit_means
from heorsynth.estimators.visits.trajectories import Outcome, Trajectories, area_weights

TRUTH = hs.datasets.VisitTruth()
TRIAL, _ = hs.datasets.simulated_trial(240, seed=7, visits=TRUTH)


def test_complete_visits_give_the_same_under_every_assumption() -> None:
    whole, _ = hs.datasets.simulated_trial(120, seed=2, visits=hs.datasets.VisitTruth(leaves=-60.0, gap=0.0))
    table = hs.sensitivity(whole, comparator="usual", imputations=2)
    for column in ("incremental_cost", "incremental_effect", "effect_se"):
        by_method = table.pivot(index="arm", columns="missing", values=column)
        assert by_method.to_numpy() == pytest.approx(by_method[["complete"]].to_numpy() @ np.ones((1, 3)), rel=0.03)


def test_imputed_visits_are_those_of_the_estimator() -> None:
    result = hs.evaluate(TRIAL, comparator="usual", missing="visits", imputations=3)
    arm = np.array([result.arms.index(level) for level in TRIAL.levels("arm")])
    frame = TRIAL.frame
    death = np.where(frame["event"] == 1, frame["time"], np.inf)
    times, utility = TRIAL.visit_values("eq5d")
    ends, cost = TRIAL.visit_values("cost")
    paid = Outcome(Trajectories(ends, cost, np.array([0, 0.25, 0.5]) > death[:, None]), np.ones(cost.shape))
    gained = Outcome(Trajectories(times, utility, times > death[:, None]), area_weights(times, death, rate=0.035))
    rng = stream(1, "economic evaluation", "impute", 0)
    found = imputed_visit_means(paid, gained, arm, 3, np.empty((240, 0)), rng, imputations=3)
    assert result.means == pytest.approx(found.means, rel=1e-12)
    assert result.n_used == int(frame["qaly"].notna().sum())


def test_a_jump_to_reference_lowers_the_gain_of_a_better_arm() -> None:
    big, _ = hs.datasets.simulated_trial(3000, seed=1, visits=TRUTH)
    table = hs.sensitivity(big, comparator="usual", imputations=4, wtp=30_000).set_index(["missing", "arm"])
    for arm in ("new", "intensive"):
        at_random, jump = (table.loc[(method, arm), "incremental_effect"] for method in ("visits", "jump-to-reference"))
        assert jump < at_random
        assert at_random == pytest.approx(TRUTH.incremental_qaly(arm), abs=3 * table.loc[("visits", arm), "effect_se"])
    assert list(table.columns[-2:]) == ["icer", "inmb_30000"]


def test_a_baseline_visit_and_covariates_narrow_the_interval_and_are_told() -> None:
    plain = hs.evaluate(TRIAL, comparator="usual", missing="visits", imputations=3)
    given = hs.evaluate(
        TRIAL, comparator="usual", missing="visits", imputations=3, baseline="eq5d_0m", adjust=["age", "stage"]
    )
    assert given.increments("new").covariance[1, 1] < 0.7 * plain.increments("new").covariance[1, 1]
    assert "missing at random" in given.notes[-1] and "age, stage, eq5d_0m" in given.notes[-1]


def test_synthetic_trials_are_pooled() -> None:
    drawn = hs.generators.create("bootstrap").fit(TRIAL, seed=1).sample(m=2, seed=1)
    found = hs.evaluate(drawn, comparator="usual", missing="jump-to-reference", imputations=2)
    assert found.n_total == 240 and "go on as patients of 'usual'" in found.notes[-1]


def test_an_effect_that_is_not_from_visits_is_refused() -> None:
    plain, _ = hs.datasets.simulated_trial(100, seed=1)
    with pytest.raises(RoleError, match="not derived from visits"):
        hs.evaluate(plain, missing="visits")
    with pytest.raises(RoleError, match="no visit of the effect"):
        hs.evaluate(TRIAL, comparator="usual", missing="visits", baseline="age")


def test_a_cost_that_is_not_from_visits_is_imputed_as_one_value() -> None:
    rows = TRIAL.frame.assign(fee=np.arange(240.0) % 50).drop(columns=["total", "qaly"])
    schema = TRIAL.schema
    held = Cohort(
        rows, endpoints={"os": ("time", "event")}, arm="arm", arm_reference="usual", costs=["fee"], utilities=["qaly"],
        visits={"eq5d": dict(schema.visits["eq5d"])}, derived={"qaly": schema.derived["qaly"]}, unit="year",
    )  # fmt: skip
    found = hs.evaluate(held, missing="visits", imputations=2)
    means = rows.groupby("arm")["fee"].mean()
    assert found.means[:, 0] == pytest.approx([means[arm] for arm in found.arms], rel=1e-9)
