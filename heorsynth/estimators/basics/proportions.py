"""A share of patients with an exact interval, which is also valid at 0 and 1."""

from __future__ import annotations

import math

from scipy import special

from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.core.estimate import Estimate, normal_quantile


def proportion(
    count: int,
    n: int,
    *,
    level: float = 0.95,
    n_total: int | None = None,
    method: str = "share",
) -> Estimate:
    """Return a share with its exact (Clopper-Pearson) interval.

    Parameters
    ----------
    count, n : int           patients with the property, and patients with a known value
    n_total : int            patients in the data

    Returns
    -------
    Estimate                 `se` is sqrt(p (1 - p) / n). If that is 0, it is the interval's width / 2z, because a share
                             of 0 in a sample does not prove a share of 0

    References
    ----------
    Clopper & Pearson (1934) Biometrika 26:404, doi:10.1093/biomet/26.4.404.

    Examples
    --------
    >>> proportion(0, 10)
    0 (95% interval 0 to 0.3085)
    """
    if n < 1:
        raise NotEstimableError(method, Problem("", "no patient in whom it is known"))
    tail = (1 - level) / 2
    low = 0.0 if count == 0 else float(special.betaincinv(count, n - count + 1, tail))
    high = 1.0 if count == n else float(special.betaincinv(count + 1, n - count, 1 - tail))
    value = count / n
    se = math.sqrt(value * (1 - value) / n) or (high - low) / (2 * normal_quantile(level))
    total = n if n_total is None else n_total
    return Estimate(value, low, high, se, level, "", f"{method}, exact interval", n, total, count=count)
