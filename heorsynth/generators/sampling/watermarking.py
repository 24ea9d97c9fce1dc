"""Writes the mark into drawn rows: some values move by one bin, and no margin of theirs does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api import types

from heorsynth.data.cohort.domain import Domain
from heorsynth.data.columns.levels import as_text
from heorsynth.data.labels.watermark import (
    OWNER,
    PUBLIC_KEY,
    WIDTH,
    Grid,
    coins,
    heaped,
    measurements,
    scanned,
    spread,
)
from heorsynth.generators.formats import decimals_of

STRENGTH = 26.0
"""Standard deviations by which the rows of a whole cohort agree with the key beyond chance."""

MOST_MOVED = 0.45
"""Share of a column's values that move at the very most."""

MOST_SCANNED = 6
"""Rows of a large cohort that are looked at, for each one whose value is to move."""

FEWEST = 50_000
"""Rows that are all looked at, and from which quantiles are taken."""

SPIKE = 0.03
"""A value that more than this share of the rows hold, and more than five rows, is a spike: never moved or moved to."""

KEPT_QUANTILES = (0.5, 0.95, 0.99)
"""Quantiles of every column, overall and by arm, that no value crosses."""

KEPT_POINTS = (0.0, 1.0)
"""No value crosses these: no cost becomes negative, no utility full health or worse than death."""

TIED = 0.5
"""A column with fewer different values in its middle half than this share of what its decimals allow is a scale."""

WIDEST = 3.0
"""A column is left alone whose decimals would make bins this many times as wide as `WIDTH`."""


@dataclass(frozen=True)
class _Column:
    """A column that can hold the mark: its values, some of the known ones, their grid, and their decimals if few."""

    name: str
    values: np.ndarray
    some: np.ndarray
    grid: Grid
    decimals: int | None


def marked(
    frame: pd.DataFrame, domain: Domain, rng: np.random.Generator, owner: bytes | None = None
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The same rows with the mark in them, and the columns that hold it.

    Parameters
    ----------
    frame : DataFrame            drawn rows
    domain : Domain              of the source
    rng : Generator              chooses the rows that are looked at in a large cohort
    owner : bytes, optional      key that every second pair of bins follows instead of the public one

    Returns
    -------
    (DataFrame, tuple of str)    no column where none holds measurements: whole numbers and levels stay as drawn,
                                 and so do times, events, entry, arms, subgroups and totals

    Notes
    -----
    A column's bins are taken two by two, and a coin of the key makes one of each pair green. A value in the other one
    may move to the green one, by one bin's width; in each arm as many move up as down, so that every arm's mean is
    kept exactly. A rounded value stays as round as it was, spikes are left alone, and nothing crosses a quantile
    of `KEPT_QUANTILES`, a point of `KEPT_POINTS`, the edge of a band, or the range of the drawn values. With n the
    rows or the source's patients, whichever are fewer, and C columns, STRENGTH / (2 √(C n)) of a column's values
    move: fewer as standard errors fall. What it costs, and what it survives, is measured by
    `benchmarks/watermark.py`.
    """
    held = [column for name in frame.columns if (column := _column(frame[name], domain)) is not None]
    if not held:
        return frame, ()
    share = min(MOST_MOVED, STRENGTH / (2 * np.sqrt(len(held) * min(len(frame), domain.n_source))))
    rows = np.arange(len(frame))
    if (scanned_rows := max(FEWEST, round(MOST_SCANNED * share * len(frame)))) < len(frame):
        rows = np.sort(rng.choice(rows, size=scanned_rows, replace=False))
    arms = _arms(frame, domain)
    found, names = frame.copy(deep=False), []  # columns are replaced in it, and none is changed
    for column in held:
        moved = _moved(
            column, _kept_points(column, domain, arms), arms, rows, share * len(frame) / len(rows), rng, owner
        )
        if moved is not None:
            found[column.name] = pd.Series(moved, index=frame.index).astype(frame[column.name].dtype)
            names.append(column.name)
    return found, tuple(names)


def _column(series: pd.Series, domain: Domain) -> _Column | None:
    """What is needed to mark a column; None if it can hold no mark."""
    name = str(series.name)
    schema, known = domain.schema, domain.columns.get(name)
    fixed = {*schema.times, *schema.events, *schema.strata, *schema.bands, *schema.totals, schema.entry}
    if known is None or known.levels is not None or known.whole or name in fixed or not types.is_float_dtype(series):
        return None
    values = measurements(series)
    if values is None:
        return None
    some = scanned(values[np.isfinite(values)])
    width, decimals = WIDTH * spread(values), decimals_of(some)
    grid = Grid.near(width)[0]
    if decimals == 0:
        return None
    if decimals is not None:
        step = 10.0**-decimals
        grid = grid if grid.width > 0.999 * step else Grid.near(step)[0]
        if grid.width > WIDEST * width or _is_scale(some, step):
            return None
    return _Column(name, values, some, grid, decimals)


def _is_scale(values: np.ndarray, step: float) -> bool:
    """True where the middle half holds far fewer different values than its decimals allow: the levels of a scale."""
    kept = values[~heaped(values, SPIKE)]
    if len(kept) < 10:
        return True
    low, high = np.quantile(kept, [0.25, 0.75])
    middle = kept[(kept >= low) & (kept <= high)]
    places = max(1.0, (high - low) / step)
    expected = places * -np.expm1(-len(middle) / places)
    return bool(len(np.unique(middle)) < TIED * expected)


def _arms(frame: pd.DataFrame, domain: Domain) -> np.ndarray:
    """The number of each row's arm; all alike where there is none."""
    if domain.schema.arm is None:
        return np.zeros(len(frame), dtype=np.int64)
    return pd.factorize(as_text(frame[domain.schema.arm]).fillna(""))[0]


def _kept_points(column: _Column, domain: Domain, arms: np.ndarray) -> np.ndarray:
    """Sorted points that no value may cross: of all rows and of each arm, and of bands."""
    rows = np.arange(0, len(arms), max(1, len(arms) // FEWEST))
    rows = rows[np.isfinite(column.values[rows])]
    points: list[float] = [*KEPT_POINTS]
    for group in [rows, *(rows[arms[rows] == arm] for arm in np.unique(arms[rows]))]:
        held = np.sort(column.values[group])
        places = np.asarray(KEPT_QUANTILES) * (len(held) - 1)
        points += held[np.concatenate([np.floor(places), np.ceil(places)]).astype(np.int64)].tolist()
    for band in domain.schema.bands.values():
        if band.source == column.name:
            points += [float(edge) for edge in band.edges]
    return np.unique(points)


def _moved(
    column: _Column,
    points: np.ndarray,
    arms: np.ndarray,
    rows: np.ndarray,
    share: float,
    rng: np.random.Generator,
    owner: bytes | None,
) -> np.ndarray | None:
    """The column's values with some of them moved to the green bin of their pair; None if none can be."""
    rows = rows[np.isfinite(column.values[rows])]
    before = column.values[rows]
    wanted, bins = share * len(rows), column.grid.bins(before)
    step = 1 - 2 * (bins & 1)
    red = np.flatnonzero(_green(bins >> 1, column.grid.digit, owner) == step)
    rows, before, step = rows[red], before[red], step[red]
    after = before + step * column.grid.width
    if column.decimals is not None:
        after = np.round(after, column.decimals)
    free = np.flatnonzero(_may_move(column, before, after, points))
    chosen = _balanced(free, step, arms[rows], wanted, rng)
    if not len(chosen):
        return None
    values = column.values.copy()
    values[rows[chosen]] = after[chosen]
    return values


def _green(pairs: np.ndarray, digit: int, owner: bytes | None) -> np.ndarray:
    """+1 where the upper bin of a pair is the green one, -1 where the lower is."""
    green = coins(PUBLIC_KEY, digit, pairs)
    return green if owner is None else np.where((pairs & 1) == OWNER, coins(owner, digit, pairs), green)


def _may_move(column: _Column, before: np.ndarray, after: np.ndarray, points: np.ndarray) -> np.ndarray:
    """True where a move keeps range, spikes, roundness, and every point on the side it was."""
    low, high = np.fmin.reduce(column.values), np.fmax.reduce(column.values)
    spikes = np.unique(column.some[heaped(column.some, SPIKE)])
    allowed = (after >= low) & (after <= high) & ~np.isin(before, spikes) & ~np.isin(after, spikes)
    for side in ("left", "right"):
        allowed &= np.searchsorted(points, before, side) == np.searchsorted(points, after, side)
    if column.decimals is None:
        return allowed
    written = np.abs(np.round(before, column.decimals) - before) < 1e-9 * np.maximum(1, np.abs(before))
    return allowed & written & (_roundness(before, column.decimals) == _roundness(after, column.decimals))


def _roundness(values: np.ndarray, decimals: int) -> np.ndarray:
    """How round numbers are: 2 for each zero they end in, 1 more for a 5 before those."""
    whole = np.rint(values * 10**decimals).astype(np.int64)
    return np.sum([whole % unit == 0 for power in range(9) for unit in (5 * 10**power, 10 ** (power + 1))], axis=0)


def _balanced(
    free: np.ndarray, step: np.ndarray, arms: np.ndarray, wanted: float, rng: np.random.Generator
) -> np.ndarray:
    """Some of the free moves, about as many as wanted: in each arm as many up as down."""
    chosen = [np.zeros(0, dtype=np.int64)]
    for arm in np.unique(arms[free]):
        sides = [free[(arms[free] == arm) & (step[free] == way)] for way in (1, -1)]
        each = min(*map(len, sides), int(np.ceil(wanted * (arms == arm).mean() / 2)))
        chosen += [rng.choice(side, size=each, replace=False) for side in sides]
    return np.sort(np.concatenate(chosen))
