"""Attacks that learn about a patient: an unknown value, the other half of a record, who fits a description."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from heorsynth.estimators.attacks.attack import CLOSE, Attack, dealings, two_groups
from heorsynth.estimators.attacks.records import distances_to, nearest

_BLOCK = 500
"""Descriptions that are drawn and tried at a time."""

_Fitting = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(which rows (k,), by which columns (k, c)) -> whom each describes, as bits (k, n / 8), filled up to whole bytes."""


def inference(
    rows: tuple[np.ndarray, np.ndarray],
    source: tuple[np.ndarray, np.ndarray],
    unseen: tuple[np.ndarray, np.ndarray],
    tolerance: float | None,
    rng: np.random.Generator,
) -> Attack:
    """Return how often a secret is guessed from the rows that are nearest by the known columns.

    Parameters
    ----------
    rows, source, unseen     (known (n, k), secret (n,)) of each
    tolerance : float        largest error of a correct guess of a number; None for levels, which must be equal

    Notes
    -----
    All rows that are equally near are linked to a person. The guess is their median, or their most frequent level. The
    excess, success on training patients minus success on unseen people, is what the synthetic rows reveal about a
    patient beyond what they reveal about everyone. `guessing` is the success of a randomly chosen row.

    References
    ----------
    Giomi, Boenisch, Wehmeyer & Tasnadi (2023) PoPETs 2023(2):312 (the control group).
    """
    most = CLOSE + (0.0 if tolerance is None else tolerance)
    hits = [np.abs(_guesses(known, *rows, tolerance is None) - secret) <= most for known, secret in (source, unseen)]
    blind = np.abs(rows[1][rng.integers(len(rows[1]), size=len(source[1]))] - source[1]) <= most
    return two_groups(hits[0].astype(float), hits[1].astype(float), float(blind.mean()))


def _guesses(people: np.ndarray, rows: np.ndarray, secrets: np.ndarray, levels: bool) -> np.ndarray:
    """Return the guess (n,) for each person: the median of the linked rows' secrets, or their most frequent level."""
    guessed = np.empty(len(people))
    for place, distances in enumerate(distances_to(rows, people)):
        linked = secrets[distances <= distances.min() + CLOSE]
        if len(linked) == 1:
            guessed[place] = linked[0]
        elif levels:
            values, counts = np.unique(linked, return_counts=True)
            guessed[place] = values[counts.argmax()]
        else:
            guessed[place] = np.median(linked)
    return guessed


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
    return two_groups(hits[0], hits[1], float(np.mean([1 / len(a) for a, _ in cohorts])))


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
    of_rows, of_people = _fits(rows, [rows, people], numeric, middle, attempts * columns)
    fits, left = [np.zeros((0, (len(people) + 7) // 8), np.uint8)], attempts
    for start in range(0, 4 * attempts, _BLOCK):
        before = rng.bit_generator.state
        block = min(_BLOCK, 4 * attempts - start)
        index, chosen = _descriptions(rng, len(rows), rows.shape[1], columns, block)
        alone = np.flatnonzero(np.bitwise_count(of_rows(index, chosen)).sum(axis=1, dtype=np.int64) == 1)[:left]
        fits.append(of_people(index[alone], chosen[alone]))
        left -= len(alone)
        if not left:  # draw no more than what was used
            rng.bit_generator.state = before
            _descriptions(rng, len(rows), rows.shape[1], columns, int(alone[-1]) + 1)
            break
    packed = np.concatenate(fits)
    if not len(packed):
        return Attack(0.0, 0.0, 0.0)
    matrix = np.unpackbits(packed, axis=1)[:, : len(people)]
    matrix = matrix[matrix.any(axis=1)].astype(np.float32)  # counts of people are exact in it
    dealt = dealings(size, rng).astype(np.float32)
    ours = matrix @ dealt
    theirs = matrix.sum(axis=1, keepdims=True) - ours
    shares = [np.count_nonzero(side == 1, axis=0) / len(packed) for side in (ours, theirs)]
    gaps = shares[0] - shares[1]
    return Attack(float(shares[0][0]), float(shares[1][0]), float(gaps[1:].std(ddof=1)))


def _descriptions(rng: np.random.Generator, n: int, p: int, columns: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw which of n rows is described (size,), and by which of p columns (size, columns)."""
    index, chosen = np.empty(size, dtype=np.int64), np.tile(np.arange(p), (size, 1))
    for place, order in enumerate(chosen):
        index[place] = rng.integers(n)
        rng.shuffle(order)  # as `permutation` does, without an array of its own
    return index, chosen[:, :columns]


def _fits(
    rows: np.ndarray, groups: list[np.ndarray], numeric: np.ndarray, middle: np.ndarray, most: int
) -> list[_Fitting]:
    """Return, for each group of people, who fits the descriptions of chosen rows by chosen columns.

    If the columns have up to `most` different values, each is compared with the people once, whatever is drawn.
    """
    held = [np.unique(column, return_inverse=True) for column in rows.T]
    first = np.cumsum([0, *(len(values) for values, _ in held)])

    def fitting(people: np.ndarray) -> _Fitting:
        if first[-1] > most:
            return lambda index, chosen: _fitting(people, rows[index], chosen, numeric, middle)
        told = zip(people.T, (values for values, _ in held), numeric, middle, strict=True)
        bits = np.concatenate([np.packbits(_described(*one), axis=1) for one in told])
        places = first[:-1] + np.column_stack([codes for _, codes in held])
        return lambda index, chosen: np.bitwise_and.reduce(bits[places[index[:, None], chosen]], axis=1)

    return [fitting(people) for people in groups]


def _fitting(
    people: np.ndarray, rows: np.ndarray, chosen: np.ndarray, numeric: np.ndarray, middle: np.ndarray
) -> np.ndarray:
    """Return whom each of k rows describes by its chosen columns, as bits (k, n / 8), filled up to whole bytes."""
    found = np.full((len(rows), (len(people) + 7) // 8), 255, np.uint8)
    for place in np.unique(chosen):
        at = np.flatnonzero((chosen == place).any(axis=1))
        told = _described(people[:, place], rows[at, place], bool(numeric[place]), float(middle[place]))
        found[at] &= np.packbits(told, axis=1)
    return found


def _described(column: np.ndarray, values: np.ndarray, numeric: bool, middle: float) -> np.ndarray:
    """Return who of n people fits the description that each of k values gives in its column (k, n)."""
    if numeric:
        side = np.where(values >= middle, 1.0, -1.0)[:, None]
        told = side * column >= side * values[:, None]
    else:
        told = column == values[:, None]
    told[np.isnan(values)] = np.isnan(column)
    return np.asarray(told)
