"""Simulated trials, and copies of their patients: drawn by a generator, or resampled and then spoilt in one way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pandas as pd

import heorsynth as hs
from heorsynth.checks.core.finding import FAIL, PASS, Finding, answer_of
from heorsynth.checks.planning import registry
from heorsynth.checks.planning.plan import plan
from heorsynth.core.random import stream
from heorsynth.data.cohort.cohort import Cohort

WTP = 20_000
PURPOSE = "economic-evaluation"
COST_MARGIN = 0.10
"""The default margin of `costs.mean`, relative."""

MONEY = ["drug", "hospital", "cost"]
RESPONSE_QALY, RESPONSE_HOSPITAL, RESPONSE_TIME = 0.15, 0.6, 1.6
"""With a high marker under the new treatment: QALY gained, factor of hospital costs, factor of times to death."""

Rng = np.random.Generator
Spoil = Callable[[pd.DataFrame, Rng], pd.DataFrame]


@lru_cache(maxsize=1)
def trial(n: int, repetition: int) -> Cohort:
    """Return a simulated trial with a marker: the new treatment helps patients with a high marker more.

    The marker is not related to anything else, and half of the patients have a high one.
    """
    cohort, _ = hs.datasets.simulated_trial(n, seed=repetition)
    rng = stream(repetition, "marker")
    rows = cohort.frame.copy()
    high = rng.permutation(np.arange(n) % 2).astype(bool)
    rows["marker"] = np.where(high, "high", "low")
    responds = high & (rows["arm"] == "new").to_numpy()
    rows["qaly"] = np.where(responds, np.minimum(rows["qaly"] + RESPONSE_QALY, 1.0), rows["qaly"]).round(4)
    rows["hospital"] = np.where(responds, RESPONSE_HOSPITAL * rows["hospital"], rows["hospital"]).round(2)
    rows["cost"] = (rows["drug"] + rows["hospital"]).round(2)
    later, end = RESPONSE_TIME * rows["time"].to_numpy(), rng.uniform(3, 5, n)
    dies = responds & (rows["event"] == 1).to_numpy()
    rows["event"] = np.where(dies & (later > end), 0, rows["event"])
    rows["time"] = np.where(dies, np.minimum(later, end), rows["time"]).round(4)
    schema = cohort.schema
    return Cohort(
        rows,
        endpoints={"os": ("time", "event")},
        arm="arm",
        arm_reference="usual",
        costs=["cost"],
        utilities=["qaly"],
        subgroups=["sex", "stage"],
        unit=schema.unit,
        totals={"cost": ["drug", "hospital"]},
    )


def unspoilt(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    return rows


def arms_erased(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    return rows.assign(arm=rng.permutation(rows["arm"].to_numpy()))


def marker_effect_erased(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """Shuffle the marker among the patients of the new arm: who responds is no longer known from it."""
    marker, new = rows["marker"].to_numpy().copy(), (rows["arm"] == "new").to_numpy()
    marker[new] = rng.permutation(marker[new])
    return rows.assign(marker=marker)


def cost_tail_cut(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """Cut costs at their 90th percentile; their parts shrink with them."""
    cut = rows["cost"].clip(upper=rows["cost"].quantile(0.9))
    return _costs_times(rows, (cut / rows["cost"].where(rows["cost"] > 0, 1.0)).to_numpy())


def censoring_halved(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """Call half of the censored dead."""
    called = (rows["event"] == 0) & (rng.random(len(rows)) < 0.5)
    return rows.assign(event=rows["event"].where(~called, 1))


def subgroup_lost(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """Leave out stage IV; others are drawn in its place."""
    left = rows[rows["stage"] != "IV"]
    return left.iloc[rng.integers(len(left), size=len(rows))].reset_index(drop=True)


def stage_cut_off(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """Shuffle the stage, which predicts survival, costs and QALYs."""
    return rows.assign(stage=rng.permutation(rows["stage"].to_numpy()))


def arms_drawn_apart(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """Shuffle within each arm every column by itself, time with its event and costs with their parts."""
    spoilt = rows.copy()
    for arm in ("usual", "new"):
        places = np.flatnonzero(rows["arm"] == arm)
        for together in (["time", "event"], MONEY, ["qaly"], ["sex"], ["age"], ["stage"], ["marker"]):
            moved = rng.permutation(places)
            for name in together:
                spoilt[name] = _replaced(spoilt[name], places, rows[name].to_numpy()[moved])
    return spoilt


def cost_off_by_the_margin(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    return _costs_times(rows, 1 + COST_MARGIN)


def cost_off_by_twice_the_margin(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    return _costs_times(rows, 1 + 2 * COST_MARGIN)


def _costs_times(rows: pd.DataFrame, factor: np.ndarray | float) -> pd.DataFrame:
    return rows.assign(**{name: rows[name].to_numpy() * factor for name in MONEY})


def _replaced(column: pd.Series, places: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the values of a column with those at some places replaced."""
    held = column.to_numpy().copy()
    held[places] = values
    return held


MARKER_ANALYSIS = {"name": "marker", "model": "ols", "formula": "qaly ~ arm * marker"}


@dataclass(frozen=True)
class Copy:
    """A kind of copies.

    Attributes
    ----------
    generator : str     its name; rows of `bootstrap` are spoilt afterwards
    spoil : callable    what is done to the rows of each cohort
    declared : bool     whether the user declared the analysis of treatment by marker
    every : int         only each so many repetitions, because it is slow
    """

    generator: str = "bootstrap"
    spoil: Spoil = unspoilt
    declared: bool = False
    every: int = 1


COPIES = {
    "heor": Copy("heor"),
    "bootstrap": Copy(),
    "marginals": Copy("marginals"),
    "arf": Copy("arf"),
    "SDV Gaussian copula": Copy("gaussian_copula", every=5),
    "arms erased": Copy(spoil=arms_erased),
    "marker effect erased": Copy(spoil=marker_effect_erased),
    "marker effect erased, analysis declared": Copy(spoil=marker_effect_erased, declared=True),
    "cost tail cut at P90": Copy(spoil=cost_tail_cut),
    "censoring halved": Copy(spoil=censoring_halved),
    "stage IV lost": Copy(spoil=subgroup_lost),
    "stage shuffled": Copy(spoil=stage_cut_off),
    "columns of each arm drawn apart": Copy(spoil=arms_drawn_apart),
    "mean cost off by the margin": Copy(spoil=cost_off_by_the_margin),
    "mean cost off by twice the margin": Copy(spoil=cost_off_by_twice_the_margin),
}


@lru_cache(maxsize=1)
def _drawn(n: int, repetition: int, generator: str, m: int) -> list[pd.DataFrame]:
    real = trial(n, repetition)
    sampler = hs.generators.create(generator).fit(real, seed=repetition)
    return [one.frame[list(real.frame)] for one in sampler.sample(m=m, seed=repetition)]


def copied(n: int, kind: str, repetition: int, m: int) -> list[Cohort]:
    """Return m cohorts of one kind."""
    copy, schema = COPIES[kind], trial(n, repetition).schema
    rng = stream(repetition, "spoilt", kind)
    drawn = _drawn(n, repetition, copy.generator, m)
    return [Cohort.derive(schema, copy.spoil(rows, rng), label=None) for rows in drawn]


def decisive_findings(real: Cohort, cohorts: Sequence[Cohort], repetition: int, declared: bool) -> list[Finding]:
    """Return the decisive findings of an economic evaluation, as `validate` has them.

    Subgroups of these patients never decide, so only the checks of lost levels get them.
    """
    analyses = [MARKER_ANALYSIS] if declared else []
    asked = plan(real, PURPOSE, economics={"wtp": [WTP]}, analyses=analyses)
    bare = replace(real.schema, subgroups=())
    without = [Cohort.derive(bare, one.frame, label=None) for one in (real, *cohorts)]
    found: list[Finding] = []
    for check, margins in asked.by_check().items():
        decisive = {key: margin for key, margin in margins.items() if key in asked.decisive}
        patients, *drawn = [real, *cohorts] if check in ("subgroups", "structure") else without
        if decisive:
            rng = stream(repetition, "check", check)
            found += registry.findings(check, patients, drawn, decisive, rng, None, asked.standing())
    return [one for one in found if one.decisive]


def judged(n: int, kind: str, repetition: int, m: int) -> dict[str, object]:
    """Return one row: the answer to "faithful?", the estimands that fail, and those that are open."""
    real = trial(n, repetition)
    found = decisive_findings(real, copied(n, kind, repetition, m), repetition, COPIES[kind].declared)
    failed = {one.key for one in found if one.verdict == FAIL}
    open_ = {one.key for one in found if one.verdict not in (FAIL, PASS)}
    return {
        "copy": kind,
        "n": n,
        "repetition": repetition,
        "answer": answer_of(found),
        "failed": " ".join(sorted(failed)),
        "open": " ".join(sorted(open_ - failed)),
    }
