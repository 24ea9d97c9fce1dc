"""Seemingly unrelated regressions agree with R's systemfit; draws, curves and frontiers with heormodel."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from heormodel.cea import ceac, ceaf, icer_table
from heormodel.models import CohortSpec, MarkovModel, Outcomes
from heormodel.params import Beta, Gamma, ParameterSet
from heormodel.run import SeedManager, run_psa
from heormodel.voi import evpi

import heorsynth as hs
from heorsynth.estimators.economics.frontier import frontier
from heorsynth.estimators.economics.options import acceptability_frontier, perfect_information, probability_best
from heorsynth.estimators.economics.regression import seemingly_unrelated

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


def sick_or_dead(p, intervention):
    """The model of heormodel's own first example."""
    treated = intervention == "Treatment"
    progress = p["p_progress"] * (p["rr_treat"] if treated else 1.0)
    moves = [
        [1 - progress - p["p_die"], progress, p["p_die"]],
        [0.0, 1 - p["p_die_sick"], p["p_die_sick"]],
        [0.0, 0.0, 1.0],
    ]
    extra = p["c_treat"] if treated else 0.0
    return CohortSpec(np.array(moves), np.array([extra, p["c_sick"] + extra, 0.0]), np.array([1.0, p["u_sick"], 0.0]))


def test_the_first_example_of_heormodel_is_reproduced_to_the_digits_it_prints():
    """It prints costs 142910.9 and 233676.2, effects 11.2 and 13.4, an ICER of 41130.9, an EVPI of 2738.7."""
    arms = ("Standard care", "Treatment")
    engine = MarkovModel(
        states=("Healthy", "Sick", "Dead"), interventions=arms, transitions_and_rewards=sick_or_dead, n_cycles=40
    )  # fmt: skip
    parameters = ParameterSet({
        "p_progress": Beta(20, 180), "rr_treat": Beta(60, 40), "p_die": Beta(5, 995), "p_die_sick": Beta(50, 450),
        "c_sick": Gamma(100, 250.0), "c_treat": Gamma(100, 80.0), "u_sick": Beta(150, 50),
    })  # fmt: skip
    outcomes = run_psa(engine, parameters.sample(1000, seed=SeedManager(1).generator())).outcomes
    draws = np.stack([outcomes.costs_wide()[list(arms)], outcomes.effects_wide()[list(arms)]], axis=2)
    means = draws.mean(axis=0)
    assert means[:, 0].round(1).tolist() == [142910.9, 233676.2]
    assert means[:, 1].round(1).tolist() == [11.2, 13.4]
    _, ratio = frontier(means[:, 0], means[:, 1])
    assert round(float(ratio[1]), 1) == 41130.9
    assert round(float(perfect_information(draws, [50_000])[0]), 1) == 2738.7


@pytest.mark.parametrize("seed", range(5))
def test_curves_frontier_and_information_of_three_arms_are_those_of_heormodel(seed):
    rng = np.random.default_rng(seed)
    draws = rng.normal([[1000, 0.5], [1600, 0.55], [2400, 0.58]], [300, 0.05], (500, 3, 2))
    wtps, names = [0.0, 10_000.0, 30_000.0, 60_000.0], ["A", "B", "C"]
    wide = [pd.DataFrame(draws[:, :, part], columns=names) for part in (0, 1)]
    outcomes = Outcomes.from_wide(*wide)
    assert probability_best(draws, wtps) == pytest.approx(ceac(outcomes, wtp=wtps)[names].to_numpy())
    place, probability = acceptability_frontier(draws, wtps)
    expected = ceaf(outcomes, wtp=wtps)
    assert [names[one] for one in place] == expected["intervention"].tolist()
    assert probability == pytest.approx(expected["prob"].to_numpy())
    assert perfect_information(draws, wtps) == pytest.approx([float(evpi(outcomes, wtp=wtp)) for wtp in wtps])


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
