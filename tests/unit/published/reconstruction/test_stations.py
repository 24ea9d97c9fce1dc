"""Stations hold the points and the times of the numbers at risk in the order of time."""

import numpy as np
from published_figures import figure

from heorsynth.published.reconstruction.cleaning import arms_of
from heorsynth.published.reconstruction.stations import drawn_times, stations


def test_every_run_has_all_points_and_all_numbers_at_risk_in_order() -> None:
    arm = arms_of(*figure("ACT2_2A"))[0]
    at = stations(arm, 7, np.random.default_rng(1))
    assert at.time.shape == (len(arm.curve.time) - 1 + len(arm.at_risk) - 1, 7)
    assert (np.diff(at.time, axis=0) >= 0).all() and (at.boundary.sum(axis=0) == len(arm.at_risk) - 1).all()
    assert (np.isnan(at.height) == at.boundary).all() and (np.diff(at.interval, axis=0) >= 0).all()
    assert at.leaving.tolist() == [*arm.at_risk[1:], 1] and (at.carried <= 1).all()


def test_drawn_times_have_the_clicking_error_and_both_ends_of_a_step_one_time() -> None:
    arm = arms_of(*figure("ACT2_2A"))[0]
    drawn = drawn_times(arm, 4000, np.random.default_rng(2))
    alone = np.flatnonzero(
        arm.curve.vertical & ~np.append(arm.curve.vertical[1:], False) & ~np.append(False, arm.curve.vertical[:-1])
    )
    assert np.array_equal(drawn[alone], drawn[alone - 1]) and (drawn[0] == 0).all()
    assert np.std(drawn[alone[-1]]) / arm.curve.time_error < 1.1
