"""The columns that a paper describes: characteristics of Table 1, levels of its forest plot, costs and utilities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from heorsynth.core.errors import PaperError, Problem
from heorsynth.published.covariates.ladder import numbers, states_spread
from heorsynth.published.covariates.threshold import is_threshold
from heorsynth.published.schema.document import Document, LevelSection, MomentsSection

OTHER = "other"
"""The level of those without the only level that Table 1 names."""

_RESERVED = ("time", "event", "arm")


@dataclass(frozen=True)
class Column:
    """A characteristic, cost or utility, with what Table 1 states of it in each arm.

    Attributes
    ----------
    name, kind : str          kind is characteristic, cost or utility
    cells : dict              of a number: arm to its moments
    levels : tuple of str     of a categorical one; empty for a number
    counts : dict             of a categorical one: arm to the counts that are drawn from, (low, high) of each level
    """

    name: str
    kind: str = "characteristic"
    cells: Mapping[str, MomentsSection] = field(default_factory=dict, repr=False)
    levels: tuple[str, ...] = ()
    counts: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict, repr=False)

    def ladder(self, arm: str, n: int, rng: np.random.Generator) -> tuple[np.ndarray, str]:
        """Return the ascending values of an arm of n patients, fewer where some are missing; and their shape.

        Levels are their places from 0. A column that the paper states nothing of in this arm has no values.
        """
        if self.levels:
            if arm not in self.counts:
                return np.empty(0), ""
            drawn = _whole(self.counts[arm], n, rng)
            return np.repeat(np.arange(len(drawn), dtype=float), drawn), ""
        cell = self.cells.get(arm)
        if cell is None or not states_spread(cell):
            return np.empty(0), ""
        return numbers(cell, min(cell.n or n, n), self.kind, rng)


def columns_of(document: Document) -> tuple[tuple[Column, ...], tuple[tuple[str, str], ...]]:
    """Return the columns that a paper describes, and facts that give none, each with the reason.

    Raises
    ------
    PaperError      a name that stands for time, event or arm, or twice; more patients with levels than in the arm

    Notes
    -----
    A level that is named alone in Table 1 leaves the others as "other", or as the other level that the forest plot
    names. Where several levels are named and their counts do not add up to the arm, the rest is missing.
    """
    found: list[Column] = []
    unused: list[tuple[str, str]] = []
    sized = {arm: one.n for arm, one in document.arms.items()}
    rows = document.table1.characteristics if document.table1 is not None else {}
    for name, row in rows.items():
        if row.levels:
            found.append(_categorical(name, document, sized))
        else:
            found += _number(f"table1.{name}", name, "characteristic", row.arms, unused)
    for name in _of_forest_only(document, rows):
        found.append(_categorical(name, document, sized))
    for kind, block in (("cost", document.costs), ("utility", document.utilities)):
        for name, amounts in block.items():
            found += _number(f"{kind}.{name}", name, kind, amounts.arms, unused)
    names = [one.name for one in found]
    taken = {*_RESERVED, *(f"{name}_{part}" for name in document.endpoints for part in ("time", "event"))}
    problems = [
        Problem(f"column {name!r}", "is the name of another column", "rename it in the paper file")
        for name in sorted(set(names))
        if name in taken or names.count(name) > 1
    ]
    problems += [problem for one in found for problem in _too_many(one, sized)]
    if problems:
        raise PaperError(f"paper {document.title!r}", problems)
    return tuple(found), tuple(unused)


def _number(
    fact: str, name: str, kind: str, arms: Mapping[str, MomentsSection], unused: list[tuple[str, str]]
) -> Iterator[Column]:
    spread = {arm: states_spread(cell) for arm, cell in arms.items()}
    unused += [(f"{fact} of {arm}", "no spread is stated") for arm, is_stated in spread.items() if not is_stated]
    if any(spread.values()):
        yield Column(name, kind, cells=dict(arms))


def _forest_levels(document: Document, name: str) -> list[str]:
    """Levels of a characteristic in the forest plot, in order."""
    ratios = [one for endpoint in document.endpoints.values() for one in endpoint.hazard_ratios]
    return list(dict.fromkeys(one.subgroup[name] for one in ratios if name in one.subgroup))


def _of_forest_only(document: Document, rows: Mapping[str, object]) -> Iterator[str]:
    """Characteristics that only the forest plot has, with their numbers of patients."""
    ratios = [one for endpoint in document.endpoints.values() for one in endpoint.hazard_ratios]
    for name in dict.fromkeys(name for one in ratios for name in one.subgroup):
        counted = any(one.n for one in ratios if list(one.subgroup) == [name])
        if name not in rows and counted and not any(map(is_threshold, _forest_levels(document, name))):
            yield name


def _categorical(name: str, document: Document, sized: Mapping[str, int]) -> Column:
    row = document.table1.characteristics.get(name) if document.table1 is not None else None
    stated = dict(row.levels) if row is not None else {}
    levels = [*stated, *(one for one in _forest_levels(document, name) if one not in stated)]
    levels += [OTHER] if len(levels) == 1 else []
    counts = {}
    for arm, n in sized.items():
        cells = [_cell(stated, document, name, level, arm, n) for level in levels]
        known = [one for one in cells if one is not None]
        if known and len(cells) - len(known) == 1:
            rest = max(n - sum(high for _, high in known), 0), max(n - sum(low for low, _ in known), 0)
            cells = [rest if one is None else one for one in cells]
        if known:
            counts[arm] = tuple((0, 0) if one is None else one for one in cells)
    return Column(name, levels=tuple(levels), counts=counts)


def _cell(
    stated: Mapping[str, Mapping[str, LevelSection]], document: Document, name: str, level: str, arm: str, n: int
) -> tuple[int, int] | None:
    """The fewest and most patients of an arm that may have a level, as Table 1 or else the forest plot states it."""
    cell = stated.get(level, {}).get(arm)
    if cell is not None and cell.n is not None:
        return cell.n, cell.n
    if cell is not None and cell.percent is not None:
        low, high = (int(np.ceil(cell.percent.low * n / 100 - 1e-9)), int(np.floor(cell.percent.high * n / 100 + 1e-9)))
        nearest = round(cell.percent.value * n / 100)
        return (low, high) if low <= high else (nearest, nearest)
    for endpoint in document.endpoints.values():
        for one in endpoint.hazard_ratios:
            if one.subgroup == {name: level} and arm in one.n:
                return one.n[arm], one.n[arm]
    return None


def _too_many(column: Column, sized: Mapping[str, int]) -> Iterator[Problem]:
    for arm, counts in column.counts.items():
        fewest = sum(low for low, _ in counts)
        if fewest > sized[arm]:
            found = f"at least {fewest} patients have a level, and the arm has {sized[arm]}"
            yield Problem(f"column {column.name!r}, arm {arm!r}", found, "correct Table 1, or leave the row out")
    for arm, cell in column.cells.items():
        if cell.n is not None and cell.n > sized[arm]:
            found = f"{cell.n} patients, and the arm has {sized[arm]}"
            yield Problem(f"column {column.name!r}, arm {arm!r}", found, "correct Table 1, or leave the row out")


def _whole(bounds: Sequence[tuple[int, int]], n: int, rng: np.random.Generator) -> np.ndarray:
    """Counts within their bounds, at most n in all, and n where the bounds allow it; drawn where several would do."""
    low, high = np.array(bounds).T
    counts = rng.integers(low, high + 1)
    while counts.sum() != n:
        step = 1 if counts.sum() < n else -1
        free = np.flatnonzero(counts < high if step > 0 else counts > low)
        if not len(free):
            break
        counts[rng.choice(free)] += step
    return np.asarray(counts)
