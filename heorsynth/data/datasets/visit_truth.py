"""The law of a simulated trial with visits, and its true values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from scipy import special

from heorsynth.core.errors import CohortError, Problem, unknown_name
from heorsynth.data.datasets.shares import share_problems

LOWEST, SPAN = -0.2, 1.2
"""The range of utilities below full health: from -0.2 to 1."""

_GRID = np.linspace(-7, 7, 701)
"""Nodes of the integrals over the latent utility."""

_PANELS = np.polynomial.legendre.leggauss(40)


@dataclass(frozen=True)
class Treatment:
    """An arm of the trial.

    Attributes
    ----------
    log_hazard_ratio : float    of death, against the first arm, given the stage
    gain : float                mean utility gained at every visit after baseline
    drug : float                cost of a year under treatment
    dropout : float             log odds of leaving before a visit, against the first arm
    """

    log_hazard_ratio: float = 0.0
    gain: float = 0.0
    drug: float = 900.0
    dropout: float = 0.0


def _arms() -> dict[str, Treatment]:
    return {
        "usual": Treatment(),
        "new": Treatment(math.log(0.75), 0.06, 2600.0, -0.3),
        "intensive": Treatment(math.log(0.70), 0.07, 6500.0, 0.4),
    }


@dataclass(frozen=True)
class VisitTruth:
    """The parameters of a simulated trial with visits, and its true estimands. Times in years, money in EUR 2024.

    Attributes
    ----------
    arms : Mapping                    name to `Treatment`; the first is the comparator
    times : tuple                     visits, the first at 0. Utilities are measured at each; costs are those of the
                                      period that ends with each but the first
    stage_shares : tuple              shares of patients
    shape, scale : float              Weibull distribution of the time to death in stage I under the first arm
    log_hazard_stage : tuple          against stage I
    utility : tuple                   mean utility of a living patient at baseline, for each stage
    slope : float                     change of the mean utility per year
    full_health : tuple               share with a utility of exactly 1, for each stage
    concentration : float             of the beta distribution of utilities below 1
    decay : float                     the latent utilities at s and t have correlation exp(-decay·|s - t|)
    hospital, hospital_zero : tuple   mean positive hospital cost per year lived, and share without it in a period
    hospital_sigma : float            standard deviation of its logarithm
    sick_cost : float                 correlation of latent cost and latent ill health
    leaves : float                    log odds of leaving before the next visit, at a utility of 0.7 in the first arm
    leaves_by_utility : float         their change for one unit of the last utility
    gap : float                       probability that a visit between the first and the last has no values. Patients
                                      do not leave right after a gap, so all missing values are missing at random
    rate : float                      yearly discount rate of QALYs

    Raises
    ------
    CohortError
        If visits do not increase from 0, shares do not add up to 1, a scale is not positive, or a mean is impossible.

    Notes
    -----
    A utility is a function of a latent Gauss-Markov process that does not depend on death, given the stage. So all
    truths are integrals over time or over the latent utility of one visit after another.

    See Also
    --------
    simulated_trial : Draws a cohort from these parameters, with ``visits=VisitTruth()``.

    Examples
    --------
    >>> truth = VisitTruth()
    >>> truth.profile("usual").round(3).tolist(), truth.attending("usual").round(3).tolist()
    ([0.662, 0.657, 0.653, 0.645], [1.0, 0.906, 0.826, 0.76])
    >>> round(truth.mean_qaly("usual"), 3), round(truth.mean_total("usual")), round(truth.icer("new"))
    (0.595, 2704, 28794)
    """

    arms: Mapping[str, Treatment] = field(default_factory=_arms)
    times: tuple[float, ...] = (0.0, 0.25, 0.5, 1.0)
    stage_shares: tuple[float, ...] = (0.25, 0.35, 0.25, 0.15)
    shape: float = 1.2
    scale: float = 9.0
    log_hazard_stage: tuple[float, ...] = (0.0, 0.5, 1.1, 1.8)
    utility: tuple[float, ...] = (0.80, 0.70, 0.60, 0.45)
    slope: float = -0.03
    full_health: tuple[float, ...] = (0.20, 0.10, 0.05, 0.0)
    concentration: float = 6.0
    decay: float = 0.6
    hospital: tuple[float, ...] = (1500.0, 2500.0, 4000.0, 6000.0)
    hospital_zero: tuple[float, ...] = (0.60, 0.45, 0.30, 0.15)
    hospital_sigma: float = 0.8
    sick_cost: float = 0.4
    leaves: float = -2.4
    leaves_by_utility: float = -1.5
    gap: float = 0.05
    rate: float = 0.035

    def __post_init__(self) -> None:
        if problems := _problems(self) or _impossible_means(self):
            raise CohortError("simulated trial with visits", problems)

    @property
    def comparator(self) -> str:
        """The first arm."""
        return next(iter(self.arms))

    def treatment(self, arm: str) -> Treatment:
        """Return an arm; UnknownNameError with the nearest name if there is none."""
        if arm not in self.arms:
            raise unknown_name("arm", arm, self.arms)
        return self.arms[arm]

    def survival(self, time: float | np.ndarray, arm: str) -> np.ndarray:
        """Return the share of each stage (..., 4) alive at a time."""
        risk = np.exp(self.treatment(arm).log_hazard_ratio + np.asarray(self.log_hazard_stage))
        return np.asarray(np.exp(-risk * (np.asarray(time, float)[..., None] / self.scale) ** self.shape))

    def means(self, arm: str) -> np.ndarray:
        """Return the mean utility of living patients at each visit in each stage (k, 4)."""
        times, gain = np.asarray(self.times), self.treatment(arm).gain
        return np.asarray((self.slope * times + gain * (times > 0))[:, None] + np.asarray(self.utility))

    def utilities(self, latent: np.ndarray, mean: np.ndarray, full: np.ndarray) -> np.ndarray:
        """Return utilities from standard normal latent values, with means and shares in full health like them."""
        share = special.ndtr(latent)
        below = ((mean - full) / (1 - full) - LOWEST) / SPAN
        inside = np.minimum(share / (1 - full), 1.0)
        drawn = special.betaincinv(self.concentration * below, self.concentration * (1 - below), inside)
        return np.where(share >= 1 - full, 1.0, LOWEST + SPAN * drawn)

    def leaving(self, utility: np.ndarray, dropout: float | np.ndarray) -> np.ndarray:
        """Return the probability of leaving before the next visit, from the last utility and the arm's log odds."""
        return np.asarray(special.expit(self.leaves + dropout + self.leaves_by_utility * (utility - 0.7)))

    def profile(self, arm: str) -> np.ndarray:
        """Return the mean utility of the living at each visit (k,)."""
        alive = self._alive(arm)
        return np.asarray((alive * self.means(arm)).sum(axis=1) / alive.sum(axis=1))

    def attending(self, arm: str) -> np.ndarray:
        """Return the share of the living at each visit who are measured then or later (k,): the dropout law.

        Notes
        -----
        The density of the latent utility of those who stay moves from visit to visit by the transition of the latent
        process, integrated on a grid. A gap is seen as a visit only if the patient lives to a later one.
        """
        alive, gaps = self._alive(arm), self.gaps
        stays = np.array([self._stays(arm, stage) for stage in range(len(self.stage_shares))]).T
        seen = np.zeros_like(alive)
        for visit in range(len(gaps)):
            until = np.cumprod(np.concatenate([[1.0], gaps[visit:-1]]))
            seen[visit] = stays[visit] * ((until * (1 - gaps[visit:]))[:, None] * alive[visit:]).sum(axis=0)
        return np.asarray(seen.sum(axis=1) / alive.sum(axis=1))

    def mean_qaly(self, arm: str) -> float:
        """Return the mean QALY: the discounted area under utility, linear between visits, until death.

        Notes
        -----
        With S the survival of a stage, m_j its mean utility at visit j and D(t) = (1 + rate)^-t, those who live to the
        next visit b have the area under the line from m_a to m_b, and those who die before it keep m_a until death:
        Σ S(b) ∫ line(t) D(t) dt + m_a ∫ (S(t) - S(b)) D(t) dt over the periods from a to b.
        """
        times, v, means = np.asarray(self.times), math.log1p(self.rate), self.means(arm)
        period = np.arange(len(times) - 1)

        def lived(t: np.ndarray) -> np.ndarray:
            here = np.minimum(np.searchsorted(times, t, side="right") - 1, period[-1])
            at_end, now = self.survival(times[here + 1], arm), self.survival(t, arm)
            share = ((t - times[here]) / np.diff(times)[here])[:, None]
            line = means[here] * (1 - share) + means[here + 1] * share
            return np.asarray((at_end * line + (now - at_end) * means[here]) @ self.stage_shares * np.exp(-v * t))

        return float(_integral(times, lived).sum())

    def cost_profile(self, arm: str) -> np.ndarray:
        """Return the mean cost of the period before each visit (k - 1,), over all patients; 0 after death."""
        year = self.treatment(arm).drug + np.asarray(self.hospital) * (1 - np.asarray(self.hospital_zero))
        return _integral(
            np.asarray(self.times), lambda t: self.survival(t, arm) @ (year * np.asarray(self.stage_shares))
        )

    def mean_total(self, arm: str) -> float:
        """Return the mean cost of all periods."""
        return float(self.cost_profile(arm).sum())

    def incremental_cost(self, arm: str) -> float:
        """Return the mean cost of an arm minus that of the comparator."""
        return self.mean_total(arm) - self.mean_total(self.comparator)

    def incremental_qaly(self, arm: str) -> float:
        """Return the mean QALY of an arm minus that of the comparator."""
        return self.mean_qaly(arm) - self.mean_qaly(self.comparator)

    def icer(self, arm: str) -> float:
        """Return the incremental cost per QALY gained, against the comparator."""
        return self.incremental_cost(arm) / self.incremental_qaly(arm)

    def _alive(self, arm: str) -> np.ndarray:
        """Return the share of all patients that is of each stage and alive at each visit (k, 4)."""
        return np.asarray(self.survival(np.asarray(self.times), arm) * np.asarray(self.stage_shares))

    @property
    def gaps(self) -> np.ndarray:
        """Return the probability of a gap at each visit (k,): none at the first and the last."""
        gaps = np.full(len(self.times), self.gap)
        gaps[[0, -1]] = 0.0
        return gaps

    def _stays(self, arm: str, stage: int) -> np.ndarray:
        """Return the share of patients of a stage who have not left by each visit, if they live (k,)."""
        step, gaps = _GRID[1] - _GRID[0], self.gaps
        density = np.exp(-(_GRID**2) / 2) / math.sqrt(2 * math.pi)
        stays = [1.0]
        for visit, (start, end) in enumerate(pairwise(self.times)):
            full = np.asarray(self.full_health[stage])
            utility = self.utilities(_GRID, self.means(arm)[visit, stage], full)
            kept = density * (1 - (1 - gaps[visit]) * self.leaving(utility, self.treatment(arm).dropout))
            correlation = math.exp(-self.decay * (end - start))
            spread = math.sqrt(1 - correlation**2)
            moved = (_GRID[:, None] - correlation * _GRID[None, :]) / spread
            density = np.exp(-(moved**2) / 2) / (spread * math.sqrt(2 * math.pi)) @ kept * step
            stays.append(float(density.sum() * step))
        return np.array(stays)


def _integral(times: np.ndarray, value: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return the integral of a function of time over each period (k - 1,), by Gauss-Legendre quadrature."""
    nodes, weights = _PANELS
    half = np.diff(times) / 2
    at = times[:-1, None] + half[:, None] * (nodes + 1)
    return np.asarray((value(at.ravel()).reshape(at.shape) @ weights) * half)


def _problems(law: VisitTruth) -> list[Problem]:
    """Return the problems of visits, arms, shares and scales."""
    found = []
    if len(law.times) < 2 or law.times[0] != 0 or not all(a < b for a, b in pairwise(law.times)):
        found.append(Problem("times", "do not increase from 0", "write times=(0, 0.5, 1)"))
    if len(law.arms) < 2:
        found.append(Problem("arms", "fewer than two", 'write arms={"usual": Treatment(), "new": Treatment(gain=0.1)}'))
    by_stage = ("log_hazard_stage", "utility", "full_health", "hospital", "hospital_zero")
    found += [
        Problem(name, "does not have one value for each stage", f"give {len(law.stage_shares)}")
        for name in by_stage
        if len(getattr(law, name)) != len(law.stage_shares)
    ]
    shares = {"stage_shares": law.stage_shares, "full_health": law.full_health, "hospital_zero": law.hospital_zero,
              "gap": (law.gap,), "sick_cost": (law.sick_cost,)}  # fmt: skip
    found += share_problems(shares, "stage_shares")
    scales = {"shape": law.shape, "scale": law.scale, "concentration": law.concentration, "decay": law.decay}
    return found + [
        Problem(name, "is not positive", "give a number above 0") for name, given in scales.items() if not given > 0
    ]


def _impossible_means(law: VisitTruth) -> list[Problem]:
    """Return the problem of mean utilities that are impossible, given the share in full health."""
    full = np.asarray(law.full_health)
    least, most = full + (1 - full) * LOWEST, full + (1 - full)
    means = np.array([law.means(arm) for arm in law.arms])
    if ((means > least) & (means < most)).all():
        return []
    return [Problem("utility, slope, gain", "a mean utility lies out of reach", "lower the gain, or full_health")]
