"""A share of patients, with an interval that holds at 0 and at 1."""

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
    """A share with its exact (Clopper-Pearson) interval.

    Parameters
    ----------
    count, n : int           patients with the property, and patients in whom it is known
    n_total : int            patients there were

    Returns
    -------
    Estimate                 `se` is sqrt(p (1 - p) / n); where that is 0 it is the interval's width over 2z, for
                             a share of 0 in a sample is no proof of a share of 0

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
    return Estimate(value, low, high, se, level, "", f"{method}, exact interval", n, n if n_total is None else n_total)
