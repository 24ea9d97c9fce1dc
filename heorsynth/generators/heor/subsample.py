"""A sample of a folder, small enough to learn from, in which no combination of arm and subgroups is lost."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from heorsynth.core.errors import GeneratorError, Problem
from heorsynth.core.random import stream
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.folders.cohort_folder import CohortFolder
from heorsynth.data.folders.sampling import spread
from heorsynth.data.folders.tally import Cell, cells_of
from heorsynth.engine.engine import EngineSpec, open_engine
from heorsynth.generators.heor.cells import MIN_STRATUM
from heorsynth.generators.sampling.target_shares import allocate

Ranks = Mapping[int, Mapping[Cell, np.ndarray]]
"""Partition to cell to which of that cell's rows in it are taken, counted from 0."""


def stratified(folder: CohortFolder, most: int, seed: int, engine: EngineSpec = "local") -> Cohort:
    """About `most` rows of a folder, or all where it has no more: the same rows on any engine.

    Of each combination of arm and subgroups its share is taken, rounded, by chance without replacement. One that would
    have fewer than `MIN_STRATUM` rows has that many, or all it has: below that number a cell has no laws of its own, so
    that whether it has does not depend on the sampling.

    Raises
    ------
    GeneratorError      more combinations than the sample could hold
    """
    counts = np.array(list(folder.cells.values()))
    if len(counts) * MIN_STRATUM > most:
        fix = "declare fewer subgroups, merge levels, or raise most_rows"
        found = f"{len(counts):,} combinations of arm and subgroups for a sample of {most:,} rows"
        raise GeneratorError(f"cohort folder {folder.name!r}", Problem("subgroups", found, fix))
    wanted = np.minimum(counts, np.maximum(allocate(counts, min(most, folder.n)), MIN_STRATUM))
    ranks = _ranks(folder, dict(zip(folder.cells, wanted.tolist(), strict=True)), seed)
    with open_engine(engine) as running:
        parts = running.map(
            _rows, sorted(ranks), (folder, ranks), what=f"sampling {folder.name}", named=folder.file_name
        )
        frame = pd.concat(list(parts), ignore_index=not folder.synthetic)
    return Cohort.derive(folder.schema, frame, label=folder.label, name=folder.name)


def _ranks(folder: CohortFolder, wanted: Mapping[Cell, int], seed: int) -> Ranks:
    """Which rows of which partition are taken: chance is drawn once for each cell, over all partitions."""
    found: dict[int, dict[Cell, np.ndarray]] = {}
    for cell in folder.cells:
        rng = stream(seed, "folder", *cell)
        held = [part.get(cell, 0) for part in folder.facts.by_part]
        for part, ranks in enumerate(spread(held, wanted[cell], rng)):
            if len(ranks):
                found.setdefault(part, {})[cell] = ranks
    return found


def _rows(task: tuple[CohortFolder, Ranks], part: int) -> pd.DataFrame:
    """The rows taken of one partition, in its order."""
    folder, ranks = task
    cohort = folder.part(part)
    cell, members = cells_of(cohort)
    folder.require_cells(part, dict(zip(members, np.bincount(cell, minlength=len(members)).tolist(), strict=True)))
    taken = [
        np.flatnonzero(cell == place)[ranks[part][member]]
        for place, member in enumerate(members)
        if member in ranks[part]
    ]
    return cohort.take(np.sort(np.concatenate(taken))).frame
