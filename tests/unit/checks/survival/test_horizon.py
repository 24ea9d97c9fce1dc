"""The horizon of a survival estimand: declared, or a rounded time that is nobody's own."""

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.survival.horizon import competing, default_horizon, horizon_of, outcome, spans


@pytest.fixture(scope="module")
def cohort() -> hs.Cohort:
    """Followed for 10, 20, .. 200 days: the 80th percentile (R's type 7) is 162."""
    frame = pd.DataFrame({"t": np.arange(10.0, 210.0, 10.0), "e": [0, 1, 2, 1] * 5, "x": range(20)})
    return hs.Cohort(frame, endpoints={"os": ("t", "e")}, unit="day")


def test_the_default_horizon_is_the_80th_percentile_rounded_down_to_two_figures(cohort: hs.Cohort) -> None:
    assert default_horizon(cohort, "os") == pytest.approx(160.0)


def test_a_declared_horizon_is_taken(cohort: hs.Cohort) -> None:
    assert horizon_of(cohort, "os", Margin(0.05, "relative", {"horizon": 90})) == 90.0
    assert horizon_of(cohort, "os", Margin(0.05, "relative")) == default_horizon(cohort, "os")


def test_only_cause_1_is_the_event_and_a_second_cause_competes(cohort: hs.Cohort) -> None:
    time, event, entry = outcome(cohort, "os")
    assert time[:4].tolist() == [10, 20, 30, 40] and event[:4].tolist() == [False, True, False, True]
    assert entry is None and competing(cohort, "os")


def test_a_label_tells_endpoint_horizon_and_unit(cohort: hs.Cohort) -> None:
    assert spans(cohort, "os", 1600.0) == "of os to 1,600 day"
