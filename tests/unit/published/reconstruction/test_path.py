"""Clicked points become one monotone path, whatever their order, and tell their own error."""

import numpy as np
import pytest

from heorsynth.published.reconstruction.path import AXIS, clicked_path

TIME = np.repeat(np.arange(1.0, 41.0), 2)
STEPS = 1 - np.arange(41) / 50
SURVIVAL = np.ravel(np.column_stack([STEPS[:-1], STEPS[1:]]))


def test_an_exact_curve_is_kept_with_0_1_added() -> None:
    path = clicked_path(TIME, SURVIVAL, 60.0)
    assert path.time.tolist() == [0.0, *TIME] and path.level.tolist() == [1.0, *SURVIVAL]
    assert path.vertical.tolist() == [False, *[False, True] * 40]


def test_the_order_of_the_clicks_does_not_matter() -> None:
    order = np.random.default_rng(1).permutation(len(TIME))
    path, same = clicked_path(TIME[order], SURVIVAL[order], 60.0), clicked_path(TIME, SURVIVAL, 60.0)
    assert np.array_equal(path.time, same.time) and np.array_equal(path.level, same.level)


def test_noise_is_mended_to_a_curve_that_never_rises_nor_goes_back() -> None:
    rng = np.random.default_rng(2)
    x = TIME + rng.normal(0, 0.5 * 60 / AXIS[0], len(TIME))
    path = clicked_path(x, SURVIVAL + rng.normal(0, 0.5 / AXIS[1], len(TIME)), 60.0)
    assert (np.diff(path.level) <= 0).all() and (np.diff(path.time) >= 0).all() and path.largest_rise < 4


@pytest.mark.parametrize("pixels", [0.5, 1.5])
def test_the_clicking_error_is_estimated_from_the_rises(pixels: float) -> None:
    rng, found = np.random.default_rng(3), []
    for _ in range(20):
        y = SURVIVAL + rng.normal(0, pixels / AXIS[1], len(TIME))
        found.append(clicked_path(TIME, y, 60.0).height_error * AXIS[1])
    assert np.mean(found) == pytest.approx(pixels, rel=0.1)  # 20 estimates of about 20 rises each


def test_a_given_error_is_taken() -> None:
    assert clicked_path(TIME, SURVIVAL, 60.0, 2.0).height_error == 2.0 / AXIS[1]
