"""Frames of a figure are mended within the clicking error; beyond it, every problem is told with its fix."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from heorsynth.core.errors import CurveError
from heorsynth.published.reconstruction.cleaning import PercentSurvival, arms_of

STEPS = 1 - np.arange(11) / 20
CURVE = pd.DataFrame({
    "arm": "new",
    "time": np.repeat(np.arange(1.0, 11.0), 2),
    "survival": np.ravel(np.column_stack([STEPS[:-1], STEPS[1:]])),
})  # fmt: skip
BOTH = pd.concat([CURVE, CURVE.assign(arm="old")], ignore_index=True)
AT_RISK = pd.DataFrame({"arm": ["new", "new", "old", "old"], "time": [0, 5, 0, 5], "at_risk": [100, 80, 100, 79]})
TOTALS = pd.DataFrame({"arm": ["new", "old"], "n": 100, "events": [50, 50]})


def test_arms_have_the_curve_the_numbers_at_risk_and_the_events() -> None:
    first, second = arms_of(BOTH, AT_RISK, TOTALS)
    assert (first.name, first.n, first.events, first.end, first.ends_at_zero) == ("new", 100, 50, 10.0, False)
    assert second.at_risk.tolist() == [100, 79] and first.curve.time[0] == 0 and first.curve.level[0] == 1


def test_totals_give_the_patients_at_time_0() -> None:
    (arm,) = arms_of(CURVE, None, TOTALS[:1].drop(columns="events"))
    assert arm.at_risk.tolist() == [100] and arm.events is None


def test_percent_is_recognised_and_told() -> None:
    with pytest.warns(PercentSurvival, match="the largest survival is 100: read as percent"):
        (arm,) = arms_of(CURVE.assign(survival=CURVE["survival"] * 100), AT_RISK[:2])
    assert arm.curve.level[-1] == pytest.approx(0.5)


def test_unsorted_rows_duplicated_times_and_noise_are_mended() -> None:
    noisy = CURVE.assign(survival=CURVE["survival"] + np.random.default_rng(1).normal(0, 0.00125, 20)).sample(
        frac=1, random_state=1
    )
    (arm,) = arms_of(pd.concat([noisy, noisy[:3]]), AT_RISK[:2])
    assert (np.diff(arm.curve.level) <= 0).all()


def test_the_frames_are_not_changed() -> None:
    before = BOTH.copy(), AT_RISK.copy(), TOTALS.copy()
    arms_of(BOTH, AT_RISK, TOTALS)
    for one, same in zip((BOTH, AT_RISK, TOTALS), before, strict=True):
        pd.testing.assert_frame_equal(one, same)


def change(column: str, row: int, value: float) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def changed(frame: pd.DataFrame) -> pd.DataFrame:
        found = frame.astype({column: float})
        found.loc[row, column] = value
        return found

    return changed


def same(frame: pd.DataFrame) -> pd.DataFrame:
    return frame


BAD = {
    "above one, no percent": (
        lambda c: c.assign(survival=c["survival"] * 1.4),
        same,
        same,
        "neither a share nor percent",
    ),
    "a rise": (change("survival", 12, 0.9), same, same, r"arm 'new': the curve rises: a point lies 0\.\d+ \("),
    "few points": (lambda c: c[16:], same, same, "arm 'new': 4 points, at least 5 are needed"),
    "at risk rises": (same, change("at_risk", 1, 120), same, "rises from 100 to 120 at time 5"),
    "more at risk than the curve leaves": (
        same,
        change("at_risk", 1, 95),
        same,
        "95 at time 5, but the curve leaves at most 8",
    ),
    "zero at risk too soon": (same, change("at_risk", 1, 0), same, "0 at time 5, but the curve goes on to 10"),
    "few events": (same, same, change("events", 0, 4), "4 events, but the curve has at least 8 steps"),
    "many events": (same, same, change("events", 0, 70), "70 events, but a curve that ends at 0.500 has at most 5"),
    "more events than patients": (same, same, change("events", 0, 101), "101 events among 100 patients"),
    "other totals": (same, same, change("n", 0, 99), "100 at time 0, but the total is 99"),
    "missing": (change("survival", 3, np.nan), same, same, "curves, survival: 1 of 40 are missing"),
    "negative time": (change("time", 3, -1), same, same, "curves, time: 1 of 40 are negative"),
    "parts of patients": (same, change("at_risk", 1, 79.5), same, "at_risk, at_risk: not whole numbers"),
    "text": (lambda c: c.assign(time="1"), same, same, "curves, time: not numbers"),
    "no column": (lambda c: c.rename(columns={"survival": "surv"}), same, same, "no column 'survival'"),
    "other arm": (same, lambda r: r.replace({"arm": {"old": "odl"}}), same, "'odl' has no curve"),
    "two totals": (same, same, lambda t: pd.concat([t, t]), "arm 'new': 2 rows"),
    "no patients": (same, lambda r: r[r["time"] > 0], lambda t: None, "no number of patients at time 0"),
    "no arm": (lambda c: c.assign(arm=[None, *c["arm"][1:]]), same, same, "1 rows name no arm"),
    "no time": (lambda c: c.assign(time=0.0), lambda r: r[r["time"] == 0], same, "no time above 0"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_with_what_was_found_and_a_fix(name: str) -> None:
    curve, at_risk, totals, message = BAD[name]
    one_arm = name == "few points"
    frames = (CURVE, AT_RISK[:2], TOTALS[:1]) if one_arm else (BOTH, AT_RISK, TOTALS)
    with pytest.raises(CurveError, match=message) as caught:
        arms_of(curve(frames[0]), at_risk(frames[1]), totals(frames[2]))
    assert all(problem.fix for problem in caught.value.problems)


def test_the_nearest_name_is_told() -> None:
    with pytest.raises(CurveError, match="did you mean 'old'") as caught:
        arms_of(BOTH, AT_RISK.replace({"arm": {"old": "Old"}}), TOTALS)
    assert caught.value.problems[0].where == "at_risk, arm"


def test_all_problems_of_one_kind_are_told_at_once() -> None:
    with pytest.raises(CurveError) as caught:
        arms_of(BOTH.assign(time=-1.0), AT_RISK.assign(at_risk=0.5), TOTALS)
    assert len(caught.value.problems) == 2


def test_many_small_steps_do_not_make_the_clicking_error_so_small_that_a_click_is_refused() -> None:
    """Rises of a tenth of a pixel between small steps, and one click that rises by two pixels."""
    time = np.arange(1.0, 41.0)
    survival = 1 - time / 100 + np.where(np.arange(40) % 3 == 1, 0.0103, 0.0)
    survival[30] += 0.015
    careful = pd.DataFrame({"arm": "new", "time": time, "survival": survival})
    (arm,) = arms_of(careful, None, TOTALS[:1].drop(columns="events"))
    assert arm.curve.height_error == pytest.approx(0.5 / 400)
    with pytest.raises(CurveError, match="the curve rises"):
        arms_of(careful.assign(survival=careful["survival"] + np.where(time == 31, 0.04, 0.0)), None, TOTALS[:1])
