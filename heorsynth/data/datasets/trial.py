"""A simulated two-arm trial with costs and QALYs, and the true values it was drawn from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import overload

import numpy as np
import pandas as pd

from heorsynth.core.display import counted
from heorsynth.core.errors import CohortError, HorizonError, Problem, TooFewPatientsError, unknown_name
from heorsynth.core.random import stream
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.datasets.shares import share_problems
from heorsynth.data.datasets.visit_trial import visit_trial
from heorsynth.data.datasets.visit_truth import VisitTruth

ARMS = ("usual", "new")
_STAGES = ("I", "II", "III", "IV")
LOWEST_QALY, SPAN = -0.2, 1.2
"""The range of QALYs below full health: from -0.2 to 1."""


@dataclass(frozen=True)
class Truth:
    """The parameters of a simulated trial, and its true estimands. Times are in years, money in EUR 2024.

    Costs and QALYs are totals of the first year.

    Attributes
    ----------
    log_hazard_ratio : float          new against usual, given age and stage
    shape, scale : float              of the Weibull baseline, for a patient of 62 years in stage I under usual care
    log_hazard_age : float            per ten years of age
    log_hazard_stage : tuple          for each stage, against stage I
    stage_shares : tuple              shares of patients
    age_mean, age_sd : float          of the normal distribution of age, in years
    female : float                    share of women
    drug_cost, drug_zero : Mapping    for each arm: mean of positive costs, and share of zeros
    drug_sigma, hospital_sigma        standard deviation of the log cost
    hospital_cost, hospital_zero      for each stage: mean of positive costs, and share of zeros
    full_health : tuple               for each stage: share with a QALY of exactly 1
    qaly_usual : tuple                for each stage: mean QALY under usual care
    qaly_gain : float                 mean QALY gained by the new treatment
    concentration : float             of the beta distribution of QALYs below 1

    Raises
    ------
    CohortError
        If shares do not add up to 1, a scale is not positive, or a mean QALY is impossible.

    See Also
    --------
    simulated_trial : Draws a cohort from these parameters.

    Examples
    --------
    >>> truth = Truth(qaly_gain=0.1)
    >>> round(truth.incremental_cost), round(truth.incremental_qaly, 2), round(truth.icer)
    (1565, 0.1, 15650)
    >>> round(truth.rmst(4, "new") - truth.rmst(4, "usual"), 3)  # years
    0.223
    """

    log_hazard_ratio: float = math.log(0.75)
    shape: float = 1.2
    scale: float = 9.0
    log_hazard_age: float = 0.3
    log_hazard_stage: tuple[float, ...] = (0.0, 0.5, 1.1, 1.8)
    stage_shares: tuple[float, ...] = (0.25, 0.35, 0.25, 0.15)
    age_mean: float = 62.0
    age_sd: float = 9.0
    female: float = 0.45
    drug_cost: Mapping[str, float] = field(default_factory=lambda: {"usual": 900.0, "new": 2500.0})
    drug_zero: Mapping[str, float] = field(default_factory=lambda: {"usual": 0.10, "new": 0.05})
    drug_sigma: float = 0.3
    hospital_sigma: float = 0.9
    hospital_cost: tuple[float, ...] = (1500.0, 2500.0, 4000.0, 6000.0)
    hospital_zero: tuple[float, ...] = (0.45, 0.30, 0.15, 0.05)
    full_health: tuple[float, ...] = (0.20, 0.10, 0.05, 0.0)
    qaly_usual: tuple[float, ...] = (0.80, 0.70, 0.58, 0.42)
    qaly_gain: float = 0.06
    concentration: float = 6.0

    def __post_init__(self) -> None:
        problems = [*_bad_shapes(self), *_bad_scales(self)]
        problems = problems or _bad_qalys(self)
        if problems:
            raise CohortError("simulated trial", problems)

    @property
    def hazard_ratio(self) -> float:
        """The hazard ratio of new to usual, given age and stage."""
        return float(np.exp(self.log_hazard_ratio))

    def survival(self, time: float | np.ndarray, arm: str) -> np.ndarray:
        """Return the share of the arm's population alive at a time: Weibull survival averaged over stage and age.

        The average over age uses Gauss-Hermite quadrature with 60 nodes.
        """
        nodes, weights = np.polynomial.hermite_e.hermegauss(60)
        ages = self.log_hazard_age * self.age_sd * nodes / 10
        hazard = (np.asarray(time, dtype=float)[..., None, None] / self.scale) ** self.shape
        effect = self.log_hazard_ratio if _checked(arm) == "new" else 0.0
        risk = np.exp(effect + np.asarray(self.log_hazard_stage)[:, None] + ages[None, :])
        alive = np.exp(-hazard * risk) @ (weights / weights.sum())
        return np.asarray(alive @ np.asarray(self.stage_shares))

    def rmst(self, horizon: float, arm: str) -> float:
        """Return the restricted mean survival time to the horizon, by Gauss-Legendre quadrature with 200 nodes."""
        if horizon <= 0:
            raise HorizonError("horizon", Problem("", "must be above 0", "give years, such as 4"))
        nodes, weights = np.polynomial.legendre.leggauss(200)
        return float(self.survival(horizon * (nodes + 1) / 2, arm) @ weights * horizon / 2)

    def mean_cost(self, arm: str) -> float:
        """Return the mean cost of drug and hospital."""
        drug = self.drug_cost[_checked(arm)] * (1 - self.drug_zero[arm])
        hospital = np.asarray(self.hospital_cost) * (1 - np.asarray(self.hospital_zero))
        return float(drug + np.asarray(self.stage_shares) @ hospital)

    def mean_qaly(self, arm: str) -> float:
        """Return the mean QALY."""
        gain = self.qaly_gain if _checked(arm) == "new" else 0.0
        return float(np.asarray(self.stage_shares) @ np.asarray(self.qaly_usual)) + gain

    @property
    def incremental_cost(self) -> float:
        return self.mean_cost("new") - self.mean_cost("usual")

    @property
    def incremental_qaly(self) -> float:
        return self.mean_qaly("new") - self.mean_qaly("usual")

    @property
    def icer(self) -> float:
        """The incremental cost per QALY gained. By default the new treatment costs more and is more effective."""
        return self.incremental_cost / self.incremental_qaly

    def inmb(self, threshold: float) -> float:
        """Return the incremental net monetary benefit of new at a threshold in EUR per QALY."""
        return threshold * self.incremental_qaly - self.incremental_cost


@overload
def simulated_trial(
    n: int = 1000, seed: int = 1, truth: Truth | None = None, *, visits: None = None
) -> tuple[Cohort, Truth]: ...


@overload
def simulated_trial(n: int = 1000, seed: int = 1, *, visits: VisitTruth) -> tuple[Cohort, VisitTruth]: ...


def simulated_trial(
    n: int = 1000, seed: int = 1, truth: Truth | None = None, *, visits: VisitTruth | None = None
) -> tuple[Cohort, Truth] | tuple[Cohort, VisitTruth]:
    """Return a two-arm trial drawn from known parameters, by default with an ICER of about 26,100 EUR per QALY.

    The effect size and uncertainty follow van der Linden et al. (2025). At a threshold of 20,000 the decision is
    narrowly against the new treatment.

    Parameters
    ----------
    n : int          patients, half in each arm; at least 20
    seed : int       of the draw; >= 0
    truth : Truth    effects and distributions that replace the default
    visits           the law of a trial with visits, of three arms by default: utilities and costs at visits, from which
                     QALYs and costs are derived, with dropout, gaps and deaths; n is at least 20 for each arm

    Returns
    -------
    cohort : Cohort  time in years to death (administrative censoring after 3 to 5 years, and dropout); drug and
                     hospital costs, their total, and QALY in the first year; age, sex, stage
    truth            the true estimands: a `Truth`, or with visits the `VisitTruth`

    Raises
    ------
    CohortError      both a truth and the law of visits are given
    TooFewPatientsError

    See Also
    --------
    load : A bundled dataset of real patients.
    heorsynth.Cohort : Makes a cohort of your own rows.

    References
    ----------
    van der Linden et al. (2025) Value in Health 28(11).

    Examples
    --------
    >>> cohort, truth = simulated_trial(100, seed=1)
    >>> cohort.n, cohort.schema.unit, round(truth.icer)
    (100, 'year', 26083)
    >>> round(truth.hazard_ratio, 2), round(truth.inmb(20_000))
    (0.75, -365)
    >>> cohort, truth = simulated_trial(150, seed=1, visits=VisitTruth())
    >>> list(cohort.visits), round(truth.incremental_qaly("new"), 3), round(truth.icer("new"))
    (['eq5d', 'cost'], 0.058, 28794)
    """
    if visits is not None:
        if truth is not None:
            problem = Problem("truth, visits", "two laws are given", "give one of them")
            raise CohortError("simulated trial", problem)
        return visit_trial(n, seed, visits), visits
    if n < 20:
        raise TooFewPatientsError("simulated trial", Problem("n", counted(n, "patient"), "ask for 20 or more"))
    law = truth or Truth()
    cohort = Cohort(
        simulated_rows(n, seed, law),
        endpoints={"os": ("time", "event", {1: "death"})},
        arm="arm",
        arm_reference="usual",
        costs=["cost"],
        utilities=["qaly"],
        subgroups=["sex", "stage"],
        unit="year",
        currency="EUR",
        price_year=2024,
        totals={"cost": ["drug", "hospital"]},
        name="simulated trial",
    )
    return cohort, law


def simulated_rows(n: int, seed: int, law: Truth) -> pd.DataFrame:
    """Return the rows of `simulated_trial`: for millions of them, which are written without `Cohort`'s checks."""
    rng = stream(seed, "simulated trial")
    new = rng.permutation(np.arange(n) % 2).astype(bool)
    stage = _stages(law, n, rng)
    age = rng.normal(law.age_mean, law.age_sd, n)
    sex = np.where(rng.random(n) < law.female, "f", "m")
    time, event = _followed(law, new, stage, age, rng)
    drug, hospital = _costs(law, new, stage, rng)
    return pd.DataFrame({
        "arm": np.where(new, "new", "usual"),
        "sex": sex,
        "age": np.round(age, 1),
        "stage": np.asarray(_STAGES, dtype=object)[stage],
        "time": time,
        "event": event,
        "drug": drug,
        "hospital": hospital,
        "cost": np.round(drug + hospital, 2),
        "qaly": _qalys(law, new, stage, rng),
    })  # fmt: skip


def _bad_shapes(law: Truth) -> list[Problem]:
    """Return the problems of settings that lack a stage or an arm, and of shares outside 0 to 1."""
    by_stage = ("log_hazard_stage", "stage_shares", "hospital_cost", "hospital_zero", "full_health", "qaly_usual")
    found = [
        Problem(
            name, f"{counted(len(getattr(law, name)), 'value')}, expected {len(_STAGES)}", "give one for each stage"
        )
        for name in by_stage
        if len(getattr(law, name)) != len(_STAGES)
    ]
    found += [
        Problem(name, "does not name both arms", f"give {' and '.join(ARMS)}")
        for name in ("drug_cost", "drug_zero")
        if set(getattr(law, name)) != set(ARMS)
    ]
    shares = {"female": (law.female,), "stage_shares": law.stage_shares, "drug_zero": law.drug_zero.values(),
              "hospital_zero": law.hospital_zero, "full_health": law.full_health}  # fmt: skip
    found += share_problems(shares, "stage_shares")
    return found


def _bad_scales(law: Truth) -> list[Problem]:
    scales = {
        "shape": (law.shape,),
        "scale": (law.scale,),
        "age_sd": (law.age_sd,),
        "concentration": (law.concentration,),
        "drug_cost": law.drug_cost.values(),
        "hospital_cost": law.hospital_cost,
    }
    return [
        Problem(name, "is not positive", "give a number above 0")
        for name, given in scales.items()
        if not all(value > 0 for value in given)
    ]


def _bad_qalys(law: Truth) -> list[Problem]:
    """Return the problem of mean QALYs that are impossible, given the share in full health and the range below it."""
    wanted = np.asarray(law.qaly_usual)[None, :] + np.array([[0.0], [law.qaly_gain]])
    full = np.asarray(law.full_health)
    least, most = full + (1 - full) * LOWEST_QALY, full + (1 - full) * (LOWEST_QALY + SPAN)
    if ((wanted > least) & (wanted < most)).all():
        return []
    return [Problem("qaly_usual, qaly_gain", "a stage's mean QALY lies out of reach", "lower the gain, or full_health")]


def _checked(arm: str) -> str:
    if arm not in ARMS:
        raise unknown_name("arm", arm, ARMS)
    return arm


def _stages(law: Truth, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw stages again if a stage has a single patient, because a cohort refuses such a subgroup."""
    while True:
        stage = rng.choice(len(_STAGES), n, p=np.asarray(law.stage_shares))
        if 1 not in np.bincount(stage):
            return stage


def _followed(
    law: Truth, new: np.ndarray, stage: np.ndarray, age: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    risk = law.log_hazard_ratio * new + np.asarray(law.log_hazard_stage)[stage]
    risk = risk + law.log_hazard_age * (age - law.age_mean) / 10
    death = law.scale * (rng.exponential(size=len(new)) / np.exp(risk)) ** (1 / law.shape)
    censored = np.minimum(rng.uniform(3, 5, len(new)), rng.exponential(20, len(new)))
    observed = np.maximum(np.round(np.minimum(death, censored), 4), 1e-4)
    return observed, (death <= censored).astype(int)


def _costs(law: Truth, new: np.ndarray, stage: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    drug_mean = np.where(new, law.drug_cost["new"], law.drug_cost["usual"])
    drug_zero = np.where(new, law.drug_zero["new"], law.drug_zero["usual"])
    drug = _lognormal(drug_mean, law.drug_sigma, rng) * (rng.random(len(new)) >= drug_zero)
    hospital = _lognormal(np.asarray(law.hospital_cost)[stage], law.hospital_sigma, rng)
    hospital = hospital * (rng.random(len(new)) >= np.asarray(law.hospital_zero)[stage])
    return np.round(drug, 2), np.round(hospital, 2)


def _lognormal(mean: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    return np.asarray(mean * np.exp(sigma * rng.standard_normal(len(mean)) - sigma**2 / 2))


def _qalys(law: Truth, new: np.ndarray, stage: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    full = np.asarray(law.full_health)[stage]
    wanted = np.asarray(law.qaly_usual)[stage] + law.qaly_gain * new
    below = ((wanted - full) / (1 - full) - LOWEST_QALY) / SPAN
    drawn = LOWEST_QALY + SPAN * rng.beta(law.concentration * below, law.concentration * (1 - below))
    return np.round(np.where(rng.random(len(new)) < full, 1.0, drawn), 4)
