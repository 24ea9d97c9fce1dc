"""Which columns may be kept, and the modelled columns behind those that are named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from heorsynth.core.errors import GeneratorError, Problem, nearest
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.schema import Schema
from heorsynth.generators.heor.cells import Cells
from heorsynth.generators.heor.columns import ColumnLaw
from heorsynth.generators.heor.quantities import paid
from heorsynth.generators.latent.dependence import Spared


def may_be_kept(schema: Schema, columns: Iterable[str]) -> tuple[str, ...]:
    """Those of these columns that may be kept: all but the arm, the id, and the columns of the endpoints."""
    taken = {schema.arm, *schema.identifiers, schema.entry, *schema.times, *schema.events}
    return tuple(name for name in columns if name not in taken)


ALL_COLUMNS = "all"
"""The value of `keep` for every covariate."""


def resolved(keep: Sequence[str], cohort: Cohort) -> tuple[str, ...]:
    """The modelled columns behind the names: of a total its parts; of a band that is no subgroup its source.

    All are the columns that may be kept but the subgroups, whose numbers of patients are exact.

    Raises
    ------
    GeneratorError      a name that is no column of the cohort, or is the arm, the id, or of an endpoint
    """
    schema, known = cohort.schema, [str(name) for name in cohort.frame.columns]
    allowed = may_be_kept(schema, known)
    if keep == ALL_COLUMNS:
        keep = [name for name in allowed if name not in schema.strata]
    problems = [
        Problem(f"keep: {name!r}", "no such column", nearest(name, allowed)) for name in keep if name not in known
    ]
    problems += [
        Problem(f"keep: {name!r}", "the arm, the id, or part of an endpoint", "name covariates only: the rest is kept")
        for name in keep
        if name in known and name not in allowed
    ]
    if problems:
        raise GeneratorError("generator 'heor'", problems)
    found: list[str] = []
    for name in keep:
        if name in schema.bands and name not in schema.strata:
            found.append(schema.bands[name].source)
        else:
            found += schema.totals.get(name, (name,))
    return tuple(dict.fromkeys(found))


def spared(keep: Sequence[str], schema: Schema, cells: Cells, columns: Sequence[ColumnLaw], n_scores: int) -> Spared:
    """The correlations of kept columns that are not shrunk.

    They are those with the arm, the outcome, costs and utilities, and with one another; and those of costs and
    utilities among themselves, on which regressions of cost and effect together rest. Beside them, those of one
    measure at its visits are kept, because nobody doubts that they are there, and those of visits with the outcome.
    """
    owner = np.concatenate([np.zeros(0, dtype=str), *(np.full(column.width, column.name) for column in columns)])
    money_of = [name for made_of in paid(schema).values() for name in made_of]
    named = cells.indicator_names()
    scored = np.array([*named, *[""] * (n_scores - len(named))], dtype=str)
    mine, money = np.isin(owner, keep), np.isin(owner, money_of)
    outcome = np.arange(n_scores) >= len(named)
    ties = (outcome | (scored == str(schema.arm)))[:, None] & mine[None, :]
    ties |= np.isin(scored, keep)[:, None] & (mine | money)[None, :]
    either = (mine | money) if len(keep) else np.zeros(len(owner), dtype=bool)
    partial = either[:, None] & either[None, :]
    for held in schema.visits.values():
        visits = np.isin(owner, [column for _, column in held])
        ties |= outcome[:, None] & visits[None, :]
        partial |= visits[:, None] & visits[None, :]
    return Spared(ties, partial)
