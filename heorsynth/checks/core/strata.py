"""The patients of an arm or a subgroup level, in the rows of a cohort or in a tally.

Every function takes a cohort or a tally. A mask of "chosen" patients has one entry a row (n,) of a cohort, or one entry
a cell (c,) of a tally; it is computed from the levels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import singledispatch
from typing import TypeAlias, cast

import numpy as np

from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.arrays import combination_counts
from heorsynth.data.folders.tally import Tally

Observed: TypeAlias = Cohort | Tally


def rows_of(data: Observed) -> Cohort:
    """Return the argument as a cohort: single dispatch sends tallies to the second function of a pair."""
    return cast(Cohort, data)


@singledispatch
def patients(data: Observed, chosen: np.ndarray) -> int:
    """Return the number of chosen patients."""
    return int(chosen.sum())


@patients.register
def _(data: Tally, chosen: np.ndarray) -> int:
    return int(data.patients[chosen].sum())


@singledispatch
def levels_in(data: Observed, name: str) -> list[str]:
    """Return the levels of a column that some patient has, sorted."""
    return [level for level in rows_of(data).coded(name).counts if level]


@levels_in.register
def _(data: Tally, name: str) -> list[str]:
    return sorted(set(data.levels(name).tolist()) - {""})


@singledispatch
def at_level(data: Observed, name: str, level: str) -> np.ndarray:
    """Return the mask of "chosen" patients, those with a level of a column."""
    held = rows_of(data).coded(name)
    places = np.flatnonzero(held.names == level)
    if len(places) != 1:  # no row has it, or '' is a level and also stands for missing
        return (held.names == level)[held.codes]
    place = int(places[0])
    return np.asarray(held.codes == (place if place < len(held.names) - 1 else -1))


@at_level.register
def _(data: Tally, name: str, level: str) -> np.ndarray:
    return np.asarray(data.levels(name) == level)


def patients_by(data: Observed, names: Sequence[str]) -> Counter[tuple[str, ...]]:
    """Count the patients in each combination of levels of these columns."""
    if not isinstance(data, Tally):
        return combination_counts([data.coded(name) for name in names])
    found: Counter[tuple[str, ...]] = Counter()
    cells = zip(*(data.levels(name).tolist() for name in names), strict=True)
    for weight, cell in zip(data.patients.tolist(), cells, strict=True):
        found[cell] += weight
    return found
