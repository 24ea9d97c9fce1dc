"""Patients of a comparison: time, event and arm of a cohort or a frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from heorsynth.core.errors import ComparisonError, Problem, nearest
from heorsynth.data.cohort.cohort import Cohort

Rows = Cohort | pd.DataFrame
Columns = tuple[str, str, str]
"""Names of the columns of time, event and arm in a frame."""


@dataclass(frozen=True)
class Patients:
    """Follow-up of the patients of some arms; those with a missing time, event or arm are left out.

    Attributes
    ----------
    frame : DataFrame      the rows of these arms
    time : array (n,)
    event : array (n,)     bool
    arm : array (n,)       names of arms
    n_total : int          rows before any was left out
    """

    frame: pd.DataFrame
    time: np.ndarray
    event: np.ndarray
    arm: np.ndarray
    n_total: int

    def kept(self, rows: np.ndarray) -> Patients:
        """Return some of the patients."""
        return Patients(self.frame[rows], self.time[rows], self.event[rows], self.arm[rows], self.n_total)


def patients_of(rows: Rows, columns: Columns, arms: Sequence[str], what: str) -> Patients:
    """Return the patients of these arms.

    Parameters
    ----------
    rows : Cohort or DataFrame     of a cohort, its first endpoint and its arm are used
    columns : tuple of str         time, event and arm of a frame
    what : str                     "own" or "published", for errors

    Raises
    ------
    ComparisonError                a column or an arm is not there, or an event is not 0 or 1
    """
    frame = rows.frame if isinstance(rows, Cohort) else rows
    if isinstance(rows, Cohort):
        if rows.schema.arm is None or not rows.schema.endpoints:
            fix = "declare endpoints and arm of the cohort"
            raise ComparisonError(f"{what} patients", Problem("", "a cohort without an endpoint or an arm", fix))
        first = next(iter(rows.schema.endpoints.values()))
        columns = (first.time, first.event, rows.schema.arm)
    missing = [name for name in columns if name not in frame]
    if missing:
        problems = [
            Problem(f"column {name!r}", "is missing", nearest(name, map(str, frame.columns))) for name in missing
        ]
        raise ComparisonError(f"{what} patients", problems)
    time, event, arm = (frame[name] for name in columns)
    names = arm.astype("object").map(str, na_action="ignore")
    unknown = [name for name in arms if name not in set(names.dropna())]
    if unknown:
        known = sorted(set(names.dropna()))
        problems = [Problem(f"arm {name!r}", "has no patients", nearest(name, known)) for name in unknown]
        raise ComparisonError(f"{what} patients", problems)
    held = names.isin(list(arms)) & time.notna() & event.notna()
    happened = event[held].to_numpy(float)
    if not np.isin(happened, (0.0, 1.0)).all():
        problem = Problem(
            f"column {columns[1]!r}", "an event that is not 0 or 1", "code one event as 1, all others as 0"
        )
        raise ComparisonError(f"{what} patients", problem)
    return Patients(frame[held], time[held].to_numpy(float), happened > 0, names[held].to_numpy(str), len(frame))
