"""A simple random sample of a folder: every row has the same probability, whichever partition holds it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from heorsynth.core.errors import Problem
from heorsynth.core.numbers import is_whole
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.folders.cohort_folder import CohortFolder
from heorsynth.engine.engine import Engine

LEAST_ROWS = 1000
"""The smallest sample of a folder."""


def most_rows_problem(most_rows: object) -> Problem | None:
    """Return the problem with the size of a sample, or None if it is a whole number from `LEAST_ROWS` up."""
    if is_whole(most_rows, LEAST_ROWS):
        return None
    return Problem("most_rows", f"{most_rows!r}", f"a whole number, {LEAST_ROWS} or more")


def rows_to_take(sizes: Sequence[int], wanted: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Return the rows of each part that form a simple random sample of all rows, without replacement.

    Parameters
    ----------
    sizes : sequence of int       rows in each part
    wanted : int                  rows in the sample; at most the number of all rows

    Returns
    -------
    list of array                 for each part, the sampled rows, sorted and counted from 0 within the part

    Notes
    -----
    Rows are numbered across all parts, and `wanted` of the numbers are drawn. The number of rows per part therefore is
    multivariate hypergeometric, and given this number the rows of a part are uniform. All rows are drawn at once, so
    that the sample does not depend on the order in which parts are read.

    Examples
    --------
    >>> [rows.tolist() for rows in rows_to_take([2, 1, 3], 6, np.random.default_rng(1))]
    [[0, 1], [0], [0, 1, 2]]
    """
    ends = np.cumsum(sizes)
    chosen = np.sort(rng.choice(int(ends[-1]), size=wanted, replace=False, shuffle=False))
    parts = np.split(chosen, np.searchsorted(chosen, ends[:-1]))
    return [rows - (end - size) for rows, end, size in zip(parts, ends.tolist(), sizes, strict=True)]


def sampled(folder: CohortFolder, most: int, rng: np.random.Generator, engine: Engine) -> Cohort:
    """Return a simple random sample of `most` rows of a folder, in its order, or all rows if there are no more.

    The rows are the same on any engine. Partitions are read one at a time; those without sampled rows are not read.
    """
    return taken_rows(folder, rows_of(folder, most, rng), engine)


def taken_rows(folder: CohortFolder, taken: Sequence[np.ndarray], engine: Engine) -> Cohort:
    """Return these rows of each partition, as `rows_of` gives them."""
    wanted = [part for part, rows in enumerate(taken) if len(rows)]
    parts = engine.map(_rows, wanted, (folder, taken), what=f"sampling {folder.name}", named=folder.file_name)
    return joined(folder, list(parts))


def rows_of(folder: CohortFolder, most: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Return the rows of each partition that `sampled` takes."""
    return rows_to_take(folder.sizes, min(most, folder.n), rng)


def joined(folder: CohortFolder, parts: Sequence[pd.DataFrame]) -> Cohort:
    """Return the cohort of rows that were taken from a folder's partitions."""
    frame = pd.concat(list(parts), ignore_index=not folder.synthetic)
    label = None if folder.label is None else folder.label.for_rows(len(frame))
    return Cohort.derive(folder.schema, frame, label=label, name=folder.name)


def _rows(task: tuple[CohortFolder, Sequence[np.ndarray]], part: int) -> pd.DataFrame:
    """Return the sampled rows of one partition, in its order."""
    folder, taken = task
    return folder.part_rows(part, taken[part]).frame
