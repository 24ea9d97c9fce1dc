"""Estimates mean cost and effect of each arm in one cohort: complete cases or imputation, adjusted or not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pandas.api import types

from heorsynth.checks.core.observed import total_cost
from heorsynth.core.errors import NotEstimableError, Problem, RoleError, nearest
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.levels import as_text
from heorsynth.estimators.economics.arms import ArmMeans, arm_means
from heorsynth.estimators.economics.regression import adjusted_means, imputed_means

COMPLETE, IMPUTE = "complete", "impute"
_MISSING = (COMPLETE, IMPUTE)
"""Methods for missing outcomes."""


@dataclass(frozen=True)
class Analysis:
    """The settings of an economic evaluation: arms, cost, effect, covariates and missing outcomes.

    Attributes
    ----------
    arms : tuple of str        the comparator first
    costs : tuple of str       cost columns that are added
    effect : str               column of the effect
    adjust : tuple of str      covariates of cost and effect
    baseline : str             utility at baseline, a covariate of the effect only
    missing : str              "complete" or "impute"
    imputations : int          number of imputed data sets per cohort
    """

    arms: tuple[str, ...]
    costs: tuple[str, ...]
    effect: str
    adjust: tuple[str, ...] = ()
    baseline: str | None = None
    missing: str = COMPLETE
    imputations: int = 20

    @property
    def plain(self) -> bool:
        """True if the means are unadjusted and nothing is imputed."""
        return not self.adjust and self.baseline is None and self.missing == COMPLETE

    def columns(self, cohort: Cohort) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Cost, effect and arm (n,); the arm is its position in `arms`, or -1 for another arm."""
        levels = cohort.levels(str(cohort.schema.arm))
        arm = np.full(cohort.n, -1)
        for place, name in enumerate(self.arms):
            arm[levels == name] = place
        return total_cost(cohort, self.costs), cohort.column(self.effect).astype(float), arm

    def of(self, cohort: Cohort, rng: np.random.Generator) -> ArmMeans:
        """Means of the arms in one cohort; its rows count as patients."""
        cost, effect, arm = self.columns(cohort)
        if self.plain:
            return arm_means(cost, effect, arm, len(self.arms))
        shared = _joined([covariate(cohort, name) for name in self.adjust], cohort.n)
        effect_only = np.empty((cohort.n, 0)) if self.baseline is None else covariate(cohort, self.baseline)
        if self.missing == COMPLETE:
            return adjusted_means(cost, effect, arm, len(self.arms), shared, np.column_stack([shared, effect_only]))
        self._require_known_levels(cohort)
        return imputed_means(
            cost, effect, arm, len(self.arms), shared, rng, baseline=effect_only, imputations=self.imputations
        )  # fmt: skip

    def require(self, cohort: Cohort) -> None:
        """Raise RoleError if a setting is not possible in this cohort.

        Raises
        ------
        RoleError      an unknown method for missing outcomes; a covariate that is no column, or is the arm, the id, a
                       cost or the effect; a baseline utility that is not a number
        """
        if self.missing not in _MISSING:
            raise RoleError("economic evaluation", Problem("missing", f"{self.missing!r}", f"one of {_MISSING}"))
        taken = {cohort.schema.arm, cohort.schema.id, self.effect, *self.costs}
        taken |= {part for total in self.costs for part in cohort.schema.totals.get(total, ())}
        names = [str(name) for name in cohort.rows.columns]
        problems = []
        for role, name in [*(("adjust", one) for one in self.adjust), *(("baseline", one) for one in self._baseline)]:
            if name not in names:
                problems.append(Problem(role, f"no column {name!r}", nearest(name, names)))
            elif name in taken:
                problems.append(
                    Problem(role, f"{name!r} is an outcome or the arm", "give a covariate known before treatment")
                )
        problems += [
            Problem("baseline", f"{name!r} is not a number", "give the utility measured at baseline")
            for name in self._baseline
            if name in names and not types.is_numeric_dtype(cohort.rows[name])
        ]
        if problems:
            raise RoleError("economic evaluation", problems)

    @property
    def _baseline(self) -> tuple[str, ...]:
        return () if self.baseline is None else (self.baseline,)

    def _require_known_levels(self, cohort: Cohort) -> None:
        frame = cohort.rows
        gaps = [name for name in self.adjust if not types.is_numeric_dtype(frame[name]) and frame[name].isna().any()]
        if gaps:
            fix = "make missing a separate level, or leave the column out"
            raise NotEstimableError("imputation", Problem(", ".join(gaps), "a level is missing in some patients", fix))


def covariate(cohort: Cohort, name: str) -> np.ndarray:
    """A column as numbers (n, k): the values, or indicators of all levels except the first; NaN for missing values."""
    column = cohort.rows[name]
    if types.is_numeric_dtype(column) and not types.is_bool_dtype(column):
        return column.to_numpy(float, na_value=np.nan)[:, None]
    text = as_text(column)
    levels = sorted(set(text.dropna()))[1:]
    indicators = _joined([(text == level).to_numpy(float, na_value=np.nan)[:, None] for level in levels], cohort.n)
    indicators[text.isna().to_numpy()] = np.nan
    return indicators


def _joined(parts: list[np.ndarray], n: int) -> np.ndarray:
    return np.column_stack(parts) if parts else np.empty((n, 0))
