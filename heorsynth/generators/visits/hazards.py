"""The probability of missing a visit, by arm and visit and by past values: a logistic law with shrinkage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logit

_ROUNDS = 25
"""Newton steps; a logistic likelihood with a ridge is solved in far fewer."""

_RIDGE = 1.0
"""Ridge on the slopes of standardised values: one pseudo-patient of information."""

_CHANCE = 2.0
"""A slope is kept as far as its squared z exceeds this: others are what a sample of this size shows by chance."""

_STEEPEST = 3.0
"""Largest change of the log odds by one standard deviation of a past value."""


@dataclass(frozen=True)
class Hazard:
    """The probability of an event at each visit.

    Attributes
    ----------
    rates : array (a, k)       the share with the event, by arm and visit; NaN where nobody is at risk
    center, scale : array (p,) of the past values
    slopes : array (p,)        change of the log odds by one standard deviation of a past value
    """

    rates: np.ndarray
    center: np.ndarray
    scale: np.ndarray
    slopes: np.ndarray

    @classmethod
    def of(
        cls, arm: np.ndarray, visit: np.ndarray, past: np.ndarray, event: np.ndarray, arms: int, visits: int, least: int
    ) -> Hazard:
        """The law of these records.

        Parameters
        ----------
        arm, visit : array of int (r,)    of each record of a patient who is at risk at a visit
        past : array (r, p)               past values; NaN where there is none
        event : array of bool (r,)
        arms, visits, least : int         numbers of arms and visits; patients that a share rests on, at least

        Notes
        -----
        A share by arm and visit of fewer than `least` patients is that of the visit; one of fewer still, that of all.
        Slopes are those of a logistic regression with a level for each arm and visit. They are shrunk towards 0
        (positive-part James-Stein).
        """
        counts, events = np.zeros((arms, visits)), np.zeros((arms, visits))
        np.add.at(counts, (arm, visit), 1.0)
        np.add.at(events, (arm, visit), event.astype(float))
        rates = _shares(counts, events, least)
        known = ~np.isnan(past)
        seen = np.maximum(known.sum(axis=0), 1)
        center = np.where(known, past, 0.0).sum(axis=0) / seen
        spread = np.sqrt((np.where(known, past - center, 0.0) ** 2).sum(axis=0) / seen)
        scale = np.where(spread > 0, spread, 1.0)
        z = np.where(known, (past - center) / scale, 0.0)
        slopes = _slopes(z, event.astype(float), arm * visits + visit)
        return cls(rates, center, scale, slopes)

    def probabilities(self, arm: np.ndarray, past: np.ndarray, rates: np.ndarray) -> np.ndarray:
        """Return the probability (n,) of the event, given past values (n, p).

        Its mean in each arm is the rate (a,): the level is set for the rows that are given.
        """
        z = np.where(np.isnan(past), 0.0, (past - self.center) / self.scale)
        shift = np.clip(z, -4, 4) @ self.slopes
        found = np.zeros(len(arm))
        for one in np.unique(arm):
            rows = arm == one
            found[rows] = _levelled(shift[rows], float(rates[one]))
        return found

    def to_dict(self) -> dict[str, Any]:
        """The law as data for JSON."""
        return {name: getattr(self, name).tolist() for name in ("rates", "center", "scale", "slopes")}

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Hazard:
        """The law that `to_dict` wrote."""
        return cls(*(np.array(facts[name], dtype=float) for name in ("rates", "center", "scale", "slopes")))


def _shares(counts: np.ndarray, events: np.ndarray, least: int) -> np.ndarray:
    """Return the share (a, k) with the event; of too few patients, that of all arms, or of all."""
    whole = events.sum() / max(counts.sum(), 1.0)
    by_visit = np.where(counts.sum(axis=0) >= least, events.sum(axis=0) / np.maximum(counts.sum(axis=0), 1), whole)
    return np.asarray(np.where(counts >= least, events / np.maximum(counts, 1), by_visit))


def _slopes(z: np.ndarray, event: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Return the slopes (p,) of a logistic regression with a level for each group (r,), shrunk by chance."""
    count = z.shape[1]
    varied = [one for one in np.unique(group) if 0 < event[group == one].mean() < 1]
    rows = np.isin(group, varied)
    if not rows.any() or not count:
        return np.zeros(count)
    levels = (group[rows][:, None] == np.array(varied)).astype(float)
    design, held = np.column_stack([levels, z[rows]]), event[rows]
    ridge = np.r_[np.full(len(varied), 1e-3), np.full(count, _RIDGE)]
    beta = np.r_[[logit(event[group == one].mean()) for one in varied], np.zeros(count)]
    information = np.eye(len(beta))
    for _ in range(_ROUNDS):
        chance = expit(design @ beta)
        information = design.T @ (design * (chance * (1 - chance))[:, None]) + np.diag(ridge)
        step = np.linalg.solve(
            information, design.T @ (held - chance) - ridge * np.r_[np.zeros(len(varied)), beta[-count:]]
        )
        beta = beta + np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-9:
            break
    error = np.sqrt(np.diag(np.linalg.inv(information))[-count:])
    strength = (beta[-count:] / error) ** 2
    kept = beta[-count:] * np.clip(1 - _CHANCE / np.maximum(strength, 1e-12), 0, 1)
    return np.asarray(np.clip(kept, -_STEEPEST, _STEEPEST))


def _levelled(shift: np.ndarray, rate: float) -> np.ndarray:
    """Return probabilities (n,) whose log odds differ by these shifts and whose mean is a rate."""
    if rate <= 0 or rate >= 1:
        return np.full(len(shift), min(max(rate, 0.0), 1.0))
    low, high = -30.0, 30.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if expit(middle + shift).mean() < rate else (low, middle)
    return np.asarray(expit((low + high) / 2 + shift))


def chosen(probabilities: np.ndarray, group: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return True (n,) for rows chosen with these probabilities, in each group as many as they add up to, to rounding.

    Rows are chosen at even steps along their probability (systematic sampling), in a random order where it is the same.

    References
    ----------
    Madow (1949) Ann Math Stat 20:333.
    """
    taken = np.zeros(len(probabilities), dtype=bool)
    for one in np.unique(group):
        rows = rng.permutation(np.flatnonzero(group == one))
        rows = rows[np.argsort(probabilities[rows], kind="stable")]
        steps = np.floor(np.cumsum(probabilities[rows]) + rng.random())
        taken[rows] = np.diff(steps, prepend=0.0) > 0.5
    return taken
