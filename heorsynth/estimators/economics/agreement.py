"""How reliably pooled synthetic cohorts give a decision, and how many cohorts are needed, from m net benefits."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import scipy
from scipy import special

from heorsynth.core.errors import NotEstimableError, Problem

_NODES = 2000
"""Equally likely quantiles of the chi distribution that average the noncentral t: probabilities are exact to 0.0003."""

_FARTHEST = 40.0
"""Standard errors beyond which a probability is taken as 0 or 1."""


def noncentral_bound(t: float, freedom: int, probability: float) -> float:
    """Return the noncentrality at which a noncentral t of `freedom` degrees is at most t with the given probability.

    Notes
    -----
    T = (Z + δ)/√(V/ν) is at most t where Z ≤ t·√(V/ν) - δ, so that P = E Φ(t·√(V/ν) - δ), V chi-squared on ν.
    P decreases in δ. The expectation is an average over equally likely quantiles of V.

    Examples
    --------
    >>> round(noncentral_bound(0.0, 9, 0.95), 3)
    -1.645
    """
    spread = t * _chi(freedom)

    def above(centre: float) -> float:
        return float(special.ndtr(spread - centre).mean()) - probability

    return float(scipy.optimize.brentq(above, spread.min() - _FARTHEST, spread.max() + _FARTHEST, xtol=1e-10))


@lru_cache(maxsize=256)
def _chi(freedom: int) -> np.ndarray:
    """Return equally likely quantiles of √(V/ν)."""
    return np.asarray(np.sqrt(2 * special.gammaincinv(freedom / 2, (np.arange(_NODES) + 0.5) / _NODES) / freedom))


def standardised_mean(values: np.ndarray, level: float) -> tuple[float, float, float]:
    """Return mean over standard deviation, μ/σ, with its interval (value, low, high) from the noncentral t.

    Parameters
    ----------
    values : array (m,)    independent and normal, two or more

    Raises
    ------
    NotEstimableError      fewer than two values

    Notes
    -----
    T = √m·mean/SD is noncentral t with m - 1 degrees of freedom and δ = √m·μ/σ. The bounds are the δ at which T is at
    most the observed value with probability (1 + level)/2 and (1 - level)/2. Constant values give ±infinity.

    References
    ----------
    Johnson & Welch (1940) Biometrika 31:362; Owen (1968) Technometrics 10:445.
    """
    m = len(values)
    if m < 2:
        raise NotEstimableError("agreement", Problem("values", f"{m} of them", "two or more say how they vary"))
    centre, spread = float(np.mean(values)), float(np.std(values, ddof=1))
    if spread <= 1e-12 * abs(centre):
        certain = math.copysign(math.inf, centre) if centre else 0.0
        return certain, certain, certain
    root, tail = math.sqrt(m), (1 - level) / 2
    t = root * centre / spread
    low, high = (noncentral_bound(t, m - 1, probability) / root for probability in (1 - tail, tail))
    return centre / spread, low, high


def pooled_agreement(signed: np.ndarray, level: float) -> tuple[float, float, float]:
    """Return the probability that m new cohorts of the same generator, pooled, give the decision: value, low, high.

    Parameters
    ----------
    signed : array (m,)    net benefit in each cohort, signed so that the decision is positive

    Notes
    -----
    Φ(√m·μ/σ), with μ/σ and its bounds from `standardised_mean`.

    Examples
    --------
    >>> pooled_agreement(np.array([1.0, 1.0, 1.0]), 0.9)
    (1.0, 1.0, 1.0)
    """
    root = math.sqrt(len(signed))
    value, low, high = (float(special.ndtr(root * part)) for part in standardised_mean(signed, level))
    return value, low, high


def syntheses_needed(signed: np.ndarray, probability: float, level: float) -> tuple[float, float, float]:
    """Return the number of pooled syntheses that give the decision with a probability, (z_p·σ/μ)²: value, fewest, most.

    A bound is infinite if no number suffices, or if this cannot be excluded.

    Examples
    --------
    >>> syntheses_needed(np.array([1.0, 1.0, 1.0]), 0.95, 0.9)
    (1.0, 1.0, 1.0)
    """
    z = float(special.ndtri(probability))
    value, low, high = (
        max(1.0, math.ceil((z / part) ** 2)) if part > 0 else math.inf for part in standardised_mean(signed, level)
    )
    return value, high, low


def joint_agreement(
    margins: np.ndarray, level: float, rng: np.random.Generator, draws: int = 20_000
) -> tuple[float, float, float]:
    """Return the probability that m new cohorts, pooled, prefer one option to all others: value, low, high.

    Parameters
    ----------
    margins : array (m, k)    in each cohort, the net benefit of the option minus that of each of k others

    Notes
    -----
    The value comes from the normal distribution with the m cohorts' mean and covariance. The bounds combine those of
    the k pairs (`pooled_agreement`), each at 1/k of the error: at least 1 - Σ(1 - low_j), at most the smallest high_j
    (Bonferroni), for any dependence. With one other option it equals `pooled_agreement`.
    """
    m, others = margins.shape
    each = 1 - (1 - level) / others
    pairs = [pooled_agreement(margins[:, j], each) for j in range(others)]
    low = max(1 - sum(1 - one[1] for one in pairs), 0.0)
    high = min(one[2] for one in pairs)
    if others == 1:
        return pairs[0]
    covariance = np.cov(margins.T, ddof=1) / m
    drawn = rng.multivariate_normal(margins.mean(axis=0), covariance, size=draws, method="eigh")
    return float(np.clip((drawn > 0).all(axis=1).mean(), low, high)), low, high
