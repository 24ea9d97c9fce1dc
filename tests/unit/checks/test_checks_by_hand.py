"""The checks on cohorts so small that the answer is counted by hand, and what they say where there is none."""

import numpy as np
import pandas as pd
import pytest

from heorsynth.checks.core.distance import Gaps, largest
from heorsynth.checks.core.finding import FAIL, INCONCLUSIVE, NOT_ESTIMABLE, PASS
from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import ESTIMANDS, margin_for
from heorsynth.checks.planning.plan import plan
from heorsynth.checks.planning.purposes import PURPOSES
from heorsynth.checks.structure.designs import correlations
from heorsynth.core.errors import MarginError, RoleError, UnknownNameError
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.costs.costs import wasserstein1

ANY = {"absolute": 0.1}


def frame(n=40, women=10, **changes):
    rows = pd.DataFrame({
        "time": np.linspace(1, 10, n), "event": [1, 0] * (n // 2), "arm": ["a", "a", "b", "b"] * (n // 4),
        "sex": ["f"] * women + ["m"] * (n - women), "cost": np.linspace(0, 390, n), "qaly": np.linspace(0.5, 1, n),
    })  # fmt: skip
    return rows.assign(**changes)


def cohort(rows=None, **roles):
    declared = {"endpoints": {"os": ("time", "event")}, "arm": "arm", "costs": "cost", "utilities": "qaly",
                "subgroups": "sex", "currency": "EUR"} | roles  # fmt: skip
    return Cohort(frame() if rows is None else rows, **declared)


def drawn(real, *frames):
    return [Cohort.derive(real.schema, rows, label=None) for rows in frames]


def ask(key, real, synthetic, declared=None, **chosen):
    margin = margin_for(key, declared or {ESTIMANDS[key].scales[0]: 0.1}, chosen)
    return registry.findings(key.split(".", maxsplit=1)[0], real, synthetic, {key: margin}, np.random.default_rng(1))


def test_every_estimand_belongs_to_a_registered_check():
    assert {key for name in registry.names() for key in registry.estimands_of(name)} == set(ESTIMANDS)


def test_the_mean_cost_of_each_group_is_the_mean_of_its_rows():
    real = cohort()
    found = {f.group: f for f in ask("costs.mean", real, drawn(real, frame(cost=frame()["cost"] + 10)))}
    assert set(found) == {"all", "arm=a", "arm=b", "sex=f", "sex=m"}
    assert (found["all"].real, found["all"].synthetic) == pytest.approx((195.0, 205.0))
    assert found["sex=f"].real == pytest.approx(45.0)
    assert [found[group].decisive for group in ("all", "arm=a", "sex=f")] == [True, True, False]


def test_a_relative_margin_of_a_difference_is_a_share_of_the_reference_mean():
    real = cohort()
    found, *_ = ask("costs.difference", real, drawn(real, frame()), {"relative": 0.2})
    usual = frame().query("arm == 'a'")["cost"].mean()
    assert found.scale == "absolute" and found.margin == pytest.approx(0.2 * usual)
    assert found.real == pytest.approx(frame().query("arm == 'b'")["cost"].mean() - usual)


def test_net_benefit_is_the_threshold_times_qaly_less_cost():
    real = cohort()
    found = ask("economics.inmb", real, drawn(real, frame()), {"relative": 0.1}, wtp=(1000.0, 2000.0))
    rows = frame().assign(nb=lambda r: 1000 * r["qaly"] - r["cost"]).groupby("arm")["nb"].mean()
    assert found[0].real == pytest.approx(rows["b"] - rows["a"])
    assert [finding.margin for finding in found if finding.kind == "all"] == [100.0, 200.0]


def test_a_missing_cost_leaves_the_patient_out_of_the_economic_evaluation():
    rows = frame()
    rows.loc[3, "cost"] = np.nan
    real = cohort(rows)
    (found,) = ask("economics.incremental_qaly", real, drawn(real, rows))
    known = rows.dropna(subset=["cost"]).groupby("arm")["qaly"].mean()
    assert found.real == pytest.approx(known["b"] - known["a"])


def test_without_a_threshold_the_net_benefit_is_not_estimable_and_says_what_to_give():
    real = cohort()
    (found,) = ask("economics.inmb", real, drawn(real, frame()))
    assert found.verdict == NOT_ESTIMABLE and "wtp" in found.because


def test_a_horizon_past_follow_up_is_not_estimable_and_never_nan_in_a_verdict():
    real = cohort()
    for key in ("survival.rmst", "survival.km_gap"):
        declared = {ESTIMANDS[key].scales[0]: 0.1, "horizon": 50.0}
        assert {f.verdict for f in ask(key, real, drawn(real, frame()), declared)} == {NOT_ESTIMABLE}


def test_a_horizon_only_the_synthetic_cohorts_miss_names_them():
    real = cohort()
    short = frame(time=np.linspace(1, 5, 40))
    found = ask("survival.rmst", real, drawn(real, frame(), short), {"relative": 0.1, "horizon": 8.0})
    assert found[0].verdict == NOT_ESTIMABLE and "1 of 2 synthetic cohorts" in found[0].because


def test_a_level_without_events_is_not_estimable_for_the_level_only():
    real = cohort(frame(event=[0] * 10 + [1] * 30))
    found = {f.group: f.verdict for f in ask("survival.km_gap", real, drawn(real, frame()), ANY)}
    assert found["sex=f"] == NOT_ESTIMABLE and found["all"] != NOT_ESTIMABLE


def test_a_level_that_the_synthetic_cohorts_lost_is_not_estimable_for_its_outcomes():
    real = cohort()
    lost = frame(sex="m")
    found = {f.group: f for f in ask("costs.mean", real, drawn(real, lost))}
    assert found["sex=f"].verdict == NOT_ESTIMABLE and "0 patients" in found["sex=f"].because


def test_a_lost_level_fails_retention_and_is_far_outside_representation():
    real = cohort()
    lost = drawn(real, frame(sex="m"), frame(sex="m"))
    retained = {f.estimand: f for f in ask("subgroups.retention", real, lost, {"absolute": 0.5})}
    assert retained["levels of sex lost or invented"].verdict == FAIL
    assert retained["levels of arm lost or invented"].verdict == PASS
    shares = {f.group: f for f in ask("subgroups.representation", real, lost, {"ratio": [0.8, 1.25]})}
    assert shares["sex=f"].verdict == FAIL


def of_sex(real, synthetic):
    """The finding on the levels of sex."""
    found = ask("subgroups.retention", real, synthetic, {"absolute": 0.5})
    return next(one for one in found if one.column == "sex")


def test_a_level_that_chance_alone_could_miss_is_inconclusive():
    real = cohort(frame(women=2))
    assert of_sex(real, drawn(real, frame(sex="m"))).verdict == INCONCLUSIVE
    assert of_sex(real, drawn(real, *[frame(sex="m")] * 40)).verdict == FAIL
    assert of_sex(real, drawn(real, frame(sex="m"), frame(women=2))).verdict == PASS


def test_the_share_of_a_level_that_two_patients_have_is_not_shown():
    real = cohort(frame(women=2))
    shares = {f.group: f for f in ask("subgroups.representation", real, drawn(real, frame()), {"ratio": [0.8, 1.25]})}
    rare = shares["sex=rare level 1"]
    assert rare.verdict == NOT_ESTIMABLE and np.isnan(rare.real) and "sex=f" not in shares
    assert shares["sex=m"].real == pytest.approx(0.95)


def test_the_bound_of_a_level_s_share_and_its_absence_share_the_chance_of_a_false_alarm():
    """8 of 40: absent from one cohort by chance 2.2% at most if the bound is right in 97.5%, 3.6% if in 98.75%."""
    real = cohort(frame(women=8))
    assert of_sex(real, drawn(real, frame(sex="m"))).verdict == INCONCLUSIVE


def test_one_invented_row_fails_retention():
    real = cohort()
    found = of_sex(real, drawn(real, frame(sex=["x"] + ["f"] * 9 + ["m"] * 30)))
    assert found.verdict == FAIL and "1 invented" in found.because


def test_identical_cohorts_are_at_no_distance():
    real = cohort()
    found = ask("structure.marginals", real, drawn(real, frame(), frame()), ANY)
    assert {finding.difference for finding in found} == {0.0}
    assert {finding.lower for finding in found} == {0.0}


def test_kolmogorov_smirnov_of_two_disjoint_columns_is_one():
    real = cohort()
    apart = frame(qaly=np.linspace(2, 3, 40))
    for copies, verdict in (([apart], INCONCLUSIVE), ([apart, apart], FAIL)):
        found = ask("structure.marginals", real, drawn(real, *copies), ANY)
        distance = next(finding for finding in found if "qaly" in finding.estimand)
        assert distance.difference == pytest.approx(1.0)
        assert distance.verdict == verdict, "one cohort has no interval; two that are equal have one of width 0"


def with_drug(taking: int, other: str = "yes") -> pd.DataFrame:
    """Forty patients of whom some take a drug; `other` is how that is written."""
    return frame().assign(
        drug=[other] * taking + ["no"] * (40 - taking), dose=np.repeat([2.0, 0.0], [taking, 40 - taking])
    )


def of_column(name: str, *copies: pd.DataFrame, patients: int = 3):
    real = Cohort.derive(cohort().schema, with_drug(patients), label=None)
    found = ask("structure.marginals", real, drawn(real, *copies), {"absolute": 0.15})
    return next(finding for finding in found if finding.column == name)


@pytest.mark.parametrize("name", ["drug", "dose"])
def test_a_column_of_which_one_value_is_left_fails_however_few_patients_have_another(name: str) -> None:
    """Three of forty patients: the distance of the shares is 0.075, half the margin."""
    one = of_column(name, *[with_drug(0)] * 2)
    assert (one.verdict, one.difference, one.lower) == (FAIL, 1.0, 1.0)
    assert "nothing of this column is left" in one.because
    assert of_column(name, with_drug(0), with_drug(1)).verdict != FAIL, "some cohort has another value"
    assert of_column(name, *[with_drug(0)] * 2, patients=1).verdict != FAIL, "two rows are expected: it may be chance"
    assert of_column(name, *[with_drug(0)] * 2, patients=0).verdict == PASS, "the patients do not vary either"


def test_the_level_of_a_binary_column_that_is_pooled_is_shown() -> None:
    one = of_column("drug", *[with_drug(3, "other (pooled)")] * 2)
    assert one.verdict == PASS
    assert "too few patients have its other level: it is written as 'other (pooled)'" in one.remark


def test_correlations_agree_with_pandas_pairwise_and_are_nan_without_variation():
    rng = np.random.default_rng(3)
    design = rng.normal(size=(50, 4))
    design[rng.random((50, 4)) < 0.2] = np.nan
    design[:, 3] = 7.0
    expected = pd.DataFrame(design).corr().to_numpy()
    np.testing.assert_allclose(correlations(design)[:3, :3], expected[:3, :3], atol=1e-12)
    assert np.isnan(correlations(design)[3, :3]).all()


def test_the_hazard_ratio_solves_the_score_equation_written_out():
    """Deaths of treated, other, other, treated at 1, 2, 4, 5; one treated censored at 3."""
    rows = pd.DataFrame({"time": [1.0, 2.0, 3.0, 4.0, 5.0], "event": [1, 1, 0, 1, 1], "arm": list("babab")})
    real = cohort(rows, costs=None, utilities=None, subgroups=None, currency=None)
    (found,) = ask("survival.hazard_ratio", real, drawn(real, rows), {"ratio": [0.8, 1.25]})
    assert found.synthetic == pytest.approx(found.real)
    ratio = found.real
    shares = [3 * ratio / (3 * ratio + 2), 2 * ratio / (2 * ratio + 2), ratio / (ratio + 1), 1.0]
    assert sum(shares) == pytest.approx(2.0, abs=1e-8)


def test_an_arm_without_events_has_no_hazard_ratio():
    real = cohort()
    spared = frame(event=[1, 0, 0, 0] * 10)
    found, *_ = ask("survival.hazard_ratio", real, drawn(real, spared), {"ratio": [0.8, 1.25]})
    assert found.verdict == NOT_ESTIMABLE and "1 of 1 synthetic cohorts" in found.because


def test_a_point_that_cannot_vary_does_not_widen_the_interval_of_a_distance():
    """At the largest value the distribution function is 1 in every draw, up to rounding."""
    noise = np.column_stack([np.random.default_rng(1).normal(0, 0.02, 400), np.zeros(400)])
    noise[:40, 1] = 1e-16
    each = np.array([[0.28, 0.0], [0.32, 0.0]])
    alone, beside = (largest(Gaps(each[:, :k], noise[:, :k], noise[:, :k])) for k in (1, 2))
    assert alone.upper == pytest.approx(0.3 + 1.645 * 0.02, abs=0.004)
    joint = 12.706 / 6.314 * 1.645  # t(0.975) over the t(0.95)/z that the noise of two cohorts holds already
    assert alone.lower == pytest.approx(0.3 - joint * 0.02, abs=0.008)
    assert (beside.difference, beside.lower, beside.upper) == pytest.approx(
        (alone.difference, alone.lower, alone.upper)
    )


def test_a_purpose_does_not_ask_for_costs_of_a_cohort_without_any_and_says_so():
    asked = plan(cohort(costs=None, utilities=None, currency=None), "economic-evaluation")
    assert not any(key.startswith(("costs", "utilities", "economics")) for key in asked.margins)
    assert any("declares no costs: mean cost, " in note for note in asked.notes)


def test_a_margin_for_a_role_the_cohort_lacks_is_refused():
    with pytest.raises(MarginError, match="no costs"):
        plan(cohort(costs=None, currency=None), "teaching", {"costs.mean": {"relative": 0.1}})


def test_an_added_margin_is_decisive_and_keeps_its_settings():
    asked = plan(cohort(), "teaching", {"survival.rmst": {"relative": 0.02, "horizon": 5.0}})
    assert "survival.rmst" in asked.decisive
    assert asked.margins["survival.rmst"].settings["horizon"] == 5.0


@pytest.mark.parametrize("wtp", [0, -1, "20000", [], [float("inf")], True])
def test_a_threshold_that_is_no_positive_number_is_refused(wtp):
    with pytest.raises(RoleError, match="thresholds"):
        plan(cohort(), "economic-evaluation", economics={"wtp": wtp})


def test_mistyped_names_are_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="'economic-evaluation'"):
        plan(cohort(), "economic evaluation")
    with pytest.raises(UnknownNameError, match="'comparator'"):
        plan(cohort(), "teaching", economics={"compartor": "a"})
    with pytest.raises(UnknownNameError, match="comparator 'c'"):
        ask("economics.incremental_cost", cohort(), drawn(cohort(), frame()), comparator="c")


@pytest.mark.parametrize("purpose", PURPOSES.values(), ids=lambda purpose: purpose.name)
def test_every_margin_of_a_purpose_is_valid_and_gives_its_reason(purpose):
    assert purpose.question.endswith("?") and purpose.decisive
    for asked in (*purpose.decisive, *purpose.supporting):
        assert margin_for(asked.key, {**asked.margin, "reason": asked.reason}).reason
    keys = [asked.key for asked in (*purpose.decisive, *purpose.supporting)]
    assert len(keys) == len(set(keys))
    assert "subgroups.retention" in {asked.key for asked in purpose.decisive}


def test_a_tail_cut_at_p99_is_seen_whole_by_the_distance_of_costs():
    rng = np.random.default_rng(1)
    spent = rng.lognormal(8, 1.8, 20_000)
    rows = pd.DataFrame({"time": rng.uniform(1, 5, 20_000), "event": rng.integers(0, 2, 20_000), "cost": spent})
    real = Cohort(rows, endpoints={"os": ("time", "event")}, costs="cost", currency="EUR")
    margin = {"costs.wasserstein": margin_for("costs.wasserstein", {"absolute": 0.20})}
    cut = rows.assign(cost=np.minimum(spent, np.quantile(spent, 0.99)))
    found = registry.findings("costs", real, drawn(real, cut), margin, np.random.default_rng(1))[0]
    exact = wasserstein1(spent, cut["cost"].to_numpy()) / spent.mean()
    on_a_grid = np.abs(np.diff(np.quantile([spent, cut["cost"]], (np.arange(200) + 0.5) / 200, axis=1), axis=1)).mean()
    assert on_a_grid / spent.mean() < 0.7 * exact, "what 200 quantiles would see"
    assert found.difference == pytest.approx(exact, rel=1e-6)
