"""How well cohorts agree with every fact on covariates that the paper states."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators.survival.cox_two_arms import hazard_ratio_of_rows
from heorsynth.published.covariates.columns import Column
from heorsynth.published.covariates.copula import Stated
from heorsynth.published.covariates.subgroup_facts import SubgroupFact
from heorsynth.published.covariates.threshold import above_or_below
from heorsynth.published.schema.document import Document, MomentsSection
from heorsynth.published.schema.printed import Printed

COLUMNS = ("fact", "published", "half_unit", "mean", "largest_error", "printed_alike")
"""Columns of `PublishedCohorts.match`."""

_Value = Callable[[pd.DataFrame], float]


@dataclass(frozen=True)
class _Asked:
    """A published number, and the function that gives it of a cohort's rows."""

    fact: str
    published: float
    half: float
    value: _Value

    def row(self, frames: Sequence[pd.DataFrame]) -> tuple[object, ...]:
        """Return its row in `PublishedCohorts.match`."""
        found = np.array([self.value(frame) for frame in frames])
        errors = np.abs(found - self.published)
        alike = errors <= self.half * (1 + 1e-9) + 1e-9 * max(abs(self.published), 1.0)
        return self.fact, self.published, self.half, float(found.mean()), float(errors.max()), float(alike.mean())


def asked(
    document: Document, columns: Sequence[Column], facts: Sequence[SubgroupFact], stated: Sequence[Stated]
) -> Iterator[_Asked]:
    """Yield every published number of Table 1, costs, utilities, the forest plot and the correlations."""
    for column in columns:
        base = f"table1.{column.name}" if column.kind == "characteristic" else f"{column.kind}.{column.name}"
        for arm, cell in column.cells.items():
            if column.ladder(arm, 2, np.random.default_rng(0))[0].size:
                yield from _of_cell(base, column.name, arm, cell)
        if column.levels:
            yield from _of_levels(document, base, column)
    for fact in facts:
        yield _Asked(fact.fact, fact.value, fact.half, _ratio(fact, columns))
        for arm, n in fact.events.items():
            yield _Asked(f"{fact.fact}.events.{arm}", float(n), 0.0, _events(fact, arm, columns))
    for one in stated:
        pair = [columns[place] for place in one.places]
        yield _Asked(one.fact, one.value, one.half, _correlation(one, pair))


def _of_cell(base: str, name: str, arm: str, cell: MomentsSection) -> Iterator[_Asked]:
    def of(summary: Callable[[np.ndarray], float]) -> _Value:
        def value(frame: pd.DataFrame) -> float:
            own = frame.loc[frame["arm"] == arm, name].to_numpy(float)
            return float(summary(own[np.isfinite(own)]))

        return value

    summaries: list[tuple[str, Printed | None, Callable[[np.ndarray], float]]] = [
        ("mean", cell.mean, np.mean),
        ("sd", cell.sd, lambda x: float(np.std(x, ddof=1))),
        ("se", cell.se, lambda x: float(np.std(x, ddof=1)) / math.sqrt(len(x))),
        ("median", cell.median, np.median),
        ("zeros", cell.zeros, lambda x: float(np.mean(x == 0)) * (100 if cell.zeros and cell.zeros.percent else 1)),
    ]
    for key, ends, shares in (("iqr", cell.iqr, (0.25, 0.75)), ("range", cell.range, (0.0, 1.0))):
        for place, share in enumerate(shares):
            number = ends[place] if ends is not None else None
            summaries.append((f"{key}.{('low', 'high')[place]}", number, _quantile(share)))
    for key, number, summary in summaries:
        if number is not None:
            yield _Asked(f"{base}.{key}.{arm}", number.value, number.half, of(summary))


def _quantile(share: float) -> Callable[[np.ndarray], float]:
    return lambda x: float(np.quantile(x, share))


def _of_levels(document: Document, base: str, column: Column) -> Iterator[_Asked]:
    rows = document.table1.characteristics if document.table1 is not None else {}
    row = rows.get(column.name)
    for level, cells in (row.levels if row is not None else {}).items():
        for arm, cell in cells.items():
            n = document.arms[arm].n
            if cell.n is not None:
                yield _Asked(f"{base}.{level}.n.{arm}", float(cell.n), 0.0, _count(column.name, level, arm))
            elif cell.percent is not None:
                share = _count(column.name, level, arm, 100 / n)
                yield _Asked(f"{base}.{level}.percent.{arm}", cell.percent.value, cell.percent.half, share)


def _count(name: str, level: str, arm: str, times: float = 1.0) -> _Value:
    return lambda frame: float(((frame["arm"] == arm) & (frame[name] == level)).sum()) * times


def _members(frame: pd.DataFrame, fact: SubgroupFact, columns: Sequence[Column]) -> np.ndarray:
    """Return True (n,) for rows of a subgroup."""
    held = np.ones(len(frame), dtype=bool)
    for place, level in fact.group:
        own = frame[columns[place].name]
        held &= (own == level).to_numpy() if columns[place].levels else above_or_below(level, own.to_numpy(float))
    return held


def _ratio(fact: SubgroupFact, columns: Sequence[Column]) -> _Value:
    def value(frame: pd.DataFrame) -> float:
        rows = frame[_members(frame, fact, columns) & frame["arm"].isin([fact.arm, fact.reference]).to_numpy()]
        treated = (rows["arm"] == fact.arm).to_numpy()
        try:
            return math.exp(hazard_ratio_of_rows(rows["time"].to_numpy(), rows["event"].to_numpy(), treated).value)
        except NotEstimableError:
            return math.nan

    return value


def _events(fact: SubgroupFact, arm: str, columns: Sequence[Column]) -> _Value:
    return lambda frame: float(((frame["arm"] == arm) & _members(frame, fact, columns) & (frame["event"] > 0)).sum())


def _correlation(one: Stated, pair: Sequence[Column]) -> _Value:
    def value(frame: pd.DataFrame) -> float:
        rows = frame[frame["arm"] == one.arm] if one.arm else frame
        values = [
            rows[column.name].map({level: place for place, level in enumerate(column.levels)}).astype(float)
            if column.levels
            else rows[column.name]
            for column in pair
        ]
        return float(values[0].corr(values[1], method=one.kind))  # type: ignore[arg-type]

    return value
