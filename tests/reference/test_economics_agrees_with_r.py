"""Seemingly unrelated regressions agree with R's systemfit; draws, curves and frontiers with heormodel."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from heormodel.cea import ceac, icer_table
from heormodel.models import Outcomes
from heormodel.voi import evpi

import heorsynth as hs
from heorsynth.estimators.frontier import frontier
from heorsynth.estimators.regression import seemingly_unrelated

HERE = Path(__file__).parent
COVARIATES = {
    "arm only": (None, None),
    "age in both": (["age"], ["age"]),
    "baseline in effect": (["age"], ["age", "baseline"]),
}


@pytest.mark.parametrize("model", COVARIATES)
def test_seemingly_unrelated_regressions_are_those_of_systemfit(model):
    rows = pd.read_csv(HERE / "economics.csv")
    expected = pd.read_csv(HERE / "economics_sur.csv").set_index("model").loc[model]
    extras = [None if names is None else rows[names].to_numpy() for names in COVARIATES[model]]
    found = seemingly_unrelated(rows["cost"], rows["qaly"], rows["treated"] > 0, *extras)
    covariance = [[expected["var_cost"], expected["cov"]], [expected["cov"], expected["var_effect"]]]
    assert (found.cost, found.effect) == pytest.approx((expected["cost"], expected["effect"]), rel=1e-9)
    assert found.covariance == pytest.approx(np.array(covariance), rel=1e-8)


STATUS = {"ND": "on the frontier", "D": "dominated", "ED": "extendedly dominated"}


@pytest.mark.parametrize("seed", range(40))
def test_the_frontier_is_that_of_heormodel(seed):
    rng = np.random.default_rng(seed)
    means = pd.DataFrame({"cost": rng.integers(0, 30, 6) * 100.0, "effect": rng.integers(0, 12, 6) / 10})
    means.index = list("ABCDEF")
    means = means.drop_duplicates()
    expected = icer_table(means).loc[means.index]
    status, ratio = frontier(means["cost"].to_numpy(), means["effect"].to_numpy())
    assert status == [STATUS[code] for code in expected["status"]]
    assert ratio == pytest.approx(expected["icer"].to_numpy(), nan_ok=True)


def test_the_printed_example_of_heormodel_is_reproduced():
    """icer_table of A, B, D at cost 0, 100, 400 and effect 0, 0.5, 1: 600 per unit for D (its documentation)."""
    _, ratio = frontier(np.array([0.0, 100.0, 400.0]), np.array([0.0, 0.5, 1.0]))
    assert ratio[2] == 600.0


def test_heormodel_reads_the_draws_and_agrees():
    trial, _ = hs.datasets.simulated_trial(400, seed=2)
    found = hs.evaluate(trial)
    outcomes = found.to_heormodel(draws=20_000, seed=1)
    assert isinstance(outcomes, Outcomes)
    assert outcomes.comparator == "usual"
    table = icer_table(outcomes)
    more = found.increments()
    assert table.loc["new", "inc_cost"] == pytest.approx(more.cost, abs=4 * np.sqrt(more.covariance[0, 0] / 20_000))
    assert table.loc["new", "inc_effect"] == pytest.approx(more.effect, abs=4 * np.sqrt(more.covariance[1, 1] / 20_000))
    wtps = [10_000.0, 20_000.0, 40_000.0]
    for wtp in wtps:
        assert more.evpi(wtp) == pytest.approx(float(evpi(outcomes, wtp=wtp)), rel=0.05, abs=1.0)
    assert ceac(outcomes, wtp=wtps)["new"].to_numpy() == pytest.approx(more.ceac(wtps), abs=0.015)


def test_what_bcea_takes_has_its_shape():
    found = hs.evaluate(hs.datasets.simulated_trial(400, seed=2)[0]).to_bcea(draws=50)
    assert found["e"].shape == found["c"].shape == (50, 2)
    assert (found["ref"], found["interventions"]) == (1, ["usual", "new"])
    assert list(found["e"].columns) == ["usual", "new"]
    assert 0 < found["e"].to_numpy().mean() < 1 < found["c"].to_numpy().mean()
