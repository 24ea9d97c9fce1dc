"""Variation, drift and model collapse: what a generator's own chance explains, and what it does not."""

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.data.columns.schema import Endpoint, Schema
from heorsynth.evaluation.stability import quantities


def trial(n: int = 200, seed: int = 3) -> hs.Cohort:
    return hs.datasets.simulated_trial(n, seed=seed)[0]


def drawn(cohort: hs.Cohort, name: str = "heor", m: int = 10, seed: int = 1):
    return hs.generators.create(name).fit(cohort, seed=1).sample(m=m, seed=seed)


def test_quantities_of_four_patients_are_those_by_hand() -> None:
    frame = pd.DataFrame(
        {"t": [1.0, 2.0, 3.0, 4.0], "e": [1, 0, 1, 0], "cost": [0.0, 0.0, 10.0, 30.0], "sex": list("ffmf")}
    )
    schema = Schema(endpoints={"os": Endpoint("os", "t", "e")}, costs=("cost",), subgroups=("sex",))
    found = quantities(hs.Cohort.derive(schema, frame, label=None), {"os": 4.0})
    assert found["rmst of os"] == pytest.approx(2.875)
    assert found["mean of cost"] == 10.0
    assert (found["share of sex=f"], found["share of sex=m"]) == (0.75, 0.25)


def test_a_bootstrap_varies_as_a_sample_does_and_heor_less() -> None:
    cohort = trial()
    ratios = {
        name: hs.stability.variation(cohort, drawn(cohort, name, m=40)).set_index("quantity")["ratio"]
        for name in ("bootstrap", "heor")
    }
    for quantity in ("rmst of os", "mean of qaly", "mean of cost"):
        assert 0.7 < ratios["bootstrap"][quantity] < 1.4
        assert ratios["heor"][quantity] < 0.6


def test_another_seed_is_no_drift_more_often_than_five_in_a_hundred() -> None:
    cohort = trial()
    sampler = hs.generators.create("bootstrap").fit(cohort, seed=1)
    alarms = [
        hs.stability.drift(sampler.sample(m=8, seed=2 * seed), sampler.sample(m=8, seed=2 * seed + 1))["drifted"].any()
        for seed in range(1, 21)
    ]
    assert np.mean(alarms) <= 0.2, "5% of 20 with three binomial standard errors"


def test_a_release_made_from_dearer_patients_has_drifted_in_cost_and_not_in_survival() -> None:
    cohort = trial()
    frame = cohort.frame.assign(drug=lambda held: held["drug"] * 1.2)
    dearer = hs.Cohort.derive(cohort.schema, frame.assign(cost=frame["drug"] + frame["hospital"]), label=None)
    found = hs.stability.drift(drawn(cohort), drawn(dearer)).set_index("quantity")
    assert found.loc["mean of drug", "drifted"]
    assert found.loc["mean of drug", "difference"] == pytest.approx(0.2 * cohort.frame["drug"].mean(), rel=0.05)
    assert not found.loc["rmst of os", "drifted"]


def test_heor_fed_its_own_output_keeps_survival_and_shares() -> None:
    found = hs.stability.collapse(trial(), generations=4)
    last = found[found["generation"] == 4].set_index("quantity")["relative"]
    assert last["rmst of os"] == pytest.approx(1, abs=0.03)
    assert (last[last.index.str.startswith("share of")] - 1).abs().max() < 1e-9
    assert set(found.loc[found["generation"] == 0, "relative"]) == {1.0}


def test_a_bootstrap_of_itself_loses_a_rare_level_and_mixing_the_patients_back_in_seldom_does() -> None:
    cohort = trial(60)
    frame = cohort.frame.assign(mutation=np.where(np.arange(60) < 5, "present", "absent"))
    rare = hs.Cohort.derive(cohort.schema.with_roles(subgroups=("mutation",)), frame, label=None)
    recipe = hs.generators.create("bootstrap")
    kept = {False: [], True: []}
    for accumulate, shares in kept.items():
        for seed in range(1, 9):
            found = hs.stability.collapse(rare, 12, generator=recipe, accumulate=accumulate, seed=seed)
            shares.append(found[found["quantity"] == "share of mutation=present"]["value"].iloc[-1])
    lost = [np.mean([not share > 0 for share in kept[accumulate]]) for accumulate in (False, True)]
    assert lost[0] >= 0.25 and lost[1] < lost[0] / 3


def test_a_generation_that_cannot_be_fitted_ends_the_series_with_its_reason() -> None:
    cohort = trial(60)
    frame = cohort.frame.assign(mutation=np.where(np.arange(60) < 5, "present", "absent"))
    rare = hs.Cohort.derive(cohort.schema.with_roles(subgroups=("mutation",)), frame, label=None)
    recipe = hs.generators.create("bootstrap")
    series = [hs.stability.collapse(rare, 12, generator=recipe, seed=seed) for seed in range(1, 7)]
    ended = [found["note"].iloc[-1] for found in series if found["note"].iloc[-1]]
    assert ended and all("1 level in the source" in note for note in ended)


def test_what_cannot_be_compared_is_refused() -> None:
    cohort = trial()
    syn = drawn(cohort, m=2)
    with pytest.raises(errors.LabelError, match="itself synthetic"):
        hs.stability.collapse(syn[0])
    with pytest.raises(errors.RoleError, match="shows no variation"):
        hs.stability.variation(cohort, syn[:1])
    with pytest.raises(errors.RoleError, match="the roles of the releases differ"):
        hs.stability.drift(syn, drawn(hs.datasets.load("pbc"), m=2))


def test_nothing_is_shown_of_a_level_fewer_than_five_patients_have() -> None:
    cohort = trial(60)
    frame = cohort.frame.assign(mutation=np.where(np.arange(60) < 3, "present", "absent"))
    rare = hs.Cohort.derive(cohort.schema.with_roles(subgroups=("mutation",)), frame, label=None)
    shown = set(hs.stability.variation(rare, drawn(rare, m=3))["quantity"])
    assert "share of mutation=present" not in shown and "share of mutation=absent" in shown


def test_the_picture_of_a_collapse_draws_what_moved_most_and_says_it_in_words() -> None:
    found = hs.stability.collapse(trial(80), 3, generator=hs.generators.create("marginals"))
    axes, frame = hs.figures.collapse_curves(found)
    assert {"generation", "quantity", "relative"} <= set(frame.columns)
    assert frame["quantity"].nunique() == 6 and axes.get_xlabel() == "Generation"
    picture = hs.figures.collapse_curves(found, ["rmst of os"])
    last = found[(found["quantity"] == "rmst of os") & (found["generation"] == 3)]["relative"].iloc[0]
    assert f"rmst of os {last:.2f}" in picture.alt
    with pytest.raises(errors.UnknownNameError, match="rmst of os"):
        hs.figures.collapse_curves(found, ["rmst of so"])
