"""Takes a stratified sample of a folder to learn from; every combination of arm and subgroups is in it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from heorsynth.core.errors import GeneratorError, Problem
from heorsynth.core.random import stream
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.folders.cohort_folder import CohortFolder
from heorsynth.data.folders.sampling import rows_to_take
from heorsynth.data.folders.tally import Cell, cells_of
from heorsynth.engine.engine import EngineSpec, open_engine
from heorsynth.generators.sampling.target_shares import allocate

_Ranks = Mapping[int, Mapping[Cell, np.ndarray]]
"""Partition to cell to the taken rows among the cell's rows in that partition, counted from 0."""


def stratified(folder: CohortFolder, most: int, seed: int, engine: EngineSpec = "local", least: int = 30) -> Cohort:
    """A random sample of about `most` rows of a folder, or all its rows if it has no more; the same on any engine.

    Each combination of arm and subgroups has its share of the sample, drawn without replacement, but at least `least`
    rows, or all that it has. Where a cell of fewer rows has no laws of its own, whether it has them does not depend on
    the sample.

    Raises
    ------
    GeneratorError      there are more combinations than the sample can hold
    """
    counts = np.array(list(folder.cells.values()))
    if len(counts) * least > most:
        fix = "declare fewer subgroups, merge levels, or raise most_rows"
        found = f"{len(counts):,} combinations of arm and subgroups for a sample of {most:,} rows"
        raise GeneratorError(f"cohort folder {folder.name!r}", Problem("subgroups", found, fix))
    wanted = np.minimum(counts, np.maximum(allocate(counts, min(most, folder.n)), least))
    ranks = _ranks(folder, dict(zip(folder.cells, wanted.tolist(), strict=True)), seed)
    with open_engine(engine) as running:
        parts = running.map(
            _rows, sorted(ranks), (folder, ranks), what=f"sampling {folder.name}", named=folder.file_name
        )
        frame = pd.concat(list(parts), ignore_index=not folder.synthetic)
    return Cohort.derive(folder.schema, frame, label=folder.label, name=folder.name)


def _ranks(folder: CohortFolder, wanted: Mapping[Cell, int], seed: int) -> _Ranks:
    """The rows to take of each partition. They are drawn once for each cell, over all partitions."""
    found: dict[int, dict[Cell, np.ndarray]] = {}
    for cell in folder.cells:
        rng = stream(seed, "folder", *cell)
        held = [part.get(cell, 0) for part in folder.facts.by_part]
        for part, ranks in enumerate(rows_to_take(held, wanted[cell], rng)):
            if len(ranks):
                found.setdefault(part, {})[cell] = ranks
    return found


def _rows(task: tuple[CohortFolder, _Ranks], part: int) -> pd.DataFrame:
    """The sampled rows of one partition, in its order."""
    folder, ranks = task
    cell, members = cells_of(folder.part_strata(part))
    folder.require_cells(part, dict(zip(members, np.bincount(cell, minlength=len(members)).tolist(), strict=True)))
    taken = [
        np.flatnonzero(cell == place)[ranks[part][member]]
        for place, member in enumerate(members)
        if member in ranks[part]
    ]
    return folder.part_rows(part, np.sort(np.concatenate(taken))).frame
