"""A margin that is declared is answered, or refused at the door: none vanishes, and none is too wide to miss."""

import numpy as np
import pandas as pd
import pytest

from heorsynth.checks.core.finding import NOT_ESTIMABLE
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.planning.catalogue import margin_for
from heorsynth.checks.planning.plan import plan
from heorsynth.core.errors import MarginError, RoleError, UnknownNameError
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.evidence.validate import validate


def frame(n=120, seed=1):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({
        "time": rng.uniform(0.5, 5, n), "event": rng.integers(0, 2, n), "arm": np.where(rng.random(n) < 0.5, "a", "b"),
        "sex": np.where(rng.random(n) < 0.5, "f", "m"), "cost": rng.gamma(2.0, 500.0, n), "qaly": rng.uniform(0, 1, n),
        "cost_early": rng.gamma(2.0, 200.0, n),
    })  # fmt: skip


def cohort(rows=None, **roles):
    declared = {"endpoints": {"os": ("time", "event")}, "arm": "arm", "costs": ["cost", "cost_early"],
                "utilities": "qaly", "subgroups": "sex", "currency": "EUR", "unit": "year"} | roles  # fmt: skip
    return Cohort(frame() if rows is None else rows, **declared)


@pytest.fixture(scope="module")
def real():
    return cohort()


@pytest.fixture(scope="module")
def drawn(real):
    return [Cohort.derive(real.schema, frame(seed=10 + part), label=None) for part in range(3)]


@pytest.mark.parametrize(
    ("key", "declared", "told"),
    [
        ("survival.rmst", {"relative": 0.05, "endpoint": "oss"}, "did you mean 'os'"),
        ("costs.mean", {"relative": 0.1, "cost": "costs"}, "did you mean 'cost'"),
        ("utilities.mean", {"relative": 0.1, "utility": "qalys"}, "did you mean 'qaly'"),
        ("costs.censored_mean", {"relative": 0.1, "intervals": ["cost_erly"]}, "did you mean 'cost_early'"),
        ("utilities.qaly", {"relative": 0.1, "measures": ["qaly", "qali"], "times": [0, 1]}, "did you mean 'qaly'"),
        ("costs.mean", {"relative": 0.1, "intersections": 10}, "declare two subgroups"),
    ],
)
def test_a_margin_that_names_what_the_cohort_lacks_is_refused_with_the_nearest_name(real, key, declared, told):
    with pytest.raises(MarginError, match=told):
        plan(real, "teaching", {key: declared})


@pytest.mark.parametrize(
    ("key", "declared"),
    [
        ("survival.landmark", {"absolute": 0.1, "at": []}),
        ("survival.landmark", {"absolute": 0.1, "at": -1}),
        ("survival.incidence", {"absolute": 0.1, "at": [1.0, 2.0]}),
        ("costs.quantile", {"relative": 0.1, "quantile": []}),
        ("costs.quantile", {"relative": 0.1, "quantile": 1.5}),
        ("costs.top_share", {"relative": 0.1, "share": 0}),
        ("survival.rmst", {"relative": 0.05, "horizon": "x"}),
        ("survival.rmst", {"relative": 0.05, "horizon": -3}),
        ("survival.rmst", {"relative": 0.05, "horizon": 0}),
        ("survival.rmst", {"relative": 0.05, "horizon": float("nan")}),
        ("survival.rmst", {"relative": 0.05, "horizon": True}),
        ("survival.extrapolation", {"relative": 0.1, "lifetime": -5}),
        ("subgroups.intersections", {"ratio": [0.8, 1.25], "min_count": 0}),
        ("costs.censored_mean", {"relative": 0.1, "method": "lin"}),
        ("costs.censored_mean", {"relative": 0.1, "method": "linn", "intervals": ["cost"]}),
        ("costs.censored_mean", {"relative": 0.1, "intervals": []}),
        ("costs.censored_mean", {"relative": 0.1, "intervals": "cost"}),
        ("costs.censored_mean", {"relative": 0.1, "to_horizon": "yes"}),
        ("survival.rmst", {"relative": 0.05, "intersections": 0}),
        ("survival.rmst", {"relative": 0.05, "intersections": 0.5}),
        ("utilities.qaly", {"relative": 0.1}),
        ("utilities.qaly", {"relative": 0.1, "measures": ["u0", "u1"]}),
        ("utilities.qaly", {"relative": 0.1, "measures": ["u0", "u1"], "times": [0, 1, 2]}),
        ("utilities.qaly", {"relative": 0.1, "measures": ["u0", "u1"], "times": [1, 2]}),
        ("utilities.qaly", {"relative": 0.1, "measures": ["u0", "u1"], "times": [0, 0]}),
        ("utilities.qaly", {"relative": 0.1, "measures": ["u0", "u1"], "times": [0, 1], "rate": -1}),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_at_the_door(key, declared):
    with pytest.raises(MarginError, match=key.replace(".", r"\.")):
        margin_for(key, declared)


@pytest.mark.parametrize(
    ("key", "declared"),
    [
        ("subgroups.intersections", {"ratio": [0.8, 1.25], "min_count": 10**6}),
        ("survival.incidence", {"absolute": 0.1}),
        ("survival.subdistribution_ratio", {"ratio": [0.8, 1.25]}),
    ],
)
def test_a_declared_margin_without_an_answer_is_not_estimable_and_keeps_the_verdict_from_fit(
    real, drawn, key, declared
):
    evidence = validate(real, drawn, "teaching", {key: declared})
    assert [one.verdict for one in evidence.decisive if one.key == key] == [NOT_ESTIMABLE]
    assert evidence.verdict != "fit"


def test_an_estimand_of_the_purpose_with_nothing_to_look_at_is_told_in_a_note(drawn):
    bare = {"arm": None, "subgroups": None}
    rows = frame().drop(columns=["arm", "sex"])
    real = cohort(rows, **bare)
    evidence = validate(real, [Cohort.derive(real.schema, rows, label=None)], "teaching")
    assert any("No data in this cohort for: groups lost or invented" in note for note in evidence.notes)


@pytest.mark.parametrize("key", ["survival.rmst", "survival.rmst_difference", "survival.median", "survival.reach",
                                 "survival.censoring", "survival.extrapolation", "costs.mean", "costs.difference",
                                 "costs.quantile", "costs.cv", "costs.censored_mean", "utilities.mean",
                                 "economics.incremental_qaly", "economics.incremental_cost"])  # fmt: skip
def test_an_absolute_margin_wider_than_half_of_what_it_is_a_margin_of_is_refused(real, key):
    with pytest.raises(MarginError, match="vacuous"):
        plan(real, "teaching", {key: {"absolute": 1e9}})
    assert key in plan(real, "teaching", {key: {"absolute": 0.01}}).decisive


def test_a_net_benefit_margin_of_half_a_qaly_a_patient_is_refused(real):
    asked = {"wtp": [20_000, 40_000]}
    with pytest.raises(MarginError, match=r"half of the threshold"):
        plan(real, "economic-evaluation", {"economics.inmb": {"absolute": 10_000.0}}, asked)
    plan(real, "economic-evaluation", {"economics.inmb": {"absolute": 9_000.0}}, asked)


def test_the_limit_of_a_margin_in_time_is_half_the_horizon_it_names(real):
    plan(real, "teaching", {"survival.rmst": {"absolute": 0.9, "horizon": 2.0}})
    with pytest.raises(MarginError, match=r"give less than 1\b"):
        plan(real, "teaching", {"survival.rmst": {"absolute": 1.0, "horizon": 2.0}})


def test_a_relative_margin_of_half_or_more_is_refused():
    with pytest.raises(MarginError, match="vacuous"):
        margin_for("survival.rmst", {"relative": 0.5})
    with pytest.raises(MarginError, match="vacuous"):
        margin_for("survival.rmst", Margin("relative", 0.99))


def test_a_share_of_a_reference_that_is_zero_is_no_margin(drawn):
    rows = frame().assign(cost=lambda held: np.where(held["arm"] == "a", 0.0, held["cost"]))
    real = cohort(rows, costs="cost", arm_reference="a")
    cohorts = [Cohort.derive(real.schema, rows, label=None)]
    found = [one for one in validate(real, cohorts, "economic-evaluation").findings if one.key == "costs.difference"]
    assert found and {one.verdict for one in found} == {NOT_ESTIMABLE}
    assert "reference that is 0" in found[0].because


@pytest.mark.parametrize(
    ("economics", "kind", "told"),
    [
        ({"baseline": "qal"}, RoleError, "did you mean 'qaly'"),
        ({"adjust": ["sexx", "qaly"]}, RoleError, "has 2 problems"),
        ({"adjust": ["cost_early"]}, RoleError, "outcome"),
        ({"cluster": "sx"}, RoleError, "did you mean 'sex'"),
        ({"impute": "mean"}, RoleError, "not a method for missing values"),
        ({"effect": "qalys"}, UnknownNameError, "did you mean 'qaly'"),
        ({"cost": "cots"}, UnknownNameError, "did you mean 'cost'"),
        ({"comparator": "c"}, UnknownNameError, "comparator 'c' is not known"),
        ({"adjusted": ["sex"]}, UnknownNameError, "did you mean 'adjust'"),
    ],
)
def test_columns_of_an_evaluation_that_cannot_be_used_are_refused_before_any_result(real, economics, kind, told):
    with pytest.raises(kind, match=told):
        plan(real, "economic-evaluation", economics={"wtp": [20_000], **economics})


def test_every_economic_margin_has_the_adjustment_that_is_declared(real):
    found = plan(real, "economic-evaluation", economics={"wtp": [20_000], "adjust": "sex", "cluster": None})
    economic = [margin for key, margin in found.margins.items() if key.startswith("economics.")]
    assert len(economic) > 5 and all(margin.settings["adjust"] == ("sex",) for margin in economic)
    assert found.economics["wtp"] == (20_000.0,) and found.economics["cluster"] is None
    assert "economics.balance" in found.decisive
    assert plan(real, "software-testing").economics == {}
