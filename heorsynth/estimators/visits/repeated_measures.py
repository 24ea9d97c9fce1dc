"""Change from baseline: a mixed model for repeated measures with an unstructured covariance."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.core.estimate import Estimate
from heorsynth.estimators.visits.multivariate_normal import reml


def change_from_baseline(
    values: np.ndarray, treated: np.ndarray, visit: int = -1, *, level: float = 0.95, unit: str = ""
) -> Estimate:
    """Return the difference of two arms in mean change from baseline at a visit, given the baseline.

    Parameters
    ----------
    values : array (n, k)           NaN where not measured; the first column is the baseline
    treated : array of bool (n,)    the arm
    visit : int                     column of the visit; by default the last

    Returns
    -------
    Estimate      the effect of the arm at the visit, with a t interval on n - 3 degrees of freedom. Patients without
                  a baseline, or without any later value, are left out

    Raises
    ------
    NotEstimableError      fewer than two visits, too few patients, or an arm without patients

    Notes
    -----
    The model of the later visits is y_ij = α_j + β_j·arm_i + γ_j·baseline_i + e_ij, the e_i normal with an
    unstructured covariance, by REML. The effect on the change is that on the value, as the baseline is given. It is
    valid if values are missing at random given arm, baseline and the other visits.

    References
    ----------
    Mallinckrodt, Clark & David (2001) J Biopharm Stat 11:9.  Against R's nlme: tests/reference/visits.R

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> treated = np.arange(200) % 2 == 1
    >>> values = rng.normal(size=(200, 1)) + rng.normal(size=(200, 3)) + 0.5 * treated[:, None] * [0, 1, 2]
    >>> found = change_from_baseline(values, treated)
    >>> found.low < 1 < found.high
    True
    """
    held, arm = np.asarray(values, float), np.asarray(treated, bool)
    if held.ndim != 2 or held.shape[1] < 2:
        raise NotEstimableError("change from baseline", Problem("visits", "fewer than two"))
    used = np.isfinite(held[:, 0]) & np.isfinite(held[:, 1:]).any(axis=1)
    held, arm = held[used], arm[used]
    if arm.all() or not arm.any():
        raise NotEstimableError("change from baseline", Problem("arm", "no patients with a later value in an arm"))
    baseline = held[:, 0] - held[:, 0].mean()
    if not baseline.any():
        raise NotEstimableError("change from baseline", Problem("baseline", "all patients have one value"))
    fit = reml(held[:, 1:], np.column_stack([np.ones(len(held)), arm, baseline]))
    at = range(held.shape[1])[visit] - 1
    se = math.sqrt(fit.covariance[at, 1, at, 1])
    half = float(special.stdtrit(len(held) - 3, 0.5 + level / 2)) * se
    value = float(fit.coefficients[1, at])
    method = "mixed model for repeated measures, REML"
    return Estimate(value, value - half, value + half, se, level, unit, method, len(held), len(values))
