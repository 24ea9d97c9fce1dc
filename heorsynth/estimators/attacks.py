"""Attacks on synthetic rows: how often each works on patients of the source, and on people no generator saw.

Patients and rows come as points: arrays whose columns are on one scale, so that Euclidean distances mean something.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

CHUNK = 2000
"""Rows whose distances to everybody are held in memory at a time."""

RELABELLINGS = 200
"""Draws of who is a patient of the source and who is not, behind the standard error of singling out."""

CLOSE = 1e-9
"""Distances this near to one another are equal but for rounding; so are a point and its copy."""


@dataclass(frozen=True)
class Attack:
    """How often an attack succeeds.

    Attributes
    ----------
    success : float      on patients of the source, or the share of rows nearer to one
    control : float      on people the generator never saw; what it would be without memory
    se : float           standard error of success - control
    guessing : float     of an attacker without the synthetic rows' relations; NaN where that is `control`
    """

    success: float
    control: float
    se: float
    guessing: float = math.nan

    @property
    def excess(self) -> float:
        """What the source's patients suffer beyond people who took no part."""
        return self.success - self.control


def nearest(points: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance (n,) from each point to the nearest of `others`, and which one that is (n,)."""
    which, apart = np.empty(len(points), dtype=int), np.empty(len(points))
    for start in range(0, len(points), CHUNK):
        part = slice(start, start + CHUNK)
        distances = cdist(points[part], others)
        which[part] = distances.argmin(axis=1)
        apart[part] = distances.min(axis=1)
    return apart, which


def nearness(rows: np.ndarray, source: np.ndarray, unseen: np.ndarray, rng: np.random.Generator) -> Attack:
    """The share of rows whose nearest person is a patient of the source, as if as many people were unseen.

    Parameters
    ----------
    rows : array (R, k)      synthetic
    source : array (T, k)    patients the generator was fitted to
    unseen : array (H, k)    people of the same population it never saw

    Notes
    -----
    A row as near to several people counts for each of them in part. Without memory the N = T + H people are
    exchangeable: with w_i the share of rows nearest to person i, the share p nearer to the source is the sum of
    w_i over T of N people dealt at random, with mean T/N and variance sum (w_i - 1/N)^2 T H / (N (N - 1)),
    exactly; it does not fall with the number of rows. With unequal sides p is told as pH / (pH + (1 - p)T): 0.5
    is no memory and 1 is copies whatever the sizes.
    """
    people, size, others = np.concatenate([source, unseen]), len(source), len(unseen)
    weights = np.zeros(size + others)
    for part in np.array_split(rows, max(1, math.ceil(len(rows) / CHUNK))):
        apart = cdist(part, people)
        nearest_ones = apart <= apart.min(axis=1, keepdims=True) + CLOSE
        weights += (nearest_ones / nearest_ones.sum(axis=1, keepdims=True)).sum(axis=0) / len(rows)
    share, n = float(weights[:size].sum()), size + others
    spread = math.sqrt(float(np.sum((weights - 1 / n) ** 2)) * size * others / (n * (n - 1)))
    level = share * others + (1 - share) * size
    return Attack(share * others / level, 0.5, spread * size * others / level**2)


def membership(rows: np.ndarray, source: np.ndarray, unseen: np.ndarray, rng: np.random.Generator) -> Attack:
    """How well synthetic rows tell who took part: area under the ROC curve of a density-ratio attack.

    Notes
    -----
    The score of a person is log(distance to the nearest other unseen person / distance to the nearest row): how
    much denser the rows lie there than the population does, by one-neighbour densities. A patient of the source
    is set against all unseen people but one at random, so that both kinds meet as many. AUC with DeLong's
    standard error; 0.5 is no better than guessing.

    References
    ----------
    van Breugel, Sun, Qian & van der Schaar (2023) AISTATS, PMLR 206:3493 (DOMIAS). DeLong et al. (1988)
    Biometrics 44:837.
    """
    drawn = [nearest(people, rows)[0] for people in (source, unseen)]
    two = _two_nearest(source, unseen)
    dropped = rng.integers(len(unseen), size=len(source)) == two[2]
    around = [np.where(dropped, two[1], two[0]), _two_nearest(unseen, unseen)[1]]
    ours, theirs = (np.log((a + CLOSE) / (d + CLOSE)) for a, d in zip(around, drawn, strict=True))
    below, upto = (np.searchsorted(np.sort(theirs), ours, side=side) for side in ("left", "right"))
    placed = (below + upto) / (2 * len(theirs))
    over, from_ = (np.searchsorted(np.sort(ours), theirs, side=side) for side in ("left", "right"))
    placed_unseen = 1 - (over + from_) / (2 * len(ours))
    variance = placed.var(ddof=1) / len(ours) + placed_unseen.var(ddof=1) / len(theirs)
    return Attack(float(placed.mean()), 0.5, math.sqrt(float(variance)))


def _two_nearest(points: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distance to the nearest and to the second nearest of `others`, and which is the nearest."""
    from sklearn.neighbors import NearestNeighbors

    distance, which = NearestNeighbors(n_neighbors=2, algorithm="brute").fit(others).kneighbors(points)
    return distance[:, 0], distance[:, 1], which[:, 0]


def inference(
    rows: tuple[np.ndarray, np.ndarray],
    source: tuple[np.ndarray, np.ndarray],
    unseen: tuple[np.ndarray, np.ndarray],
    tolerance: float,
    rng: np.random.Generator,
) -> Attack:
    """How often a secret is that of the row nearest by what is known, to within the tolerance.

    Parameters
    ----------
    rows, source, unseen     (known (n, k), secret (n,)) of each
    tolerance : float        a guess this near is right; 0 for levels

    Notes
    -----
    Success on the source less success on unseen people: what the synthetic rows betray of a patient beyond what
    they teach about everyone. `guessing` is the success of a row taken at random.

    References
    ----------
    Giomi, Boenisch, Wehmeyer & Tasnadi (2023) PoPETs 2023(2):312 (the control group).
    """
    hits = [
        np.abs(rows[1][nearest(known, rows[0])[1]] - secret) <= tolerance + CLOSE for known, secret in (source, unseen)
    ]
    blind = np.abs(rows[1][rng.integers(len(rows[1]), size=len(source[1]))] - source[1]) <= tolerance + CLOSE
    return _two_groups(hits[0].astype(float), hits[1].astype(float), float(blind.mean()))


def linking(
    cohorts: list[tuple[np.ndarray, np.ndarray]],
    source: tuple[np.ndarray, np.ndarray],
    unseen: tuple[np.ndarray, np.ndarray],
) -> Attack:
    """How often the row nearest by one half of what is known is the row nearest by the other half.

    Parameters
    ----------
    cohorts                  (left (n, k), right (n, l)) of each synthetic cohort; the share is the mean over them
    source, unseen           the same halves of the people

    Notes
    -----
    Two parties who hold different columns of one patient could join them through such a row.
    """
    hits = [
        np.mean([nearest(left, a)[1] == nearest(right, b)[1] for a, b in cohorts], axis=0)
        for left, right in (source, unseen)
    ]
    return _two_groups(hits[0], hits[1], float(np.mean([1 / len(a) for a, _ in cohorts])))


def singling_out(
    rows: np.ndarray,
    source: np.ndarray,
    unseen: np.ndarray,
    numeric: np.ndarray,
    rng: np.random.Generator,
    attempts: int = 2000,
    columns: int = 4,
) -> Attack:
    """How often a description that fits one synthetic row fits exactly one patient of the source.

    Parameters
    ----------
    rows, source, unseen     (n, p) columns as numbers, levels as codes, NaN where missing
    numeric : array (p,)     True where a column is a number: described by at least (above the median) or at most
    attempts, columns        descriptions tried, and columns in each

    Notes
    -----
    The control is the same description in as many unseen people. The standard error is the spread of the
    difference when who is source and who is unseen is dealt out anew (200 times).
    """
    size = min(len(source), len(unseen))
    people = np.concatenate([part[rng.permutation(len(part))[:size]] for part in (source, unseen)])
    columns = min(columns, rows.shape[1])
    middle = np.array([np.median(column[~np.isnan(column)]) if (~np.isnan(column)).any() else 0.0 for column in rows.T])
    fits = []
    for _ in range(attempts * 4):
        row, chosen = rows[rng.integers(len(rows))], rng.permutation(rows.shape[1])[:columns]
        if _described(rows, row, chosen, numeric, middle).sum() == 1:
            fits.append(_described(people, row, chosen, numeric, middle))
        if len(fits) == attempts:
            break
    if not fits:
        return Attack(0.0, 0.0, 0.0)
    matrix = np.array(fits, dtype=float)
    ours = np.repeat([1.0, 0.0], size)
    dealt = np.column_stack([ours, *(rng.permutation(ours) for _ in range(RELABELLINGS))])
    alone = np.isclose(matrix @ dealt, 1).mean(axis=0), np.isclose(matrix @ (1 - dealt), 1).mean(axis=0)
    gaps = alone[0] - alone[1]
    return Attack(float(alone[0][0]), float(alone[1][0]), float(gaps[1:].std(ddof=1)))


def _described(
    people: np.ndarray, row: np.ndarray, chosen: np.ndarray, numeric: np.ndarray, middle: np.ndarray
) -> np.ndarray:
    """Who (n,) fits the description a row gives in the chosen columns."""
    held = np.ones(len(people), dtype=bool)
    for place in chosen:
        column, value = people[:, place], row[place]
        if np.isnan(value):
            held &= np.isnan(column)
        elif not numeric[place]:
            held &= column == value
        else:
            held &= (column >= value) if value >= middle[place] else (column <= value)
    return held


def copies(rows: np.ndarray, source: np.ndarray, unseen: np.ndarray | None, rng: np.random.Generator) -> Attack:
    """The share of rows that equal a patient in every column; the control is as many unseen people (0 without them).

    Notes
    -----
    Standard error of two independent shares, each with one success and one failure added (Agresti & Caffo 2000
    Am Stat 54:280), so that no copy among few rows is no proof of none.
    """
    if unseen is None:
        found = _same(rows, source).mean()
        return Attack(float(found), 0.0, _share_error(float(found), len(rows)))
    size = min(len(source), len(unseen))
    ours, theirs = (float(_same(rows, part[rng.permutation(len(part))[:size]]).mean()) for part in (source, unseen))
    return Attack(ours, theirs, math.hypot(_share_error(ours, len(rows)), _share_error(theirs, len(rows))))


def copied(rows: np.ndarray, source: np.ndarray, unseen: np.ndarray) -> Attack:
    """The share of patients whom some row equals in every column; the control is the share of unseen people so met.

    Notes
    -----
    Copies that are few in each cohort may be of many patients in all: twelve in each of twenty are 240. These patients
    and these rows are all there is to count, so that nobody met is nobody exposed, without error. Where somebody is,
    the standard error is that of two independent shares (as in `copies`): it tells copies from coincidence.
    """
    met, by_chance = (float(_same(people, rows).mean()) for people in (source, unseen))
    if met == 0:
        return Attack(0.0, by_chance, 0.0)
    return Attack(met, by_chance, math.hypot(_share_error(met, len(source)), _share_error(by_chance, len(unseen))))


def near_copies(
    rows: np.ndarray, source: np.ndarray, unseen: np.ndarray, tolerance: float, rng: np.random.Generator
) -> Attack:
    """The share of rows that lie within a tolerance of a patient in every coordinate; the control is as many unseen.

    Parameters
    ----------
    rows, source, unseen     points (n, k), on one scale
    tolerance : float        largest distance in any coordinate, in its standard deviations

    Notes
    -----
    Rows near one person come together, so the standard error is the spread of the difference when who is source and
    who is unseen is dealt out anew (200 times), and no less than that of two independent shares (as in `copies`).
    """
    from scipy.sparse import csr_matrix
    from scipy.spatial import cKDTree

    size = min(len(source), len(unseen))
    people = np.concatenate([part[rng.permutation(len(part))[:size]] for part in (source, unseen)])
    distinct, repeats = np.unique(rows, axis=0, return_counts=True)
    around = cKDTree(people).query_ball_point(distinct, tolerance, p=np.inf)
    counts = [len(near) for near in around]
    places = np.concatenate([np.asarray(near, dtype=int) for near in around])
    near = csr_matrix(
        (np.ones(len(places)), places, np.concatenate([[0], np.cumsum(counts)])), (len(distinct), 2 * size)
    )
    ours = np.repeat([1.0, 0.0], size)
    dealt = np.column_stack([ours, *(rng.permutation(ours) for _ in range(RELABELLINGS))])
    shares = [np.average((near @ side) > 0, axis=0, weights=repeats) for side in (dealt, 1 - dealt)]
    gaps = shares[0] - shares[1]
    success, control = float(shares[0][0]), float(shares[1][0])
    least = math.hypot(_share_error(success, len(rows)), _share_error(control, len(rows)))
    return Attack(success, control, max(float(gaps[1:].std(ddof=1)), least))


def contamination(rows: np.ndarray, source: np.ndarray, unseen: np.ndarray) -> Attack:
    """The share of rows that equal a person kept aside; the control is the share of the source's patients who do.

    Notes
    -----
    People coincide where columns are few and coarse. Fresh rows of the same population coincide with the people kept
    aside as often as the source's patients do; rows of a generator that saw them do so more often.
    """
    rate, chance = (float(_same(part, unseen).mean()) for part in (rows, source))
    return Attack(rate, chance, math.hypot(_share_error(rate, len(rows)), _share_error(chance, len(source))))


def overlap(source: np.ndarray, unseen: np.ndarray) -> float:
    """The share of unseen people who equal a patient of the source, beyond the share of patients who equal another."""
    _, counts = np.unique(np.nan_to_num(source, nan=np.inf), axis=0, return_counts=True)
    return float(_same(unseen, source).mean() - counts[counts > 1].sum() / len(source))


def _same(rows: np.ndarray, people: np.ndarray) -> np.ndarray:
    held = {row.tobytes() for row in np.nan_to_num(people, nan=np.inf) + 0.0}
    return np.array([row.tobytes() in held for row in np.nan_to_num(rows, nan=np.inf) + 0.0])


def _share_error(share: float, n: int) -> float:
    padded = (share * n + 1) / (n + 2)
    return math.sqrt(padded * (1 - padded) / (n + 2))


def _two_groups(ours: np.ndarray, theirs: np.ndarray, guessing: float) -> Attack:
    """Two means of successes within [0, 1], independent; each with one success and one failure added to its error."""
    errors = []
    for hits in (ours, theirs):
        padded = np.concatenate([hits, [0.0, 1.0]])
        errors.append(float(padded.std()) / math.sqrt(len(padded)))
    return Attack(float(ours.mean()), float(theirs.mean()), math.hypot(*errors), guessing)
