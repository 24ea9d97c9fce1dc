"""Partial pooling: estimates of several groups inform each other, so that small groups depend less on chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heorsynth.core.estimate import normal_quantile

_LEAST = 4
"""With fewer groups, the variation between groups cannot be estimated: each group keeps its own estimate."""

_MOST_STEPS, _NONE = 100, 1e-12
"""Steps towards the variance between groups, and the weighted sum of squares above k - 1 that counts as none."""


@dataclass(frozen=True)
class _Pooled:
    """Partially pooled effects of k groups.

    Attributes
    ----------
    value, lower, upper : array (k,)   each group's effect shrunk towards their mean, with its interval
    mean, spread : float               mean and standard deviation of the groups' true effects
    """

    value: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    mean: float
    spread: float


def partially_pooled(effect: np.ndarray, se: np.ndarray, *, level: float = 0.90) -> _Pooled:
    """Return empirical Bayes estimates of k groups' effects, with intervals that allow for estimated parameters.

    Parameters
    ----------
    effect, se : array (k,)      each group's own estimate and its standard error; 0 if known without error
    level : float                of the intervals: they cover the true effects in this share of the groups on average

    Returns
    -------
    Pooled                       the groups' own estimates and intervals if there are fewer than four groups, or if one
                                 has no error, because chance variation between groups then cannot be estimated

    Notes
    -----
    Effects are normal around their mean with variance A (by Paule & Mandel), estimates around the effects with se².
    With B = (k - 3)/(k - 1) · se²/(se² + A) an effect is y - B (y - mean), and its variance
    se² (1 - (k - 1)/k · B) + 2/(k - 3) · B² (V + A)/(se² + A) (y - mean)², V the mean of se².

    References
    ----------
    Morris (1983) JASA 78:47, doi:10.1080/01621459.1983.10477920, section 4. Paule & Mandel (1982) J Res NBS 87:377.
    """
    own, errors = np.asarray(effect, float), np.asarray(se, float)
    z, k = normal_quantile(level), len(own)
    exact = errors <= 1e-12 * np.abs(own)
    if k < _LEAST or exact.any():
        weight = exact if exact.any() else 1 / errors**2
        mean = float(np.average(own, weights=weight)) if k else float("nan")
        return _Pooled(own, own - z * errors, own + z * errors, mean, float("nan"))
    between = _between(own, errors)
    total = errors**2 + between
    mean = float(np.average(own, weights=1 / total))
    drawn = (k - 3) / (k - 1) * errors**2 / total
    away = own - mean
    value = own - drawn * away
    uncertain = 2 / (k - 3) * drawn**2 * (np.mean(errors**2) + between) / total * away**2
    half = z * np.sqrt(errors**2 * (1 - (k - 1) / k * drawn) + uncertain)
    return _Pooled(value, value - half, value + half, mean, float(np.sqrt(between)))


def _between(effect: np.ndarray, se: np.ndarray) -> float:
    """Return the variance of the true effects at which the weighted sum of squares is k - 1, at least 0.

    The sum falls with the variance and is convex in it, so Newton's steps from 0 never pass the solution
    (DerSimonian & Kacker 2007, Contemp Clin Trials 28:105). scipy.optimize takes longer to import than all else here.
    """
    variance = 0.0
    for _ in range(_MOST_STEPS):
        weight = 1 / (se**2 + variance)
        squares = (effect - np.average(effect, weights=weight)) ** 2
        excess = float(weight @ squares) - (len(effect) - 1)
        if excess <= _NONE:
            break
        variance += excess / float(weight**2 @ squares)
    return variance
