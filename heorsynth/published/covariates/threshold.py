"""Subgroups that a cut through a number makes, such as "<65" or "≥ 65 years"."""

from __future__ import annotations

import operator
import re

import numpy as np

_CUT = re.compile(r"(<=|>=|<|>|≤|≥)\s*(-?\d+(?:\.\d+)?)\s*[^\d]*")
_COMPARE = {
    "<": operator.lt,
    "<=": operator.le,
    "≤": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "≥": operator.ge,
}


def is_threshold(level: str) -> bool:
    """Return whether a level is a cut through a number.

    Examples
    --------
    >>> is_threshold("≥ 65 years"), is_threshold("65-74"), is_threshold("female")
    (True, False, False)
    """
    return _CUT.fullmatch(level.strip()) is not None


def above_or_below(level: str, values: np.ndarray) -> np.ndarray:
    """Return True (n,) where a number is in the subgroup; False where it is missing.

    Examples
    --------
    >>> above_or_below("<65", np.array([60.0, 65.0, np.nan])).tolist()
    [True, False, False]
    """
    read = _CUT.fullmatch(level.strip())
    assert read is not None
    return np.asarray(_COMPARE[read[1]](values, float(read[2])))
