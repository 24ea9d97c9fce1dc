"""Writes the watermark into drawn rows: it moves some values by one bin and keeps the mean of every arm."""

from __future__ import annotations

from collections.abc import Collection
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
    quartiles,
    scanned,
    spread,
)
from heorsynth.generators.sampling.formats import decimals_of

_STRENGTH = 26.0
"""How far the rows of a cohort agree with the key beyond chance, in standard deviations."""

_MOST_MOVED = 0.45
"""Largest share of a column's values that is moved."""

_MOST_SCANNED = 6
"""Rows of a large cohort that are looked at, for each one whose value is to move."""

_FEWEST = 50_000
"""A cohort of up to so many rows is examined whole; of a larger one so many rows give the quantiles."""

_SPIKE = 0.03
"""A value of more than this share of the rows, and of more than five, is a spike: no value moves from or to it."""

_KEPT_QUANTILES = (0.5, 0.95, 0.99)
"""Quantiles of every column, overall and by arm, that no value crosses."""

_KEPT_POINTS = (0.0, 1.0)
"""No value crosses these points: no cost becomes negative, no utility full health or worse than death."""

_TIED = 0.5
"""A column is a scale if its middle half has fewer distinct values than this share of those its decimals allow."""

_WIDEST = 3.0
"""A column is not marked if its decimals require bins more than so many times as wide as `WIDTH`."""


@dataclass(frozen=True)
class _Column:
    """A column that can hold the mark: its values, a part of the known ones, their grid of bins, and their decimals."""

    name: str
    values: np.ndarray
    some: np.ndarray
    grid: Grid
    decimals: int | None


def marked(
    frame: pd.DataFrame,
    domain: Domain,
    rng: np.random.Generator,
    owner: bytes | None = None,
    ruled: Collection[str] = (),
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The rows with the watermark written into them, and the columns that hold it.

    Parameters
    ----------
    frame : DataFrame            drawn rows
    domain : Domain              of the source
    rng : Generator              chooses the rows that are examined in a large cohort
    ruled : collection of str    columns that a rule changes: they stay as drawn
    owner : bytes, optional      key for every second pair of bins; the others follow the public key

    Returns
    -------
    (DataFrame, tuple of str)    no column is marked if none holds measurements. Whole numbers, levels, times, events,
                                 entry, arms, subgroups, bands and totals stay as drawn

    Notes
    -----
    The bins of a column form pairs. The key decides, by a coin for each pair, which of the two bins is green. A value
    in the other bin may move to the green one, by the width of a bin. In each arm as many values move up as down, so
    the mean of each arm is kept exactly. A rounded value stays as round as it was, and spikes stay. No value crosses a
    quantile of `_KEPT_QUANTILES`, a point of `_KEPT_POINTS`, the edge of a band, or the range of the drawn values.

    Of each of C columns, a share STRENGTH / (2 √(C n)) of the values moves, where n is the number of rows or of the
    source's patients, whichever is smaller. So the share falls as standard errors do. `benchmarks/watermark.py`
    measures what the mark costs and what it survives.
    """
    schema = domain.schema
    fixed = {*schema.times, *schema.events, *schema.strata, *schema.bands, *schema.totals, schema.entry, *ruled}
    fixed |= {*schema.derived, *schema.schedule.times.values()}
    free = [name for name in frame.columns if name not in fixed]
    held = [column for name in free if (column := _column(frame[name], domain)) is not None]
    if not held:
        return frame, ()
    share = min(_MOST_MOVED, _STRENGTH / (2 * np.sqrt(len(held) * min(len(frame), domain.n_source))))
    rows = np.arange(len(frame))
    if (scanned_rows := max(_FEWEST, round(_MOST_SCANNED * share * len(frame)))) < len(frame):
        rows = np.sort(rng.choice(rows, size=scanned_rows, replace=False))
    arms = _arms(frame, domain)
    found, names = frame.copy(deep=False), []  # a shallow copy: columns are replaced in it, never changed
    for column in held:
        moved = _moved(
            column, _kept_points(column, domain, arms), arms, rows, share * len(frame) / len(rows), rng, owner
        )
        if moved is not None:
            found[column.name] = pd.Series(moved, index=frame.index).astype(frame[column.name].dtype)
            names.append(column.name)
    return found, tuple(names)


def _column(series: pd.Series, domain: Domain) -> _Column | None:
    """The column if it can hold the mark; None otherwise."""
    name = str(series.name)
    known = domain.columns.get(name)
    if known is None or known.levels is not None or known.whole or not types.is_float_dtype(series):
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
        if grid.width > _WIDEST * width or _is_scale(some, step):
            return None
    return _Column(name, values, some, grid, decimals)


def _is_scale(values: np.ndarray, step: float) -> bool:
    """True if the middle half has far fewer distinct values than its decimals allow, as the levels of a scale have."""
    ordered = np.sort(values)
    kept = ordered[~heaped(ordered, _SPIKE)]
    if len(kept) < 10:
        return True
    low, high = quartiles(kept)
    middle = kept[(kept >= low) & (kept <= high)]
    places = max(1.0, (high - low) / step)
    expected = places * -np.expm1(-len(middle) / places)
    return bool(len(np.unique(middle)) < _TIED * expected)


def _arms(frame: pd.DataFrame, domain: Domain) -> np.ndarray:
    """The number (n,) of each row's arm; 0 for all rows of a cohort without arms."""
    if domain.schema.arm is None:
        return np.zeros(len(frame), dtype=np.int64)
    codes, different = pd.factorize(frame[domain.schema.arm])
    if len(different) == len(set(map(str, different))) and (codes >= 0).all():
        return codes
    return pd.factorize(as_text(frame[domain.schema.arm]).fillna(""))[0]


def _kept_points(column: _Column, domain: Domain, arms: np.ndarray) -> np.ndarray:
    """Sorted points that no value may cross: quantiles of all rows and of each arm, and edges of bands."""
    rows = np.arange(0, len(arms), max(1, len(arms) // _FEWEST))
    rows = rows[np.isfinite(column.values[rows])]
    points: list[float] = [*_KEPT_POINTS]
    for group in [rows, *(rows[arms[rows] == arm] for arm in np.unique(arms[rows]))]:
        held = np.sort(column.values[group])
        places = np.asarray(_KEPT_QUANTILES) * (len(held) - 1)
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
    """The column's values, some of them moved to the green bin of their pair; None if no value can move."""
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
    """+1 for a pair whose upper bin is green, -1 for one whose lower bin is."""
    green = coins(PUBLIC_KEY, digit, pairs)
    return green if owner is None else np.where((pairs & 1) == OWNER, coins(owner, digit, pairs), green)


def _may_move(column: _Column, before: np.ndarray, after: np.ndarray, points: np.ndarray) -> np.ndarray:
    """True (n,) where a move keeps the range, the spikes and the roundness, and crosses none of the points."""
    low, high = np.fmin.reduce(column.values), np.fmax.reduce(column.values)
    ordered = np.sort(column.some)
    spikes = np.unique(ordered[heaped(ordered, _SPIKE)])
    allowed = (after >= low) & (after <= high) & ~np.isin(before, spikes) & ~np.isin(after, spikes)
    for side in ("left", "right"):
        allowed &= np.searchsorted(points, before, side) == np.searchsorted(points, after, side)
    if column.decimals is None:
        return allowed
    written = np.abs(np.round(before, column.decimals) - before) < 1e-9 * np.maximum(1, np.abs(before))
    return allowed & written & (_roundness(before, column.decimals) == _roundness(after, column.decimals))


def _roundness(values: np.ndarray, decimals: int) -> np.ndarray:
    """How round a number is: 2 for each zero at its end, and 1 for a 5 before them."""
    whole = np.rint(values * 10**decimals).astype(np.int64)
    found, rows = np.zeros(len(whole), dtype=np.int64), np.arange(len(whole))
    for power in range(9):
        rows = rows[whole[rows] % (5 * 10**power) == 0]
        if not len(rows):
            break
        found[rows] += 1 + (whole[rows] % 10 ** (power + 1) == 0)
    return found


def _balanced(
    free: np.ndarray, step: np.ndarray, arms: np.ndarray, wanted: float, rng: np.random.Generator
) -> np.ndarray:
    """About as many of the allowed moves as wanted, in each arm as many up as down."""
    chosen = [np.zeros(0, dtype=np.int64)]
    for arm in np.unique(arms[free]):
        sides = [free[(arms[free] == arm) & (step[free] == way)] for way in (1, -1)]
        each = min(*map(len, sides), int(np.ceil(wanted * (arms == arm).mean() / 2)))
        chosen += [rng.choice(side, size=each, replace=False) for side in sides]
    return np.sort(np.concatenate(chosen))
