"""Clicked points as a path: ordered, monotone, with an estimate of the clicking error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import isotonic_regression

AXIS = (600, 400)
"""Pixels of the axes that a clicking error is stated in, unless the error itself is given."""

HALF_PIXEL = 0.5
"""Standard deviation of a careful click, in pixels both ways."""

LEAST_ERROR, LARGEST_ERROR = 0.1, 4.0
"""Pixels between which the clicking error is estimated."""

FEWEST_RISES = 8
"""Upward steps of the clicked curve from which its error is estimated; with fewer it is half a pixel."""

FLAT = 3.0
"""Two points further apart in time than so many pixels, and close in height, stand on one level."""


@dataclass(frozen=True, eq=False)
class Path:
    """Points (p,) of one curve from (0, 1), in the order in which the curve passes them."""

    time: np.ndarray
    clicked: np.ndarray
    level: np.ndarray
    height_error: float
    time_error: float
    largest_rise: float


def path(time: np.ndarray, survival: np.ndarray, width: float, error: float | None) -> Path:
    """The path of clicked points, with (0, 1) added.

    Parameters
    ----------
    time, survival : array (p,)   clicked; any order, survival as a share
    width : float                 length of the time axis
    error : float, optional       standard deviation of a click in pixels of a 600 x 400 axis; estimated if None

    Notes
    -----
    A Kaplan-Meier curve moves right and down. So the sum of the pixels moved right and down orders its points, whatever
    order they were clicked in. Isotonic regression of time and of survival on that order is the closest curve.

    The error is the root mean square of the curve's rises divided by the square root of 2, because the difference of
    two clicks on one level is normal with twice the variance, and only rises are certainly error.
    """
    unit_x, unit_y = width / AXIS[0], 1 / AXIS[1]
    order = np.argsort(time / unit_x - survival / unit_y, kind="stable")
    x, y = time[order], survival[order]
    pixels = HALF_PIXEL if error is None else error
    if x[0] > 3 * pixels * unit_x or y[0] < 1 - 3 * pixels * unit_y or True:
        x, y = np.append(0.0, x), np.append(1.0, y)
    pixels = _estimated(x / unit_x, y / unit_y) if error is None else error
    level = isotonic_regression(y, increasing=False).x
    clean = isotonic_regression(x).x
    rise = float(max(np.max(y - level), np.max(level - y)))
    return Path(np.maximum(clean, 0.0), y, np.clip(level, 0.0, 1.0), pixels * unit_y, pixels * unit_x, rise)


def _estimated(x: np.ndarray, y: np.ndarray) -> float:
    right, up = np.diff(x), np.diff(y)
    level = right > FLAT
    rises = up[level & (up > 0)]
    if len(rises) < FEWEST_RISES:
        return HALF_PIXEL
    typical = np.median(rises) / 0.6745
    kept = rises[rises <= 4 * typical]
    return float(np.clip(np.sqrt(np.mean(kept**2) / 2), LEAST_ERROR, LARGEST_ERROR))
