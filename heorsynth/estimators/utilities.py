"""What an economic model reads from a utility or QALY column: its mean, the share in full health, the share below 0."""

from __future__ import annotations

import numpy as np

from heorsynth.core.estimate import Estimate
from heorsynth.estimators.costs import known, mean, mean_by, mean_difference
from heorsynth.estimators.proportions import proportion

__all__ = ["mean", "mean_by", "mean_difference", "share_at_one", "share_below_zero"]


def share_at_one(values: np.ndarray, *, level: float = 0.95) -> Estimate:
    """The share of patients in full health (utility 1), of those whose utility is known.

    Examples
    --------
    >>> share_at_one(np.array([1.0, 1.0, 0.8, -0.1, np.nan])).value
    0.5
    """
    numbers = known(values)
    return proportion(int((numbers == 1).sum()), len(numbers), level=level, n_total=len(values), method="share at 1")


def share_below_zero(values: np.ndarray, *, level: float = 0.95) -> Estimate:
    """The share of patients in a state worse than death (utility below 0), of those whose utility is known.

    Examples
    --------
    >>> share_below_zero(np.array([1.0, 1.0, 0.8, -0.1, np.nan])).value
    0.25
    """
    numbers = known(values)
    return proportion(int((numbers < 0).sum()), len(numbers), level=level, n_total=len(values), method="share below 0")
