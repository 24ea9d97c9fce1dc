"""`PublishedCohorts`: cohorts of a paper, each estimand with the share of its interval that is the prior's."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import overload

import numpy as np
import pandas as pd

from heorsynth.core.errors import NotEstimableError
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.economics.pooling import pool
from heorsynth.estimators.survival.cox import cox
from heorsynth.estimators.survival.cox_two_arms import hazard_ratio_of_rows
from heorsynth.published.covariates.characteristics import Characteristics
from heorsynth.published.covariates.columns import Column
from heorsynth.published.covariates.matched import COLUMNS, asked
from heorsynth.published.covariates.prior import Prior
from heorsynth.published.paper.paper import Paper
from heorsynth.published.reconstruction.cohorts import ReconstructedCohorts, reconstruction_interval
from heorsynth.published.reconstruction.estimands import Pair, estimates
from heorsynth.published.reconstruction.reconstruct import labelled

_ESTIMANDS = (
    "estimand", "arm", "subgroup", "value", "low", "high", "prior_in_interval", "pooled_low", "pooled_high",
    "share_reconstruction", "share_prior",
)  # fmt: skip
"""Columns of `PublishedCohorts.estimands`."""


class PublishedCohorts(ReconstructedCohorts):
    """m cohorts that agree with a paper, and for each a second draw of what the paper does not state.

    Parameters
    ----------
    cohorts : sequence of Cohort    the m cohorts; the second draw follows from their rows, seed and part
    content : Characteristics       the paper, the columns and the prior

    See Also
    --------
    heorsynth.published.cohorts : Makes them.
    """

    def __init__(self, cohorts: Sequence[Cohort], content: Characteristics) -> None:
        super().__init__(cohorts)
        self._content = content

    @cached_property
    def _again(self) -> tuple[Cohort, ...]:
        """For each cohort the same reconstruction with an independent draw from the prior."""
        return tuple(Cohort.derive(one.schema, self._content.given_to(one, 1), label=one.label) for one in self)

    @overload
    def __getitem__(self, index: int) -> Cohort: ...
    @overload
    def __getitem__(self, index: slice) -> PublishedCohorts: ...
    def __getitem__(self, index: int | slice) -> Cohort | PublishedCohorts:
        if isinstance(index, slice):
            return PublishedCohorts(list(self)[index], self._content)
        return super().__getitem__(index)

    @property
    def paper(self) -> Paper:
        """The paper."""
        return self._content.paper

    @property
    def prior(self) -> Prior:
        """The law of what the paper does not state."""
        return self._content.prior

    def share_of_prior(self, estimate: Callable[[Cohort], float]) -> float:
        """Return the share of the variance between cohorts that comes from the prior, 0 to 1.

        Parameters
        ----------
        estimate : callable    takes a Cohort, returns a number

        Notes
        -----
        One-way analysis of variance with two draws from the prior, q and q', for each of m reconstructions: within is
        the mean of (q - q')² / 2, the total is the mean of the variances of the q and of the q'. The share is
        within / total, at most 1. By the law of total variance the rest is the reconstruction's. It is 0 for whatever
        follows from time, event and arm. With 20 cohorts its standard error is up to 0.3 where it is not near 0.
        """
        return _share(*(np.array([float(estimate(one)) for one in each]) for each in (self, self._again)))

    def estimands(
        self, horizon: float | None = None, landmark: float | None = None, level: float = 0.95
    ) -> pd.DataFrame:
        """Return every estimand with its interval, and how much of it is the prior's.

        Parameters
        ----------
        horizon, landmark, level    as `ReconstructedCohorts.estimands`

        Returns
        -------
        DataFrame    `_ESTIMANDS`: those of `ReconstructedCohorts`, the hazard ratio adjusted for all characteristics of
                     Table 1 (patients with all of them known), and that of each level of a characteristic. `low`,
                     `high`: where the trial's own estimate lies. `prior_in_interval`: the share of that interval's
                     variance that is the prior's. `share_reconstruction` and `share_prior`: of the variance of the
                     pooled interval; the rest is sampling error
        """
        first, second = (
            [estimates(one, horizon, landmark, self._content.endpoint) | self._of_covariates(one) for one in each]
            for each in (self, self._again)
        )
        rows = []
        for key in first[0]:
            pairs = [np.array([one[key] for one in each]) for each in (first, second)]
            name, arm, subgroup = key if len(key) == 3 else (*key, "")
            is_ratio = name in ("hazard_ratio", "adjusted_hazard_ratio")
            rows.append(
                {"estimand": name, "arm": arm, "subgroup": subgroup}
                | _row(pairs[0], pairs[1], is_ratio, level, self[0].n)
            )
        return pd.DataFrame(rows, columns=list(_ESTIMANDS))

    def match(self) -> pd.DataFrame:
        """Return how well the cohorts agree with each number on covariates that the paper states.

        Returns
        -------
        DataFrame    fact, published, half_unit (of the last printed digit), mean over the cohorts, largest_error,
                     printed_alike (the share of cohorts in which the number would be printed as it is published)
        """
        content = self._content
        frames = [content.single(one) for one in self]
        found = asked(content.paper.document, content.columns, content.facts, content.stated)
        return pd.DataFrame([one.row(frames) for one in found], columns=list(COLUMNS))

    @property
    def not_determined(self) -> pd.DataFrame:
        """What the paper does not state and the cohorts take from the prior: quantity, of, prior."""
        return pd.DataFrame(list(self._content.not_determined()), columns=["quantity", "of", "prior"])

    def _of_covariates(self, cohort: Cohort) -> dict[tuple[str, ...], Pair]:
        """Adjusted hazard ratios and those of subgroups, on the log scale with their variances."""
        frame, content = self._content.single(cohort), self._content
        table1 = [one for one in content.columns if one.kind == "characteristic"]
        reference, *others = cohort.arm_levels or ("",)
        time, event, arm = (frame[name].to_numpy() for name in ("time", "event", "arm"))
        found: dict[tuple[str, ...], Pair] = {}
        for place, other in enumerate(others if table1 else []):
            found["adjusted_hazard_ratio", other, ""] = _adjusted(frame, table1, others, place)
        for other in others:
            for column in table1:
                for level in column.levels:
                    own = (frame[column.name] == level).to_numpy() & np.isin(arm, [reference, other])
                    key = "hazard_ratio", other, f"{column.name} = {level}"
                    found[key] = _ratio(time[own], event[own], arm[own] == other)
        return found


def _ratio(time: np.ndarray, event: np.ndarray, treated: np.ndarray) -> Pair:
    try:
        one = hazard_ratio_of_rows(time, event, treated)
    except NotEstimableError:
        return math.nan, math.nan
    return one.value, float(one.se) ** 2


def _adjusted(frame: pd.DataFrame, columns: Sequence[Column], arms: Sequence[str], place: int) -> Pair:
    """The log hazard ratio of an arm in a Cox model with all arms and characteristics."""
    parts = [(frame["arm"] == arm).to_numpy(float)[:, None] for arm in arms]
    known = np.ones(len(frame), dtype=bool)
    for column in columns:
        own = frame[column.name]
        if own.isna().all():
            continue
        known &= own.notna().to_numpy()
        if column.levels:
            held = [level for level in column.levels if (own == level).any()]
            parts.append((own.to_numpy()[:, None] == np.array(held[1:], dtype=object)).astype(float))
        else:
            parts.append(own.to_numpy(float)[:, None])
    try:
        fit = cox(frame["time"].to_numpy()[known], frame["event"].to_numpy()[known], np.hstack(parts)[known])
    except NotEstimableError:
        return math.nan, math.nan
    return float(fit.coef[place]), float(fit.covariance[place, place])


def _share(first: np.ndarray, second: np.ndarray) -> float:
    """The share of the prior in the variance of draws in pairs."""
    total = (first.var(ddof=1) + second.var(ddof=1)) / 2 if len(first) > 1 else 0.0
    within = float(np.mean((first - second) ** 2)) / 2
    if not math.isfinite(total):
        return math.nan
    return min(within / total, 1.0) if total > 1e-18 * (1 + first.mean() ** 2) else 0.0


def _row(first: np.ndarray, second: np.ndarray, is_ratio: bool, level: float, n: int) -> dict[str, float]:
    """One row of `estimands`; a ratio is estimated on the log scale and shown on its own."""
    if not np.isfinite(first).all() or not np.isfinite(second).all() or len(first) < 2:
        return {"value": math.nan}
    inner = reconstruction_interval(first[:, 0], level, n)
    outer = pool(first[:, 0], first[:, 1], n, n, level, noise=True)
    between = (1 + 1 / len(first)) * first[:, 0].var(ddof=1)
    share = _share(first[:, 0], second[:, 0])
    part = between / outer.se**2 if outer.se > 0 else 0.0
    numbers = np.array([inner.value, inner.low, inner.high, outer.low, outer.high])
    value, low, high, pooled_low, pooled_high = map(float, np.exp(numbers) if is_ratio else numbers)
    return {
        "value": value, "low": low, "high": high, "prior_in_interval": share, "pooled_low": pooled_low,
        "pooled_high": pooled_high, "share_reconstruction": float(part * (1 - share)),
        "share_prior": float(part * share),
    }  # fmt: skip


def with_characteristics(
    curves: ReconstructedCohorts, content: Characteristics, settings: Mapping[str, object]
) -> PublishedCohorts:
    """Return reconstructions with the characteristics of the paper, labelled with the prior and these settings.

    Times, events and arms stay as they are, row by row.
    """
    label = curves[0].label
    assert label is not None, "a reconstructed cohort has a label"
    frames = [content.given_to(cohort, 0) for cohort in curves]
    told = {**label.settings, **settings, **content.settings()}
    return PublishedCohorts(labelled(frames, content.schema(curves[0].schema), told, label.seed), content)
