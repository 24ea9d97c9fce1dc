"""Attacks that learn about a patient: an unknown value, the other half of a record, who fits a description."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from heorsynth.estimators.attacks.attack import CLOSE, Attack, dealings, two_groups
from heorsynth.estimators.attacks.records import distances_to, nearest

_BITS = 2**28
"""Bits of who fits a description that are held at a time: 32 MiB."""


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
        if levels:
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

    @lru_cache(maxsize=_BITS // max(len(rows), len(people)))
    def fitting(index: int, place: int) -> tuple[int, int]:
        told = rows[index, place], bool(numeric[place]), float(middle[place])
        return _bits(_described(rows[:, place], *told)), _bits(_described(people[:, place], *told))

    fits = []
    for _ in range(attempts * 4):
        index, chosen = int(rng.integers(len(rows))), rng.permutation(rows.shape[1])[:columns].tolist()
        of_rows, of_people = -1, -1  # all bits
        for place in chosen:
            bits = fitting(index, place)
            of_rows, of_people = of_rows & bits[0], of_people & bits[1]
        if of_rows.bit_count() == 1:
            fits.append(of_people)
        if len(fits) == attempts:
            break
    if not fits:
        return Attack(0.0, 0.0, 0.0)
    width = (len(people) + 7) // 8
    packed = np.frombuffer(b"".join(one.to_bytes(width) for one in fits), dtype=np.uint8).reshape(len(fits), width)
    matrix = np.unpackbits(packed, axis=1)[:, : len(people)]
    matrix = matrix[matrix.any(axis=1)].astype(np.float32)  # counts of people are exact in it
    dealt = dealings(size, rng).astype(np.float32)
    ours = matrix @ dealt
    theirs = matrix.sum(axis=1, keepdims=True) - ours
    alone = [np.count_nonzero(side == 1, axis=0) / len(fits) for side in (ours, theirs)]
    gaps = alone[0] - alone[1]
    return Attack(float(alone[0][0]), float(alone[1][0]), float(gaps[1:].std(ddof=1)))


def _described(column: np.ndarray, value: float, numeric: bool, middle: float) -> np.ndarray:
    """Return who (n,) fits the description that a value gives in its column."""
    if np.isnan(value):
        return np.isnan(column)
    if not numeric:
        return np.asarray(column == value)
    return np.asarray(column >= value if value >= middle else column <= value)


def _bits(held: np.ndarray) -> int:
    """Return booleans (n,) as the bits of a whole number, the first as the highest, filled to whole bytes."""
    return int.from_bytes(np.packbits(held).tobytes())
