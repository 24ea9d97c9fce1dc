"""How arms lie in clusters: whole clusters in one arm, or arms side by side in each."""

from __future__ import annotations

import numpy as np

from heorsynth.core.errors import NotEstimableError, Problem

_BY_CHANCE = 1e-3
"""Largest probability that levels given out by chance would be the same within every cluster."""


def share_of_one_arm(cluster: np.ndarray, arm: np.ndarray) -> float:
    """The share of clusters, of those with two patients or more, whose patients all have one arm.

    Parameters
    ----------
    cluster : array (n,)
    arm : array (n,)         text, '' where unknown: these patients are left out

    Raises
    ------
    NotEstimableError        no cluster has two patients of known arm

    Examples
    --------
    >>> share_of_one_arm(np.array(list("aabbcc")), np.array(["new", "new", "usual", "usual", "new", "usual"]))
    0.6666666666666666
    """
    table = _table(cluster, arm)
    several = table.sum(axis=1) > 1
    if not several.any():
        found = Problem("cluster", "no cluster has two patients", "leave the clusters out")
        raise NotEstimableError("arms within clusters", found)
    return float(((table[several] > 0).sum(axis=1) == 1).mean())


def is_constant_within(cluster: np.ndarray, levels: np.ndarray) -> bool:
    """True if levels (n,) are the same for all patients of each cluster, '' left out, which is not by chance.

    Examples
    --------
    >>> is_constant_within(np.repeat(np.arange(6), 5), np.repeat(["a", "b", "a", "b", "a", "b"], 5))
    True
    >>> is_constant_within(np.array([1, 1, 2, 2]), np.array(["a", "a", "b", "b"]))  # too few to tell
    False
    """
    table = _table(cluster, levels)
    if table.shape[1] < 2 or ((table > 0).sum(axis=1) > 1).any():
        return False
    shares = table.sum(axis=0) / table.sum()
    sizes = table.sum(axis=1)
    alike = np.log((shares[None, :] ** sizes[:, None]).sum(axis=1) + 1e-300)
    return bool(alike.sum() < np.log(_BY_CHANCE))


def _table(cluster: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Patients (clusters, levels) of known level in each cluster."""
    known = levels.astype(str) != ""
    rows, columns = (np.unique(held[known].astype(str), return_inverse=True)[1] for held in (cluster, levels))
    table = np.zeros((rows.max(initial=-1) + 1, columns.max(initial=-1) + 1))
    np.add.at(table, (rows, columns), 1)
    return table
