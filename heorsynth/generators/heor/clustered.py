"""The clusters of the patients that `heor` learns from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.clusters.arms import is_constant_within
from heorsynth.estimators.clusters.variance import Grouping
from heorsynth.generators.clusters.law import ClusterFacts
from heorsynth.generators.clusters.placing import Placing
from heorsynth.generators.heor.cells import Cells
from heorsynth.generators.heor.columns import ColumnLaw


def cluster_facts(
    cohort: Cohort,
    cells: Cells,
    cell: np.ndarray,
    seen: np.ndarray,
    scores: np.ndarray,
    held: tuple[np.ndarray, np.ndarray, Mapping[str, np.ndarray]],
    columns: Sequence[ColumnLaw],
    threshold: float,
) -> ClusterFacts | None:
    """What patients show of their clusters; None in a cohort without clusters.

    Parameters
    ----------
    cell : array (n,)          of each patient
    seen : array (k,)          the patients that correlations are taken of
    scores : array (k, q)      their indicators of cells, then martingale residuals, if there is an endpoint
    held : array (k, p)        the scores of their columns, where they are known, and the columns (k,) themselves
    threshold : float          how strong an intracluster correlation must be to be kept
    """
    name = cohort.schema.cluster
    if name is None:
        return None
    cluster = cohort.coded(name).codes
    placing = Placing.of(cells.names, cells.members, cell, cluster)
    whole = [column.name for column in columns if _is_whole(cohort, column.name, cluster)]
    owner = np.array([column.name for column in columns for _ in range(column.width)], dtype=str)
    rows, arms = in_an_arm(cells, cell[seen], cohort.schema.arm)
    grouping = Grouping.of(cluster[seen][rows], arms[rows])
    residual, measured = residual_of(cells, scores), held[0].copy()
    for place, column in enumerate(columns):
        if not column.levels:
            last = sum(one.width for one in columns[: place + 1]) - 1
            measured[:, last] = np.where(held[1][:, last], held[2][column.name], 0.0)
    told = held[0][rows], held[1][rows], measured[rows]
    return ClusterFacts.of(name, placing, grouping, residual[rows], told, whole, owner, threshold)


def residual_of(cells: Cells, scores: np.ndarray) -> np.ndarray:
    """The martingale residual (n,) among the scores (n, q) of rows; 0 without an endpoint."""
    first = len(cells.indicator_names())
    return scores[:, first] if scores.shape[1] > first else np.zeros(len(scores))


def in_an_arm(cells: Cells, cell: np.ndarray, arm: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Rows (n,) whose arm is known, and the arm (n,) of each; one arm for all where none is declared."""
    arms = np.full(len(cell), "all") if arm is None else cells.levels(arm, cell).astype(str)
    return arms != "", arms


def _is_whole(cohort: Cohort, name: str, cluster: np.ndarray) -> bool:
    """True if a column is the same for all patients of each cluster, or missing for all of them."""
    texts = cohort.levels(name)
    return is_constant_within(cluster, np.where(texts == "", "missing", texts))
