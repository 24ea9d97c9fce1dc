"""How far a generator's own chance, a new release, or being fed its own output moves what the cohorts say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from heorsynth.checks.survival.horizon import default_horizon
from heorsynth.core.errors import HeorsynthError, LabelError, Problem, RoleError
from heorsynth.core.random import derived_seed, stream
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.levels import SMALL_COUNT
from heorsynth.estimators.survival.estimates import rmst
from heorsynth.generators.heor.recipe import Heor
from heorsynth.generators.recipe import Recipe

TAIL = 0.95

RESAMPLES = 200

ROUNDING = 1e-9
"""A relative difference this small is arithmetic, not drift."""


def quantities(cohort: Cohort, horizons: Mapping[str, float]) -> dict[str, float]:
    """What a cohort says, in plain numbers: restricted means, costs with their tail, utilities, shares, means.

    A restricted mean is taken to the horizon, or to the last follow-up where that comes first.
    """
    found: dict[str, float] = {}
    schema = cohort.schema
    for name, horizon in horizons.items():
        time, cause, entry = cohort.outcome(name)
        found[f"rmst of {name}"] = rmst(time, cause == 1, min(horizon, float(time.max())), entry).value
    for name in schema.costs:
        cost = cohort.column(name).astype(float)
        found[f"mean of {name}"] = float(np.nanmean(cost))
        found[f"P{100 * TAIL:g} of {name}"] = float(np.nanquantile(cost, TAIL))
    for name in schema.utilities:
        found[f"mean of {name}"] = float(np.nanmean(cohort.column(name).astype(float)))
    for name in schema.strata:
        held = cohort.levels(name)
        found |= {f"share of {name}={level}": float(np.mean(held == level)) for level in sorted(set(held) - {""})}
    for name in cohort.covariates:
        column = cohort.rows[name]
        if name not in schema.strata and pd.api.types.is_numeric_dtype(column):
            found[f"mean of {name}"] = float(column.mean())
            found[f"SD of {name}"] = float(column.std())
    return found


def variation(cohort: Cohort, syn: Sequence[Cohort], seed: int = 1) -> pd.DataFrame:
    """How much the m cohorts differ among themselves, beside how much resamples of the real one do.

    Parameters
    ----------
    cohort, syn    the real patients, and two or more synthetic cohorts
    seed : int     of the resampling

    Returns
    -------
    DataFrame      one row a quantity: real, mean, sd (over the m cohorts), resample_sd, ratio = sd / resample_sd.
                   Well below 1: one cohort shows less chance than a sample does, so m of them must not be taken
                   for m samples. Well above 1: one cohort alone is not to be relied on
    """
    if len(syn) < 2:
        raise RoleError("variation", Problem("synthetic cohorts", "one cohort does not vary", "draw two or more"))
    horizons = _horizons(cohort)
    rng = stream(seed, "variation")
    real = quantities(cohort, horizons)
    drawn = pd.DataFrame([quantities(one, horizons) for one in syn])
    again = pd.DataFrame(
        [quantities(cohort.take(rng.integers(0, cohort.n, cohort.n)), horizons) for _ in range(RESAMPLES)]
    )
    rows = []
    for name in _shown(cohort, real):
        sd, floor = float(drawn[name].fillna(0.0).std()) if name in drawn else 0.0, float(again[name].fillna(0.0).std())
        mean = float(drawn[name].fillna(0.0).mean()) if name in drawn else 0.0
        rows.append((name, real[name], mean, sd, floor, sd / floor if floor > 0 else np.nan))
    return pd.DataFrame(rows, columns=["quantity", "real", "mean", "sd", "resample_sd", "ratio"])


def drift(before: Sequence[Cohort], after: Sequence[Cohort], level: float = 0.95) -> pd.DataFrame:
    """What changed between two releases, beyond what the draw of their cohorts explains.

    Parameters
    ----------
    before, after : sequence of Cohort    two or more cohorts of each release, with the same roles
    level : float                         of the intervals, simultaneous over all quantities (Bonferroni)

    Returns
    -------
    DataFrame      one row a quantity: before, after, difference, lower, upper, drifted

    Raises
    ------
    RoleError      fewer than two cohorts of a release, or other roles

    Notes
    -----
    Welch's interval for the difference of two means over cohorts. A seed alone moves nothing beyond it; a
    change of the source, of a setting or of the version does.
    """
    if min(len(before), len(after)) < 2:
        raise RoleError("drift", Problem("cohorts", "a release of one cohort shows no variation", "draw two or more"))
    if before[0].schema != after[0].schema:
        raise RoleError(
            "drift", Problem("cohorts", "the releases have other roles", "compare releases of one protocol")
        )
    horizons = _horizons(before[0])
    first, second = (pd.DataFrame([quantities(one, horizons) for one in release]) for release in (before, after))
    means = pd.concat([first, second]).fillna(0.0).mean()
    names = _shown(before[0], {str(name): float(mean) for name, mean in means.items()})
    rows = [(name, *_moved(first, second, name, 1 - (1 - level) / len(names))) for name in names]
    return pd.DataFrame(rows, columns=["quantity", "before", "after", "difference", "lower", "upper", "drifted"])


def _moved(first: pd.DataFrame, second: pd.DataFrame, name: str, level: float) -> tuple[float | bool, ...]:
    """Mean before and after, their difference with its interval, and whether that excludes 0."""
    old, new = (table[name].fillna(0.0) if name in table else pd.Series([0.0] * 2) for table in (first, second))
    before, gap = float(old.mean()), float(new.mean() - old.mean())
    half = _welch(old, new, level)
    drifted = abs(gap) > half + ROUNDING * abs(before)
    return before, float(new.mean()), gap, gap - half, gap + half, drifted


def collapse(
    cohort: Cohort,
    generations: int = 5,
    *,
    generator: Recipe | None = None,
    accumulate: bool = False,
    seed: int = 1,
) -> pd.DataFrame:
    """What is left when a generator is fitted to its own output again and again.

    Parameters
    ----------
    cohort : Cohort               real patients: generation 0
    generations : int             times it is fitted and drawn
    generator : Recipe            `heor` by default
    accumulate : bool             False: each generation is fitted to the last one's rows alone. True: to the
                                  patients and the rows of all generations so far
    seed : int                    each generation's own seed derives from it

    Returns
    -------
    DataFrame      one row a generation and quantity: generation, quantity, value, relative (value over that of
                   generation 0), and note: why a generator could no longer be fitted, where that happened

    Raises
    ------
    LabelError     the cohort is itself synthetic

    References
    ----------
    Shumailov et al. (2024) Nature 631:755 (replacing). Gerstgrasser et al. (2024) arXiv 2404.01413 (accumulating).
    """
    if cohort.synthetic:
        fix = "start from real patients: this is generation 0"
        raise LabelError("collapse", Problem("cohort", "is itself synthetic", fix))
    recipe, horizons = generator or Heor(), _horizons(cohort)
    start = quantities(cohort, horizons)
    names = _shown(cohort, start)
    rows = [(0, name, start[name], 1.0, "") for name in names]
    source, held = cohort, [cohort.frame]
    for generation in range(1, generations + 1):
        its_seed = derived_seed(seed, "collapse", generation)
        try:
            drawn = recipe.fit(source, its_seed, allow_synthetic_source=True).sample(n=cohort.n, m=1, seed=its_seed)[0]
        except HeorsynthError as error:
            reason = f"no longer fitted: {error.problems[0].found if error.problems else error.subject}"
            rows += [(generation, name, np.nan, np.nan, reason) for name in names]
            break
        now = quantities(drawn, horizons)
        rows += [(generation, name, now.get(name, 0.0), _over(now.get(name, 0.0), start[name]), "") for name in names]
        held.append(drawn.frame)
        source = _source(cohort, held if accumulate else held[-1:], drawn)
    return pd.DataFrame(rows, columns=["generation", "quantity", "value", "relative", "note"])


def _source(cohort: Cohort, frames: Sequence[pd.DataFrame], drawn: Cohort) -> Cohort:
    """What the next generation is fitted to, with the label of the last draw: its lineage is not lost."""
    together = pd.concat(list(frames), ignore_index=True)[list(drawn.rows.columns)]
    label = None if drawn.label is None else drawn.label.for_rows(len(together))
    return Cohort.derive(replace(cohort.schema, id=None), together, label=label, name=cohort.name)


def _horizons(cohort: Cohort) -> dict[str, float]:
    return {name: default_horizon(cohort, name) for name in cohort.schema.endpoints}


def _shown(cohort: Cohort, found: Mapping[str, float]) -> list[str]:
    """The quantities but shares of fewer than five real patients."""
    return [name for name in found if not (name.startswith("share of ") and found[name] * cohort.n < SMALL_COUNT - 0.5)]


def _welch(first: pd.Series, second: pd.Series, level: float) -> float:
    parts = [float(one.var()) / len(one) for one in (first, second)]
    variance = sum(parts)
    if variance == 0:
        return 0.0
    freedom = variance**2 / sum(part**2 / (len(one) - 1) for part, one in zip(parts, (first, second), strict=True))
    return float(stats.t.ppf(0.5 + level / 2, freedom) * variance**0.5)


def _over(value: float, start: float) -> float:
    return value / start if start else np.nan
