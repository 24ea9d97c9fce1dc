"""Attacks on synthetic rows: how often each succeeds on training patients and on patients the generator never saw.

Patients and rows are points: arrays whose columns share one scale, so that Euclidean distances are meaningful.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

_CHUNK = 2000
"""Rows whose distances to all people are held in memory at a time."""

_RELABELLINGS = 200
"""Random reassignments of people to source and control, for the standard error of singling out."""

_CLOSE = 1e-9
"""Distances closer than this are equal up to rounding. A point at this distance from another is its copy."""


@dataclass(frozen=True)
class Attack:
    """The success rate of an attack.

    Attributes
    ----------
    success : float      on training patients, or the share of rows nearer to one
    control : float      on people the generator never saw; the success without memorisation
    se : float           standard error of success - control
    guessing : float     success of an attacker without the joint distribution in the synthetic rows; NaN if `control`
                         is this baseline
    """

    success: float
    control: float
    se: float
    guessing: float = math.nan

    @property
    def excess(self) -> float:
        """The success on training patients minus the success on people the generator never saw."""
        return self.success - self.control


def nearest(points: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distance (n,) from each point to the nearest of `others`, and the index of the nearest (n,)."""
    which, apart = np.empty(len(points), dtype=int), np.empty(len(points))
    for start in range(0, len(points), _CHUNK):
        part = slice(start, start + _CHUNK)
        distances = cdist(points[part], others)
        which[part] = distances.argmin(axis=1)
        apart[part] = distances.min(axis=1)
    return apart, which


def nearness(rows: np.ndarray, source: np.ndarray, unseen: np.ndarray, rng: np.random.Generator) -> Attack:
    """Return the share of rows whose nearest person is a training patient, scaled to equal numbers of both kinds.

    Parameters
    ----------
    rows : array (R, k)      synthetic
    source : array (T, k)    patients the generator was fitted to
    unseen : array (H, k)    people of the same population that the generator never saw

    Notes
    -----
    A row at equal distance to several people counts for each of them in part. Without memorisation the N = T + H people
    are exchangeable. With w_i the share of rows nearest to person i, the share p nearer to the source is the sum of w_i
    over T of the N people drawn at random, with mean T/N and variance sum (w_i - 1/N)^2 T H / (N (N - 1)), exactly;
    the variance does not fall with the number of rows. With unequal T and H, p is reported as pH / (pH + (1 - p)T):
    0.5 means no memorisation and 1 means copies, whatever the sizes.
    """
    people, size, others = np.concatenate([source, unseen]), len(source), len(unseen)
    weights = np.zeros(size + others)
    for part in np.array_split(rows, max(1, math.ceil(len(rows) / _CHUNK))):
        apart = cdist(part, people)
        nearest_ones = apart <= apart.min(axis=1, keepdims=True) + _CLOSE
        weights += (nearest_ones / nearest_ones.sum(axis=1, keepdims=True)).sum(axis=0) / len(rows)
    share, n = float(weights[:size].sum()), size + others
    spread = math.sqrt(float(np.sum((weights - 1 / n) ** 2)) * size * others / (n * (n - 1)))
    level = share * others + (1 - share) * size
    return Attack(share * others / level, 0.5, spread * size * others / level**2)


def membership(rows: np.ndarray, source: np.ndarray, unseen: np.ndarray, rng: np.random.Generator) -> Attack:
    """Return the success of a membership attack: the area under the ROC curve of a density-ratio attack.

    Notes
    -----
    The score of a person is log(distance to the nearest other unseen person / distance to the nearest row). It compares
    the density of rows with the density of the population, both by one nearest neighbour. A training patient is
    compared with all unseen people but a random one, so that both kinds have equally many neighbours. The result is the
    AUC with DeLong's standard error; 0.5 is guessing.

    References
    ----------
    van Breugel, Sun, Qian & van der Schaar (2023) AISTATS, PMLR 206:3493 (DOMIAS). DeLong et al. (1988)
    Biometrics 44:837.
    """
    drawn = [nearest(people, rows)[0] for people in (source, unseen)]
    two = _two_nearest(source, unseen)
    dropped = rng.integers(len(unseen), size=len(source)) == two[2]
    around = [np.where(dropped, two[1], two[0]), _two_nearest(unseen, unseen)[1]]
    ours, theirs = (np.log((a + _CLOSE) / (d + _CLOSE)) for a, d in zip(around, drawn, strict=True))
    below, upto = (np.searchsorted(np.sort(theirs), ours, side=side) for side in ("left", "right"))
    placed = (below + upto) / (2 * len(theirs))
    over, from_ = (np.searchsorted(np.sort(ours), theirs, side=side) for side in ("left", "right"))
    placed_unseen = 1 - (over + from_) / (2 * len(ours))
    variance = placed.var(ddof=1) / len(ours) + placed_unseen.var(ddof=1) / len(theirs)
    return Attack(float(placed.mean()), 0.5, math.sqrt(float(variance)))


def _two_nearest(points: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the distances to the nearest and second nearest of `others`, and the index of the nearest."""
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
    """Return how often a secret equals that of the nearest row by the known columns, within the tolerance.

    Parameters
    ----------
    rows, source, unseen     (known (n, k), secret (n,)) of each
    tolerance : float        largest error of a correct guess; 0 for levels

    Notes
    -----
    The excess, success on training patients minus success on unseen people, is what the synthetic rows reveal about a
    patient beyond what they reveal about everyone. `guessing` is the success of a randomly chosen row.

    References
    ----------
    Giomi, Boenisch, Wehmeyer & Tasnadi (2023) PoPETs 2023(2):312 (the control group).
    """
    hits = [
        np.abs(rows[1][nearest(known, rows[0])[1]] - secret) <= tolerance + _CLOSE for known, secret in (source, unseen)
    ]
    blind = np.abs(rows[1][rng.integers(len(rows[1]), size=len(source[1]))] - source[1]) <= tolerance + _CLOSE
    return _two_groups(hits[0].astype(float), hits[1].astype(float), float(blind.mean()))


def linking(
    cohorts: list[tuple[np.ndarray, np.ndarray]],
    source: tuple[np.ndarray, np.ndarray],
    unseen: tuple[np.ndarray, np.ndarray],
) -> Attack:
    """Return how often a person's nearest row by one half of the columns is also the nearest by the other half.

    Parameters
    ----------
    cohorts                  (left (n, k), right (n, l)) of each synthetic cohort; the share is the mean over them
    source, unseen           the same halves of the people

    Notes
    -----
    Two parties that hold different columns of one patient could link them through such a row.
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
    """Return how often a description that fits exactly one synthetic row also fits exactly one training patient.

    Parameters
    ----------
    rows, source, unseen     (n, p) columns as numbers, levels as codes, NaN where missing
    numeric : array (p,)     True for numeric columns: described as at least or at most the value, by the median
    attempts, columns        number of descriptions, and number of columns in each

    Notes
    -----
    The control applies the same description to as many unseen people. The standard error is the standard deviation of
    the difference over 200 random reassignments of people to source and control.
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
    dealt = np.column_stack([ours, *(rng.permutation(ours) for _ in range(_RELABELLINGS))])
    alone = np.isclose(matrix @ dealt, 1).mean(axis=0), np.isclose(matrix @ (1 - dealt), 1).mean(axis=0)
    gaps = alone[0] - alone[1]
    return Attack(float(alone[0][0]), float(alone[1][0]), float(gaps[1:].std(ddof=1)))


def _described(
    people: np.ndarray, row: np.ndarray, chosen: np.ndarray, numeric: np.ndarray, middle: np.ndarray
) -> np.ndarray:
    """Return who (n,) fits the description that a row gives in the chosen columns."""
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
    """Return the share of rows that equal a patient in every column. The control is as many unseen people, else 0.

    Notes
    -----
    The standard error is that of two independent shares, each with one success and one failure added (Agresti & Caffo
    2000 Am Stat 54:280). So no copy among few rows does not prove that copies are absent.
    """
    if unseen is None:
        found = _same(rows, source).mean()
        return Attack(float(found), 0.0, _share_error(float(found), len(rows)))
    size = min(len(source), len(unseen))
    ours, theirs = (float(_same(rows, part[rng.permutation(len(part))[:size]]).mean()) for part in (source, unseen))
    return Attack(ours, theirs, math.hypot(_share_error(ours, len(rows)), _share_error(theirs, len(rows))))


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
    return Attack(met, by_chance, math.hypot(_share_error(met, len(source)), _share_error(by_chance, len(unseen))))


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
    dealt = np.column_stack([ours, *(rng.permutation(ours) for _ in range(_RELABELLINGS))])
    shares = [np.average((near @ side) > 0, axis=0, weights=repeats) for side in (dealt, 1 - dealt)]
    gaps = shares[0] - shares[1]
    success, control = float(shares[0][0]), float(shares[1][0])
    least = math.hypot(_share_error(success, len(rows)), _share_error(control, len(rows)))
    return Attack(success, control, max(float(gaps[1:].std(ddof=1)), least))


def contamination(rows: np.ndarray, source: np.ndarray, unseen: np.ndarray) -> Attack:
    """Return the share of rows that equal a held-out person. The control is the share of training patients who do.

    Notes
    -----
    People coincide if columns are few and coarse. New rows of the same population then equal held-out people as often
    as training patients do. Rows of a generator that saw the held-out people equal them more often.
    """
    rate, chance = (float(_same(part, unseen).mean()) for part in (rows, source))
    return Attack(rate, chance, math.hypot(_share_error(rate, len(rows)), _share_error(chance, len(source))))


def overlap(source: np.ndarray, unseen: np.ndarray) -> float:
    """Return the share of unseen people who equal a training patient, minus the share of patients who equal another."""
    _, counts = np.unique(np.nan_to_num(source, nan=np.inf), axis=0, return_counts=True)
    return float(_same(unseen, source).mean() - counts[counts > 1].sum() / len(source))


def _same(rows: np.ndarray, people: np.ndarray) -> np.ndarray:
    held = {row.tobytes() for row in np.nan_to_num(people, nan=np.inf) + 0.0}
    return np.array([row.tobytes() in held for row in np.nan_to_num(rows, nan=np.inf) + 0.0])


def _share_error(share: float, n: int) -> float:
    padded = (share * n + 1) / (n + 2)
    return math.sqrt(padded * (1 - padded) / (n + 2))


def _two_groups(ours: np.ndarray, theirs: np.ndarray, guessing: float) -> Attack:
    """Return the attack from two independent means of successes in [0, 1], with one success and one failure added."""
    errors = []
    for hits in (ours, theirs):
        padded = np.concatenate([hits, [0.0, 1.0]])
        errors.append(float(padded.std()) / math.sqrt(len(padded)))
    return Attack(float(ours.mean()), float(theirs.mean()), math.hypot(*errors), guessing)
