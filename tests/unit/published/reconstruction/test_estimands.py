"""Estimands of a cohort of four patients by hand."""

import math

import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.data.columns.schema import schema_of
from heorsynth.published.reconstruction.estimands import estimates


def test_estimands_by_hand() -> None:
    frame = pd.DataFrame({"time": [1.0, 2.0, 3.0, 4.0] * 2, "event": [1, 1, 1, 0] * 2, "arm": ["a"] * 4 + ["b"] * 4})
    schema = schema_of(endpoints={"os": ("time", "event")}, arm="arm", arm_reference="a")
    found = estimates(hs.Cohort.derive(schema, frame, label=None), horizon=4.0, at=2.5)
    assert found["hazard_ratio", "b"][0] == pytest.approx(0.0, abs=1e-12)
    assert found["rmst", "a"][0] == pytest.approx(1 + 0.75 + 0.5 + 0.25) and found["landmark", "b"][0] == 0.5
    assert found["median", "a"][0] == pytest.approx(2.5)  # the curve is one half from 2 to 3
    assert math.isnan(estimates(hs.Cohort.derive(schema, frame, label=None), horizon=9.0)["rmst", "a"][0])
