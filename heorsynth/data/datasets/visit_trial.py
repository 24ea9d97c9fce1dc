"""A simulated trial with utilities and costs at visits, dropout, gaps and deaths, drawn from a known law."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd

from heorsynth.core.display import counted
from heorsynth.core.errors import Problem, TooFewPatientsError
from heorsynth.core.random import stream
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.datasets.visit_truth import VisitTruth
from heorsynth.data.visits.schedule import area, total

_STAGES = ("I", "II", "III", "IV")


def visit_trial(n: int, seed: int, truth: VisitTruth) -> Cohort:
    """Return a trial drawn from the law, with its visits, QALYs and total costs; see `simulated_trial`.

    Notes
    -----
    All patients are followed to death or for 3 to 5 years, so it is known who is alive at each visit, whether the
    patient still attends or not. The cost of the period of death is known if the patient attended before.
    """
    arms = list(truth.arms)
    if n < 20 * len(arms):
        fix = f"ask for {20 * len(arms)} or more"
        raise TooFewPatientsError("simulated trial", Problem("n", counted(n, "patient"), fix))
    rng = stream(seed, "simulated trial with visits")
    arm = rng.permutation(np.arange(n) % len(arms))
    stage = _stages(truth, n, rng)
    death, time = _followed(truth, arm, stage, rng)
    latent = _process(truth, n, len(truth.times), rng)
    utility = np.column_stack(
        [_utility(truth, visit, latent[:, visit], arm, stage) for visit in range(len(truth.times))]
    )
    cost = _costs(truth, arm, stage, death, latent, rng)
    attended, measured = _attendance(truth, arm, utility, rng)
    times = np.asarray(truth.times)
    alive = times <= death[:, None]
    begun, lived = alive[:, :-1], alive[:, 1:]
    costed = begun & np.where(lived, measured[:, 1:], attended[:, :-1])
    names = [_named(moment) for moment in truth.times]
    frame = pd.DataFrame({
        "arm": np.asarray(arms, dtype=object)[arm],
        "sex": np.where(rng.random(n) < 0.45, "f", "m"),
        "age": np.round(rng.normal(62, 9, n), 1),
        "stage": np.asarray(_STAGES[: len(truth.stage_shares)], dtype=object)[stage],
        "time": time,
        "event": (death <= time).astype(int),
        **_columns("eq5d", names, np.where(alive & measured, utility, np.nan)),
        **_columns("cost", names[1:], np.where(costed, cost, np.nan)),
    })  # fmt: skip
    return Cohort(
        frame,
        endpoints={"os": ("time", "event", {1: "death"})},
        arm="arm",
        arm_reference=truth.comparator,
        costs=["total"],
        utilities=["qaly"],
        subgroups=["sex", "stage"],
        visits={
            "eq5d": dict(zip(truth.times, [f"eq5d_{name}" for name in names], strict=True)),
            "cost": dict(zip(truth.times[1:], [f"cost_{name}" for name in names[1:]], strict=True)),
        },
        derived={"qaly": area("eq5d", rate=truth.rate), "total": total("cost")},
        unit="year",
        currency="EUR",
        price_year=2024,
        name="simulated trial with visits",
    )


def _named(years: float) -> str:
    return f"{12 * years:g}m"


def _columns(measure: str, names: list[str], values: np.ndarray) -> dict[str, np.ndarray]:
    return {f"{measure}_{name}": column for name, column in zip(names, values.T, strict=True)}


def _stages(truth: VisitTruth, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw stages again if a stage has a single patient, because a cohort refuses such a subgroup."""
    while True:
        stage = rng.choice(len(truth.stage_shares), n, p=np.asarray(truth.stage_shares))
        if 1 not in np.bincount(stage):
            return stage


def _followed(
    truth: VisitTruth, arm: np.ndarray, stage: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return the time of death and the end of follow-up (n,)."""
    effect = np.array([one.log_hazard_ratio for one in truth.arms.values()])[arm]
    risk = np.exp(effect + np.asarray(truth.log_hazard_stage)[stage])
    death = truth.scale * (rng.exponential(size=len(arm)) / risk) ** (1 / truth.shape)
    death = np.maximum(np.round(death, 4), 1e-4)
    return death, np.minimum(death, np.round(rng.uniform(3, 5, len(arm)), 4))


def _process(truth: VisitTruth, n: int, k: int, rng: np.random.Generator) -> np.ndarray:
    """Return a standard Gauss-Markov process at the first k visits (n, k)."""
    values = rng.standard_normal((n, k))
    for visit, (start, end) in enumerate(pairwise(truth.times[:k])):
        correlation = np.exp(-truth.decay * (end - start))
        values[:, visit + 1] = correlation * values[:, visit] + np.sqrt(1 - correlation**2) * values[:, visit + 1]
    return values


def _utility(truth: VisitTruth, visit: int, latent: np.ndarray, arm: np.ndarray, stage: np.ndarray) -> np.ndarray:
    means = np.array([truth.means(name)[visit] for name in truth.arms])[arm, stage]
    return np.round(truth.utilities(latent, means, np.asarray(truth.full_health)[stage]), 4)


def _costs(
    truth: VisitTruth,
    arm: np.ndarray,
    stage: np.ndarray,
    death: np.ndarray,
    latent: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return the cost of each period (n, k - 1): drug and hospital for the time lived, higher in ill health."""
    periods = len(truth.times) - 1
    own = _process(truth, len(arm), periods, rng)
    illness = np.sqrt(1 - truth.sick_cost**2) * own - truth.sick_cost * latent[:, :periods]
    size = np.exp(truth.hospital_sigma * illness - truth.hospital_sigma**2 / 2)
    any_cost = rng.random(size.shape) >= np.asarray(truth.hospital_zero)[stage][:, None]
    year = np.array([one.drug for one in truth.arms.values()])[arm][:, None]
    year = year + np.asarray(truth.hospital)[stage][:, None] * size * any_cost
    starts = np.asarray(truth.times[:-1])
    return np.round(year * np.clip(death[:, None] - starts, 0.0, np.diff(truth.times)), 2)


def _attendance(
    truth: VisitTruth, arm: np.ndarray, utility: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return whether a patient has not left by each visit, and whether values were measured there (n, k)."""
    dropout = np.array([one.dropout for one in truth.arms.values()])[arm]
    attended = np.ones(utility.shape, dtype=bool)
    present = rng.random(utility.shape) >= truth.gaps
    for visit in range(1, utility.shape[1]):
        leaves = rng.random(len(arm)) < truth.leaving(utility[:, visit - 1], dropout)
        attended[:, visit] = attended[:, visit - 1] & ~(leaves & present[:, visit - 1])
    return attended, attended & present
