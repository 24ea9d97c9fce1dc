"""Attacks on membership: a score for each person, and how well scores tell training patients from people never seen.

A higher score says "was in the training data". Each attack uses the rows of all cohorts together, as an intruder would.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.estimators.attacks.attack import CLOSE, Attack
from heorsynth.estimators.attacks.records import nearest

_BINS = (10, 20, 40)
"""Numbers of intervals of a numeric column in the marginal attack; the score is the mean over them."""


@dataclass(frozen=True)
class Scores:
    """The scores of an attack on membership.

    Attributes
    ----------
    ours : array (n,)        of training patients
    theirs : array (h,)      of people never seen
    times_used : float       how often a person never seen enters: 2 if the person is also in the reference of others
    """

    ours: np.ndarray
    theirs: np.ndarray
    times_used: float = 1.0


def nearest_record(rows: np.ndarray, source: np.ndarray, unseen: np.ndarray) -> Scores:
    """Return minus the distance of each person to the nearest row; all are points on one scale."""
    return Scores(-nearest(source, rows)[0], -nearest(unseen, rows)[0])


def density_ratio(rows: np.ndarray, source: np.ndarray, unseen: np.ndarray, rng: np.random.Generator) -> Scores:
    """Return log(distance to the nearest other unseen person / distance to the nearest row) of each person.

    Notes
    -----
    The score compares the density of rows with the density of the population, both by one nearest neighbour. A training
    patient is compared with all unseen people but a random one, so that both kinds have equally many neighbours.

    References
    ----------
    van Breugel, Sun, Qian & van der Schaar (2023) AISTATS, PMLR 206:3493 (DOMIAS).
    """
    drawn = [nearest(people, rows)[0] for people in (source, unseen)]
    two = _two_nearest(source, unseen)
    dropped = rng.integers(len(unseen), size=len(source)) == two[2]
    around = [np.where(dropped, two[1], two[0]), _two_nearest(unseen, unseen)[1]]
    ours, theirs = (np.log((a + CLOSE) / (d + CLOSE)) for a, d in zip(around, drawn, strict=True))
    return Scores(ours, theirs)


def marginal(
    rows: np.ndarray, source: np.ndarray, unseen: np.ndarray, numeric: np.ndarray, rng: np.random.Generator
) -> Scores:
    """Return the marginal log likelihood ratio of each person: rows against people never seen, column by column.

    Parameters
    ----------
    rows, source, unseen     (n, p) columns as numbers, levels as codes, NaN where missing
    numeric : array (p,)     True for numeric columns: cut into 10, 20 and 40 intervals with equally many people

    Notes
    -----
    The score is the sum over columns of log(p(x) / q(x)), with p the share of rows and q the share of people never seen
    in the interval or level of the person's value. A missing value is a level. With L levels and h people, p is
    (h·share + 1) / (h + L) and q is (count + 1) / (h - 1 + L). A hold-out person is left out of q, and for a training
    patient a random person is left out, so that both are compared with h - 1 others.

    The attack needs no joint distribution: it finds a generator that keeps the margins of its patients exactly. With d
    the sum of (levels - 1) over independent columns, n patients and exact margins, the scores of the two kinds differ
    by d/n in the mean and have the variance d/n + d/h each, so that AUC = Φ(√(d/n) √(h/(n + h)) / √2), to first order.
    Without memorisation the difference of the means has the variance d/(nh) + 2d/h²: the people never seen are the
    reference too, so their part counts twice.

    References
    ----------
    Homer et al. (2008) PLoS Genet 4:e1000167. Sankararaman et al. (2009) Nat Genet 41:965 (the likelihood ratio).
    """
    n, h = len(source), len(unseen)
    left_out = rng.integers(h, size=n)
    ours, theirs = np.zeros(n), np.zeros(h)
    for place in range(rows.shape[1]):
        parts = rows[:, place], source[:, place], unseen[:, place]
        for bins in _BINS:
            drawn, patients, others = _binned(*parts, bins if numeric[place] else None)
            levels = int(max(part.max() for part in (drawn, patients, others))) + 1
            count = np.bincount(others, minlength=levels)
            present = int(np.sum(np.bincount(np.concatenate([drawn, patients, others])) > 0))
            log_p = np.log(h * np.bincount(drawn, minlength=levels) / len(drawn) + 1) - math.log(h + present)
            fewer = count[patients] - (others[left_out] == patients), count[others] - 1
            ours += log_p[patients] - np.log(fewer[0] + 1) + math.log(h - 1 + present)
            theirs += log_p[others] - np.log(fewer[1] + 1) + math.log(h - 1 + present)
    return Scores(ours / len(_BINS), theirs / len(_BINS), times_used=2.0)


def _binned(
    rows: np.ndarray, source: np.ndarray, unseen: np.ndarray, bins: int | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return one column of rows, patients and hold-out as levels 0, 1, …; with more distinct values than `bins`, cut.

    The cuts depend on patients and hold-out together, so that they do not tell one from the other.
    """
    people = np.concatenate([source, unseen])
    cuts = np.unique(people[~np.isnan(people)])
    if bins is None:
        cuts = np.unique(np.concatenate([cuts, rows[~np.isnan(rows)]]))
    elif len(cuts) > bins:
        cuts = np.unique(np.quantile(people[~np.isnan(people)], np.arange(1, bins) / bins))
    drawn, patients, others = (
        np.where(np.isnan(part), len(cuts) + 1, np.searchsorted(cuts, part, side="right"))
        for part in (rows, source, unseen)
    )
    return drawn, patients, others


def separation(scores: Scores) -> Attack:
    """Return the area under the ROC curve with DeLong's standard error; 0.5 is guessing.

    Notes
    -----
    DeLong's variance has one part for each kind of people; that of the people never seen is multiplied by `times_used`.

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
    variance = placed.var(ddof=1) / len(ours) + scores.times_used * placed_unseen.var(ddof=1) / len(theirs)
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
    least = theirs[max(h - 1 - int(stats.binom.ppf(1 - tail, h, rate)), 0)]
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


def _two_nearest(points: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the distances to the nearest and second nearest of `others`, and the index of the nearest."""
    from sklearn.neighbors import NearestNeighbors

    distance, which = NearestNeighbors(n_neighbors=2, algorithm="brute").fit(others).kneighbors(points)
    return distance[:, 0], distance[:, 1], which[:, 0]
