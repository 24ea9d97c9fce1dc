"""Characteristics of patients: means and shares in standard deviations, by hand."""

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import margin_for
from heorsynth.checks.structure.characteristics import spread_of_share


def cohort(shift: float = 0.0, females: int = 20) -> hs.Cohort:
    age = np.linspace(40, 80, 40) + shift
    sex = np.repeat(["f", "m"], [females, 40 - females])
    frame = pd.DataFrame({"time": np.arange(1, 41), "event": [1, 0] * 20, "age": age, "sex": sex})
    return hs.Cohort(frame, endpoints={"os": ("time", "event")}, subgroups=["sex"])


def found(*drawn: hs.Cohort):
    margins = {"structure.characteristics": margin_for("structure.characteristics", {"absolute": 0.1})}
    findings = registry.findings("structure", cohort(), list(drawn), margins, np.random.default_rng(1))
    return {one.estimand: one for one in findings}


def test_a_mean_is_compared_in_standard_deviations() -> None:
    sd = float(np.std(np.linspace(40, 80, 40), ddof=1))
    one = found(cohort(0.5 * sd), cohort(0.5 * sd))["mean of age"]
    assert one.difference == pytest.approx(0.5) and one.verdict == "fail"


def test_a_share_of_one_of_two_levels_is_compared_in_its_standard_deviation() -> None:
    named = found(cohort(females=24), cohort(females=24))
    assert [name for name in named if name.startswith("share")] == ["share of sex=m"]
    assert named["share of sex=m"].difference == pytest.approx(-0.1 / 0.5)


def test_equal_cohorts_pass() -> None:
    assert {one.verdict for one in found(cohort(), cohort()).values()} == {"pass"}


def test_a_share_of_nobody_has_the_spread_one() -> None:
    assert spread_of_share(0.0) == 1.0 and spread_of_share(0.2) == pytest.approx(0.4)
