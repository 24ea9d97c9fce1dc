"""Attacks on membership: a score for each person, and how well scores tell training patients from people never seen.

A higher score says "was in the training data". Each attack uses the rows of all cohorts together, as an intruder would.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.estimators.attacks.attack import CLOSE, Attack
from heorsynth.estimators.attacks.records import nearest, nearest_other

_RANKS, _BINS = (5, 10, 20), (10, 20)
"""People on each side of a number's window in the marginal attack, and numbers of intervals; the score is the mean over
all of them. Exact margins of `heor` reach these areas under the ROC curve with windows alone, intervals alone (10, 20,
40) and both: 0.72, 0.68, 0.72 on 40 simulated trials of 150 patients, and 0.73, 0.76, 0.76 on 15 halves of cohorts with
ties."""

_MOST_LEVELS = 10
"""A numeric column with no more values than this is compared value by value."""


@dataclass(frozen=True)
class Scores:
    """The scores of an attack on membership.

    Attributes
    ----------
    ours : array (n,)        of training patients
    theirs : array (h,)      of people never seen
    """

    ours: np.ndarray
    theirs: np.ndarray


def nearest_record(rows: np.ndarray, source: np.ndarray, unseen: np.ndarray, apart: np.ndarray | None = None) -> Scores:
    """Return minus the distance of each person to the nearest row; all are points on one scale.

    `apart` are these distances (n + h,), where they are known already.
    """
    apart = nearest(np.concatenate([source, unseen]), rows)[0] if apart is None else apart
    return Scores(-apart[: len(source)], -apart[len(source) :])


def density_ratio(rows: np.ndarray, source: np.ndarray, unseen: np.ndarray, apart: np.ndarray | None = None) -> Scores:
    """Return log(distance to the nearest other person / distance to the nearest row) of each person.

    `apart` are the distances to the nearest row (n + h,), where they are known already.

    Notes
    -----
    The score compares the density of rows with the density of the population, both by one nearest neighbour. The
    population are patients and unseen people together, as in `marginal`: the score does not depend on who was a
    patient, so that people are exchangeable if the rows reveal nothing. With unseen people alone as the reference, the
    scores of both groups would depend on who these are, and a 90% interval would cover 0.875 instead of 0.905.

    References
    ----------
    van Breugel, Sun, Qian & van der Schaar (2023) AISTATS, PMLR 206:3493 (DOMIAS).
    """
    people = np.concatenate([source, unseen])
    apart = nearest(people, rows)[0] if apart is None else apart
    scores = np.log((nearest_other(people) + CLOSE) / (apart + CLOSE))
    return Scores(scores[: len(source)], scores[len(source) :])


def marginal(rows: np.ndarray, source: np.ndarray, unseen: np.ndarray, numeric: np.ndarray) -> Scores:
    """Return the marginal log likelihood ratio of each person: rows against all other people, column by column.

    Parameters
    ----------
    rows, source, unseen     (n, p) columns as numbers, levels as codes, NaN where missing
    numeric : array (p,)     True for numeric columns, compared in windows

    Notes
    -----
    The intruder has a list of N = n + h people and asks which n of them were the patients. The score is the sum over
    columns of log(p(x) / q(x)), with p the share of rows and q the share of the other people on the list with the
    person's level. A missing value is a level. With L levels, p is (N·share + 1) / (N + L) and q is
    (others + 1) / (N - 1 + L). A known number is also compared, on average, within a window that reaches over 5, 10
    and 20 people on each side, with L = 1, and within 10 and 20 intervals with equally many people: windows find more
    where all numbers differ, intervals where many are equal. The score does not depend on who was a patient, so that
    the N people are exchangeable if the rows reveal nothing.

    The attack needs no joint distribution: it finds a generator that keeps the margins of its patients exactly. With d
    the sum of (levels - 1) over independent columns and exact margins, the mean scores differ by d/n and have the
    variance dh/(nN), so that AUC = Φ(√(d/n) √(N/h) / √2), to first order. For an intruder who knows the law of the
    population instead of a list, N/h is replaced by 1; for one who has a sample of n other people, by 1/2.

    References
    ----------
    Homer et al. (2008) PLoS Genet 4:e1000167. Sankararaman et al. (2009) Nat Genet 41:965 (the likelihood ratio).
    """
    scores = np.zeros(len(source) + len(unseen))
    for drawn, people, number in zip(rows.T, np.concatenate([source, unseen]).T, numeric, strict=True):
        known = ~np.isnan(people)
        if not number or len(np.unique(people[known])) <= _MOST_LEVELS:
            scores += _of_levels(drawn, people)
            continue
        scores += _of_levels(np.isnan(drawn).astype(float), np.isnan(people).astype(float))
        values = drawn[~np.isnan(drawn)]
        if len(values):
            asked = people[known]
            parts = [_in_windows(values, asked, ranks) for ranks in _RANKS]
            parts += [_of_levels(*_binned(values, asked, bins)) for bins in _BINS]
            scores[known] += np.mean(parts, axis=0)
    return Scores(scores[: len(source)], scores[len(source) :])


def _of_levels(rows: np.ndarray, people: np.ndarray) -> np.ndarray:
    """Return log(p / q) at the level of each person (N,)."""
    levels, codes = np.unique(np.concatenate([people, rows]), return_inverse=True)
    count = np.bincount(codes[: len(people)], minlength=len(levels))
    share = np.bincount(codes[len(people) :], minlength=len(levels)) / len(rows)
    here, size = codes[: len(people)], len(people)
    p, q = (size * share + 1) / (size + len(levels)), count / (size - 1 + len(levels))
    return np.asarray(np.log(p[here] / q[here]))


def _binned(rows: np.ndarray, people: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Return one numeric column of rows and of people as intervals 0, 1, … with equally many people."""
    cuts = np.unique(people)
    if len(cuts) > bins:
        cuts = np.unique(np.quantile(people, np.arange(1, bins) / bins))
    drawn, listed = (np.searchsorted(cuts, part, side="right") for part in (rows, people))
    return drawn, listed


def _in_windows(rows: np.ndarray, people: np.ndarray, ranks: int) -> np.ndarray:
    """Return log(p / q) in a window around each person (N,) that reaches over `ranks` people on each side."""
    held, drawn, size = np.sort(people), np.sort(rows), len(people)
    cuts = np.concatenate([[-np.inf], (held[1:] + held[:-1]) / 2, [np.inf]])
    low = cuts[np.maximum(np.searchsorted(held, people, "left") - ranks, 0)]
    high = cuts[np.minimum(np.searchsorted(held, people, "right") + ranks, size)]
    within = [np.searchsorted(part, high, "right") - np.searchsorted(part, low, "left") for part in (drawn, held)]
    return np.asarray(np.log((size * within[0] / len(rows) + 1) / (size + 1) / (within[1] / size)))


def separation(scores: Scores) -> Attack:
    """Return the area under the ROC curve with DeLong's standard error; 0.5 is guessing.

    References
    ----------
    DeLong, DeLong & Clarke-Pearson (1988) Biometrics 44:837.

    Examples
    --------
    >>> separation(Scores(np.array([1.0, 3.0]), np.array([0.0, 2.0]))).success
    0.75
    """
    ours, theirs = scores.ours, scores.theirs
    below, upto = (np.searchsorted(np.sort(theirs), ours, side=side) for side in ("left", "right"))
    placed = (below + upto) / (2 * len(theirs))
    over, from_ = (np.searchsorted(np.sort(ours), theirs, side=side) for side in ("left", "right"))
    placed_unseen = 1 - (over + from_) / (2 * len(ours))
    variance = placed.var(ddof=1) / len(ours) + placed_unseen.var(ddof=1) / len(theirs)
    return Attack(float(placed.mean()), 0.5, math.sqrt(float(variance)))


@dataclass(frozen=True)
class Found:
    """Members found at a low false-positive rate.

    Attributes
    ----------
    share : float            training patients above the threshold
    control : float          expected share of people never seen above it, at most the false-positive rate
    lower, upper : float     limits of share - control
    """

    share: float
    control: float
    lower: float
    upper: float


def found(scores: Scores, rate: float, level: float = 0.90) -> Found:
    """Return the share of training patients whose score is above almost all scores of people never seen.

    Parameters
    ----------
    rate : float     false-positive rate, such as 0.01
    level : float    of the two-sided interval

    Raises
    ------
    NotEstimableError    the hold-out has fewer than 1/rate - 1 people

    Notes
    -----
    With h people never seen, the threshold is their (k + 1)-th largest score, k + 1 = floor(rate (h + 1)). Another
    person of the population is above it with probability (k + 1)/(h + 1) at most, without any assumption on the scores
    (conformal prediction).

    The lower limit is Newcombe's for the difference of the two shares above the threshold, from their exact
    (Clopper-Pearson) limits. The upper limit needs no more than the order of the scores: with c the upper 5% point of
    Binomial(h, rate), the population's quantile at `rate` is not below the (c + 1)-th largest score in 95 of 100
    hold-outs, so no more patients can be found than reach that score. A hold-out of h people therefore cannot show a
    small share unless `h * rate` is large: about 10 for a share within twice the rate.

    References
    ----------
    Carlini et al. (2022) IEEE S&P 1897 (true positives at low false-positive rates). Newcombe (1998) Stat Med 17:873,
    method 10 with exact limits. Vovk, Gammerman & Shafer (2005) Algorithmic Learning in a Random World, Springer.

    Examples
    --------
    >>> scores = Scores(np.array([5.0, 0.5, 200.0, 300.0]), np.arange(199.0))
    >>> one = found(scores, 0.01)
    >>> one.share, one.control
    (0.5, 0.01)
    """
    ours, theirs = scores.ours, np.sort(scores.theirs)
    n, h = len(ours), len(theirs)
    above = math.floor(rate * (h + 1) + CLOSE)
    if above < 1:
        needed = people_needed(rate)
        few = f"a false-positive rate of {rate:.1%} needs {needed} people in the hold-out; there are {h}"
        raise NotEstimableError("members found", Problem("", few))
    threshold = theirs[-above]
    hits, false = int(np.sum(ours > threshold)), int(np.sum(theirs > threshold))
    tail = (1 - level) / 2
    lowest = 0.0 if hits == 0 else float(special.betaincinv(hits, n - hits + 1, tail))
    highest = float(special.betaincinv(false + 1, h - false, 1 - tail))
    gap = hits / n - false / h
    lower = gap - math.hypot(hits / n - lowest, highest - false / h)
    least = theirs[max(h - 1 - int(np.searchsorted(special.bdtr(np.arange(h), h, rate), 1 - tail)), 0)]
    control = above / (h + 1)
    return Found(hits / n, control, lower, max(float(np.mean(ours >= least)), hits / n) - control)


def people_needed(rate: float) -> int:
    """Return the smallest hold-out with a threshold for a false-positive rate: 99 people for 1%, 999 for 0.1%.

    Examples
    --------
    >>> people_needed(0.01), people_needed(0.001)
    (99, 999)
    """
    return math.ceil(1 / rate - CLOSE) - 1
