"""Each reconstruction agrees with all that is published, and they differ in what is left open."""

import numpy as np
import pytest
from published_figures import figure, names

from heorsynth.published.reconstruction.arm import ArmPatients
from heorsynth.published.reconstruction.cleaning import arms_of
from heorsynth.published.reconstruction.ensemble import ensemble


def height(one: ArmPatients, at: np.ndarray) -> np.ndarray:
    """Kaplan-Meier, written plainly."""
    times = np.unique(one.time[one.event == 1])
    steps = [1 - one.event[one.time == time].sum() / (one.time >= time).sum() for time in times]
    return np.append(1.0, np.cumprod(steps))[np.searchsorted(times, at, side="right")]


@pytest.mark.parametrize("name", names()[:5])
def test_numbers_at_risk_and_events_are_exact(name: str) -> None:
    for arm in arms_of(*figure(name)):
        for one in ensemble(arm, 4, np.random.default_rng(1)):
            assert len(one.time) == arm.n and one.event.sum() == arm.events and one.time.min() > 0
            assert [(one.time >= at).sum() for at in arm.at_risk_time] == arm.at_risk.tolist()


def test_the_curve_is_within_the_clicking_error() -> None:
    """Beyond four clicking errors lie less than 2% of the points: those beside a step, whose time has an error too."""
    curves, at_risk, totals = figure("ACT2_2A")
    for arm in arms_of(curves, at_risk, totals):
        for one in ensemble(arm, 4, np.random.default_rng(2)):
            middles = np.flatnonzero(np.diff(arm.curve.time) > 8 * arm.curve.time_error)
            at = (arm.curve.time[middles] + arm.curve.time[middles + 1]) / 2
            gap = np.abs(height(one, at) - (arm.curve.level[middles] + arm.curve.level[middles + 1]) / 2)
            assert np.mean(gap < 4 * arm.curve.height_error) > 0.98


def test_less_known_is_more_spread() -> None:
    curves, at_risk, totals = figure("ACT1_2A")
    spread = []
    for known in (at_risk, at_risk[at_risk["time"].isin([0, 12])], at_risk[at_risk["time"] == 0]):
        arm = arms_of(curves, known)[0]
        spread.append(np.std([one.event.sum() for one in ensemble(arm, 20, np.random.default_rng(3))]))
    assert spread[0] < spread[1] < spread[2]
    assert (
        np.std([one.event.sum() for one in ensemble(arms_of(curves, at_risk, totals)[0], 5, np.random.default_rng(3))])
        == 0
    )


def test_a_flat_tail_gets_no_deaths() -> None:
    curves, at_risk, _ = figure("ACT2_2A")
    arm = arms_of(curves, at_risk)[0]
    last_step = arm.curve.time[np.flatnonzero(arm.curve.vertical)[-1]]
    for one in ensemble(arm, 10, np.random.default_rng(4)):
        assert not (one.event[one.time > last_step + 4 * arm.curve.time_error] == 1).any()


def test_one_seed_gives_one_ensemble() -> None:
    arm = arms_of(*figure("ACT2_2A"))[0]
    first, second = (ensemble(arm, 3, np.random.default_rng(5)) for _ in range(2))
    assert all(np.array_equal(a.time, b.time) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(first[0].time, first[1].time)
