"""Clicked points as a path: ordered, monotone, with an estimate of the clicking error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

AXIS = (600, 400)
"""Pixels of the axes that a clicking error is stated in."""

HALF_PIXEL = 0.5
"""Standard deviation of a careful click, in pixels both ways."""

_LEAST_ERROR, _LARGEST_ERROR = 0.1, 4.0
"""Pixels between which the clicking error is estimated."""

_FEWEST_RISES = 8
"""Upward steps of the clicked curve from which its error is estimated; with fewer it is half a pixel."""

_FLAT = 3.0
"""Two points further apart in time than so many pixels, and close in height, stand on one level."""

_VERTICAL = 1.5
"""Two points less than so many pixels apart in time, and further apart in height, stand on one vertical step."""


@dataclass(frozen=True, eq=False)
class ClickedPath:
    """Points (p,) of one curve from (0, 1), in the order in which the curve passes them.

    Attributes
    ----------
    time, level : array (p,)          the closest monotone curve
    clicked : array (p,)              survival as clicked
    vertical : array of bool (p,)     the piece from the point before to this one is a vertical step
    height_error, time_error : float  standard deviation of a click
    """

    time: np.ndarray
    level: np.ndarray
    clicked: np.ndarray
    vertical: np.ndarray
    height_error: float
    time_error: float

    @property
    def largest_rise(self) -> float:
        """The largest distance of a click from the monotone curve, in clicking errors."""
        return float(np.max(np.abs(self.clicked - self.level)) / self.height_error)


def clicked_path(time: np.ndarray, survival: np.ndarray, width: float, error: float | None = None) -> ClickedPath:
    """Return the path of clicked points, with (0, 1) added.

    Parameters
    ----------
    time, survival : array (p,)   clicked; in any order, survival as a share
    width : float                 length of the time axis
    error : float, optional       standard deviation of a click in pixels of a 600 x 400 axis; estimated if None

    Notes
    -----
    A Kaplan-Meier curve moves right and down. So the sum of the pixels moved right and down orders its points, whatever
    order they were clicked in. Isotonic regression of time and of survival on that order is the closest curve.

    The error is the root mean square of the curve's rises divided by the square root of 2, because the difference of
    two clicks on one level is normal with twice the variance, and only rises are certainly error.

    Examples
    --------
    >>> path = clicked_path(np.array([2.0, 1.0, 2.01]), np.array([0.8, 1.0, 0.5]), width=6.0)
    >>> path.time.tolist(), path.level.tolist()
    ([0.0, 1.0, 2.0, 2.01], [1.0, 1.0, 0.8, 0.5])
    """
    unit_x, unit_y = width / AXIS[0], 1 / AXIS[1]
    order = np.argsort(time / unit_x - survival / unit_y, kind="stable")
    x, y = np.append(0.0, time[order]), np.append(1.0, survival[order])
    pixels = _estimated(x / unit_x, y / unit_y) if error is None else error
    level = np.clip(scipy.optimize.isotonic_regression(y, increasing=False).x, 0.0, 1.0)
    clean = np.maximum(scipy.optimize.isotonic_regression(x).x, 0.0)
    right, down = np.diff(clean) / unit_x, -np.diff(level) / unit_y
    vertical = (right < _VERTICAL) & (down > np.maximum(right, 0.5))
    return ClickedPath(clean, level, y, np.append(False, vertical), pixels * unit_y, pixels * unit_x)


def _estimated(x: np.ndarray, y: np.ndarray) -> float:
    right, up = np.diff(x), np.diff(y)
    rises = up[(right > _FLAT) & (up > 0)]
    if len(rises) < _FEWEST_RISES:
        return HALF_PIXEL
    kept = rises[rises <= 4 * np.median(rises) / 0.6745]
    return float(np.clip(np.sqrt(np.mean(kept**2) / 2), _LEAST_ERROR, _LARGEST_ERROR))
