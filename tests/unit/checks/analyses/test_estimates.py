"""The same analysis runs on patients and cohorts; missing values and units are as stated."""

import numpy as np
import pandas as pd

import heorsynth as hs
from heorsynth.checks.analyses.analysis import Analysis
from heorsynth.checks.analyses.estimates import estimates_of, spans, unit_of

PBC = hs.datasets.load("pbc")


def test_rows_with_a_missing_value_are_left_out() -> None:
    found = estimates_of(Analysis("a", model="ols", formula="bili ~ chol"), PBC, [PBC])
    known = PBC.frame.dropna(subset=["bili", "chol"])
    slope = np.polyfit(known["chol"], known["bili"], 1)[0]
    assert not isinstance(found.real, str)
    np.testing.assert_allclose(found.real["chol"].value, slope)
    assert found.synthetic[0]["chol"] == found.real["chol"]


def test_rmst_has_a_horizon_and_a_unit_of_time() -> None:
    found = estimates_of(Analysis("a", model="rmst", formula="os ~ trt", horizon=1000), PBC, [PBC])
    assert (unit_of(found, PBC), spans(found, PBC)) == ("day", " to 1,000 day")


def test_an_analysis_that_fails_has_a_reason_and_no_names() -> None:
    text = hs.Cohort(
        pd.DataFrame({"time": range(1, 31), "event": 1, "age": np.arange(30.0) % 7, "g": ["x", "y", "z"] * 10}),
        endpoints={"os": ("time", "event")},
    )
    found = estimates_of(Analysis("a", model="ols", formula="g ~ age"), text, [text])
    assert found.real == "the outcome 'g' is not a number: code it as 0 and 1"


def test_an_analysis_needs_five_complete_rows_more_than_it_has_terms() -> None:
    rng = np.random.default_rng(1)
    for rows, enough in ((7, True), (6, False)):
        frame = pd.DataFrame(
            {"time": rng.exponential(1, 20), "event": 1, "x": rng.normal(size=20), "y": rng.normal(size=20)}
        )
        frame.loc[rows:, "x"] = np.nan
        few = hs.Cohort(frame, endpoints={"os": ("time", "event")})
        found = estimates_of(Analysis("a", model="ols", formula="y ~ x"), few, [few])
        assert isinstance(found.real, str) != enough
        if not enough:
            assert found.real == "too few complete rows for so many terms"
