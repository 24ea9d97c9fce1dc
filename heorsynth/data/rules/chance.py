"""How surely a rule is no accident: bounds on the probability that shuffled columns obey it, as log10.

The columns of a cohort are shuffled against each other: their margins stay, and nothing ties them. Each function bounds
the share of all n! orders of one column in which the rule holds in every row.
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln


def equal_values(values: np.ndarray, others: np.ndarray, within: float = 0.0) -> float:
    """log10 of a bound on the probability that two shuffled columns are equal in every row, to `within`.

    Notes
    -----
    The orders that fit are the permanent of a matrix of zeros and ones. The inequality of Minc and Brègman bounds it by
    the product of (r_i!)^(1/r_i), where r_i values fit row i. It is exact for `within` = 0.

    References
    ----------
    Brègman (1973) Soviet Math Dokl 14:945.

    Examples
    --------
    >>> round(10 ** equal_values(np.array([1.0, 2.0, 2.0, 3.0]), np.array([1.0, 2.0, 2.0, 3.0])) * 24)  # 2 of 4! orders
    2
    """
    ordered, sought = np.sort(others), np.sort(values)
    fits = np.searchsorted(ordered, sought + within, side="right") - np.searchsorted(ordered, sought - within)
    fits = np.maximum(fits, 1)
    return float((gammaln(fits + 1.0) / fits).sum() - gammaln(len(values) + 1.0)) / np.log(10)


def never_above(low: np.ndarray, high: np.ndarray) -> float:
    """log10 of the exact probability that a shuffled column is at most another one in every row.

    Notes
    -----
    In rising order of the upper column, k_i values of the lower one fit row i, and i - 1 of these are already taken:
    the orders that fit are the product of k_i - i + 1.

    Examples
    --------
    >>> round(10 ** never_above(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0])) * 6)  # 1 of 3! orders
    1
    >>> never_above(np.array([1.0, 2.0]), np.array([2.0, 9.0]))  # the margins alone say so
    0.0
    """
    n = len(low)
    fits = np.searchsorted(np.sort(low), np.sort(high), side="right") - np.arange(n)
    return float((np.log10(np.maximum(fits, 1e-300)) - np.log10(np.arange(1, n + 1))).sum())


def implied(n_when: np.ndarray, n_then: np.ndarray, n: int) -> np.ndarray:
    """log10 of the exact probability that `n_when` rows at random all lie among `n_then` of n rows (hypergeometric).

    Examples
    --------
    >>> round(float(10 ** implied(np.array(2), np.array(3), 4)), 3)  # 3 of the 6 pairs
    0.5
    """
    when, then = np.asarray(n_when, float), np.asarray(n_then, float)
    kept = gammaln(then + 1) - gammaln(np.maximum(then - when, 0) + 1)
    return np.asarray((kept - gammaln(n + 1.0) + gammaln(n - when + 1)) / np.log(10))


def contiguous(counts: np.ndarray) -> float:
    """log10 of a bound on the probability that levels with these counts lie one after the other along a number.

    Of all orders of the labels, L! for L levels are of this kind.

    Examples
    --------
    >>> round(10 ** contiguous(np.array([2, 2])) * 6)  # 2 of the 6 orders of aabb
    2
    """
    return float(gammaln(len(counts) + 1.0) + gammaln(counts + 1.0).sum() - gammaln(counts.sum() + 1.0)) / np.log(10)


def decided(n_codes: int, counts: np.ndarray) -> float:
    """log10 of a bound on the probability that levels with these counts are constant within each of so many codes.

    At most L^codes orders of the labels are of this kind, for L levels.

    Examples
    --------
    >>> round(10 ** decided(2, np.array([2, 2])) * 6)  # at most 4 of the 6 orders of aabb
    4
    """
    found = n_codes * np.log(len(counts)) + gammaln(counts + 1.0).sum() - gammaln(counts.sum() + 1.0)
    return float(min(found, 0.0)) / np.log(10)


def in_steps(multiple: int, n_values: int) -> float:
    """log10 of the probability that so many different values are all multiples of a number, if remainders are uniform.

    Examples
    --------
    >>> in_steps(10, 8)
    -8.0
    """
    return float(-n_values * np.log10(multiple))
