"""Counts all rows of a folder and takes some of them, with each partition read once; what is counted is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.cohort.domain import Domain
from heorsynth.data.folders.cohort_folder import CohortFolder
from heorsynth.data.folders.sampling import joined, taken_rows
from heorsynth.data.folders.tally import Tally
from heorsynth.data.folders.total import Total
from heorsynth.engine.engine import Engine


@dataclass(frozen=True)
class _Seen:
    """What a pass over a folder gives.

    Attributes
    ----------
    tally : Tally                of all rows, added up in the order of the partitions
    broken : Mapping             post-condition to the rows that break it; empty without a domain
    sample : Cohort or None      the rows taken; None if none were asked for
    """

    tally: Tally
    broken: Counter[str]
    sample: Cohort | None


def seen(
    folder: CohortFolder, engine: Engine, taken: Sequence[np.ndarray] | None = None, domain: Domain | None = None
) -> _Seen:
    """Return what is seen of a folder; the folder keeps its tally.

    Parameters
    ----------
    taken : sequence of array     for each partition the rows to take, as `sampling.rows_of` gives them
    domain : Domain               of the source, whose post-conditions are checked
    """
    known = Counter[str]() if domain is None else folder.broken(domain)
    if folder.is_counted and known is not None:
        sample = None if taken is None else taken_rows(folder, taken, engine)
        return _Seen(folder.tallied(engine), known, sample)
    total = Total()
    broken: Counter[str] = Counter()
    rows: list[pd.DataFrame] = []
    task = folder, taken, domain
    for tally, breaks, some in engine.map(
        _of_part, range(len(folder.files)), task, what=f"counting {folder.name}", named=folder.file_name
    ):
        total.add(tally)
        broken.update(breaks)
        rows += [] if some is None else [some]
    folder.keep(total.tally, domain, broken)
    return _Seen(total.tally, broken, joined(folder, rows) if rows else None)


def _of_part(
    task: tuple[CohortFolder, Sequence[np.ndarray] | None, Domain | None], part: int
) -> tuple[Tally, dict[str, int], pd.DataFrame | None]:
    folder, taken, domain = task
    cohort = folder.part(part)
    some = None if taken is None or not len(taken[part]) else cohort.take(taken[part]).frame
    return Tally.of(cohort), {} if domain is None else domain.breaks(cohort.arrays), some
