"""The covariance of a Cox model whose patients lie in clusters."""

from __future__ import annotations

import numpy as np

from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.estimators.survival.cox import CoxFit

_FEWEST_CLUSTERS = 2


def score_residuals(
    coef: np.ndarray, time: np.ndarray, event: np.ndarray, covariates: np.ndarray, entry: np.ndarray | None = None
) -> np.ndarray:
    """Return the score residuals (n, p) of a Cox model at these coefficients (p,), with Efron's treatment of ties.

    Notes
    -----
    With r_i = exp(x_i b), d events tied at t and l = 0 .. d-1: S_l is the sum of r over those at risk less (l/d) times
    that over the tied events, and x̄_l the mean of x with the same weights. A patient at risk has
    -r_i · Σ_l (x_i - x̄_l)/S_l. In a tied event the terms of this sum have the weight 1 - l/d, and x_i - mean(x̄_l) is
    added.

    References
    ----------
    Therneau & Grambsch (2000) Modeling Survival Data, section 4.6 and appendix for Efron's ties.
    """
    matrix, happened = np.asarray(covariates, float), np.asarray(event, bool)
    matrix = matrix - matrix.mean(axis=0)
    risk = np.exp(matrix @ np.asarray(coef, float))
    moments = np.column_stack([risk, risk[:, None] * matrix])
    times = np.unique(time[happened])
    at_risk = _at_or_after(time, moments, times)
    if entry is not None:
        at_risk = at_risk - _at_or_after(np.asarray(entry, float), moments, times)
    place = np.searchsorted(times, time[happened])
    tied = np.zeros_like(at_risk)
    np.add.at(tied, place, moments[happened])
    counts = np.bincount(place, minlength=len(times))
    whole, starred, means = (np.zeros((len(times), 1 + matrix.shape[1])) for _ in range(3))
    for step in range(int(counts.max(initial=0))):
        held = counts > step
        share = (step / counts[held])[:, None]
        left = at_risk[held] - share * tied[held]
        hazard = np.column_stack([np.ones(len(left)), left[:, 1:] / left[:, :1]]) / left[:, :1]
        whole[held] += hazard
        starred[held] += (1 - share) * hazard
        means[held] += left / left[:, :1] / counts[held][:, None]
    upto = np.vstack([np.zeros(whole.shape[1]), np.cumsum(whole, axis=0)])
    cumulative = upto[np.searchsorted(times, time, side="right")]
    if entry is not None:
        cumulative = cumulative - upto[np.searchsorted(times, entry, side="right")]
    cumulative[happened] += (starred - whole)[place]
    found = -risk[:, None] * (matrix * cumulative[:, :1] - cumulative[:, 1:])
    found[happened] += matrix[happened] - means[place, 1:]
    return np.asarray(found)


def _at_or_after(values: np.ndarray, moments: np.ndarray, times: np.ndarray) -> np.ndarray:
    order = np.argsort(values, kind="stable")
    upto = np.vstack([np.zeros(moments.shape[1]), np.cumsum(moments[order], axis=0)])
    return np.asarray(upto[-1] - upto[np.searchsorted(values[order], times, side="left")])


def clustered_covariance(
    fit: CoxFit,
    time: np.ndarray,
    event: np.ndarray,
    covariates: np.ndarray,
    cluster: np.ndarray,
    entry: np.ndarray | None = None,
) -> np.ndarray:
    """Return the covariance (p, p) of a Cox model's coefficients that allows for clusters.

    Parameters
    ----------
    fit : CoxFit           of the same patients, without missing values
    cluster : array (n,)   the cluster of each patient

    Returns
    -------
    array (p, p)           V (Σ_g u_g u_gᵀ) V · G/(G - 1), V the inverse information and u_g the sum of the score
                           residuals of cluster g. R's `coxph(…, cluster=)` has it without G/(G - 1)

    Raises
    ------
    NotEstimableError      one cluster

    References
    ----------
    Lin & Wei (1989) J Am Stat Assoc 84:1074; Lee, Wei & Amato (1992). Against R: tests/reference/clusters.R
    """
    return sandwich(fit.covariance, score_residuals(fit.coef, time, event, covariates, entry), cluster)


def sandwich(inverse: np.ndarray, scores: np.ndarray, cluster: np.ndarray) -> np.ndarray:
    """Return V (Σ_g u_g u_gᵀ) V · G/(G - 1), with u_g the sum of the scores (n, p) of cluster g and V `inverse` (p, p).

    Raises
    ------
    NotEstimableError      one cluster
    """
    codes = np.unique(cluster, return_inverse=True)[1]
    groups = int(codes.max(initial=-1)) + 1
    if groups < _FEWEST_CLUSTERS:
        found = Problem("cluster", f"{groups} cluster", "it takes two or more for an error that allows for clusters")
        raise NotEstimableError("clusters", found)
    sums = np.zeros((groups, scores.shape[1]))
    np.add.at(sums, codes, scores)
    moved = sums @ inverse
    return np.asarray(moved.T @ moved * groups / (groups - 1))
