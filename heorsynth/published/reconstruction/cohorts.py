"""The ensemble of reconstructed cohorts, and every estimand with its reconstruction interval."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import overload

import numpy as np
import pandas as pd
from scipy import special

from heorsynth.core.errors import NotEstimableError, Problem, unknown_name
from heorsynth.core.estimate import Estimate
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.economics.pooling import pool
from heorsynth.generators.sampling.cohorts import SyntheticCohorts
from heorsynth.generators.sampling.pooled_analysis import Analysis, pooled
from heorsynth.published.reconstruction.estimands import estimates

_COLUMNS = ("estimand", "arm", "value", "low", "high", "pooled_low", "pooled_high", "share_reconstruction")
"""Columns of `ReconstructedCohorts.estimands`."""


class ReconstructedCohorts(SyntheticCohorts):
    """m reconstructions of the patients of one published figure.

    Each agrees with everything that is published. They differ in what the figure leaves open. So the spread of an
    estimate over them is the uncertainty of the reconstruction. It is no sampling error: the patients are the trial's.
    For inference about other patients `analyse` adds the two.

    Examples
    --------
    >>> curve = pd.DataFrame({"arm": "a", "time": [1.0, 1.0, 2.0, 2.0, 3.0], "survival": [1.0, 0.8, 0.8, 0.6, 0.6]})
    >>> from heorsynth.published.reconstruction.reconstruct import reconstruct
    >>> cohorts = reconstruct(curve, pd.DataFrame({"arm": ["a"], "time": [0], "at_risk": [5]}), m=3)
    >>> [int(cohort.frame["event"].sum()) for cohort in cohorts]
    [2, 2, 2]
    """

    def __init__(self, cohorts: Sequence[Cohort]) -> None:
        super().__init__(cohorts, [{} for _ in cohorts])

    @overload
    def __getitem__(self, index: int) -> Cohort: ...
    @overload
    def __getitem__(self, index: slice) -> ReconstructedCohorts: ...
    def __getitem__(self, index: int | slice) -> Cohort | ReconstructedCohorts:
        if isinstance(index, slice):
            return ReconstructedCohorts(list(self)[index])
        return super().__getitem__(index)

    def analyse(self, estimate: Analysis, *, level: float = 0.95) -> Estimate | dict[str, Estimate]:
        """Return an analysis of the m cohorts, pooled for inference: sampling error and reconstruction together.

        Parameters
        ----------
        estimate : callable    takes a Cohort, returns (estimate, variance), or a fitted lifelines or statsmodels model
        level : float          confidence level of the interval

        Raises
        ------
        NotEstimableError      as `SyntheticCohorts.analyse`; or fewer than two cohorts

        Notes
        -----
        The patients are the trial's, and what is missing of them is drawn m times: multiple imputation. So with W the
        mean of the m variances and B the variance of the m estimates, T = W + (1 + 1/m) B, and the reference is
        Student's t with degrees of freedom by Satterthwaite: n - 1 for W and m - 1 for B. That is `pool` with `noise`.

        References
        ----------
        Rubin (1987) Multiple Imputation for Nonresponse in Surveys, Wiley, section 3.3.
        """
        n = self[0].n
        found = pooled(list(self), estimate, n_source=n, n_rows=n, level=level, noise=True)
        if isinstance(found, dict):
            return {term: _imputed(one, len(self)) for term, one in found.items()}
        return _imputed(found, len(self))

    def interval(self, estimate: Callable[[Cohort], float], *, level: float = 0.95, unit: str = "") -> Estimate:
        """Return an estimate with its reconstruction interval: where the trial's own estimate lies.

        Parameters
        ----------
        estimate : callable    takes a Cohort, returns a number
        level : float          probability that the interval holds what the trial's patients give

        Raises
        ------
        NotEstimableError      fewer than two cohorts, or a value that is not finite

        Notes
        -----
        The m values and the trial's are draws of one law, so the interval is that of one more draw:
        mean ± t(m - 1) · sd · √(1 + 1/m). It does not hold the sampling error of the patients.
        """
        values = np.array([float(estimate(cohort)) for cohort in self])
        return reconstruction_interval(values, level, self[0].n, unit)

    def estimands(
        self, horizon: float | None = None, landmark: float | None = None, level: float = 0.95
    ) -> pd.DataFrame:
        """Return every estimand with its reconstruction interval, and its interval pooled for inference.

        Parameters
        ----------
        horizon : float, optional     of restricted mean survival; the end of the shorter follow-up if None
        landmark : float, optional    time of landmark survival; half the horizon if None
        level : float                 of both intervals

        Returns
        -------
        DataFrame    `_COLUMNS`: hazard ratio (second arm to first), median, restricted mean and landmark survival of
                     each arm. `low`, `high`: the reconstruction interval. `pooled_low`, `pooled_high`: for other
                     patients. `share_reconstruction`: of the pooled variance. An estimand that some cohort
                     does not give has NaN.
        """
        rows = []
        found = [estimates(cohort, horizon, landmark) for cohort in self]
        for key in found[0]:
            pairs = np.array([one[key] for one in found])
            rows.append({"estimand": key[0], "arm": key[1], **_row(pairs, key[0] == "hazard_ratio", level, self[0].n)})
        return pd.DataFrame(rows, columns=list(_COLUMNS))

    def to_ipd(self, endpoint: str | None = None) -> pd.DataFrame:
        """Return the individual rows as packages for reconstructed data write them, all cohorts below each other.

        Parameters
        ----------
        endpoint : str, optional     by default the first

        Returns
        -------
        DataFrame    cohort (1 to m), time, status (1 event, 0 censored), treat (0 for the reference arm, then 1, 2, …;
                     0 for a single arm). Its index is `synthetic_id`, and its `attrs` have the label

        Raises
        ------
        UnknownNameError     no such endpoint

        Notes
        -----
        An analysis of one cohort ignores the uncertainty of the reconstruction: run it in each and pool (`analyse`).

        Examples
        --------
        >>> curve = pd.DataFrame({"arm": "a", "time": [1.0, 1.0, 2.0, 2.0, 3.0], "survival": [1.0, 0.8, 0.8, 0.6, 0.6]})
        >>> from heorsynth.published.reconstruction.reconstruct import reconstruct
        >>> cohorts = reconstruct(curve, pd.DataFrame({"arm": ["a"], "time": [0], "at_risk": [5]}), m=2)
        >>> frame = cohorts.to_ipd()
        >>> frame.columns.tolist(), len(frame), int(frame["status"].sum())
        (['cohort', 'time', 'status', 'treat'], 10, 4)
        """
        schema = self[0].schema
        if endpoint is not None and endpoint not in schema.endpoints:
            raise unknown_name("endpoint", endpoint, schema.endpoints)
        chosen = schema.endpoints[endpoint or next(iter(schema.endpoints))]
        reference = [] if schema.arm_reference is None else [schema.arm_reference]
        order = {arm: place for place, arm in enumerate(dict.fromkeys([*reference, *self[0].arm_levels]))}
        frames = [cohort.frame for cohort in self]
        parts = [
            pd.DataFrame(
                {
                    "cohort": number,
                    "time": frame[chosen.time],
                    "status": (frame[chosen.event] == 1).astype(int),
                    "treat": 0 if schema.arm is None else frame[schema.arm].astype(str).map(order),
                }
            )
            for number, frame in enumerate(frames, 1)
        ]
        found = pd.concat(parts)
        found.attrs = dict(frames[0].attrs)
        return found


def _row(pairs: np.ndarray, is_ratio: bool, level: float, n: int) -> Mapping[str, float]:
    """One row of `estimands`; a ratio is estimated on the log scale and shown on its own."""
    if not np.isfinite(pairs).all() or len(pairs) < 2:
        return {"value": math.nan}
    inner = reconstruction_interval(pairs[:, 0], level, n)
    outer = pool(pairs[:, 0], pairs[:, 1], n, n, level, noise=True)
    between = (1 + 1 / len(pairs)) * pairs[:, 0].var(ddof=1)
    numbers = np.array([inner.value, inner.low, inner.high, outer.low, outer.high])
    shown = np.exp(numbers) if is_ratio else numbers
    share = between / outer.se**2 if outer.se > 0 else 0.0
    return dict(zip(_COLUMNS[2:], [*map(float, shown), float(share)], strict=True))


def reconstruction_interval(values: np.ndarray, level: float, n: int, unit: str = "") -> Estimate:
    """Return the mean of m values with the interval that holds one more draw; see `ReconstructedCohorts.interval`."""
    m = len(values)
    if m < 2 or not np.isfinite(values).all():
        found = (
            "one cohort has no spread" if m < 2 else f"{int((~np.isfinite(values)).sum())} of {m} values are not finite"
        )
        raise NotEstimableError(
            "reconstruction interval", Problem("cohorts", found, "draw more, or ask for another estimand")
        )
    value, sd = float(values.mean()), float(values.std(ddof=1)) * math.sqrt(1 + 1 / m)
    half = float(special.stdtrit(m - 1, 0.5 + level / 2)) * sd
    method = f"reconstruction interval of {m} cohorts"
    return Estimate(value, value - half, value + half, sd, level, unit, method, n, n, synthetic=True)


def _imputed(pooled: Estimate, m: int) -> Estimate:
    return replace(pooled, method=f"pooled over {m} reconstructed cohorts (Rubin, t reference)")
