"""Decisions near a threshold: when a reversal is slight, how likely a resample reverses, how far curves are drawn."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from heorsynth.checks.core.finding import Finding
from heorsynth.checks.economics.decisions import hardly_differ
from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import margin_for
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.schema import Schema
from heorsynth.estimators.economics.increments import Increments

SCHEMA = Schema({}, arm="arm", arm_reference="usual", costs=("cost",), utilities=("qaly",))


def cohort(added: float, gained: float, spread: float) -> Cohort:
    """Three patients of each arm; costs of an arm lie at its mean and `spread` to either side."""
    step = np.array([-1.0, 0.0, 1.0])
    frame = pd.DataFrame({
        "arm": ["usual"] * 3 + ["new"] * 3, "cost": np.r_[100 + spread * step, 100 + added + spread * step],
        "qaly": [0.5] * 3 + [0.5 + gained] * 3,
    })  # fmt: skip
    return Cohort.derive(SCHEMA, frame, label=None)


def asked(key: str, real: Cohort, *synthetic: Cohort, wtp: float) -> Finding:
    margins = {key: margin_for(key, {"absolute": 0.1}, {"wtp": (wtp,)})}
    (found,) = registry.findings("economics", real, synthetic, margins, np.random.default_rng(1))
    return found


@pytest.mark.parametrize(("apart", "slight"), [(2.85, True), (2.87, False), (-2.85, True), (-2.87, False)])
def test_a_reversal_is_slight_up_to_half_a_standard_error_beyond_the_noise_of_synthesis(apart, slight) -> None:
    """Four cohorts with a standard deviation of 1, and t(3) at 99% is 4.541: a noise of 2.270; half of 1.18 is 0.59."""
    real = Increments(0.0, 0.0, np.array([[1.18**2, 0.0], [0.0, 0.0]]))
    away = np.array([-1.0, -1.0, 1.0, 1.0]) * np.sqrt(3) / 2
    drawn = [Increments(apart + one, 0.0, np.eye(2)) for one in away]
    assert hardly_differ(real, drawn, 0.0) is slight


def test_of_one_cohort_no_reversal_is_certain() -> None:
    assert hardly_differ(Increments(0.0, 0.0, np.eye(2)), [Increments(99.0, 0.0, np.eye(2))], 0.0)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_floor_is_the_chance_that_a_resample_of_the_patients_reverses_their_decision(sign: float) -> None:
    """The net benefit is one standard error above 0 or below: Φ(-1) either way."""
    error = math.sqrt(2 * 10.0**2 / 3)
    real = cohort(-sign * error, 0.0, 10.0)
    found = asked("economics.decision_agreement", real, real, wtp=100.0)
    assert found.floor == pytest.approx(0.158655, rel=1e-4)
    assert found.synthetic == 1.0


def test_acceptability_curves_are_compared_up_to_twice_the_largest_threshold() -> None:
    """A gain of 0.2 is worth 300 from 1,500 a QALY on, and worth 400 from 2,000 on: between them the curves differ."""
    real, drawn = cohort(300.0, 0.2, 1.0), cohort(400.0, 0.2, 1.0)
    beyond = asked("economics.ceac", real, drawn, wtp=1000.0)
    assert beyond.estimand == "largest distance of acceptability curves to 2,000 per QALY"
    assert beyond.difference == pytest.approx(1.0)
    within = asked("economics.ceac", real, drawn, wtp=700.0)
    assert within.difference == pytest.approx(0.0, abs=1e-9)
