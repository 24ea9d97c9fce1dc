"""Pool estimates from m synthetic cohorts, with the information of the source and no more."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import special

from heorsynth.core.display import agreeing, counted
from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.core.estimate import Estimate, normal_quantile


def pool(
    values: Sequence[float] | np.ndarray,
    variances: Sequence[float] | np.ndarray,
    n_source: int,
    n_rows: int,
    level: float = 0.95,
    *,
    unit: str = "",
    noise: bool = False,
) -> Estimate:
    """Return the mean over m fully synthetic cohorts, with an interval for the population of the real patients.

    Parameters
    ----------
    values : sequence (m,)       the estimate in each cohort
    variances : sequence (m,)    its variance in each cohort, computed as if the rows were patients
    n_source, n_rows : int       patients the generator was trained on, and rows in each cohort
    level : float                confidence level
    noise : bool                 the law was moved by chance before it was shared, and again for each cohort

    Returns
    -------
    Estimate                     `n_used` is n_source: adding rows or cohorts adds no patients

    Raises
    ------
    NotEstimableError            no cohort, or one of a release with noise; a value or variance that is not finite, or
                                 a negative variance

    Notes
    -----
    Let q be the estimate in the real cohort and T its sampling variance. A generator fitted to it, without a draw from
    a posterior, gives cohorts whose estimates vary around q with variance b, so the mean of m cohorts has variance
    T + b/m. A cohort of n_rows has the within variance v = T · n_source / n_rows, hence

        T_p = (n_rows / n_source) · mean(v) + b / m

    with b the sample variance of the m values. The rule does not assume that cohorts vary like fresh samples of n_rows,
    so it also holds for a generator that varies less. The first term has n_source - 1 degrees of freedom and b has
    m - 1, so the reference is Student's t with (Satterthwaite)

        nu = T_p^2 / (A^2 / (n_source - 1) + (b / m)^2 / (m - 1)),    A = (n_rows / n_source) · mean(v)

    which for a large source is Reiter's nu = (m - 1) · (1 + A · m / b)^2.

    With `noise` the law itself was moved once by noise of variance N, which all cohorts share, and each cohort by as
    much again. So b holds N beside what rows vary by, and b is added whole: T_n = A + b + b / m. It is too wide by
    the variance of the rows alone.

    With m = 1 there is no b. A fresh sample has b = v, which gives

        T_s = mean(v) · (n_rows / n_source + 1 / m)

    with nu = n_source - 1. This is too wide for a generator that varies less. All rules assume that the generator is
    right about the estimand and its variance; no rule can correct a generator that is not.

    References
    ----------
    Raab, Nowok & Dibben (2016) J Priv Confid 7(3):67, doi:10.29012/jpc.v7i3.407 (T_p, T_s).
    Reiter (2003) Surv Methodol 29:181 (the same form for partially synthetic data, and nu).
    Barnard & Rubin (1999) Biometrika 86:948, doi:10.1093/biomet/86.4.948 (why the source's own degrees count).

    Examples
    --------
    >>> pool([1.0], [0.02], n_source=100, n_rows=100).se
    0.2
    >>> pool([0.9, 1.1], [0.03, 0.03], n_source=100, n_rows=100).se
    0.2
    """
    value, within, between, m = _summary(values, variances, n_source, n_rows)
    original = within * n_rows / n_source
    if m == 1 and noise:
        problem = Problem(
            "cohorts", "one cohort does not tell what the noise of the release does", "analyse all of them"
        )
        raise NotEstimableError("pooling", problem)
    if m == 1:
        drawn, freedom_drawn, name = 0.0, math.inf, "Raab T_s"
        original += within
    else:
        share = 1 / m + noise
        drawn, freedom_drawn, name = between * share, float(m - 1), "Raab T_p" + " and noise" * noise
    variance = original + drawn
    rest = original**2 / max(n_source - 1, 1) + drawn**2 / freedom_drawn
    quantile = float(special.stdtrit(variance**2 / rest, 0.5 + level / 2)) if rest > 0 else normal_quantile(level)
    half = quantile * math.sqrt(variance)
    return Estimate(
        value,
        value - half,
        value + half,
        math.sqrt(variance),
        level,
        unit,
        f"pooled over {counted(m, 'synthetic cohort')} ({name}, t reference)",
        n_source,
        n_source,
        synthetic=True,
    )


def _summary(
    values: Sequence[float] | np.ndarray,
    variances: Sequence[float] | np.ndarray,
    n_source: int,
    n_rows: int,
) -> tuple[float, float, float, int]:
    found, spread = np.asarray(values, float), np.asarray(variances, float)
    if found.ndim != 1 or found.shape != spread.shape or not len(found):
        raise NotEstimableError("pooling", Problem("values, variances", "expected one of each for every cohort"))
    if n_source < 1 or n_rows < 1:
        raise NotEstimableError("pooling", Problem("n_source, n_rows", "must be at least 1"))
    bad = int((~np.isfinite(found) | ~np.isfinite(spread) | (spread < 0)).sum())
    if bad:
        raise NotEstimableError(
            "pooling",
            Problem(
                "values, variances",
                f"{bad} of {len(found)} cohorts {agreeing(bad, 'gives', 'give')} no "
                f"finite value with a variance from 0 up",
                "check that the estimand can be estimated in every cohort",
            ),
        )
    m = len(found)
    return float(found.mean()), float(spread.mean()), float(found.var(ddof=1)) if m > 1 else 0.0, m
