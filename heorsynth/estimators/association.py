"""Rank correlation of two columns, with an interval that holds for a moderate one."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.core.estimate import Estimate, normal_quantile

LEAST = 10
"""Fewer pairs than this give no interval worth the name."""


def rank_correlation(x: np.ndarray, y: np.ndarray, *, level: float = 0.95) -> Estimate:
    """Spearman's rank correlation of two columns, over the patients for whom both are known.

    Parameters
    ----------
    x, y : array (n,)      numbers; ties share their rank

    Raises
    ------
    NotEstimableError      fewer than ten pairs, or a column that does not vary

    Notes
    -----
    The interval is that of Fisher's z with variance (1 + r²/2) / (n - 3); `se` is its delta-method standard error.

    References
    ----------
    Bonett & Wright (2000) Psychometrika 65:23, doi:10.1007/BF02294183.

    Examples
    --------
    >>> round(rank_correlation(np.arange(12.0), np.arange(12.0) ** 2 - 40).value, 6)
    1.0
    """
    first, second = np.asarray(x, float), np.asarray(y, float)
    known = np.isfinite(first) & np.isfinite(second)
    n = int(known.sum())
    if n < LEAST:
        raise NotEstimableError("rank correlation", Problem("values", f"{n} pairs", f"at least {LEAST} are needed"))
    ranks = [stats.rankdata(values[known]) for values in (first, second)]
    if min(np.ptp(rank) for rank in ranks) == 0:
        raise NotEstimableError("rank correlation", Problem("values", "one column does not vary"))
    value = float(np.clip(np.corrcoef(*ranks)[0, 1], -1.0, 1.0))
    spread = math.sqrt((1 + value**2 / 2) / (n - 3))
    z, half = math.atanh(np.clip(value, -1 + 1e-12, 1 - 1e-12)), normal_quantile(level) * spread
    return Estimate(
        value,
        math.tanh(z - half),
        math.tanh(z + half),
        max(1 - value**2, 1 / n) * spread,
        level,
        "",
        "Spearman's rank correlation",
        n,
        len(first),
    )
