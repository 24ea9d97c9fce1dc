"""Attacks on whole records: rows near or equal to a patient, and whether the hold-out is a valid control.

Patients and rows are points: arrays whose columns share one scale, so that Euclidean distances are meaningful.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy

from heorsynth.estimators.attacks.attack import CLOSE, Attack, dealings, share_error

_CHUNK = 2000
"""Rows whose distances to all people are held in memory at a time."""

_HELD = 1_000_000
"""Distances that are held at a time where each point's are looked at alone."""

_ODD = 0x9E3779B97F4A7C15
"""An odd number whose powers mix the bits of a row."""


def distances_to(others: np.ndarray, points: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the distances (k,) from each point to all others; those of many points are computed at once."""
    some = max(1, _HELD // max(len(others), 1))
    for start in range(0, len(points), some):
        yield from scipy.spatial.distance.cdist(points[start : start + some], others)


def nearest(points: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distance (n,) from each point to the nearest of `others`, and the index of the nearest (n,)."""
    which, apart = np.empty(len(points), dtype=int), np.empty(len(points))
    for start in range(0, len(points), _CHUNK):
        part = slice(start, start + _CHUNK)
        distances = scipy.spatial.distance.cdist(points[part], others)
        which[part] = distances.argmin(axis=1)
        apart[part] = distances.min(axis=1)
    return apart, which


def nearest_other(people: np.ndarray) -> np.ndarray:
    """Return the distance (n,) from each of n >= 2 people to the nearest other one."""
    apart = np.empty(len(people))
    for start in range(0, len(people), _CHUNK):
        distances = scipy.spatial.distance.cdist(people[start : start + _CHUNK], people)
        distances[np.arange(len(distances)), start + np.arange(len(distances))] = np.inf
        apart[start : start + _CHUNK] = distances.min(axis=1)
    return apart


@dataclass(frozen=True, repr=False)
class Neighbours:
    """Rows and people near each other.

    Attributes
    ----------
    shares : array (N,)     share of rows nearest to each person; a row at equal distance to several counts in part
    apart : array (N,)      distance of each person to the nearest row
    """

    shares: np.ndarray
    apart: np.ndarray

    @classmethod
    def of(cls, rows: np.ndarray, people: np.ndarray) -> Neighbours:
        """Return who of N people are nearest to R rows, and how near, from one computation of their distances."""
        shares, least = np.zeros(len(people)), np.full(len(people), np.inf)
        for part in np.array_split(rows, max(1, math.ceil(len(rows) / _CHUNK))):
            apart = scipy.spatial.distance.cdist(part, people)
            np.minimum(least, apart.min(axis=0), out=least)
            row, person = np.nonzero(apart <= apart.min(axis=1, keepdims=True) + CLOSE)
            ties = np.bincount(row, minlength=len(part))
            shares += np.bincount(person, weights=1 / ties[row], minlength=len(people)) / len(rows)
        return cls(shares, least)


def nearness(
    rows: np.ndarray,
    source: np.ndarray,
    unseen: np.ndarray,
    rng: np.random.Generator,
    neighbours: Neighbours | None = None,
) -> Attack:
    """Return the share of rows whose nearest person is a training patient, scaled to equal numbers of both kinds.

    Parameters
    ----------
    rows : array (R, k)      synthetic
    source : array (T, k)    patients the generator was fitted to
    unseen : array (H, k)    people of the same population that the generator never saw
    neighbours : Neighbours, optional  of rows and people, where they are known already

    Notes
    -----
    A row at equal distance to several people counts for each of them in part. Without memorisation the N = T + H people
    are exchangeable. With w_i the share of rows nearest to person i, the share p nearer to the source is the sum of w_i
    over T of the N people drawn at random, with mean T/N and variance sum (w_i - 1/N)^2 T H / (N (N - 1)), exactly;
    the variance does not fall with the number of rows. With unequal T and H, p is reported as pH / (pH + (1 - p)T):
    0.5 means no memorisation and 1 means copies, whatever the sizes.
    """
    size, others = len(source), len(unseen)
    weights = (neighbours or Neighbours.of(rows, np.concatenate([source, unseen]))).shares
    share, n = float(weights[:size].sum()), size + others
    spread = math.sqrt(float(np.sum((weights - 1 / n) ** 2)) * size * others / (n * (n - 1)))
    level = share * others + (1 - share) * size
    return Attack(share * others / level, 0.5, spread * size * others / level**2)


def copies(rows: np.ndarray, source: np.ndarray, unseen: np.ndarray | None, rng: np.random.Generator) -> Attack:
    """Return the share of rows that equal a patient in every column. The control is as many unseen people, else 0.

    Notes
    -----
    The standard error is that of two independent shares, each with one success and one failure added (Agresti & Caffo
    2000 Am Stat 54:280). So no copy among few rows does not prove that copies are absent.
    """
    if unseen is None:
        found = _same(rows, source).mean()
        return Attack(float(found), 0.0, share_error(float(found), len(rows)))
    size = min(len(source), len(unseen))
    ours, theirs = (float(_same(rows, part[rng.permutation(len(part))[:size]]).mean()) for part in (source, unseen))
    return Attack(ours, theirs, math.hypot(share_error(ours, len(rows)), share_error(theirs, len(rows))))


def copied(rows: np.ndarray, source: np.ndarray, unseen: np.ndarray) -> Attack:
    """Return the share of patients whom some row equals in every column. The control is that of unseen people.

    Notes
    -----
    Few copies in each cohort may affect many patients in total: twelve in each of twenty cohorts are 240. All patients
    and rows are counted, so a share of 0 means that nobody is exposed, without error. If somebody is exposed, the
    standard error is that of two independent shares (as in `copies`), to distinguish copies from coincidence.
    """
    met, by_chance = (float(_same(people, rows).mean()) for people in (source, unseen))
    if met == 0:
        return Attack(0.0, by_chance, 0.0)
    return Attack(met, by_chance, math.hypot(share_error(met, len(source)), share_error(by_chance, len(unseen))))


def near_copies(
    rows: np.ndarray, source: np.ndarray, unseen: np.ndarray, tolerance: float, rng: np.random.Generator
) -> Attack:
    """Return the share of rows within a tolerance of a patient in every coordinate. The control is unseen people.

    Parameters
    ----------
    rows, source, unseen     points (n, k), on one scale
    tolerance : float        largest distance in any coordinate, in its standard deviations

    Notes
    -----
    Rows near one person are clustered. The standard error is therefore the standard deviation of the difference over
    200 random reassignments of people to source and control, and at least that of two independent shares.
    """
    size = min(len(source), len(unseen))
    people = np.concatenate([part[rng.permutation(len(part))[:size]] for part in (source, unseen)])
    distinct, repeats = np.unique(rows, axis=0, return_counts=True)
    row, person = _within(distinct, people, tolerance)
    near_one, place = np.unique(row, return_inverse=True)
    near = scipy.sparse.csr_matrix((np.ones(len(row)), (place, person)), (len(near_one), 2 * size))
    ours = near @ dealings(size, rng)
    theirs = near.sum(axis=1) - ours
    shares = [repeats[near_one] @ (side > 0) / repeats.sum() for side in (ours, np.asarray(theirs))]
    gaps = shares[0] - shares[1]
    success, control = float(shares[0][0]), float(shares[1][0])
    least = math.hypot(share_error(success, len(rows)), share_error(control, len(rows)))
    return Attack(success, control, max(float(gaps[1:].std(ddof=1)), least))


def _within(rows: np.ndarray, people: np.ndarray, tolerance: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs (row, person) that are within a tolerance of each other in every coordinate.

    The coordinate with the most different values leaves few pairs, and the others are compared for these alone. Where
    it leaves many, a tree is searched.
    """
    differ = np.argsort([-len(np.unique(column)) for column in people.T])
    order = np.argsort(people[:, differ[0]])
    held, asked, reach = people[order, differ[0]], rows[:, differ[0]], tolerance * (1 + CLOSE)
    low, high = np.searchsorted(held, asked - reach, "left"), np.searchsorted(held, asked + reach, "right")
    count = high - low
    if count.sum() > _HELD:
        around = scipy.spatial.cKDTree(people).query_ball_point(rows, tolerance, p=np.inf)
        counts = [len(near) for near in around]
        return np.repeat(np.arange(len(rows)), counts), np.concatenate([np.asarray(near, dtype=int) for near in around])
    row = np.repeat(np.arange(len(rows)), count)
    person = order[np.arange(len(row)) + np.repeat(low - (np.cumsum(count) - count), count)]
    for place in differ:
        near = np.abs(rows[row, place] - people[person, place]) <= tolerance
        row, person = row[near], person[near]
    return row, person


def contamination(rows: np.ndarray, source: np.ndarray, unseen: np.ndarray) -> Attack:
    """Return the share of rows that equal a held-out person. The control is the share of training patients who do.

    Notes
    -----
    People coincide if columns are few and coarse. New rows of the same population then equal held-out people as often
    as training patients do. Rows of a generator that saw the held-out people equal them more often.
    """
    rate, chance = (float(_same(part, unseen).mean()) for part in (rows, source))
    return Attack(rate, chance, math.hypot(share_error(rate, len(rows)), share_error(chance, len(source))))


def overlap(source: np.ndarray, unseen: np.ndarray) -> float:
    """Return the share of unseen people who equal a training patient, minus the share of patients who equal another."""
    _, counts = np.unique(np.nan_to_num(source, nan=np.inf), axis=0, return_counts=True)
    return float(_same(unseen, source).mean() - counts[counts > 1].sum() / len(source))


def _same(rows: np.ndarray, people: np.ndarray) -> np.ndarray:
    """Return whether each row (n,) equals one of the people in every column. Only rows with their mark are compared."""
    theirs = _marks(people)
    marks, (wanted, first) = _marks(rows), np.unique(theirs, return_index=True)
    if not len(wanted):
        return np.zeros(len(rows), dtype=bool)
    order = np.argsort(marks)  # in order, the search stays in the cache
    place = np.empty(len(marks), dtype=np.int64)
    place[order] = np.minimum(np.searchsorted(wanted, marks[order]), len(wanted) - 1)
    found = wanted[place] == marks
    met = np.flatnonzero(found)
    nearest = first[place[met]]
    equal = np.ones(len(met), dtype=bool)
    for mine, his in zip(rows.T, people.T, strict=True):
        one, other = mine[met], his[nearest]
        equal &= (one == other) | (np.isnan(one) & np.isnan(other))
    differ = met[~equal]
    if len(differ):  # several people with one mark: each of them is compared
        held = {row.tobytes() for row in _plain(people[np.isin(theirs, marks[differ])])}
        found[differ] = [row.tobytes() in held for row in _plain(rows[differ])]
    return found


def _plain(points: np.ndarray) -> np.ndarray:
    """Return rows of which equal ones have equal bytes: one value for missing, one for zero."""
    return np.ascontiguousarray(np.nan_to_num(points, nan=np.inf) + 0.0)


def _marks(points: np.ndarray) -> np.ndarray:
    """Return a whole number (n,) for each row of floats: equal rows have equal ones, and others seldom do."""
    found, factor = np.zeros(len(points), dtype=np.uint64), np.uint64(1)
    for column in points.T:
        bits = (np.where(np.isnan(column), np.inf, column) + 0.0).view(np.uint64)
        with np.errstate(over="ignore"):
            factor *= np.uint64(_ODD)
        bits ^= bits >> np.uint64(29)
        bits *= factor
        bits ^= bits >> np.uint64(32)
        found += bits
    return found
