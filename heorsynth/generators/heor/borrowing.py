"""Borrows the correlations of covariates from an external cohort, at a discount."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from heorsynth.core.errors import GeneratorError, Problem
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.levels import as_text, banded
from heorsynth.generators.heor.cells import Cells
from heorsynth.generators.heor.columns import ColumnLaw
from heorsynth.generators.heor.groups import ALL
from heorsynth.generators.heor.outcome import Outcome
from heorsynth.generators.heor.shape import Shape
from heorsynth.generators.latent.dependence import ExternalCorrelations, given_scores


@dataclass(frozen=True)
class ExternalCohort:
    """An external cohort, and the weight of each of its patients.

    It informs only the correlations among covariates, given arm, subgroups and outcome. Levels, values, missing values,
    survival, costs, and the effects of treatments and covariates are those of the cohort itself.

    Attributes
    ----------
    cohort : Cohort
    weight : float      of an external patient, where a patient of the cohort has 1: above 0, at most 1

    References
    ----------
    Ibrahim & Chen (2000) Stat Sci 15:46, the power prior: the external likelihood to a power.
    """

    cohort: Cohort
    weight: float

    def __post_init__(self) -> None:
        if not 0 < self.weight <= 1:
            fix = "state what share of a patient an external one counts for, above 0 and at most 1"
            raise GeneratorError("borrow", Problem("weight", f"{self.weight:g}", fix))

    def common(self, shape: Shape) -> tuple[str, ...]:
        """The covariates that both cohorts have.

        Raises
        ------
        GeneratorError      there are fewer than two, or one holds numbers in one cohort and levels in the other
        """
        schema = shape.schema
        parts = [part for parts in schema.totals.values() for part in parts]
        own = {*schema.costs, *schema.utilities, *parts, *schema.times, *schema.events, schema.entry}
        held = self.cohort.frame
        names = tuple(name for name in shape.modelled if name not in own and name in held.columns)
        if len(names) < 2:
            fix = "name and code its columns as the cohort does"
            raise GeneratorError("borrow", Problem("columns", f"{len(names)} covariates in common, two needed", fix))
        other = [name for name in names if self._other_kind(shape, name, held[name])]
        if other:
            fix = "code both cohorts alike, or drop the column from the external one"
            raise GeneratorError("borrow", [Problem(f"column {name!r}", "coded differently", fix) for name in other])
        return names

    def correlations(self, shape: Shape, cells: Cells, columns: Sequence[ColumnLaw]) -> ExternalCorrelations:
        """External partial correlations of the latents; a column that only the cohort has counts 0 patients."""
        names = self.common(shape)
        blocks = [self._block(column, column.name in names, shape, cells) for column in columns]
        scores = self._scores(shape, cells)
        scale = np.where(scores.std(axis=0) > 0, scores.std(axis=0), 1.0)
        latents, known = (np.column_stack([block[part] for block in blocks]) for part in (0, 1))
        _, rows, _, _, partial = given_scores((scores - scores.mean(axis=0)) / scale, latents, known)
        start = scores.shape[1]
        return ExternalCorrelations(partial, self.weight * rows[start:, start:])

    def _block(self, column: ColumnLaw, common: bool, shape: Shape, cells: Cells) -> tuple[np.ndarray, np.ndarray]:
        """Scores (n, width) of one column, and where they are known: nowhere if the external cohort lacks it."""
        if not common:
            return np.zeros((self.cohort.n, column.width)), np.zeros((self.cohort.n, column.width), dtype=bool)
        held = self.cohort.frame[column.name]
        groups = np.full(self.cohort.n, ALL)
        if column.group in cells.names and column.group in shape.schema.bands:
            groups = self._levels(column.group, shape)
        if column.levels:
            text = as_text(held).fillna("").to_numpy(dtype=object)
            values: np.ndarray = np.where(np.isin(text.astype(str), column.levels), text, "")
        else:
            values = pd.to_numeric(held).to_numpy(dtype=float, na_value=np.nan)
        latents, known = column.scores(values, groups)
        if column.may_miss:
            known[:, 0] = False
        return latents, known

    def _levels(self, name: str, shape: Shape) -> np.ndarray:
        """The levels (n,) of the external patients in one of the cohort's arm and subgroup columns."""
        frame, band = self.cohort.frame, shape.schema.bands.get(name)
        column = banded(frame[band.source], band.edges, band.labels) if band is not None else as_text(frame[name])
        return column.fillna("").to_numpy(dtype=str)

    def _scores(self, shape: Shape, cells: Cells) -> np.ndarray:
        """Scores (n, q) of the external patients' arm, subgroups and outcome, as far as both cohorts have them."""
        frame, bands = self.cohort.frame, shape.schema.bands
        present = [name for name in cells.names if (bands[name].source if name in bands else name) in frame.columns]
        coded = pd.DataFrame({name: self._levels(name, shape) for name in present}, index=frame.index)
        schema = shape.schema.with_roles(arm=None, subgroups=tuple(present))
        theirs, cell = Cells.of(Cohort.derive(schema, frame.assign(**coded), label=None))
        scores = theirs.indicators(cell)
        primary = shape.primary
        if primary is None or primary.name not in self.cohort.schema.endpoints:
            return scores
        time, cause, _ = self.cohort.outcome(primary.name)
        return np.column_stack([scores, Outcome.of(time, cause, theirs, cell).scores(time, cause)])

    def _other_kind(self, shape: Shape, name: str, held: pd.Series) -> bool:
        levels = shape.formats[name].values
        if levels:
            return not as_text(held).dropna().isin(list(levels)).any()
        return not pd.api.types.is_numeric_dtype(held)
