"""Pools an analysis over m cohorts: an estimate with its variance, or a lifelines or statsmodels model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, cast

import numpy as np

from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.core.estimate import Estimate
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.economics.pooling import pool

_Pair = tuple[float, float]
Analysis = Callable[[Cohort], object]
"""Takes a cohort; returns (estimate, variance), or a fitted lifelines or statsmodels model."""

_FITTED = (("params_", "standard_errors_"), ("params", "bse"))
"""Where lifelines and statsmodels keep a fitted model's coefficients and their standard errors."""


def pooled(
    cohorts: Sequence[Cohort], analysis: Analysis, *, n_source: int, n_rows: int, level: float, noise: bool = False
) -> Estimate | dict[str, Estimate]:
    """The analysis of every cohort, pooled by `estimators.economics.pooling.pool`: one Estimate, or one a coefficient.

    Raises
    ------
    NotEstimableError     the analysis returns neither, or the terms of the models differ between cohorts
    """
    found = [analysis(cohort) for cohort in cohorts]
    shared = partial(pool, n_source=n_source, n_rows=n_rows, level=level, noise=noise)
    models = [_coefficients(one) for one in found]
    if all(model is not None for model in models):
        return _pooled_models([model for model in models if model is not None], shared)
    pairs = [_pair(one) for one in found]
    return shared([pair[0] for pair in pairs], [pair[1] for pair in pairs])


def _pooled_models(
    models: Sequence[Mapping[str, _Pair]], shared: Callable[[list[float], list[float]], Estimate]
) -> dict[str, Estimate]:
    terms = list(models[0])
    differing = sum(set(model) != set(terms) for model in models)
    if differing:
        fix = "a level that some cohort lacks drops a term: code the levels, or analyse fewer of them"
        raise NotEstimableError(
            "analyse", Problem("terms", f"{differing} of {len(models)} models have other terms", fix)
        )
    return {term: shared([model[term][0] for model in models], [model[term][1] for model in models]) for term in terms}


def _coefficients(found: object) -> dict[str, _Pair] | None:
    """Term to coefficient and variance of a fitted model; None for anything else."""
    for values, errors in _FITTED:
        if hasattr(found, values) and hasattr(found, errors):
            held, error = getattr(found, values), np.asarray(getattr(found, errors), float)
            names = _names(held, found)
            numbers = np.asarray(held, float)
            return {name: (float(v), float(e) ** 2) for name, v, e in zip(names, numbers, error, strict=True)}
    return None


def _names(held: Any, model: Any) -> list[str]:
    if hasattr(held, "index"):
        return [": ".join(map(str, name)) if isinstance(name, tuple) else str(name) for name in held.index]
    given = getattr(getattr(model, "model", None), "exog_names", None) or range(len(held))
    return [str(name) for name in given]


def _pair(found: object) -> _Pair:
    try:
        value, variance = map(float, cast("_Pair", found))
        return value, variance
    except (TypeError, ValueError) as error:
        fix = "return (estimate, variance), or a fitted lifelines or statsmodels model"
        raise NotEstimableError("analyse", Problem("analysis", f"returned a {type(found).__name__}", fix)) from error
