"""Copies whose estimate is off by exactly the margin: resamples of the patients with exponentially tilted weights.

A patient's weight is proportional to exp(theta·u), u being the patient's influence on the estimate (standardised, cut
at ±2). theta is solved for, so that the expectation of the estimate over resamples is the patients' own estimate plus
or minus the margin. A pass is then a wrong "yes".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import optimize

import heorsynth as hs
from heorsynth.checks.core.distance import Gaps, largest
from heorsynth.checks.core.finding import FAIL, NOT_ESTIMABLE, PASS, POOLED, SINGLE, Finding, decide, decide_single
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.scalar import Measured, compared, share_with_interval
from heorsynth.checks.core.standing import Standing
from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import ESTIMANDS, margin_for
from heorsynth.core.random import stream
from heorsynth.data.cohort.cohort import Cohort

HORIZON, LANDMARK, WTP = 2.5, 1.5, 20_000.0
GRID = np.linspace(HORIZON / 100, HORIZON, 100)
LONG_TAIL = 1.5
"""Standard deviation of the logarithm of hospital costs in the cases with a long tail; 0.9 in all others."""

SETS = 20
"""Sets of copies of the same patients with the same weights: the rule is conditional on the patients."""

DRAWS = 200
"""Draws behind the interval of a distance, as in the checks."""

M = {POOLED: 20, SINGLE: 60}
"""Cohorts in each repetition. With fewer than 29, no share of single cohorts can be shown to be at least 90%."""

SINGLE_SHARE = 0.9
RESAMPLES, SINGLE_RESAMPLES = 200, 1000
"""Resamples from which the bias of an estimate, and the share of single cohorts within the margin, are found."""

LARGEST_TILT, NUDGE, SAME = 8.0, 1e-3, 1e-6

Statistic = Callable[[np.ndarray], np.ndarray]
"""Weights (K, n), or counts of a resample, of the patients in order of time -> estimates (K,), or curves (K, J)."""

Make = Callable[[pd.DataFrame], Statistic]


def _of_curve(rows: pd.DataFrame) -> Callable[[np.ndarray], np.ndarray]:
    """Return the Kaplan-Meier curve just after each patient's time (K, n), for weights."""
    event = rows["event"].to_numpy(float)

    def curve(weights: np.ndarray) -> np.ndarray:
        at_risk = np.cumsum(weights[:, ::-1], axis=1)[:, ::-1]
        hazard = np.divide(weights * event, at_risk, out=np.zeros_like(at_risk), where=at_risk > 0)
        return np.cumprod(1 - hazard, axis=1)

    return curve


def restricted_mean(rows: pd.DataFrame) -> Statistic:
    curve, time = _of_curve(rows), np.minimum(rows["time"].to_numpy(), HORIZON)
    steps = np.append(np.diff(time), HORIZON - time[-1])
    return lambda weights: time[0] + curve(weights) @ steps


def landmark(rows: pd.DataFrame) -> Statistic:
    curve, place = _of_curve(rows), int((rows["time"] <= LANDMARK).sum()) - 1
    return lambda weights: curve(weights)[:, place]


def curve_gap(rows: pd.DataFrame) -> Statistic:
    """Return the curve on a grid."""
    curve = _of_curve(rows)
    places = np.searchsorted(rows["time"].to_numpy(), GRID, side="right") - 1
    return lambda weights: np.where(places >= 0, curve(weights)[:, places], 1.0)


def _new(rows: pd.DataFrame) -> np.ndarray:
    return (rows["arm"] == "new").to_numpy(float)


def restricted_mean_difference(rows: pd.DataFrame) -> Statistic:
    new, mean = _new(rows), restricted_mean(rows)
    return lambda weights: mean(weights * new) - mean(weights * (1 - new))


def log_hazard_ratio(rows: pd.DataFrame) -> Statistic:
    """Return Cox's estimate by Newton's steps. In a resample, copies of a patient are ties, which Efron's method
    removes from the risk set one after the other."""
    new, event = _new(rows), rows["event"].to_numpy() == 1

    def estimate(weights: np.ndarray) -> np.ndarray:
        risk = [np.cumsum((weights * one)[:, ::-1], axis=1)[:, ::-1][:, event] for one in (new, 1 - new)]
        arm, held = new[event], weights[:, event]
        whole = bool((held == np.round(held)).all())
        removed = range(int(held.max())) if whole else range(1)
        beta = np.zeros(len(weights))
        for _ in range(8):
            slope, curvature = np.zeros(len(weights)), np.zeros(len(weights))
            for before in removed:
                share = held if not whole else (held > before).astype(float)
                treated = (risk[0] - before * arm) * np.exp(beta)[:, None]
                among = treated + risk[1] - before * (1 - arm)
                p = np.divide(treated, among, out=np.zeros_like(treated), where=among > 0)
                slope += (share * (arm - p)).sum(axis=1)
                curvature += (share * p * (1 - p)).sum(axis=1)
            beta = beta + np.divide(slope, curvature, out=np.full_like(slope, np.nan), where=curvature > 0)
        return beta

    return estimate


def mean_of(name: str) -> Make:
    return lambda rows: lambda weights: weights @ rows[name].to_numpy(float) / weights.sum(axis=1)


def share_of(chosen: Callable[[pd.DataFrame], pd.Series]) -> Make:
    return lambda rows: lambda weights: weights @ chosen(rows).to_numpy(float) / weights.sum(axis=1)


def difference_of(value: Callable[[pd.DataFrame], pd.Series]) -> Make:
    """Return the difference between the arms in a mean."""

    def make(rows: pd.DataFrame) -> Statistic:
        new, values = _new(rows), value(rows).to_numpy(float)

        def difference(weights: np.ndarray) -> np.ndarray:
            means = [(weights * one) @ values / (weights @ one) for one in (new, 1 - new)]
            return means[0] - means[1]

        return difference

    return make


def coefficient_of_variation(rows: pd.DataFrame) -> Statistic:
    cost = rows["cost"].to_numpy(float)

    def cv(weights: np.ndarray) -> np.ndarray:
        total = weights.sum(axis=1)
        mean = weights @ cost / total
        square = weights @ cost**2 - total * mean**2
        return np.sqrt(np.maximum(square, 0) / (total - 1)) / mean

    return cv


def distribution_of_age(rows: pd.DataFrame) -> Statistic:
    """Return the distribution function of age at each patient's age."""
    age = rows["age"].to_numpy(float)
    below = (age[:, None] <= np.sort(age)).astype(float)
    return lambda weights: weights @ below / weights.sum(axis=1)[:, None]


@dataclass(frozen=True)
class Case:
    """An estimand with its margin and its estimate for weights.

    Attributes
    ----------
    key, margin, make    the estimand, its margin if not the default, and the estimate
    linear : bool        whether the estimate has no bias in resamples
    word : str           in the finding's estimand or group, where a check has several
    tail : bool          whether hospital costs have a long tail
    log : bool           whether the estimate is a logarithm
    """

    key: str
    make: Make
    margin: Mapping[str, object] = field(default_factory=dict)
    linear: bool = False
    word: str = ""
    tail: bool = False
    log: bool = False


_TO_HORIZON = {"horizon": HORIZON}
_NET_BENEFIT = difference_of(lambda rows: WTP * rows["qaly"] - rows["cost"])

CASES = {
    "survival.rmst": Case("survival.rmst", restricted_mean, _TO_HORIZON),
    "survival.rmst_difference": Case("survival.rmst_difference", restricted_mean_difference, _TO_HORIZON),
    "survival.hazard_ratio": Case("survival.hazard_ratio", log_hazard_ratio, log=True),
    "survival.landmark": Case("survival.landmark", landmark, {"at": LANDMARK}),
    "survival.km_gap": Case("survival.km_gap", curve_gap, _TO_HORIZON),
    "costs.mean": Case("costs.mean", mean_of("cost"), linear=True),
    "costs.mean, long tail": Case("costs.mean", mean_of("cost"), linear=True, tail=True),
    "costs.cv": Case("costs.cv", coefficient_of_variation),
    "costs.cv, long tail": Case("costs.cv", coefficient_of_variation, tail=True),
    "costs.zero_share": Case("costs.zero_share", share_of(lambda rows: rows["cost"] == 0), linear=True),
    "costs.difference": Case("costs.difference", difference_of(lambda rows: rows["cost"]), linear=True),
    "utilities.mean": Case("utilities.mean", mean_of("qaly"), linear=True),
    "economics.incremental_cost": Case(
        "economics.incremental_cost", difference_of(lambda rows: rows["cost"]), linear=True
    ),
    "economics.incremental_qaly": Case(
        "economics.incremental_qaly", difference_of(lambda rows: rows["qaly"]), linear=True
    ),
    "economics.inmb": Case("economics.inmb", _NET_BENEFIT, linear=True),
    "subgroups.representation": Case(
        "subgroups.representation", share_of(lambda rows: rows["sex"] == "f"), linear=True, word="sex=f"
    ),
    "structure.marginals": Case("structure.marginals", distribution_of_age, linear=True, word="of age"),
}
"""Name to case. The cost is that of the hospital: a third of the patients have none."""

ALONE = ("survival.rmst", "survival.hazard_ratio", "costs.mean", "costs.mean, long tail", "costs.cv",
         "costs.cv, long tail", "economics.incremental_qaly", "economics.inmb")  # fmt: skip
"""The cases that are also judged with use="single"."""


def patients(n: int, repetition: int, *, tail: bool) -> Cohort:
    """Return a simulated trial with the patients in order of time, and hospital costs as the cost."""
    truth = hs.datasets.Truth(hospital_sigma=LONG_TAIL) if tail else hs.datasets.Truth()
    rows = hs.datasets.simulated_trial(n, seed=repetition, truth=truth)[0].frame
    rows = rows.assign(cost=rows["hospital"]).drop(columns=["drug", "hospital", "stage"])
    return Cohort(
        rows.sort_values(["time", "event"], ascending=[True, False]).reset_index(drop=True),
        endpoints={"os": ("time", "event")},
        arm="arm",
        arm_reference="usual",
        costs=["cost"],
        utilities=["qaly"],
        subgroups=["sex"],
        unit="year",
    )


def finding(case: Case, real: Cohort, cohorts: list[Cohort], rng: np.random.Generator, use: str = POOLED) -> Finding:
    """Return the finding of a case on all patients."""
    estimand = ESTIMANDS[case.key]
    margin = margin_for(case.key, {**estimand.default.margin, **case.margin}, {"wtp": (WTP,)})
    found = registry.findings(estimand.check, real, cohorts, {case.key: margin}, rng, None, Standing(use=use))
    wanted = [one for one in found if case.word in f"{one.estimand} {one.group}"]
    return next(one for one in wanted if case.word or one.kind == "all")


def _tilted(direction: np.ndarray, theta: float) -> np.ndarray:
    weights = np.exp(theta * direction - (theta * direction).max())
    return weights * len(weights) / weights.sum()


def influence(statistic: Statistic, weights: np.ndarray) -> np.ndarray:
    """Return the change of the estimate per share of weight moved to each patient (n,)."""
    moved = (1 - NUDGE) * weights + NUDGE * len(weights) * np.eye(len(weights))
    found: np.ndarray = (statistic(moved) - statistic(weights[None])) / NUDGE
    return found


def _bias(statistic: Statistic, weights: np.ndarray, rng: np.random.Generator) -> float:
    """Return the expectation of the estimate in a resample less the weighted one; its linear part has mean 0."""
    n = len(weights)
    counts = rng.multinomial(n, weights / n, size=RESAMPLES).astype(float)
    linear = (counts - weights) @ influence(statistic, weights) / n
    rest = statistic(counts) - linear
    return float(rest[np.isfinite(rest)].mean() - statistic(weights[None])[0])


class UnreachableError(ValueError):
    """No tilt reaches the margin."""


def _root(excess: Callable[[float], float], sign: float) -> float:
    """Return the tilt at which a function of it becomes 0, from no tilt in one direction."""
    end = 0.5
    while not excess(sign * end) > 0:
        end *= 2
        if end > LARGEST_TILT:
            raise UnreachableError
    return float(optimize.brentq(lambda theta: excess(sign * theta), 0, end, xtol=1e-7)) * sign


@dataclass(frozen=True, eq=False)
class Boundary:
    """What is solved for.

    Attributes
    ----------
    statistic, real     the estimate for weights, and that of the patients
    width : float       the margin on the statistic's scale
    direction, sign     the influence of each patient, and whether the estimate is too high or too low
    margin : Margin     as the finding has it
    """

    statistic: Statistic
    real: float | np.ndarray
    width: float
    direction: np.ndarray
    sign: float
    margin: Margin

    @classmethod
    def of(cls, case: Case, real: Cohort, rng: np.random.Generator) -> Boundary:
        """Return the boundary of a case for these patients; the margin is that of the finding, capped as there."""
        alone, statistic = finding(case, real, [real, real], rng), case.make(real.frame)
        even = np.ones(real.n)
        value, sign = statistic(even[None])[0], float(rng.choice([-1.0, 1.0]))
        if np.ndim(value):
            plain = mean_of("age") if case.word else restricted_mean
            moving = influence(plain(real.frame), even)
            return cls(statistic, value, alone.margin, _direction(moving), sign, Margin("absolute", alone.margin))
        shown = np.log(alone.real) if case.log else alone.real
        if abs(value - shown) > SAME * max(1.0, abs(shown)) * (1000 if case.log else 1):
            raise ValueError(f"{case.key}: {value} is not the finding's {shown}")
        width = alone.margin
        if alone.scale == "relative":
            width *= abs(float(value))
        elif alone.scale == "ratio" and not case.log:
            width = abs(float(value) * np.expm1(sign * width))
        margin = Margin("absolute" if case.log else alone.scale, alone.margin)
        return cls(statistic, float(value), width, _direction(influence(statistic, even)), sign, margin)

    def off(self, values: np.ndarray) -> np.ndarray:
        """Return by how much estimates are off towards the margin; distances are largest absolute gaps."""
        gaps = values - self.real
        return np.abs(gaps).max(axis=-1) if np.ndim(self.real) else self.sign * gaps

    def pooled(self, rng: np.random.Generator, *, linear: bool) -> np.ndarray:
        """Return weights for which the expectation of the estimate is off by exactly the margin."""

        def weights_for(bias: float) -> np.ndarray:
            def excess(theta: float) -> float:
                values = self.statistic(_tilted(self.direction, theta)[None])
                return float(self.off(values)[0]) + self.sign * bias - self.width

            return _tilted(self.direction, _root(excess, self.sign))

        weights = weights_for(0.0)
        if linear or np.ndim(self.real):
            return weights
        return weights_for(_bias(self.statistic, weights, rng))

    def single(self, rng: np.random.Generator) -> np.ndarray:
        """Return weights for which 90% of resamples are within the margin."""
        n = len(self.direction)
        uniform = rng.random((SINGLE_RESAMPLES, n))
        offset = np.arange(SINGLE_RESAMPLES)[:, None] * n

        def excess(theta: float) -> float:
            bounds = np.cumsum(_tilted(self.direction, theta)) / n
            places = np.minimum(np.searchsorted(bounds, uniform), n - 1) + offset
            counts = np.bincount(places.ravel(), minlength=uniform.size).reshape(uniform.shape)
            off = self.statistic(counts.astype(float)) - self.real
            return SINGLE_SHARE - float((np.abs(off) <= self.width).mean())

        if excess(0.0) >= 0:
            raise UnreachableError
        return _tilted(self.direction, _root(excess, self.sign))

    def counts(self, weights: np.ndarray, cohorts: int, rng: np.random.Generator) -> np.ndarray:
        """Return how often each patient is in each of SETS times so many resamples (SETS, cohorts, n)."""
        n = len(weights)
        return rng.multinomial(n, weights / n, size=(SETS, cohorts)).astype(float)

    def verdicts(self, weights: np.ndarray, use: str, rng: np.random.Generator) -> list[str]:
        """Return the verdict on each set of copies, by the rules that `Question.compare` and `answer` use."""
        found = []
        for counts in self.counts(weights, M[use], rng):
            values = self.statistic(counts)
            if not np.isfinite(values).all():
                found.append(NOT_ESTIMABLE)
            elif np.ndim(self.real):
                gaps = Gaps.of(values - self.real, np.zeros((DRAWS, values.shape[1])), rng)
                numbers = largest(gaps)
                found.append(decide(numbers.lower, numbers.upper, self.margin.width))
            else:
                numbers = compared(Measured(float(self.real), np.nan, list(values), [np.nan]), self.margin)
                within = sum(abs(one) <= self.margin.width for one in numbers.single)
                _, low, high = share_with_interval(within, len(values))
                pooled = decide(numbers.lower, numbers.upper, self.margin.width)
                found.append(pooled if use == POOLED else decide_single(low, high))
        return found


def _direction(influences: np.ndarray) -> np.ndarray:
    return np.clip((influences - influences.mean()) / influences.std(), -2, 2)


def boundary_of(
    name: str, n: int, use: str, repetition: int
) -> tuple[Cohort, Boundary, np.ndarray, np.random.Generator]:
    """Return patients, the boundary, the weights of the patients there, and the stream; UnreachableError if none."""
    case, rng = CASES[name], stream(repetition, "boundary", name, n, use)
    real = patients(n, repetition, tail=case.tail)
    found = Boundary.of(case, real, rng)
    weights = found.pooled(rng, linear=case.linear) if use == POOLED else found.single(rng)
    return real, found, weights, rng


def judged(name: str, n: int, use: str, repetition: int) -> dict[str, object]:
    """Return one row: how often each verdict is given on SETS sets of copies of the same patients."""
    row: dict[str, object] = {"estimand": name, "n": n, "use": use, "repetition": repetition}
    try:
        _, found, weights, rng = boundary_of(name, n, use, repetition)
    except UnreachableError:
        return row | {"sets": 0, PASS: 0, FAIL: 0}
    verdicts = found.verdicts(weights, use, rng)
    return row | {"sets": SETS, PASS: verdicts.count(PASS), FAIL: verdicts.count(FAIL)}
