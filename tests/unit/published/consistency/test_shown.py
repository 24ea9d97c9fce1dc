"""What a curve with numbers at risk implies: by hand, on simulated trials, and on ten published figures."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from heorsynth.core.random import stream
from heorsynth.estimators.survival.cox_two_arms import hazard_ratio_of_rows
from heorsynth.estimators.survival.kaplan_meier import kaplan_meier
from heorsynth.published.consistency.ratios import ALLOWANCE, ALLOWANCE_IN_SE
from heorsynth.published.consistency.shown import ShownCurve, rough_log_hazard_ratio

FIGURES = Path(__file__).parent / "kmdata_figures.csv"


def test_events_lie_between_early_and_late_censoring() -> None:
    curve = ShownCurve.of(np.array([[0, 1], [5, 0.8], [10, 0.4]]), np.array([[0, 100], [6, 70]]), 100)
    low, high = curve.events_between(0.0)
    assert low == pytest.approx(70 * (1 / 0.8 - 1))  # 30 patients leave, all censored ones before the first event
    assert high == pytest.approx(100 * 0.2 + 70 * 0.5)


def test_a_median_lies_between_the_crossings_with_error() -> None:
    points = np.array([[0, 1], [5, 0.6], [8, 0.503], [9, 0.3], [20, 0.3]])
    curve = ShownCurve.of(points, np.empty((0, 2)), 50)
    assert curve.median_between(0.005, 0.1) == pytest.approx((7.9, 9.1))
    flat = ShownCurve.of(points[:2], np.empty((0, 2)), 50)
    assert flat.median_between(0.005, 0.1) == (np.inf, np.inf)


def test_noise_is_made_a_step_function_that_never_rises() -> None:
    curve = ShownCurve.of(np.array([[0, 1.01], [2, 0.7], [1, 0.8], [3, 0.72]]), np.empty((0, 2)), 50)
    assert curve.survival.tolist() == [1.0, 0.8, 0.7, 0.7]
    assert curve.at(np.array([-1, 0.5, 2, 9])).tolist() == [1.0, 1.0, 0.7, 0.7]


def simulated(seed: int, ratio: float) -> tuple[list[ShownCurve], float, list[tuple[int, float]]]:
    """Two arms of 150 patients: their curves as clicked, the log hazard ratio of their rows, events and medians."""
    rng = stream(seed, "shown")
    curves, times, events, facts = [], [], [], []
    for scale in (20 * ratio**-1, 20.0):
        event_time, censoring = rng.exponential(scale, 150), rng.uniform(10, 40, 150)
        time, event = np.minimum(event_time, censoring), event_time <= censoring
        km = kaplan_meier(time, event)
        before = np.concatenate([[1.0], km.survival[:-1]])
        points = np.vstack([np.column_stack([km.times, before]), np.column_stack([km.times, km.survival])])
        points = np.vstack([[[0.0, 1.0]], points]) + rng.normal(
            0, [40 / 600 / 2, 1 / 400 / 2], (2 * len(before) + 1, 2)
        )
        risk = np.array([[t, (time >= t).sum()] for t in (0, 10, 20, 30)], float)
        curves.append(ShownCurve.of(points, risk, 150))
        times.append(time)
        events.append(event)
        median = float(km.times[np.argmax(km.survival <= 0.5)]) if km.survival[-1] <= 0.5 else np.inf
        facts.append((int(event.sum()), median))
    treated = np.repeat([True, False], 150)
    own = hazard_ratio_of_rows(np.concatenate(times), np.concatenate(events), treated).value
    return curves, own, facts


def test_clicked_curves_give_the_hazard_ratio_and_hold_events_and_median() -> None:
    errors, false = [], 0
    for seed in range(40):
        curves, own, facts = simulated(seed, 0.7)
        errors.append(rough_log_hazard_ratio(*curves) - own)
        for curve, (events, median) in zip(curves, facts, strict=True):
            low, high = curve.events_between(0.005)
            early, late = curve.median_between(0.005, 0.005 * curve.last)
            false += not np.floor(low) <= events <= np.ceil(high)
            false += np.isfinite(median) and not early - 0.05 <= median <= late + 0.05
    assert abs(np.mean(errors)) < 0.01
    assert np.max(np.abs(errors)) < 0.08
    assert false <= 2  # of 160


def test_published_hazard_ratios_of_ten_figures_are_within_the_allowance() -> None:
    """Ten figures of kmdata 1.0.1 (Redd, Fell, Rahman; MIT licence), clicked with a pixel of error."""
    figures = pd.read_csv(FIGURES)
    for _, one in figures.groupby("figure"):
        shown = []
        for _, arm in one.groupby("arm"):
            points = arm[arm["what"] == "curve"][["time", "value"]].to_numpy(float)
            table = arm[arm["what"] == "at_risk"][["time", "value"]].to_numpy(float)
            events = float(arm.loc[arm["what"] == "events", "value"].iloc[0])
            curve = ShownCurve.of(points, table, table[0, 1])
            low, high = curve.events_between(0.005)
            assert np.floor(low) <= events <= np.ceil(high)
            shown.append((curve, events))
        stated = abs(np.log(one.loc[one["what"] == "hr", "value"].iloc[0]))
        found = abs(rough_log_hazard_ratio(shown[0][0], shown[1][0]))
        assert abs(found - stated) <= ALLOWANCE + ALLOWANCE_IN_SE * 2 / np.sqrt(shown[0][1] + shown[1][1])
