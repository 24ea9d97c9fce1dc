"""The models of an analysis with a formula: a design and an outcome in, coefficients with their errors out."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from heorsynth.checks.analyses.analysis import AFT, COX, GAMMA, LOGIT, OLS, POISSON, RMST
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.estimate import normal_quantile
from heorsynth.estimators.clusters.cox import clustered_covariance, sandwich
from heorsynth.estimators.clusters.weibull import weibull_scores
from heorsynth.estimators.survival.cox import cox
from heorsynth.estimators.survival.estimates import rmst_difference
from heorsynth.estimators.survival.pseudo_values import pseudo_restricted_means

_CERTAIN = 1e-8
"""A fitted probability this close to 0 or 1 is a sign of separation, as in R's glm."""

_DEPENDENT = 1e-9
"""Columns (scaled to 1) are dependent if their smallest singular value is below this share of the largest."""


@dataclass(frozen=True)
class Coefficient:
    """An estimate with its standard error, and the degrees of freedom of its t distribution (infinite: normal)."""

    value: float
    se: float
    freedom: float = math.inf

    def half(self, level: float) -> float:
        """Return the half-width of its interval at a confidence level."""
        if math.isinf(self.freedom):
            return normal_quantile(level) * self.se
        from scipy import special

        return float(special.stdtrit(self.freedom, 0.5 + level / 2)) * self.se


@dataclass(frozen=True, eq=False)
class Outcome:
    """The outcome of complete rows: numbers (n,), or follow-up with event and entry; and the cluster of each row."""

    y: np.ndarray
    event: np.ndarray | None = None
    entry: np.ndarray | None = None
    horizon: float = math.nan
    cluster: np.ndarray | None = None

    @property
    def freedom(self) -> float:
        """Degrees of freedom of errors that allow for clusters: their number less one; infinite without clusters."""
        return math.inf if self.cluster is None else float(self.cluster.max() - self.cluster.min())

    def take(self, rows: np.ndarray) -> Outcome:
        """Return the outcome of some rows, given as a boolean mask."""
        event, entry = (None if part is None else part[rows] for part in (self.event, self.entry))
        cluster = None if self.cluster is None else np.unique(self.cluster[rows], return_inverse=True)[1]
        return Outcome(self.y[rows], event, entry, self.horizon, cluster)


Fit = Callable[[pd.DataFrame, Outcome], dict[str, Coefficient]]


def fitted(model: str, matrix: pd.DataFrame, outcome: Outcome) -> dict[str, Coefficient]:
    """Return the coefficients of a model by column of the design.

    Raises
    ------
    NotEstimableError      a column is constant or follows from the others; no convergence, no maximum, separation;
                           an estimate or an error that is not a finite number above 0
    """
    _require_full_rank(matrix)
    if outcome.freedom < 1:
        raise NotEstimableError("all patients are in one cluster: no error allows for clusters")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        warnings.filterwarnings("ignore", category=FutureWarning)
        try:
            found = MODELS[model](matrix, outcome)
        except NotEstimableError:
            raise
        except Warning as warning:
            raise NotEstimableError(f"the model did not converge ({type(warning).__name__})") from None
        except (ArithmeticError, ValueError, RuntimeError, np.linalg.LinAlgError, _lifelines_error()) as error:
            raise NotEstimableError(f"the model could not be fitted ({type(error).__name__})") from None
    for one in found.values():
        if not (math.isfinite(one.value) and math.isfinite(one.se) and one.se > 0):
            raise NotEstimableError("an estimate has no finite standard error above 0")
    return found


def _lifelines_error() -> type[Exception]:
    from lifelines.exceptions import ConvergenceError

    return ConvergenceError


def _require_full_rank(matrix: pd.DataFrame) -> None:
    numbers = matrix.to_numpy()
    size = np.abs(numbers).max(axis=0)
    if not (size > 0).all() or np.linalg.matrix_rank(numbers / size, tol=_DEPENDENT * math.sqrt(numbers.size)) < len(
        size
    ):
        raise NotEstimableError("a term does not vary, or follows from the others")


def _cox(matrix: pd.DataFrame, outcome: Outcome) -> dict[str, Coefficient]:
    assert outcome.event is not None, "a model of an endpoint has events"
    held = _without_intercept(matrix)
    fit, errors = cox(outcome.y, outcome.event, held.to_numpy(), outcome.entry), None
    if outcome.cluster is not None:
        told = outcome.y, outcome.event, held.to_numpy(), outcome.cluster, outcome.entry
        errors = np.sqrt(np.diag(clustered_covariance(fit, *told)))
    found = zip(held.columns, fit.coef, fit.se if errors is None else errors, strict=True)
    return {name: Coefficient(float(b), float(se), outcome.freedom) for name, b, se in found}


def _aft(matrix: pd.DataFrame, outcome: Outcome) -> dict[str, Coefficient]:
    """Return the log ratios of time of a Weibull model; the shape is the same for all."""
    from lifelines import WeibullAFTFitter

    held = _without_intercept(matrix)
    names = [f"x{place}" for place in range(held.shape[1])]
    frame = held.set_axis(names, axis=1).assign(time=outcome.y, event=outcome.event)
    if outcome.entry is not None:
        frame = frame.assign(entry=outcome.entry)
    fit = WeibullAFTFitter().fit(frame, "time", "event", entry_col=None if outcome.entry is None else "entry")
    values, errors = fit.params_["lambda_"], fit.standard_errors_["lambda_"]
    if outcome.cluster is not None:
        order = [("lambda_", name) for name in (*names, "Intercept")] + [("rho_", "Intercept")]
        inverse = fit.variance_matrix_.loc[order, order].to_numpy()
        design, event = np.column_stack([held.to_numpy(), np.ones(len(held))]), np.asarray(outcome.event)
        scores = weibull_scores(outcome.y, event, design, values[[*names, "Intercept"]].to_numpy(),
                                float(fit.params_["rho_"].iloc[0]), outcome.entry)  # fmt: skip
        errors = dict(zip(names, np.sqrt(np.diag(sandwich(inverse, scores, outcome.cluster))), strict=False))
    return {
        name: Coefficient(float(values[held_as]), float(errors[held_as]), outcome.freedom)
        for name, held_as in zip(held.columns, names, strict=True)
    }


def _ols(matrix: pd.DataFrame, outcome: Outcome) -> dict[str, Coefficient]:
    import statsmodels.api as sm

    return _of_statsmodels(matrix, sm.OLS(outcome.y, matrix.to_numpy()).fit(**_errors(outcome)), outcome, freedom=True)


def _gamma(matrix: pd.DataFrame, outcome: Outcome) -> dict[str, Coefficient]:
    import statsmodels.api as sm

    if not (outcome.y > 0).all():
        raise NotEstimableError("a gamma model needs an outcome above 0, and some rows have 0 or less")
    family = sm.families.Gamma(sm.families.links.Log())
    return _converged(matrix, sm.GLM(outcome.y, matrix.to_numpy(), family=family).fit(**_errors(outcome)), outcome)


def _poisson(matrix: pd.DataFrame, outcome: Outcome) -> dict[str, Coefficient]:
    import statsmodels.api as sm

    if not (outcome.y >= 0).all():
        raise NotEstimableError("a Poisson model needs counts, and some rows are below 0")
    family = sm.families.Poisson()
    return _converged(matrix, sm.GLM(outcome.y, matrix.to_numpy(), family=family).fit(**_errors(outcome)), outcome)


def _logit(matrix: pd.DataFrame, outcome: Outcome) -> dict[str, Coefficient]:
    import statsmodels.api as sm

    if not np.isin(outcome.y, (0.0, 1.0)).all() or len(np.unique(outcome.y)) < 2:
        raise NotEstimableError("a logit model needs an outcome of 0 and 1, with both")
    fit = sm.GLM(outcome.y, matrix.to_numpy(), family=sm.families.Binomial()).fit(**_errors(outcome))
    chances = np.asarray(fit.fittedvalues)
    if min(float(chances.min()), 1 - float(chances.max())) < _CERTAIN:
        raise NotEstimableError("the outcome is separated by the terms: a coefficient runs off to infinity")
    return _converged(matrix, fit, outcome)


def _rmst(matrix: pd.DataFrame, outcome: Outcome) -> dict[str, Coefficient]:
    """Return differences in restricted mean survival time.

    With one column of 0 and 1 it is the difference of the areas under two Kaplan-Meier curves. Otherwise it is a
    regression of pseudo-observations by least squares, with the robust variance, as it always is with clusters.
    """
    import statsmodels.api as sm

    assert outcome.event is not None, "a model of an endpoint has events"
    held = _without_intercept(matrix)
    alone = outcome.cluster is None and held.shape[1] == 1
    if alone and np.isin(held.to_numpy(), (0.0, 1.0)).all() and held.shape != matrix.shape:
        treated = held.to_numpy()[:, 0] == 1
        found = rmst_difference(outcome.y, outcome.event, treated, outcome.horizon, outcome.entry)
        return {str(held.columns[0]): Coefficient(found.value, found.se)}
    if outcome.entry is not None:
        raise NotEstimableError("pseudo-observations are not defined for delayed entry")
    pseudo = pseudo_restricted_means(outcome.y, outcome.event, outcome.horizon)
    errors = _errors(outcome) or {"cov_type": "HC0"}
    return _of_statsmodels(matrix, sm.OLS(pseudo, matrix.to_numpy()).fit(**errors), outcome)


def _without_intercept(matrix: pd.DataFrame) -> pd.DataFrame:
    return matrix.drop(columns="Intercept", errors="ignore")


def _errors(outcome: Outcome) -> dict[str, Any]:
    """Return the arguments of a statsmodels fit for errors that allow for clusters; none without clusters.

    They are those of Liang & Zeger (1986), times G/(G - 1) · (n - 1)/(n - k).
    """
    return {} if outcome.cluster is None else {"cov_type": "cluster", "cov_kwds": {"groups": outcome.cluster}}


def _converged(matrix: pd.DataFrame, fit: object, outcome: Outcome) -> dict[str, Coefficient]:
    if not getattr(fit, "converged", True):
        raise NotEstimableError("the model did not converge")
    return _of_statsmodels(matrix, fit, outcome)


def _of_statsmodels(
    matrix: pd.DataFrame, fit: object, outcome: Outcome, *, freedom: bool = False
) -> dict[str, Coefficient]:
    values, errors = (np.asarray(getattr(fit, name), float) for name in ("params", "bse"))
    degrees = outcome.freedom
    if freedom and outcome.cluster is None:
        degrees = float(getattr(fit, "df_resid", math.inf))
    return {
        str(name): Coefficient(float(value), float(error), degrees)
        for name, value, error in zip(matrix.columns, values, errors, strict=True)
    }


MODELS: Mapping[str, Fit] = {
    COX: _cox,
    AFT: _aft,
    OLS: _ols,
    GAMMA: _gamma,
    LOGIT: _logit,
    POISSON: _poisson,
    RMST: _rmst,
}
"""Model to its fit."""
