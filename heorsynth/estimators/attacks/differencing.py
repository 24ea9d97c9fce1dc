"""Attacks on two releases that differ by one patient: his values from the difference, and whether he took part."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from heorsynth.estimators.attacks.attack import Attack
from heorsynth.estimators.attacks.members import Scores, separation

_RESAMPLES = 200
"""Resamples of the patients left out, for the standard error of a ratio of medians."""

_LEAST = 1e-9
"""Smallest standard deviation of a cohort's mean: a mean that is the same in all cohorts has a finite weight."""


@dataclass(frozen=True, repr=False)
class Releases:
    """The means of the release of all patients and of r releases without one patient each.

    Attributes
    ----------
    n : int                       number of patients
    whole : array (m, k)          mean of each coordinate in each cohort of the release of all
    without : array (r, m, k)     the same without each of r patients
    patients : array (r, k)       their coordinates; NaN where a number is missing
    numeric : array (k,)          True for numbers, False for indicators of levels (0 or 1 before standardising)
    cut : array (k,)              the point half-way between 0 and 1 of an indicator, standardised
    majority : array (k,)         the more frequent value of an indicator, True for 1
    extreme : array (r,)          True for the patients farthest from the centre
    """

    n: int
    whole: np.ndarray
    without: np.ndarray
    patients: np.ndarray
    numeric: np.ndarray
    cut: np.ndarray
    majority: np.ndarray
    extreme: np.ndarray

    @property
    def guesses(self) -> np.ndarray:
        """The values (r, k) of the patients: n times the mean of all, minus (n - 1) times the mean without him."""
        return self.n * self.whole.mean(axis=0) - (self.n - 1) * self.without.mean(axis=1)


def numbers(releases: Releases, rng: np.random.Generator) -> tuple[Attack, float]:
    """Return the share of the error of a number that the difference removes, and the median error in SD.

    Notes
    -----
    The success is 1 - median error / median error by the difference that belongs to another patient: 0 if the
    difference says nothing of the patient, 1 if it gives his values. The standard error is the standard deviation over
    200 resamples of the patients left out.
    """
    errors = np.abs(releases.guesses[:, None, :] - releases.patients[None, :, :])[:, :, releases.numeric]
    places = np.arange(len(errors))
    own = errors[places, places]
    others = errors.copy()
    others[places, places] = np.nan

    def removed(chosen: np.ndarray) -> float:
        control = float(np.nanmedian(others[:, chosen]))
        return 1 - float(np.nanmedian(own[chosen])) / control if control > 0 else 0.0

    drawn = [removed(rng.integers(len(own), size=len(own))) for _ in range(_RESAMPLES)]
    return Attack(removed(places), 0.0, float(np.std(drawn, ddof=1))), float(np.nanmedian(own))


def levels(releases: Releases) -> Attack:
    """Return how often the difference gives an indicator of a level right; the control is another patient's difference.

    Notes
    -----
    All differences share the release of all patients, and its noise with it. The control has the same noise, so nothing
    is found if a difference says nothing of its patient. `guessing` is the success of the more frequent value. The
    standard error is that of the mean over patients.
    """
    of_levels = ~releases.numeric
    truth = releases.patients[:, of_levels] > releases.cut[of_levels]
    guessed = releases.guesses[:, of_levels] > releases.cut[of_levels]
    right = (guessed[:, None, :] == truth[None, :, :]).mean(axis=2)
    own = np.diag(right)
    others = (right.sum(axis=0) - own) / (len(own) - 1)
    error = float(np.std(own - others, ddof=1)) / math.sqrt(len(own))
    usual = float((releases.majority[of_levels] == truth).mean())
    return Attack(float(own.mean()), float(others.mean()), error, usual)


def took_part(releases: Releases) -> Attack:
    """Return how well single cohorts fitted with an extreme patient are told from those without: a mean of AUCs.

    Notes
    -----
    The cohorts with a patient are those of all other releases: the noise of a release is common to its cohorts, so one
    release would show its own noise as a patient. The score of a cohort is the sum over coordinates of (its mean)·(the
    patient's value)/(variance of the mean over the cohorts with him), the linear discriminant with a diagonal
    covariance. 0.5 is guessing. The standard error is that of the mean over the extreme patients.

    References
    ----------
    Stadler, Oprisanu & Troncoso (2022) USENIX Security 1451 (shadow models, the most exposed patients).
    """
    found = []
    for place in np.flatnonzero(releases.extreme):
        with_him = np.concatenate([releases.whole, *np.delete(releases.without, place, axis=0)])
        weight = np.nan_to_num(releases.patients[place]) / np.maximum(with_him.std(axis=0, ddof=1), _LEAST) ** 2
        scores = Scores(np.round(with_him @ weight, 9), np.round(releases.without[place] @ weight, 9))
        found.append(separation(scores).success)
    return Attack(float(np.mean(found)), 0.5, float(np.std(found, ddof=1)) / math.sqrt(len(found)))
