"""A simulated trial in clusters, such as practices, whose variance between clusters is known."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from heorsynth.core.display import counted
from heorsynth.core.errors import CohortError, Problem, TooFewPatientsError
from heorsynth.core.numbers import is_number, is_whole
from heorsynth.core.random import stream
from heorsynth.data.cohort.cohort import Cohort

_ARMS = ("usual", "new")


@dataclass(frozen=True)
class ClusterTruth:
    """The parameters of a simulated trial in clusters, and its true estimands. Times are in years, money in EUR 2024.

    Attributes
    ----------
    icc : float                  share of the variance of a patient's QALY, log cost and log hazard that is between
                                 clusters
    size_cv : float              coefficient of variation of the sizes of clusters
    qaly_usual, qaly_gain : float   mean QALY under usual care, and the gain by the new treatment
    qaly_sd : float              standard deviation of the QALY in an arm
    cost_usual, cost_ratio : float  mean cost under usual care, and the ratio of means of the new treatment
    cost_sigma : float           standard deviation of the log cost in an arm
    log_hazard_ratio : float     new against usual, given the cluster
    effect_sd : float            standard deviation between clusters of the effect of the treatment on the QALY, the log
                                 cost and the log time, as a multiple of that of patients in an arm (`qaly_sd`,
                                 `cost_sigma`, 0.8). It comes on top of their variance, half of it in either arm

    See Also
    --------
    simulated_cluster_trial : Draws a cohort from these parameters.

    Examples
    --------
    >>> truth = ClusterTruth(icc=0.05)
    >>> round(truth.icc_qaly, 3), round(truth.icc_cost, 3), round(truth.inmb(20_000))
    (0.05, 0.042, 400)
    """

    icc: float = 0.05
    size_cv: float = 0.4
    qaly_usual: float = 0.6
    qaly_gain: float = 0.05
    qaly_sd: float = 0.12
    cost_usual: float = 3000.0
    cost_ratio: float = 1.2
    cost_sigma: float = 0.6
    log_hazard_ratio: float = math.log(0.75)
    effect_sd: float = 0.0

    def __post_init__(self) -> None:
        numbers = {name: getattr(self, name) for name in self.__dataclass_fields__}
        problems = [
            Problem(name, "is not a number", "give a number") for name, v in numbers.items() if not is_number(v)
        ]
        if not problems and not 0 <= self.icc < 1:
            problems.append(Problem("icc", "lies outside 0 to 1", "give a share, such as 0.05"))
        scales = "size_cv", "qaly_sd", "cost_usual", "cost_ratio", "cost_sigma", "effect_sd"
        if not problems and min(numbers[name] for name in scales) < 0:
            problems.append(Problem("truth", "a scale is negative", "give numbers of 0 or more"))
        if problems:
            raise CohortError("simulated cluster trial", problems)

    @property
    def icc_qaly(self) -> float:
        """The intracluster correlation of the QALY within an arm."""
        return self.icc

    @property
    def icc_cost(self) -> float:
        """That of the cost, which is log-normal: (exp(ρσ²) - 1) / (exp(σ²) - 1)."""
        variance = self.cost_sigma**2
        return math.expm1(self.icc * variance) / math.expm1(variance)

    @property
    def effect_variance(self) -> float:
        """Variance of what patients of one arm in a cluster share, beside the cluster, in variances of patients."""
        return self.effect_sd**2 / 2

    @property
    def incremental_cost(self) -> float:
        return self.cost_usual * (self.cost_ratio - 1)

    @property
    def incremental_qaly(self) -> float:
        return self.qaly_gain

    def inmb(self, threshold: float) -> float:
        """Return the incremental net monetary benefit of new at a threshold in EUR per QALY."""
        return threshold * self.incremental_qaly - self.incremental_cost


def simulated_cluster_trial(
    n: int = 300,
    clusters: int = 15,
    seed: int = 1,
    truth: ClusterTruth | None = None,
    *,
    whole: bool = True,
) -> tuple[Cohort, ClusterTruth]:
    """Return a two-arm trial in clusters drawn from known parameters.

    Parameters
    ----------
    n : int                 patients; at least four to a cluster
    clusters : int          at least 4
    seed : int              of the draw; >= 0
    truth : ClusterTruth    effects and variances that replace the default
    whole : bool            whole clusters are randomised; otherwise patients, in blocks within each cluster

    Returns
    -------
    cohort : Cohort         time to death, cost, QALY, age and sex; `site` is the cluster
    truth : ClusterTruth    the true estimands

    See Also
    --------
    simulated_trial : A trial without clusters, with more columns.

    Examples
    --------
    >>> cohort, truth = simulated_cluster_trial(120, clusters=6, seed=1)
    >>> cohort.n, cohort.schema.cluster, len(set(cohort.levels("site")))
    (120, 'site', 6)
    """
    if not is_whole(clusters, 4) or not is_whole(n, 16) or n < 4 * clusters:
        told = f"{counted(n, 'patient')} in {clusters} clusters" if is_whole(n, 0) else "not a whole number"
        fix = "ask for 4 clusters or more, with 4 patients each"
        raise TooFewPatientsError("simulated cluster trial", Problem("n, clusters", told, fix))
    law, rng = truth or ClusterTruth(), stream(seed, "simulated cluster trial")
    spread = math.sqrt(math.log1p(law.size_cv**2))
    share = np.exp(spread * rng.standard_normal(clusters))
    site = np.concatenate(
        [np.repeat(np.arange(clusters), 4), rng.choice(clusters, n - 4 * clusters, p=share / share.sum())]
    )
    site = np.sort(site)
    drawn = rng.permutation(np.arange(clusters) % 2) if whole else None
    new = drawn[site] == 1 if drawn is not None else _in_blocks(site, rng)

    def varying() -> np.ndarray:
        """Standard normal numbers (n,) of which clusters have `icc` of the variance in common."""
        common = rng.standard_normal(clusters)[site]
        return np.asarray(math.sqrt(law.icc) * common + math.sqrt(1 - law.icc) * rng.standard_normal(n))

    def differing() -> np.ndarray:
        """What the effect of the treatment, different in each cluster, adds to a standard normal number (n,)."""
        if not law.effect_sd:
            return np.zeros(n)
        return law.effect_sd * rng.standard_normal(clusters)[site] * (new - 0.5)

    cost = law.cost_usual * np.where(new, law.cost_ratio, 1.0)
    heavier = law.cost_sigma**2 * (1 + law.effect_sd**2 / 4) / 2
    death = (
        6.0
        * np.exp(-0.8 * (varying() + differing()))
        * (rng.exponential(size=n) * np.exp(-law.log_hazard_ratio * new)) ** 0.8
    )
    censored = rng.uniform(3, 5, n)
    frame = pd.DataFrame({
        "site": [f"practice {place + 1}" for place in site],
        "arm": np.where(new, _ARMS[1], _ARMS[0]),
        "sex": np.where(rng.random(n) < 0.45, "f", "m"),
        "age": np.round(62 + 9 * varying(), 1),
        "time": np.maximum(np.round(np.minimum(death, censored), 4), 1e-4),
        "event": (death <= censored).astype(int),
        "cost": np.round(cost * np.exp(law.cost_sigma * (varying() + differing()) - heavier), 2),
        "qaly": np.round(law.qaly_usual + law.qaly_gain * new + law.qaly_sd * (varying() + differing()), 4),
    })  # fmt: skip
    cohort = Cohort(
        frame,
        endpoints={"os": ("time", "event", {1: "death"})},
        arm="arm",
        arm_reference=_ARMS[0],
        costs=["cost"],
        utilities=["qaly"],
        subgroups=["sex"],
        cluster="site",
        unit="year",
        currency="EUR",
        price_year=2024,
        name="simulated cluster trial",
    )
    return cohort, law


def _in_blocks(site: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The arm (n,) of patients who are randomised one to one within their site."""
    new = np.empty(len(site), dtype=bool)
    for one in np.unique(site):
        rows = np.flatnonzero(site == one)
        new[rows] = rng.permutation((np.arange(len(rows)) + rng.integers(2)) % 2).astype(bool)
    return new
