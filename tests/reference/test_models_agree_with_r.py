"""Parametric survival and the Fine-Gray model against R: models.R wrote the numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from heorsynth.estimators.survival.fine_gray import fine_gray
from heorsynth.estimators.survival.parametric import fit_parametric

HERE = Path(__file__).parent
YEAR = 365.25


@pytest.fixture(scope="module")
def expected() -> dict[str, float]:
    return pd.read_csv(HERE / "models.csv").set_index("what")["value"].to_dict()


@pytest.fixture(scope="module")
def pbc() -> pd.DataFrame:
    return pd.read_csv(HERE / "pbc.csv")


def outcome(pbc: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    return pbc["time"].to_numpy(float), (pbc["status"] == 2).to_numpy()


@pytest.mark.parametrize(
    ("family", "name"), [("exponential", "exponential"), ("Weibull", "weibull"), ("log-normal", "lognormal"),
                         ("log-logistic", "loglogistic")],
)  # fmt: skip
def test_accelerated_failure_models_equal_survreg(pbc: pd.DataFrame, expected: dict, family: str, name: str) -> None:
    fit = fit_parametric(family, *outcome(pbc))
    sign = -1 if family == "exponential" else 1
    assert sign * fit.theta[0] + np.log(fit.scale) == pytest.approx(expected[f"{name}_location"], rel=1e-7)
    if family != "exponential":
        assert np.exp(fit.theta[1]) == pytest.approx(expected[f"{name}_scale"], rel=1e-6)
    assert fit.loglik == pytest.approx(expected[f"{name}_loglik"], rel=1e-10)
    assert np.sqrt(fit.covariance[0, 0]) == pytest.approx(expected[f"{name}_location_se"], rel=1e-4)


@pytest.mark.parametrize("name", ["gompertz", "gompertz_entry"])
def test_the_gompertz_model_equals_its_likelihood_maximised_by_r(pbc: pd.DataFrame, expected: dict, name: str) -> None:
    time, event = outcome(pbc)
    entry = pbc["entry"].to_numpy(float) / YEAR if name == "gompertz_entry" else None
    fit = fit_parametric("Gompertz", time / YEAR, event, entry)
    assert fit.theta[0] - np.log(fit.scale) == pytest.approx(expected[f"{name}_log_rate"], abs=1e-5)
    assert fit.theta[1] / fit.scale == pytest.approx(expected[f"{name}_shape"], abs=1e-5)
    assert fit.loglik == pytest.approx(expected[f"{name}_loglik"], rel=1e-9)
    assert fit.restricted_mean(60).value == pytest.approx(expected[f"{name}_mean_60"], rel=1e-5)


@pytest.mark.parametrize("name", ["gengamma", "gengamma_placebo"])
def test_the_generalised_gamma_equals_its_likelihood_maximised_by_r(
    pbc: pd.DataFrame, expected: dict, name: str
) -> None:
    """In the placebo arm the likelihood is 0.0004 higher at its maximum than in its limit for a growing Q."""
    time, event = outcome(pbc if name == "gengamma" else pbc[pbc["trt"] == 2])
    fit = fit_parametric("generalised gamma", time / YEAR, event)
    assert fit.loglik == pytest.approx(expected[f"{name}_loglik"], rel=1e-8)
    found = [fit.theta[0] + np.log(fit.scale), fit.theta[1], fit.theta[2]]
    assert found == pytest.approx([expected[f"{name}_{part}"] for part in ("location", "log_scale", "q")], abs=2e-3)


@pytest.mark.parametrize("name", ["crr", "crr_untied", "crr_years"])
def test_the_fine_gray_model_equals_cmprsk_however_many_times_are_tied(
    pbc: pd.DataFrame, expected: dict, name: str
) -> None:
    days = pbc["time"].to_numpy(float)
    times = {"crr": days, "crr_untied": days + np.arange(1, len(pbc) + 1) / 1000, "crr_years": np.ceil(days / YEAR)}
    time = times[name]
    cause = pbc["status"].map({0: 0, 2: 1, 1: 2}).to_numpy()
    fit = fine_gray(time, cause, np.column_stack([pbc["age"], pbc["sex"], np.log(pbc["bili"])]))
    assert fit.coef.tolist() == pytest.approx([expected[f"{name}_coef_{i}"] for i in (1, 2, 3)], rel=1e-7)
    assert fit.se.tolist() == pytest.approx([expected[f"{name}_se_{i}"] for i in (1, 2, 3)], rel=1e-8)
    assert fit.loglik == pytest.approx(expected[f"{name}_loglik"], rel=1e-9)
