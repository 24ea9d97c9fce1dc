"""Clusters of patients, such as sites or practices: what is wrong with a column of them, and names that tell none."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pandas.api import types

from heorsynth.core import errors
from heorsynth.core.display import agreeing, counted
from heorsynth.core.errors import Problem
from heorsynth.data.columns.levels import as_text
from heorsynth.data.columns.role_checks import TypedProblem
from heorsynth.data.columns.schema import Schema

CLUSTER_WORDS = {"site", "centre", "center", "hospital", "clinic", "practice", "school", "ward", "surgery", "cluster"}
"""Words in the name of a column of clusters."""

_FEWEST = 2


def bad_clusters(frame: pd.DataFrame, schema: Schema) -> list[TypedProblem]:
    """Return the problems of a cluster column: no labels or whole numbers, missing, one cluster, or no two alike."""
    if schema.cluster is None:
        return []
    column, where = frame[schema.cluster], f"cluster {schema.cluster!r}"
    known = column.dropna()
    if types.is_bool_dtype(column) or types.is_datetime64_any_dtype(column) or _has_decimals(known):
        message, fix = "holds no labels or whole numbers", "give the column that names the site of each patient"
        return [(errors.RoleError, Problem(where, message, fix))]
    problems: list[TypedProblem] = []
    if lost := len(column) - len(known):
        message = f"{lost} of {len(column)} patients {agreeing(lost, 'has', 'have')} none"
        fix = "find their cluster, or leave those patients out"
        problems.append((errors.RoleError, Problem(where, message, fix)))
    n_clusters = int(as_text(column).nunique())
    if n_clusters < _FEWEST:
        message = f"{counted(n_clusters, 'cluster')}, expected {_FEWEST} or more"
        problems.append((errors.RoleError, Problem(where, message, "do not declare a cluster")))
    elif n_clusters == len(known):
        message = "as many clusters as patients"
        fix = "give the column of the site; a column that names the patient is the id"
        problems.append((errors.RoleError, Problem(where, message, fix)))
    return problems


def _has_decimals(known: pd.Series) -> bool:
    """Return True if some values are numbers with decimals, or infinite."""
    if not types.is_float_dtype(known):
        return False
    values = known.to_numpy(float)
    return not bool(np.all(np.isfinite(values)) and np.all(values == np.floor(values)))


def cluster_names(count: int) -> np.ndarray:
    """Return names (count,) that tell nothing of a cluster.

    Examples
    --------
    >>> cluster_names(3).tolist()
    ['C01', 'C02', 'C03']
    """
    width = max(2, len(str(count)))
    return np.array([f"C{place:0{width}d}" for place in range(1, count + 1)], dtype=object)


def renamed_clusters(column: pd.Series) -> pd.Series:
    """Return a column of clusters under names that tell none of them, in the order of their number of patients."""
    text = as_text(column).fillna("").to_numpy(dtype=str)
    present, codes, counts = np.unique(text, return_inverse=True, return_counts=True)
    names = np.empty(len(present), dtype=object)
    names[np.argsort(-counts, kind="stable")] = cluster_names(len(present))
    return pd.Series(names[codes], index=column.index, name=column.name, dtype="str")


NAME_DTYPE = str(pd.Series(["C01"], dtype="str").dtype)
"""The type of a column of such names."""
