"""Adjusted means are those of statsmodels, with clusters too; one cluster of an arm gives no covariance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators.economics.regression import adjusted_means, imputed_means


def rows(n: int = 240, seed: int = 3) -> pd.DataFrame:
    """Twelve practices of two arms; cost and effect depend on age, baseline utility and practice."""
    rng = np.random.default_rng(seed)
    practice = np.arange(n) % 12
    arm = practice % 2
    shift = rng.normal(0, 1, 12)[practice]
    frame = pd.DataFrame({"practice": practice, "arm": arm, "age": rng.normal(60, 8, n), "u0": rng.normal(0.6, 0.1, n)})
    frame["cost"] = 900 + 200 * arm + 10 * frame["age"] + 80 * shift + rng.gamma(2, 150, n)
    frame["qaly"] = 0.1 + 0.04 * arm + 0.8 * frame["u0"] - 0.002 * frame["age"] + 0.03 * shift + rng.normal(0, 0.05, n)
    return frame


@pytest.mark.parametrize("clustered", [False, True])
def test_with_the_same_covariates_both_equations_are_ordinary_least_squares(clustered: bool) -> None:
    frame = rows()
    covariates, names = frame[["age", "u0"]].to_numpy(), frame["practice"].astype(str).to_numpy()
    found = adjusted_means(
        frame["cost"].to_numpy(), frame["qaly"].to_numpy(), frame["arm"].to_numpy(), 2, covariates, covariates,
        names if clustered else None,
    ).increments(1)  # fmt: skip
    for outcome, value, variance in (("cost", found.cost, found.covariance[0, 0]),
                                     ("qaly", found.effect, found.covariance[1, 1])):  # fmt: skip
        model = smf.ols(f"{outcome} ~ arm + age + u0", frame)
        fitted = model.fit(cov_type="cluster", cov_kwds={"groups": frame["practice"]}) if clustered else model.fit()
        assert value == pytest.approx(fitted.params["arm"], rel=1e-9)
        assert np.sqrt(variance) == pytest.approx(fitted.bse["arm"], rel=1e-7)


def test_clusters_widen_the_interval_and_give_the_degrees_of_freedom() -> None:
    frame = rows()
    outcome = frame["cost"].to_numpy(), frame["qaly"].to_numpy(), frame["arm"].to_numpy(), 2
    plain = adjusted_means(*outcome).increments(1)
    robust = adjusted_means(*outcome, cluster=frame["practice"].astype(str).to_numpy()).increments(1)
    assert (robust.cost, robust.effect) == pytest.approx((plain.cost, plain.effect))
    assert robust.delta_effect().se > 1.2 * plain.delta_effect().se
    assert robust.freedom(np.array([1.0, 0.0])) == pytest.approx(10.0), "twelve clusters less two arms"


def test_each_patient_as_a_cluster_is_the_heteroscedastic_covariance() -> None:
    frame = rows(60)
    outcome = frame["cost"].to_numpy(), frame["qaly"].to_numpy(), frame["arm"].to_numpy(), 2
    found = adjusted_means(*outcome, cluster=np.arange(60).astype(str)).increments(1)
    fitted = smf.ols("cost ~ arm", frame).fit(cov_type="HC1")
    factor = (60 / 59 * 59 / 58) / (60 / 58)  # statsmodels scales HC1 by n/(n - k)
    assert found.covariance[0, 0] == pytest.approx(fitted.bse["arm"] ** 2 * factor, rel=1e-7)


def test_a_patient_without_a_cluster_is_left_out() -> None:
    frame = rows()
    names = frame["practice"].astype(str).to_numpy(dtype=object)
    names[:7] = ""
    outcome = frame["cost"].to_numpy(), frame["qaly"].to_numpy(), frame["arm"].to_numpy(), 2
    found = adjusted_means(*outcome, cluster=names)
    assert (found.n_used, found.n_total) == (233, 240)


def test_an_arm_of_one_cluster_is_refused() -> None:
    frame = rows()
    names = np.where(frame["arm"] == 1, "one", frame["practice"].astype(str))
    outcome = frame["cost"].to_numpy(), frame["qaly"].to_numpy(), frame["arm"].to_numpy(), 2
    with pytest.raises(NotEstimableError, match="1 clusters in an arm"):
        adjusted_means(*outcome, cluster=names)


def test_imputed_means_allow_for_clusters_within_each_completed_set() -> None:
    frame = rows()
    frame.loc[frame.index[::9], "qaly"] = np.nan
    outcome = frame["cost"].to_numpy(), frame["qaly"].to_numpy(), frame["arm"].to_numpy(), 2
    names = frame["practice"].astype(str).to_numpy()
    plain, robust = (
        imputed_means(*outcome, None, np.random.default_rng(1), imputations=3, cluster=one).increments(1)
        for one in (None, names)
    )
    assert robust.effect == plain.effect
    assert robust.delta_effect().se > 1.2 * plain.delta_effect().se
