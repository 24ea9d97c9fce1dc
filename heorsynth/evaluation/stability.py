"""Stability of synthetic cohorts: variation between cohorts, drift between releases, and model collapse.

See Also
--------
variation : variation among the m cohorts of one release, compared with resamples of the patients.
drift : differences between two releases.
collapse : changes if a generator is repeatedly fitted to its own output.
heorsynth.validate : whether cohorts are fit for a purpose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import special

from heorsynth.checks.survival.horizon import default_horizon
from heorsynth.core.errors import HeorsynthError, LabelError, Problem, RoleError
from heorsynth.core.random import derived_seed, stream
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.levels import SMALL_COUNT
from heorsynth.estimators.survival.estimates import rmst
from heorsynth.generators.heor.recipe import Heor
from heorsynth.generators.recipe import Recipe

_TAIL = 0.95
"""Level of the upper quantile of costs."""

_RESAMPLES = 200
"""Number of resamples of the patients in `variation`."""

_ROUNDING = 1e-9
"""Relative differences below this value are numerical error, not drift."""


def quantities(cohort: Cohort, horizons: Mapping[str, float]) -> dict[str, float]:
    """Name to value of the quantities of a cohort: RMST, mean and upper quantile of costs, utilities, shares, means.

    The RMST is computed up to the horizon, or up to the last follow-up if that is earlier.

    See Also
    --------
    variation : How they vary among cohorts.
    drift : How they differ between releases.

    Examples
    --------
    >>> import heorsynth as hs
    >>> cohort, _ = hs.datasets.simulated_trial(100, seed=1)
    >>> values = quantities(cohort, {"os": 3.0})
    >>> {name: round(value, 2) for name, value in values.items() if "sex" in name or "rmst" in name}
    {'rmst of os': 2.33, 'share of sex=f': 0.45, 'share of sex=m': 0.55}
    """
    values: dict[str, float] = {}
    schema = cohort.schema
    for name, horizon in horizons.items():
        time, cause, entry = cohort.outcome(name)
        values[f"rmst of {name}"] = rmst(time, cause == 1, min(horizon, float(time.max())), entry).value
    for name in schema.costs:
        cost = cohort.column(name).astype(float)
        values[f"mean of {name}"] = float(np.nanmean(cost))
        values[f"P{100 * _TAIL:g} of {name}"] = float(np.nanquantile(cost, _TAIL))
    for name in schema.utilities:
        values[f"mean of {name}"] = float(np.nanmean(cohort.column(name).astype(float)))
    for name in schema.strata:
        levels = cohort.levels(name)
        values |= {f"share of {name}={level}": float(np.mean(levels == level)) for level in sorted(set(levels) - {""})}
    for name in cohort.covariates:
        column = cohort.rows[name]
        if name not in schema.strata and pd.api.types.is_numeric_dtype(column):
            values[f"mean of {name}"] = float(column.mean())
            values[f"SD of {name}"] = float(column.std())
    return values


def variation(cohort: Cohort, syn: Sequence[Cohort], seed: int = 1) -> pd.DataFrame:
    """Variation among the m synthetic cohorts, compared with that among resamples of the real cohort.

    Parameters
    ----------
    cohort : Cohort              the real patients
    syn : sequence of Cohort     two or more synthetic cohorts
    seed : int                   seed of the resampling

    Returns
    -------
    DataFrame      one row per quantity: real, mean, sd (over the m cohorts), resample_sd, ratio = sd / resample_sd.
                   A ratio well below 1 means that the m cohorts vary less than m samples of patients, and must not be
                   analysed like these. A ratio well above 1 means that a single cohort is not reliable

    Raises
    ------
    RoleError      fewer than two synthetic cohorts

    See Also
    --------
    drift : differences between two releases.

    Examples
    --------
    >>> import heorsynth as hs
    >>> cohort = hs.datasets.simulated_trial(100, seed=1)[0]
    >>> sampler = hs.generators.create("marginals").fit(cohort, seed=1)
    >>> table = variation(cohort, sampler.sample(m=2, seed=1))
    >>> list(table.columns)
    ['quantity', 'real', 'mean', 'sd', 'resample_sd', 'ratio']
    """
    if len(syn) < 2:
        raise RoleError("variation", Problem("synthetic cohorts", "one cohort shows no variation", "draw two or more"))
    horizons = default_horizons(cohort)
    rng = stream(seed, "variation")
    real = quantities(cohort, horizons)
    synthetic = pd.DataFrame([quantities(one, horizons) for one in syn])
    resampled = pd.DataFrame(
        [quantities(cohort.take(rng.integers(0, cohort.n, cohort.n)), horizons) for _ in range(_RESAMPLES)]
    )
    rows = []
    for name in published_quantities(cohort, real):
        column = synthetic[name].fillna(0.0) if name in synthetic else pd.Series([0.0] * len(syn))
        mean, sd, resample_sd = float(column.mean()), float(column.std()), float(resampled[name].fillna(0.0).std())
        rows.append((name, real[name], mean, sd, resample_sd, sd / resample_sd if resample_sd > 0 else np.nan))
    return pd.DataFrame(rows, columns=["quantity", "real", "mean", "sd", "resample_sd", "ratio"])


def drift(before: Sequence[Cohort], after: Sequence[Cohort], level: float = 0.95) -> pd.DataFrame:
    """Differences between two releases that exceed the variation among their cohorts.

    Parameters
    ----------
    before, after : sequence of Cohort    two or more cohorts of each release, with the same roles
    level : float                         level of the intervals, simultaneous over all quantities (Bonferroni)

    Returns
    -------
    DataFrame      one row per quantity: before, after, difference, lower, upper, drifted

    Raises
    ------
    RoleError      a release has fewer than two cohorts, or the roles differ

    See Also
    --------
    variation : variation among the cohorts of one release.

    Notes
    -----
    The interval is Welch's interval for the difference of two means over cohorts. Another seed alone does not lead to
    drift; another source, setting or version can.

    Examples
    --------
    >>> import heorsynth as hs
    >>> cohort = hs.datasets.simulated_trial(100, seed=1)[0]
    >>> sampler = hs.generators.create("marginals").fit(cohort, seed=1)
    >>> before, after = sampler.sample(m=3, seed=1), sampler.sample(m=3, seed=2)
    >>> bool(drift(before, after)["drifted"].any())
    False
    """
    if min(len(before), len(after)) < 2:
        raise RoleError("drift", Problem("cohorts", "a release of one cohort shows no variation", "draw two or more"))
    if before[0].schema != after[0].schema:
        raise RoleError(
            "drift", Problem("cohorts", "the roles of the releases differ", "compare releases of one protocol")
        )
    horizons = default_horizons(before[0])
    first, second = (pd.DataFrame([quantities(one, horizons) for one in release]) for release in (before, after))
    means = pd.concat([first, second]).fillna(0.0).mean()
    names = published_quantities(before[0], {str(name): float(mean) for name, mean in means.items()})
    rows = [(name, *_moved(first, second, name, 1 - (1 - level) / len(names))) for name in names]
    return pd.DataFrame(rows, columns=["quantity", "before", "after", "difference", "lower", "upper", "drifted"])


def _moved(first: pd.DataFrame, second: pd.DataFrame, name: str, level: float) -> tuple[float | bool, ...]:
    """Mean before and after, their difference with its interval, and True if the interval excludes 0."""
    old, new = (table[name].fillna(0.0) if name in table else pd.Series([0.0] * 2) for table in (first, second))
    before, gap = float(old.mean()), float(new.mean() - old.mean())
    half = _welch(old, new, level)
    drifted = abs(gap) > half + _ROUNDING * abs(before)
    return before, float(new.mean()), gap, gap - half, gap + half, drifted


def collapse(
    cohort: Cohort,
    generations: int = 5,
    *,
    generator: Recipe | None = None,
    accumulate: bool = False,
    seed: int = 1,
) -> pd.DataFrame:
    """Changes of the cohort if a generator is repeatedly fitted to its own output (model collapse).

    Parameters
    ----------
    cohort : Cohort               the real patients, generation 0
    generations : int             number of generations
    generator : Recipe            the generator; `heor` by default
    accumulate : bool             False fits each generation to the rows of the last one; True fits it to the patients
                                  and the rows of all earlier generations
    seed : int                    the seeds of the generations are derived from it

    Returns
    -------
    DataFrame      one row per generation and quantity: generation, quantity, value, relative (value divided by that of
                   generation 0), and note: the reason if the generator could no longer be fitted

    Raises
    ------
    LabelError     the cohort is itself synthetic

    See Also
    --------
    variation : variation among the cohorts of one release.

    References
    ----------
    Shumailov et al. (2024) Nature 631:755 (replacing). Gerstgrasser et al. (2024) arXiv 2404.01413 (accumulating).

    Examples
    --------
    >>> import heorsynth as hs
    >>> cohort, _ = hs.datasets.simulated_trial(60, seed=1)
    >>> table = collapse(cohort, 1, generator=hs.generators.create("marginals"), seed=1)
    >>> list(table.columns), table["generation"].unique().tolist()
    (['generation', 'quantity', 'value', 'relative', 'note'], [0, 1])
    """
    if cohort.synthetic:
        fix = "give real patients; they are generation 0"
        raise LabelError("collapse", Problem("cohort", "is itself synthetic", fix))
    recipe, horizons = generator or Heor(), default_horizons(cohort)
    start = quantities(cohort, horizons)
    names = published_quantities(cohort, start)
    rows = [(0, name, start[name], 1.0, "") for name in names]
    source, frames = cohort, [cohort.frame]
    for generation in range(1, generations + 1):
        own_seed = derived_seed(seed, "collapse", generation)
        try:
            synthetic = recipe.fit(source, own_seed, allow_synthetic_source=True).sample(
                n=cohort.n, m=1, seed=own_seed
            )[0]
        except HeorsynthError as error:
            reason = f"no longer fitted: {error.problems[0].found if error.problems else error.subject}"
            rows += [(generation, name, np.nan, np.nan, reason) for name in names]
            break
        now = quantities(synthetic, horizons)
        rows += [(generation, name, now.get(name, 0.0), _ratio(now.get(name, 0.0), start[name]), "") for name in names]
        frames.append(synthetic.frame)
        source = _source(cohort, frames if accumulate else frames[-1:], synthetic)
    return pd.DataFrame(rows, columns=["generation", "quantity", "value", "relative", "note"])


def _source(cohort: Cohort, frames: Sequence[pd.DataFrame], synthetic: Cohort) -> Cohort:
    """The cohort for the next fit, with the label of the last draw, which keeps its lineage."""
    together = pd.concat(list(frames), ignore_index=True)[list(synthetic.rows.columns)]
    label = None if synthetic.label is None else synthetic.label.for_rows(len(together))
    return Cohort.derive(replace(cohort.schema, id=None), together, label=label, name=cohort.name)


def default_horizons(cohort: Cohort) -> dict[str, float]:
    """Endpoint to the horizon of its RMST."""
    return {name: default_horizon(cohort, name) for name in cohort.schema.endpoints}


def published_quantities(cohort: Cohort, values: Mapping[str, float]) -> list[str]:
    """Return the quantities without shares of fewer than five real patients."""
    return [
        name for name in values if not (name.startswith("share of ") and values[name] * cohort.n < SMALL_COUNT - 0.5)
    ]


def _welch(first: pd.Series, second: pd.Series, level: float) -> float:
    parts = [float(one.var()) / len(one) for one in (first, second)]
    variance = sum(parts)
    if variance == 0:
        return 0.0
    freedom = variance**2 / sum(part**2 / (len(one) - 1) for part, one in zip(parts, (first, second), strict=True))
    return float(special.stdtrit(freedom, 0.5 + level / 2) * variance**0.5)


def _ratio(value: float, start: float) -> float:
    return value / start if start else np.nan
