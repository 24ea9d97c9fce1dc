"""Variance between clusters: the intracluster correlation by analysis of variance, of one column or of several."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heorsynth.core.errors import NotEstimableError, Problem


@dataclass(frozen=True)
class OneWay:
    """A one-way analysis of variance of columns (k,) by cluster, within strata such as the arms.

    Attributes
    ----------
    between, within : array (k,)      mean squares between and within clusters
    size : array (k,)                 the size of a cluster that the between mean square counts with; `n0` below
    df_between, df_within : array (k,)

    Notes
    -----
    With N patients in G clusters of n_g, in S strata: n0 = (N - sum over strata of (sum of n_g²) / N_s) / (G - S).
    Where strata lie within clusters, as the arms of a trial that randomised within sites, their means are taken off
    first, and S counts as 1 between clusters; each further stratum takes a degree of freedom within.
    """

    between: np.ndarray
    within: np.ndarray
    size: np.ndarray
    df_between: np.ndarray
    df_within: np.ndarray

    @property
    def variance(self) -> np.ndarray:
        """Variance between clusters (k,): (between - within) / n0. It may be negative by chance."""
        return np.asarray((self.between - self.within) / self.size)

    @property
    def icc(self) -> np.ndarray:
        """Intracluster correlation (k,): the variance between clusters as a share of all; NaN without any variance."""
        total = self.variance + self.within
        return np.divide(self.variance, total, out=np.full(len(total), np.nan), where=total > 0)

    @property
    def chance(self) -> np.ndarray:
        """Standard error (k,) of the intracluster correlation where it is 0: by how much it differs from 0 by chance.

        Swiger et al. (1964): sqrt(2 (N - 1) (1 - ρ)² (1 + (n0 - 1) ρ)² / (n0² (N - G) (G - 1))), here at ρ = 0.
        """
        return self._error(np.zeros(len(self.size)))

    @property
    def se(self) -> np.ndarray:
        """Standard error (k,) of the intracluster correlation, by the same formula at its estimate; of 0 if below."""
        return self._error(np.clip(np.nan_to_num(self.icc), 0.0, 1.0))

    def _error(self, icc: np.ndarray) -> np.ndarray:
        both, n0 = self.df_between + self.df_within, self.size
        spread = np.sqrt(2 * both / (n0**2 * self.df_within * self.df_between))
        return np.asarray(spread * (1 - icc) * (1 + (n0 - 1) * icc))


@dataclass(frozen=True)
class Grouping:
    """Clusters and strata of patients: which of the two lies within the other.

    Attributes
    ----------
    cluster, stratum : array (n,) of int     from 0 up
    nested : bool                            every cluster lies in one stratum
    """

    cluster: np.ndarray
    stratum: np.ndarray
    nested: bool

    @classmethod
    def of(cls, cluster: np.ndarray, stratum: np.ndarray | None = None) -> Grouping:
        """The grouping of patients by cluster (n,) and, if given, stratum (n,)."""
        codes = np.unique(cluster, return_inverse=True)[1]
        held = np.zeros(len(codes), dtype=int) if stratum is None else np.unique(stratum, return_inverse=True)[1]
        pairs = len(np.unique(codes * (held.max(initial=0) + 1) + held))
        return cls(codes, held, pairs == codes.max(initial=-1) + 1)

    def one_way(self, columns: np.ndarray, known: np.ndarray | None = None) -> OneWay:
        """The analysis of variance of columns (n, k), each over the rows in which it is known (n, k).

        Raises
        ------
        NotEstimableError      there is no cluster beside another in its stratum, or no two patients share one
        """
        seen = np.isfinite(columns) if known is None else known
        found = [self._of_column(column[rows], rows) for column, rows in zip(columns.T, seen.T, strict=True)]
        return OneWay(*np.array(found, dtype=float).reshape(len(found), 5).T)

    def _of_column(self, values: np.ndarray, rows: np.ndarray) -> tuple[float, float, float, float, float]:
        cluster, stratum = self.cluster[rows], self.stratum[rows]
        strata = np.bincount(stratum)
        centred = values - (np.bincount(stratum, values) / np.maximum(strata, 1))[stratum]
        sizes = np.bincount(cluster)
        held, patients, groups = sizes > 0, len(values), int((sizes > 0).sum())
        means = np.bincount(cluster, centred)[held] / sizes[held]
        n_strata = int((strata > 0).sum())
        apart = n_strata if self.nested else 1
        df_between, df_within = groups - apart, patients - groups - (0 if self.nested else n_strata - 1)
        if df_between < 1 or df_within < 1:
            fix = "it takes two clusters in an arm, and two patients in a cluster"
            raise NotEstimableError("intracluster correlation", Problem("cluster", "too few clusters", fix))
        if self.nested:
            home = np.zeros(len(sizes), dtype=int)
            home[cluster] = stratum
            squares = np.bincount(home[held], sizes[held].astype(float) ** 2, minlength=len(strata))
            lost = float((squares[strata > 0] / strata[strata > 0]).sum())
        else:
            lost = float((sizes.astype(float) ** 2).sum() / patients)
            means = means - float(np.average(means, weights=sizes[held]))
        between = float((sizes[held] * means**2).sum())
        within = max(0.0, float((centred**2).sum()) - between)
        return between / df_between, within / df_within, (patients - lost) / df_between, df_between, df_within

    def covariances(self, columns: np.ndarray) -> np.ndarray:
        """Covariances (k, k) between clusters of columns (n, k) without gaps: (between - within) / n0."""
        counts, sizes = np.bincount(self.stratum), np.bincount(self.cluster)
        means = np.column_stack([np.bincount(self.stratum, column) / counts for column in columns.T])
        centred = columns - means[self.stratum]
        own = np.column_stack([np.bincount(self.cluster, column) / sizes for column in centred.T])
        own = own if self.nested else own - np.average(own, axis=0, weights=sizes)
        between, alone = (own.T * sizes) @ own, self.one_way(columns[:, :1])
        within = (centred.T @ centred - between) / alone.df_within[0]
        return np.asarray((between / alone.df_between[0] - within) / alone.size[0])


def intracluster_correlation(values: np.ndarray, cluster: np.ndarray, stratum: np.ndarray | None = None) -> float:
    """The intracluster correlation of values (n,) by one-way analysis of variance, within strata such as the arms.

    Parameters
    ----------
    values : array (n,)      NaN where unknown
    cluster : array (n,)     the cluster of each patient
    stratum : array (n,)     the arm of each patient; without it, arms count as one

    Returns
    -------
    float                    at most 1; negative where clusters are more alike than chance makes them

    Raises
    ------
    NotEstimableError        too few clusters, or no variance

    References
    ----------
    Donner & Koval (1980) Biometrics 36:19, the analysis-of-variance estimator with n0.

    Examples
    --------
    >>> float(intracluster_correlation(np.array([1.0, 2, 5, 6]), np.array(["a", "a", "b", "b"])))  # 7.75 / 8.25
    0.9393939393939394
    """
    grouping = Grouping.of(cluster, stratum)
    found = float(grouping.one_way(np.asarray(values, dtype=float)[:, None]).icc[0])
    if np.isnan(found):
        fix = "leave it out: it does not vary"
        raise NotEstimableError("intracluster correlation", Problem("cluster", "all patients are alike", fix))
    return found
