"""Which findings the checks of visits give, by hand on few rows, and when they are planned."""

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.checks.core.finding import Finding
from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import ESTIMANDS, margin_for
from heorsynth.checks.planning.plan import plan
from heorsynth.core.errors import MarginError
from heorsynth.data.cohort.cohort import Cohort

TRIAL, _ = hs.datasets.simulated_trial(120, seed=1, visits=hs.datasets.VisitTruth())


def found(real: Cohort, synthetic: list[Cohort], key: str, **margin: object) -> list[Finding]:
    margins = {key: margin_for(key, {**ESTIMANDS[key].margin, **margin})}
    return registry.findings("visits", real, synthetic, margins, np.random.default_rng(1))


def small(gain: float = 0.0) -> Cohort:
    """Twelve patients in two arms, each with two visits, of whom two leave; no covariates."""
    rng = np.random.default_rng(2)
    first = rng.uniform(0.4, 0.9, 12)
    last = first + rng.normal(0, 0.05, 12) + gain
    last[[0, 1]] = np.nan
    frame = pd.DataFrame({"arm": ["a", "b"] * 6, "u0": first, "u1": last, "time": 2.0, "event": [1, 0] * 6})
    return Cohort(
        frame, endpoints={"os": ("time", "event")}, arm="arm", arm_reference="a", unit="year",
        visits={"eq5d": {0: "u0", 1: "u1"}}, derived={"qaly": {"area": "eq5d"}}, utilities=["qaly"],
    )  # fmt: skip


def test_a_profile_has_a_finding_for_each_visit_in_all_and_in_each_arm() -> None:
    one, other = small(), small(0.1)
    results = found(one, [other, other], "visits.mean_profile")
    assert [(finding.group, finding.estimand) for finding in results[:3]] == [
        ("all", "mean of eq5d at 0 year"),
        ("all", "mean of eq5d at 1 year"),
        ("arm=a", "mean of eq5d at 0 year"),
    ]
    assert len(results) == 6
    assert results[1].synthetic - results[1].real == pytest.approx(0.1)
    assert results[1].n_real == 10 and results[1].column == "eq5d"


def test_dropout_is_the_largest_gap_between_two_curves() -> None:
    one = small()
    whole = Cohort.derive(one.schema, one.frame.assign(u1=lambda rows: rows["u1"].fillna(0.5)), label=None)
    (everyone, *arms) = found(one, [whole, whole], "visits.dropout")
    assert everyone.difference == pytest.approx(2 / 12)
    assert [arm.group for arm in arms] == ["arm=a", "arm=b"]


def test_the_area_is_judged_for_each_derived_column() -> None:
    results = found(TRIAL, [TRIAL, TRIAL], "visits.area")
    assert [finding.estimand for finding in results if finding.group == "all"] == [
        "mean qaly from the visits of eq5d",
        "mean total from the visits of cost",
    ]
    assert results[0].unit == "QALY" and {finding.verdict for finding in results} == {"pass"}


def test_a_change_has_a_margin_in_standard_deviations_at_baseline() -> None:
    results = found(TRIAL, [TRIAL, TRIAL], "visits.change_from_baseline")
    assert [finding.group for finding in results] == ["arm=intensive vs usual", "arm=new vs usual"]
    baseline = TRIAL.frame["eq5d_0m"]
    effect = abs(results[0].real) * (1 - 1e-6)
    assert results[0].margin in (pytest.approx(0.2 * baseline.std()), pytest.approx(effect))
    assert results[0].column == "eq5d"


def test_a_margin_may_name_one_measure_and_an_unknown_one_is_refused() -> None:
    assert {one.column for one in found(TRIAL, [TRIAL, TRIAL], "visits.dropout", measure="cost")} == {"cost"}
    with pytest.raises(MarginError, match="eq5d"):
        plan(TRIAL, "economic-evaluation", {"visits.dropout": {"absolute": 0.05, "measure": "eq5"}})


def test_visits_decide_for_an_economic_evaluation_and_are_not_planned_without_visits() -> None:
    with_visits = plan(TRIAL, "economic-evaluation")
    assert {"visits.area", "visits.mean_profile", "visits.dropout", "visits.correlation"} <= with_visits.decisive
    assert "visits.change_from_baseline" in with_visits.margins
    without = plan(hs.datasets.simulated_trial(100, seed=1)[0], "economic-evaluation")
    assert not [key for key in without.margins if key.startswith("visits.")]
    assert not [note for note in without.notes if "visit" in note]


def test_few_patients_at_a_visit_are_not_shown() -> None:
    one = small()
    rows = one.frame.assign(u1=one.frame["u1"].where(np.arange(12) > 8))
    few = Cohort.derive(one.schema, rows, label=None)
    refused = [
        finding for finding in found(few, [one, one], "visits.mean_profile") if finding.verdict == "not estimable"
    ]
    assert len(refused) == 3 and "too few" in refused[0].because


def test_synthetic_rows_without_the_visits_are_not_estimable() -> None:
    one = small()
    less = Cohort.derive(one.schema, one.frame.drop(columns="u1"), label=None)
    for key in ("visits.mean_profile", "visits.dropout", "visits.correlation", "visits.area"):
        assert {finding.verdict for finding in found(one, [less, less], key)} == {"not estimable"}
