"""Facts are met, and each interval says how much of it is the prior's."""

from collections.abc import Callable

import numpy as np
import pytest

import heorsynth as hs

Changed = Callable[..., "hs.published.Paper"]
pytestmark = pytest.mark.filterwarnings("ignore::heorsynth.published.reconstruction.constraints.RepeatedCohorts")


def test_every_fact_is_printed_as_it_is_published(changed: Changed) -> None:
    found = hs.published.cohorts(changed(), m=6, seed=1).match().set_index("fact")
    assert len(found) == 16
    assert found.loc["os.hr.drug/usual.sex=female", "printed_alike"] == 1
    table1 = found[found.index.str.startswith(("table1", "cost"))]
    assert (table1["printed_alike"] == 1).all()
    assert found.loc["correlation.1", "largest_error"] < 0.05


def test_the_share_of_the_prior_is_0_where_curves_decide_and_1_where_nothing_does(changed: Changed) -> None:
    cohorts = hs.published.cohorts(changed(), m=12, seed=2)
    table = cohorts.estimands().set_index(["estimand", "arm", "subgroup"])
    assert (table.loc[["rmst", "landmark"], "prior_in_interval"] == 0).all()
    assert table.loc[("adjusted_hazard_ratio", "drug", ""), "prior_in_interval"] > 0.5
    sum_of_shares = table["share_reconstruction"] + table["share_prior"]
    assert sum_of_shares.dropna().between(0, 1).all()
    together = cohorts.share_of_prior(lambda one: one.frame["age"].corr((one.frame["sex"] == "male").astype(float)))
    assert together > 0.5


def test_the_share_is_the_analysis_of_variance_of_pairs(changed: Changed) -> None:
    cohorts = hs.published.cohorts(changed(), m=6, seed=1)
    drawn = iter(np.random.default_rng(1).normal(size=12).tolist())
    values = list(np.random.default_rng(1).normal(size=12))
    first, second = np.array(values[:6]), np.array(values[6:])
    expected = np.mean((first - second) ** 2) / (first.var(ddof=1) + second.var(ddof=1))
    assert cohorts.share_of_prior(lambda _: next(drawn)) == pytest.approx(min(expected, 1.0))
    assert cohorts.share_of_prior(lambda one: float(one.n)) == 0


def test_what_is_stated_is_not_listed_as_undetermined(changed: Changed) -> None:
    male = "      - {source: Figure 3, arm: drug, reference: usual, value: 0.58, subgroup: {sex: male}}\ntable1:"
    listed = hs.published.cohorts(changed(("table1:", male)), m=2, seed=1).not_determined
    pairs = set(zip(listed["quantity"], listed["of"], strict=True))
    assert ("correlation", "age and sex") in pairs
    assert ("correlation", "age and total") not in pairs
    assert ("interaction", "arm and age on os") in pairs
    assert ("interaction", "arm and sex on os") not in pairs


def test_a_slice_keeps_the_second_draws(changed: Changed) -> None:
    cohorts = hs.published.cohorts(changed(), m=4, seed=1)
    some = cohorts[:3]
    assert isinstance(some, hs.published.PublishedCohorts)
    assert len(some) == 3
    assert some.prior == hs.published.Prior()
    assert some.paper.title == "Drug against usual care"
    assert len(some.estimands()) == len(cohorts.estimands())
