"""Makes the rows of a cohort: drawn from the law, bands and totals computed, calibrated, marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from heorsynth.core.errors import GeneratorError, Problem
from heorsynth.data.cohort.domain import Domain
from heorsynth.data.cohort.visits import with_derived
from heorsynth.data.columns.arrays import Arrays
from heorsynth.data.columns.levels import as_text, banded
from heorsynth.data.labels.claims import Claim, claim_of
from heorsynth.data.labels.watermark import NO_MARK, release_key
from heorsynth.data.rules.mending import Mending
from heorsynth.generators.sampling.calibration import Aim, calibrated
from heorsynth.generators.sampling.law import ClusteredLaw, Law, RuledLaw
from heorsynth.generators.sampling.request import CellRows
from heorsynth.generators.sampling.watermarking import marked

OVERDRAW = 200
"""Rows drawn for each row asked for, at most, before a rare `where` is given up."""

_CENTS = 6
"""Decimals to which a total is rounded: the error of a sum of decimals is far smaller."""

_LARGEST_ROUNDED = 1e10
"""A larger total is not rounded: a float of that size does not hold so many decimals."""


@dataclass(frozen=True, repr=False)
class RowMaker:
    """What of a fitted generator makes rows.

    Attributes
    ----------
    name : str             of the generator, for errors
    domain : Domain        what every column may hold
    law : Law              what was learnt
    aims : tuple of Aim    estimands that every cohort is made to meet
    copies : bool          True where the rows are copies of patients; they are never marked
    """

    name: str
    domain: Domain
    law: Law
    aims: tuple[Aim, ...] = ()
    copies: bool = False

    @property
    def mending(self) -> Mending:
        """The rules that every row keeps, with the columns that they change."""
        return self.law.mending if isinstance(self.law, RuledLaw) else Mending()

    def draw(
        self, n: int, rng: np.random.Generator, where: Mapping[str, str], cells: CellRows | None = None
    ) -> pd.DataFrame:
        """n complete rows before they are marked: all with the levels of `where`, or so many of each of the cells.

        Raises
        ------
        GeneratorError      the law cannot reach the levels, the aims cannot be met, or a value is missing in a
                            column that the source always knows
        """
        if cells is None:
            drawn = self._with_levels(n, rng, where)
            return self.completed(calibrated(drawn, self.aims, self.domain.schema)) if self.aims else drawn
        if isinstance(self.law, ClusteredLaw) and self.law.column_of_clusters is not None:
            return self.completed(self.law.draw_together(cells, rng))
        parts = [self._with_levels(count, rng, cell) for cell, count in cells if count]
        frame = pd.concat(parts, ignore_index=True)
        return frame.iloc[rng.permutation(len(frame))].reset_index(drop=True)

    def completed(self, drawn: pd.DataFrame) -> pd.DataFrame:
        """The rows with bands and totals computed from their parts, and rules kept, in the column order of the source.

        Raises
        ------
        GeneratorError      a value is missing in a column that the source always knows
        """
        frame = drawn.copy(deep=False)  # columns are replaced in it, never changed
        frame.index = pd.RangeIndex(len(drawn))
        for name, band in self.domain.schema.bands.items():
            frame[name] = banded(frame[band.source], band.edges, band.labels)
        frame = with_derived(self.mending.mended(self.with_totals(frame)), self.domain.schema)
        self._require_known(frame)
        return frame[[name for name in self.domain.columns if name in frame.columns]]

    def with_totals(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The same frame, with its totals computed again from their parts."""
        for name, parts in self.domain.schema.totals.items():
            total = _sum(frame, parts)
            total = total.where(total.abs() > _LARGEST_ROUNDED, total.round(_CENTS))
            frame[name] = total.astype(self.domain.columns[name].dtype)  # type: ignore[call-overload]
        return frame

    def marked(
        self, frame: pd.DataFrame, rng: np.random.Generator, release: str, owner: bytes | None
    ) -> tuple[pd.DataFrame, Claim]:
        """The rows with the watermark written into them, and what their label says of it.

        The label claims the mark only where it is found again in the finished rows.
        """
        if self.copies:
            return frame, Claim(NO_MARK + "the rows are copies of patients")
        own_key, mending = None if owner is None else release_key(owner, release), self.mending
        whole = self.law.whole if isinstance(self.law, ClusteredLaw) else ()
        rows, columns = marked(frame, self.domain, rng, own_key, {*mending.revalued, *whole})
        rows = with_derived(mending.mended(self.with_totals(rows)), self.domain.schema)
        return rows, claim_of(rows, columns, owner, release)

    def _with_levels(self, n: int, rng: np.random.Generator, where: Mapping[str, str]) -> pd.DataFrame:
        """n complete rows that all have these levels."""
        if not where:
            return self.completed(self.law.draw(n, rng))
        if self.law.conditional:
            return self.completed(self.law.draw(n, rng, where))
        kept: list[pd.DataFrame] = []
        found = drawn = 0
        while found < n and drawn < OVERDRAW * n + 1000:
            batch = self.completed(self.law.draw(max(2 * n, 200), rng))
            fits = np.logical_and.reduce(
                [as_text(batch[name]).fillna("").to_numpy() == level for name, level in where.items()]
            )
            kept.append(batch[fits])
            found, drawn = found + int(fits.sum()), drawn + len(batch)
        if found < n:
            fix = "this generator has all but lost that level: use 'heor', or ask for fewer rows"
            told = f"{found} rows of the level asked for among {drawn:,} drawn, {n} wanted"
            raise GeneratorError(f"generator {self.name!r}", Problem("where", told, fix))
        return pd.concat(kept, ignore_index=True).iloc[:n].reset_index(drop=True)

    def _require_known(self, frame: pd.DataFrame) -> None:
        """Raise GeneratorError if a value is missing that every patient has: analyses would lose other rows."""
        table = Arrays(frame)
        always = [name for name, held in self.domain.columns.items() if name in table.names and not held.may_miss]
        lost = {name: int(np.count_nonzero(table.missing(name))) for name in always}
        fix = "drop the column, or use another generator"
        found = [
            Problem(f"column {name!r}", f"{count} of {len(frame)} rows have no value, and every patient has one", fix)
            for name, count in lost.items()
            if count
        ]
        if found:
            raise GeneratorError(f"generator {self.name!r}", found)


def _sum(frame: pd.DataFrame, parts: Sequence[str]) -> pd.Series:
    """The sum of columns in each row, missing where one of them is; of plain floats faster than by pandas."""
    if all(frame[name].dtype == np.float64 for name in parts):
        return pd.Series(np.sum([frame[name].to_numpy() for name in parts], axis=0), frame.index)
    return frame[list(parts)].sum(axis=1, skipna=False)
