"""Published points stand over the reconstructed curves; both numbers at risk stand in the table."""

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.core.errors import UnknownNameError

CURVE = pd.DataFrame({"arm": "a", "time": [1.0, 1.0, 2.0, 2.0, 3.0], "survival": [1.0, 0.8, 0.8, 0.6, 0.6]})
RISK = pd.DataFrame({"arm": "a", "time": [0, 2], "at_risk": [5, 4]})
COHORTS = hs.published.reconstruct(CURVE, RISK, m=3)


def test_points_and_numbers_at_risk_are_those_published() -> None:
    picture = hs.figures.published_curves(CURVE, COHORTS, at_risk=RISK)
    _, frame = picture
    assert list(frame["published"]) == list(CURVE["survival"])
    assert np.abs(frame["difference"]).max() < 0.07  # the three reconstructions have the second step at other times
    table = picture.tables["at_risk"]
    assert table[["published", "reconstructed"]].to_numpy().tolist() == [[5, 5], [4, 4]]
    assert "numbers at risk differ by at most 0" in picture.alt
    assert picture.png()[1:4] == b"PNG"


def test_a_point_off_the_curve_is_seen_in_the_differences() -> None:
    moved = CURVE.assign(survival=[1.0, 0.8, 0.8, 0.6, 0.5])
    frame = hs.figures.published_curves(moved, COHORTS, at_risk=RISK).frame
    assert frame["difference"].iloc[-1] == pytest.approx(-0.1, abs=0.005)


def test_percent_is_drawn_as_a_share_and_a_figure_needs_no_numbers_at_risk() -> None:
    picture = hs.figures.published_curves(CURVE.assign(survival=100 * CURVE["survival"]), COHORTS)
    assert picture.frame["published"].max() == 1
    assert picture.tables["at_risk"]["published"].isna().all()
    assert "shows no numbers at risk" in picture.caption


def test_arms_without_patients_are_refused() -> None:
    with pytest.raises(hs.HeorsynthError, match="no published arm has patients"):
        hs.figures.published_curves(CURVE.assign(arm="b"), COHORTS)


def test_an_unknown_endpoint_is_named() -> None:
    with pytest.raises(UnknownNameError, match="did you mean"):
        hs.figures.published_curves(CURVE, COHORTS, "oss")
