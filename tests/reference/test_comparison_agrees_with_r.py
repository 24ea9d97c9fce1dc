"""Matching weights and weighted hazard ratios agree with R (optim, survival::coxph); see comparison.R."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.estimators.comparison.matching import matching_weights
from heorsynth.estimators.comparison.weighted_cox import weighted_cox

HERE = Path(__file__).parent
OWN = pd.read_csv(HERE / "comparison.csv")
R = pd.read_csv(HERE / "comparison_numbers.csv").set_index("name")["value"]


def weights() -> np.ndarray:
    age = OWN["age"].to_numpy()
    covariates = np.column_stack([age, (age - 64) ** 2, OWN["female"]])
    return matching_weights(covariates, np.array([64, 8**2, 0.55])).weights


def test_weights_are_those_of_optim() -> None:
    """R stops at a gradient of about 1e-6 of the weights."""
    assert weights() == pytest.approx(OWN["weight"].to_numpy(), rel=2e-5)
    assert weights().sum() ** 2 / (weights() ** 2).sum() == pytest.approx(R["ess"], rel=1e-6)


def test_a_weighted_cox_model_is_that_of_coxph() -> None:
    own = OWN["weight"].to_numpy()
    fit = weighted_cox(OWN["time"].to_numpy(), OWN["event"].to_numpy() > 0, OWN["treated"].to_numpy() > 0, own)
    assert fit.value == pytest.approx(R["log_hr"], abs=1e-8)
    assert np.sqrt(fit.variance) == pytest.approx(R["robust_se"], rel=1e-7)
    one = weighted_cox(OWN["time"], OWN["event"] > 0, OWN["treated"] > 0, np.ones(len(OWN)))
    assert (one.value, 1 / np.sqrt(one.information)) == pytest.approx((R["plain_log_hr"], R["plain_se"]), rel=1e-8)


def test_the_public_comparison_uses_both() -> None:
    frame = OWN.assign(arm=np.where(OWN["treated"] > 0, "A", "B"))
    match = {"age": {"mean": 64, "sd": 8}, "female": 0.55}
    theirs = hs.Estimate.normal(-0.2, 0.1)
    found = hs.published.indirect_comparison(frame, theirs, treatment="A", comparator="C", anchor="B", match=match)
    assert found.own.value == pytest.approx(R["log_hr"], abs=1e-5)
    assert found.log_hazard_ratio.value == pytest.approx(R["log_hr"] + 0.2, abs=1e-5)
    assert found.effective_n == pytest.approx(R["ess"], rel=1e-6)
