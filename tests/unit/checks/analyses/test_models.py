"""Coefficients agree with lifelines, statsmodels and R; what does not converge is not estimable."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from lifelines import CoxPHFitter, WeibullAFTFitter
from statsmodels.genmod.families import Binomial, Gamma, Poisson
from statsmodels.genmod.families.links import Log

import heorsynth as hs
from heorsynth.checks.analyses.estimates import estimates_of
from heorsynth.checks.analyses.models import Coefficient, Outcome, fitted
from heorsynth.core.errors import NotEstimableError

PBC = hs.datasets.load("pbc")
FRAME = PBC.frame.assign(died=lambda frame: (frame["event"] == 1).astype(int))


def real_estimates(model: str, formula: str, cohort: hs.Cohort = PBC) -> dict[str, Coefficient]:
    found = estimates_of(hs.Analysis("a", model=model, formula=formula), cohort, [cohort]).real
    assert not isinstance(found, str), found
    return dict(found)


def test_cox_agrees_with_r() -> None:
    # library(survival); d <- read.csv("heorsynth/data/datasets/pbc.csv")
    # coxph(Surv(time, event == 1) ~ age + log(bili), data = d)     # R 4.2.2, survival 3.5.3
    found = real_estimates("cox", "os ~ age + log(bili)")
    np.testing.assert_allclose([found["age"].value, found["age"].se], [0.043792068411, 0.00750671224567], rtol=1e-9)
    np.testing.assert_allclose(
        [found["log(bili)"].value, found["log(bili)"].se], [1.015040831827, 0.07795613520819], rtol=1e-9
    )


def test_cox_and_aft_agree_with_lifelines() -> None:
    held = FRAME.assign(m=(FRAME["sex"] == "m").astype(float))[["time", "died", "age", "m"]]
    for model, direct, rtol in [("cox", CoxPHFitter(), 1e-5), ("aft", WeibullAFTFitter(), 1e-3)]:
        fit = direct.fit(held, "time", "died")
        params, errors = fit.params_, fit.standard_errors_
        if model == "aft":  # the shape is a second part
            params, errors = params["lambda_"], errors["lambda_"]
        found = real_estimates(model, "os ~ age + sex")
        # lifelines stops at a gradient of 1e-7, and its AFT at a relative change of the likelihood
        for name, own in [("age", "age"), ("m", "sex[T.m]")]:
            assert found[own].value == pytest.approx(params[name], rel=rtol)
            assert found[own].se == pytest.approx(errors[name], rel=rtol)


@pytest.mark.parametrize(
    ("model", "formula", "family"),
    [
        ("ols", "bili ~ age + sex", None),
        ("glm-gamma-log", "bili ~ age * sex", Gamma(Log())),
        ("logit", "died ~ age + sex + albumin", Binomial()),
        ("poisson", "stage ~ age + sex", Poisson()),
    ],
)
def test_models_of_a_column_agree_with_statsmodels(model: str, formula: str, family: object) -> None:
    cohort = hs.Cohort(FRAME, endpoints={"os": ("time", "event")}, arm="trt")
    direct = smf.ols(formula, FRAME).fit() if family is None else smf.glm(formula, FRAME, family=family).fit()
    found = real_estimates(model, formula, cohort)
    assert set(found) == set(direct.params.index)
    for name, own in found.items():
        assert own.value == pytest.approx(direct.params[name], rel=1e-8, abs=1e-12)
        assert own.se == pytest.approx(direct.bse[name], rel=1e-8)


def test_rmst_of_two_arms_is_the_difference_of_areas_and_with_uncensored_times_that_of_least_squares() -> None:
    rng = np.random.default_rng(1)
    time, x, z = rng.exponential(5, 60), np.arange(60) % 2.0, rng.normal(size=60)
    y = np.minimum(time, 4.0)
    both = pd.DataFrame({"Intercept": 1.0, "x": x, "z": z})
    outcome = Outcome(time, np.ones(60, bool), horizon=4.0)
    alone = fitted("rmst", both[["Intercept", "x"]], outcome)["x"]
    assert alone.value == pytest.approx(y[x == 1].mean() - y[x == 0].mean())
    direct = smf.ols("y ~ x + z", both.assign(y=y)).fit(cov_type="HC0")
    adjusted = fitted("rmst", both, outcome)["x"]
    assert (adjusted.value, adjusted.se) == (pytest.approx(direct.params["x"]), pytest.approx(direct.bse["x"]))


def test_a_separated_logit_and_dependent_terms_are_not_estimable() -> None:
    x = np.arange(40.0)
    matrix = pd.DataFrame({"Intercept": 1.0, "x": x})
    with pytest.raises(NotEstimableError):
        fitted("logit", matrix, Outcome((x > 20).astype(float)))
    with pytest.raises(NotEstimableError, match="follows from the others"):
        fitted("ols", matrix.assign(y=2 * x), Outcome(x))
    with pytest.raises(NotEstimableError, match="above 0"):
        fitted("glm-gamma-log", matrix, Outcome(x))


def test_an_interval_uses_the_t_distribution_of_its_degrees_of_freedom() -> None:
    assert Coefficient(0.0, 1.0).half(0.95) == pytest.approx(1.959964)
    assert Coefficient(0.0, 1.0, 10).half(0.95) == pytest.approx(2.228139)


REFERENCE = Path(__file__).parents[3] / "reference"
"""clusters.R writes the numbers of R."""

CLUSTERED = hs.datasets.simulated_cluster_trial(300, 12, seed=1, truth=hs.datasets.ClusterTruth(icc=0.2))[0]
HELD = CLUSTERED.frame.assign(new=(CLUSTERED.frame["arm"] == "new").astype(float))
GROUPS = pd.factorize(HELD["site"])[0]


@pytest.mark.parametrize(
    ("model", "formula", "family"),
    [("ols", "qaly ~ arm + age", None), ("glm-gamma-log", "cost ~ arm + age", Gamma(Log())),
     ("poisson", "event ~ arm + age", Poisson()), ("logit", "event ~ arm + age", Binomial())],
)  # fmt: skip
def test_with_a_cluster_errors_are_those_of_statsmodels_by_cluster(model: str, formula: str, family: object) -> None:
    fit = smf.ols if family is None else smf.glm
    more = {} if family is None else {"family": family}
    direct = fit(formula.replace("arm", "new"), HELD, **more).fit(cov_type="cluster", cov_kwds={"groups": GROUPS})
    found = real_estimates(model, formula, CLUSTERED)["arm[T.new]"]
    assert (found.value, found.se) == pytest.approx((direct.params["new"], direct.bse["new"]), rel=1e-6)
    assert found.freedom == 11


def test_with_a_cluster_aft_has_the_errors_of_r_and_rmst_about_those_of_a_jackknife() -> None:
    lung = pd.read_csv(REFERENCE / "clusters_lung.csv").assign(status=lambda one: one["status"] - 1)
    held = hs.Cohort(lung, endpoints={"os": ("time", "status")}, cluster="inst")
    expected = pd.read_csv(REFERENCE / "clusters.csv").set_index(["case", "term"]).loc["weibull"]
    found, groups = real_estimates("aft", "os ~ age + sex", held), lung["inst"].nunique()
    for name in ("age", "sex"):  # lifelines stops at a relative change of the likelihood; R does not correct for few
        assert found[name].value == pytest.approx(expected.loc[name, "coef"], rel=1e-3)
        assert found[name].se * np.sqrt((groups - 1) / groups) == pytest.approx(expected.loc[name, "se"], rel=1e-3)
    analysis = hs.Analysis("a", model="rmst", formula="os ~ arm", horizon=2.0)
    parts = [
        estimates_of(analysis, CLUSTERED.take(CLUSTERED.levels("site") != one), []).real["arm[T.new]"].value
        for one in sorted(set(CLUSTERED.levels("site")))
    ]
    jackknife = np.sqrt(11 / 12 * ((np.array(parts) - np.mean(parts)) ** 2).sum())
    assert estimates_of(analysis, CLUSTERED, []).real["arm[T.new]"].se == pytest.approx(jackknife, rel=0.15)


def test_the_label_says_that_errors_allow_for_clusters_and_one_cluster_is_refused() -> None:
    analysis = hs.Analysis("a", model="ols", formula="qaly ~ arm")
    seen = hs.replicate(analysis, CLUSTERED, [CLUSTERED, CLUSTERED])
    assert "clustered by site" in str(seen)
    alone = CLUSTERED.take(CLUSTERED.levels("site") == CLUSTERED.levels("site")[0])
    refused = estimates_of(hs.Analysis("a", model="ols", formula="qaly ~ age"), alone, []).real
    assert "one cluster" in str(refused)
