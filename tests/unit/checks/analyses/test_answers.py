"""Declared analyses become findings, decisive unless they say otherwise; a failure is a finding too."""

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.checks.analyses import answers, check
from heorsynth.checks.analyses.analysis import Analysis
from heorsynth.checks.analyses.estimands import DECISION, ESTIMATE, OF_ANALYSES, OVERLAP
from heorsynth.checks.analyses.models import Coefficient
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.question import Scope
from heorsynth.checks.planning.plan import plan


def trial(seed: int, effect: float = 1.0, n: int = 200) -> hs.Cohort:
    rng = np.random.default_rng(seed)
    x = np.tile([0.0, 1.0], n // 2)
    frame = pd.DataFrame({"time": rng.exponential(5, n), "event": 1, "x": x, "y": effect * x + rng.normal(size=n)})
    return hs.Cohort(frame.assign(z=(frame["y"] > 0.5).astype(int)), endpoints={"os": ("time", "event")})


REAL = trial(0)
OLS = Analysis("main", model="ols", formula="y ~ x")


def findings(analysis: Analysis, synthetic: list[hs.Cohort], real: hs.Cohort = REAL) -> dict[str, hs.Estimate]:
    planned = plan(real, "teaching", analyses=[analysis])
    asked = tuple((one, planned.margins[one.key]) for one in OF_ANALYSES)
    scope = Scope(real, synthetic, asked, np.random.default_rng(1), standing=planned.standing())
    return {one.key: one for one in check.check(scope)}


def test_a_copy_of_the_patients_agrees_and_a_copy_without_the_effect_does_not() -> None:
    same = findings(OLS, [REAL] * 20)
    assert same[ESTIMATE.key].difference == pytest.approx(0) and same[DECISION.key].verdict == "pass"
    assert same[ESTIMATE.key].decisive and same[DECISION.key].decisive and not same[OVERLAP.key].decisive
    lost = findings(OLS, [trial(seed, effect=0.0) for seed in range(1, 21)])
    assert lost[ESTIMATE.key].verdict == lost[DECISION.key].verdict == "fail"
    assert "0 of 20 cohorts alone" in lost[DECISION.key].because


def test_a_decision_on_the_edge_of_significance_can_be_kept_and_its_loss_does_not_fail() -> None:
    from_one = findings(OLS, [REAL] * 2)[ESTIMATE.key]
    error = (from_one.real_upper - from_one.real_lower) / 2 / 1.645
    edge = trial(0, effect=1.0 - from_one.real + 2.3 * error)  # 2.3 standard errors, and one less is not significant
    kept = findings(OLS, [edge] * 20, edge)[DECISION.key]
    assert kept.verdict == "pass" and "would change the decision" not in kept.because
    lost = findings(OLS, [trial(seed, effect=0.0) for seed in range(1, 21)], edge)[DECISION.key]
    assert lost.verdict == "inconclusive" and "would change the decision" in lost.because


def test_a_supporting_analysis_does_not_decide() -> None:
    found = findings(Analysis("main", model="ols", formula="y ~ x", decisive=False), [REAL] * 3)
    assert not any(one.decisive for one in found.values())


def test_the_margin_counts_standard_errors_or_is_in_the_unit_or_the_narrower_of_both() -> None:
    real, one = Coefficient(3.0, 2.0), Margin("absolute", 1.0)

    def width(**given: float) -> float:
        margin = answers.width_of(Analysis("a", model="ols", formula="y ~ x", **given), real, one)
        assert isinstance(margin, Margin)
        return margin.width

    assert (width(), width(margin=5.0), width(margin_se=0.5), width(margin=5.0, margin_se=0.5)) == (2.0, 5.0, 1.0, 1.0)


def test_a_separated_cohort_is_a_finding_and_not_an_exception() -> None:
    frame = REAL.frame.assign(z=REAL.frame["x"].astype(int))
    separated = hs.Cohort(frame, endpoints={"os": ("time", "event")})
    found = findings(Analysis("z", model="logit", formula="z ~ x"), [REAL, separated])
    assert {one.verdict for one in found.values()} == {"not estimable"}
    assert "in 1 of 2 synthetic cohorts" in found[ESTIMATE.key].because


def test_other_names_rows_and_a_missing_error_in_a_cohort_are_findings() -> None:
    def other_names(frame: pd.DataFrame) -> dict[str, tuple[float, float]]:
        return {("real" if frame.equals(REAL.frame_without_its_label()) else "mean"): (1.0, 1.0)}

    def rows(frame: pd.DataFrame) -> dict[str, tuple[float, float]]:
        return {f"row {place}": (value, 1.0) for place, value in enumerate(frame["y"])}

    def no_error(frame: pd.DataFrame) -> dict[str, tuple[float, float]]:
        return {"mean": (1.0, 0.0)}

    for function, reason in [(other_names, "another set of names"), (rows, "may be their rows"),
                             (no_error, "no standard error")]:  # fmt: skip
        found = findings(Analysis("f", call=function), [trial(1), trial(2)])
        assert {one.verdict for one in found.values()} == {"not estimable"}
        assert reason in found[ESTIMATE.key].because


def test_one_cohort_leaves_the_decision_open() -> None:
    assert findings(OLS, [REAL])[DECISION.key].verdict == "not estimable"


def test_validate_rests_its_verdict_on_a_declared_analysis() -> None:
    copies = [trial(seed, effect=0.0) for seed in range(1, 6)]
    evidence = hs.validate(REAL, copies, purpose="teaching", analyses=[OLS])
    assert {one.key for one in evidence.decisive} >= {ESTIMATE.key, DECISION.key}
    assert OVERLAP.key in {one.key for one in evidence.findings} - {one.key for one in evidence.decisive}
