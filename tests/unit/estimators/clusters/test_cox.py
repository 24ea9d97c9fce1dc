"""Cluster-robust errors of Cox models against R, and score residuals against their definition."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators.clusters.cox import clustered_covariance, score_residuals
from heorsynth.estimators.survival.cox import cox

HERE = Path(__file__).parents[3] / "reference"
"""clusters.R writes the numbers of R's coxph(…, cluster=inst)."""


@pytest.mark.parametrize("case", ["days", "months", "entry"])
def test_standard_errors_equal_those_of_r(case: str) -> None:
    lung, expected = (pd.read_csv(HERE / name) for name in ("clusters_lung.csv", "clusters.csv"))
    expected = expected[expected["case"] == case]
    time, cluster, entry = lung["time"].to_numpy(float), lung["inst"].to_numpy(), None
    time = np.ceil(time / 30.4375) if case == "months" else time
    entry = np.minimum(time - 1, cluster) if case == "entry" else None
    told = time, (lung["status"] == 2).to_numpy(), lung[["age", "sex"]].to_numpy(float)
    fit, groups = cox(*told, entry), len(set(cluster))
    found = clustered_covariance(fit, *told, cluster, entry) * (groups - 1) / groups  # R does not correct for few
    assert fit.coef == pytest.approx(expected["coef"].to_numpy(), rel=1e-7)
    assert np.sqrt(np.diag(found)) == pytest.approx(expected["se"].to_numpy(), rel=1e-7)
    assert fit.se == pytest.approx(expected["naive"].to_numpy(), rel=1e-7)


def test_score_residuals_add_up_to_the_score_which_is_nothing_at_the_maximum() -> None:
    rng = np.random.default_rng(1)
    time, x = np.ceil(rng.exponential(10, 80)), rng.normal(size=(80, 2))
    event = rng.random(80) < 0.7
    fit = cox(time, event, x)
    assert score_residuals(fit.coef, time, event, x).sum(axis=0) == pytest.approx(0.0, abs=1e-6)


def test_one_cluster_is_refused() -> None:
    x = np.array([[1.0], [0.0], [1.0], [0.0]])
    time, event = np.array([1.0, 2, 3, 4]), np.ones(4, dtype=bool)
    with pytest.raises(NotEstimableError, match="two or more"):
        clustered_covariance(cox(time, event, x), time, event, x, np.zeros(4))
