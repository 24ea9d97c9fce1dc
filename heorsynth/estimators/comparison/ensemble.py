"""Pools an estimate over reconstructed cohorts: their spread is the uncertainty of the reconstruction."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import special

from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.core.estimate import Estimate, normal_quantile


def pool_ensemble(
    values: Sequence[float], variances: Sequence[float], *, level: float = 0.95, unit: str = "", method: str = ""
) -> Estimate:
    """Return the mean over m reconstructions, with the variance within and between them.

    Parameters
    ----------
    values, variances : sequence (m,)     the estimate in each reconstruction, and its sampling variance
    level : float                         confidence level

    Returns
    -------
    Estimate                              with one reconstruction the between variance is unknown, and left out

    Raises
    ------
    NotEstimableError                     no value, or one that is not finite

    Notes
    -----
    A reconstruction is a draw of the missing patients given what the paper states, as an imputation is. So
    T = mean(v) + (1 + 1/m) B, with B the variance of the m values, and Student's t with
    (m - 1) (1 + mean(v) / ((1 + 1/m) B))² degrees of freedom. This is not the rule for synthetic cohorts
    (`estimators.economics.pooling.pool`), whose spread also holds the sampling of rows.

    References
    ----------
    Rubin (1987) Multiple Imputation for Nonresponse in Surveys, section 3.3.

    Examples
    --------
    >>> round(pool_ensemble([0.1, 0.3], [0.04, 0.04]).se ** 2, 9)  # 0.04 + 1.5 · 0.02
    0.07
    """
    found, spread = np.asarray(values, float), np.asarray(variances, float)
    m = len(found)
    if not m or not np.isfinite(found).all() or not np.isfinite(spread).all():
        raise NotEstimableError("pooling", Problem("reconstructions", "one gives no finite estimate and variance"))
    within = float(spread.mean())
    between = (1 + 1 / m) * float(found.var(ddof=1)) if m > 1 else 0.0
    quantile = normal_quantile(level)
    if between > 0:
        quantile = float(special.stdtrit((m - 1) * (1 + within / between) ** 2, 0.5 + level / 2))
    se = math.sqrt(within + between)
    value = float(found.mean())
    return Estimate(value, value - quantile * se, value + quantile * se, se, level, unit, method)
