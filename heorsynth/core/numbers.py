"""What counts as a number, for every argument and every key of a protocol."""

from __future__ import annotations

import math
from typing import TypeGuard

import numpy as np

WHOLE_FLOATS = 2.0**53
"""Floats represent every whole number up to this size; from here on they have no decimals."""


def is_whole(value: object, least: int | None = None) -> TypeGuard[int]:
    """Return True if a value is a whole number of Python or numpy, and at least `least`.

    Booleans, 20.0 and "20" are not accepted: as a count, they are most likely mistakes.

    Examples
    --------
    >>> [is_whole(value) for value in (20, np.int64(20), True, 20.0, "20", None)]
    [True, True, False, False, False, False]
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        return False
    return least is None or int(value) >= least


def is_number(value: object) -> TypeGuard[float]:
    """Return True if a value is a finite number of Python or numpy. Booleans and text are not accepted.

    Examples
    --------
    >>> [is_number(value) for value in (0.2, np.float64(0.2), 1, True, "0.2", float("nan"), float("inf"))]
    [True, True, True, False, False, False, False]
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        return False
    return math.isfinite(value)
