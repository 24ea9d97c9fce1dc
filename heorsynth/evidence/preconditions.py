"""Preconditions of a comparison: the same roles, one type of data, and a hold-out of other patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from heorsynth.core.errors import LabelError, Problem, RoleError, TooFewPatientsError
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.levels import as_text
from heorsynth.data.folders.cohort_folder import CohortFolder


def require_cohorts(cohort: object, syn: object) -> None:
    """Raise RoleError unless these are a real cohort and a sequence of synthetic ones, in memory or as folders."""
    kinds = (Cohort, CohortFolder)
    if not isinstance(cohort, kinds):
        found = Problem(
            "", f"a {type(cohort).__name__}", "declare its roles: hs.Cohort(frame, …) or hs.CohortFolder(path, …)"
        )
        raise RoleError("the cohort to judge against", found)
    if isinstance(syn, kinds):
        raise RoleError("synthetic cohorts", Problem("", "one cohort by itself", "put it into a list: [synthetic]"))
    listed = syn if isinstance(syn, Sequence) and not isinstance(syn, str) else [syn]
    others = {type(one).__name__ for one in listed if not isinstance(one, kinds)}
    if others:
        fix = "give cohorts as a generator draws them, or hs.read(file), or hs.CohortFolder(path, …)"
        raise RoleError("synthetic cohorts", Problem("", f"a {', '.join(sorted(others))} among them", fix))


def require_distinct(syn: Sequence[Any]) -> None:
    """Raise LabelError if a cohort of a release is given twice: pooling would count its rows twice."""
    seen: dict[tuple[str, int], int] = {}
    problems = []
    for place, drawn in enumerate(syn):
        if drawn.label is None:
            continue
        before = seen.setdefault((drawn.label.release, drawn.label.part), place)
        if before != place:
            found = f"is cohort {before} again: number {drawn.label.part} of release {drawn.label.release}"
            problems.append(Problem(f"cohort {place}", found, "give each once"))
    if problems:
        raise LabelError("synthetic cohorts", problems)


def folders(syn: Sequence[Any]) -> list[CohortFolder]:
    """Return the synthetic folders; RoleError if any is a cohort in memory."""
    if not all(isinstance(drawn, CohortFolder) for drawn in syn):
        problem = Problem("", "cohorts in memory beside a folder of patients", "write them with Sampler.write")
        raise RoleError("synthetic cohorts", problem)
    return list(syn)


def cohorts(syn: Sequence[Any]) -> Sequence[Cohort]:
    """Return the synthetic cohorts; RoleError if any is a folder."""
    if any(isinstance(drawn, CohortFolder) for drawn in syn):
        problem = Problem("", "folders beside patients in memory", "give the patients as a CohortFolder too")
        raise RoleError("synthetic cohorts", problem)
    return syn


def _columns(drawn: Cohort | CohortFolder) -> set[str]:
    return {str(name) for name in (drawn.columns if isinstance(drawn, CohortFolder) else drawn.arrays.names)}


def require_same_roles(cohort: Cohort | CohortFolder, syn: Sequence[Any], what: str = "synthetic cohorts") -> None:
    """Raise RoleError unless all cohorts have the roles and columns of the real one; TooFewPatientsError if empty."""
    if not len(syn):
        raise TooFewPatientsError("synthetic cohorts", Problem("", "there are none", "draw at least one"))
    if empty := [part for part, drawn in enumerate(syn) if not drawn.n]:
        fix = "leave it out, or draw it anew"
        raise TooFewPatientsError(what, [Problem(f"cohort {part}", "has no rows", fix) for part in empty])
    problems = []
    for part, drawn in enumerate(syn):
        wanted, found = (replace(one.schema, id=None) for one in (cohort, drawn))
        if wanted != found:
            roles = [name for name in vars(wanted) if getattr(wanted, name) != getattr(found, name)]
            problems.append(
                Problem(
                    f"cohort {part}",
                    f"other roles than the real one: {', '.join(roles)}",
                    "declare the same roles for both",
                )
            )
        present = _columns(drawn)
        absent = [name for name in wanted.columns if name not in present]
        if absent:
            problems.append(
                Problem(
                    f"cohort {part}",
                    f"lacks the columns {', '.join(absent)}",
                    "every column with a role must be synthesised",
                )
            )
    if problems:
        raise RoleError(what, problems)


def require_apart(cohort: Cohort, holdout: Cohort) -> None:
    """Raise RoleError if the hold-out overlaps the training cohort.

    Let q be the share of rows of the cohort that equal another of its rows, and n the rows of the hold-out. Then q·n
    rows are expected to be in both by chance. An excess of more than three standard deviations means the same patients.
    """
    fitted, aside = (_row_hashes(part) for part in (cohort, holdout))
    twins = float(pd.Series(fitted).duplicated(keep=False).mean()) * len(aside)
    shared = int(np.isin(aside, fitted).sum())
    if shared > twins + 3 * np.sqrt(twins):
        found = f"{shared:,} of its {len(aside):,} patients are among those judged against"
        fix = "keep patients aside before fitting: fitted, aside = cohort.split(0.3, rng)"
        raise RoleError("hold-out", Problem("", found, fix))


def _row_hashes(cohort: Cohort) -> np.ndarray:
    """Return a hash of the columns of each patient (n,): numbers by value, other columns as text."""
    frame = cohort.rows[sorted(name for name in map(str, cohort.rows.columns) if name != cohort.schema.id)]
    same = {
        name: frame[name].astype(float) if is_numeric_dtype(frame[name]) else as_text(frame[name]).fillna("")
        for name in frame.columns
    }
    return np.asarray(pd.util.hash_pandas_object(pd.DataFrame(same), index=False))
