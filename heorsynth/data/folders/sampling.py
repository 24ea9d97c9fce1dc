"""A simple random sample of a folder: every row as likely as any other, whichever partition it lies in."""

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
"""A sample of a folder is of so many rows at least: fewer would not be worth a folder."""


def most_rows_problem(most_rows: object) -> Problem | None:
    """What is wrong with the size of a sample of a folder; None for a whole number from `LEAST_ROWS` up."""
    if is_whole(most_rows, LEAST_ROWS):
        return None
    return Problem("most_rows", f"{most_rows!r}", f"a whole number, {LEAST_ROWS} or more")


def spread(held: Sequence[int], wanted: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Which rows of each part make a simple random sample of all, without replacement.

    Parameters
    ----------
    held : sequence of int        rows in each part
    wanted : int                  rows in the sample; at most all there are

    Returns
    -------
    list of array                 for each part, the rows taken, sorted and counted from 0 within the part

    Notes
    -----
    Rows are numbered on from part to part, and `wanted` of the numbers are drawn. How many fall into each part is
    therefore multivariate hypergeometric, and which rows of a part they are is uniform given how many. The draw is made
    once, in one place, so that the order in which parts are read has no say in it.

    Examples
    --------
    >>> [rows.tolist() for rows in spread([2, 1, 3], 6, np.random.default_rng(1))]
    [[0, 1], [0], [0, 1, 2]]
    """
    ends = np.cumsum(held)
    chosen = np.sort(rng.choice(int(ends[-1]), size=wanted, replace=False, shuffle=False))
    parts = np.split(chosen, np.searchsorted(chosen, ends[:-1]))
    return [rows - (end - size) for rows, end, size in zip(parts, ends.tolist(), held, strict=True)]


def sampled(folder: CohortFolder, most: int, rng: np.random.Generator, engine: Engine) -> Cohort:
    """A simple random sample of `most` rows of a folder, in its order; all of them where it has no more.

    The same rows on any engine. Partitions are read one by one, and those that no row is taken of are not read.
    """
    taken = spread(folder.sizes, min(most, folder.n), rng)
    wanted = [part for part, rows in enumerate(taken) if len(rows)]
    parts = engine.map(_rows, wanted, (folder, taken), what=f"sampling {folder.name}", named=folder.file_name)
    frame = pd.concat(list(parts), ignore_index=not folder.synthetic)
    label = None if folder.label is None else folder.label.for_rows(len(frame))
    return Cohort.derive(folder.schema, frame, label=label, name=folder.name)


def _rows(task: tuple[CohortFolder, Sequence[np.ndarray]], part: int) -> pd.DataFrame:
    """The rows taken of one partition, in its order."""
    folder, taken = task
    return folder.part(part).take(taken[part]).frame
