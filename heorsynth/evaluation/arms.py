"""How the arms of one cohort are analysed: complete cases or imputed, plain or adjusted."""

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
MISSING = (COMPLETE, IMPUTE)
"""What may be done about missing outcomes."""


@dataclass(frozen=True)
class Analysis:
    """What is estimated in a cohort: which arms, cost and effect, given what, and what becomes of missing outcomes.

    Attributes
    ----------
    arms : tuple of str        the comparator first
    costs, effect : str        columns that are added up, and the effect
    adjust : tuple of str      covariates of cost and effect
    baseline : str             utility at baseline, a covariate of the effect alone
    missing : str              "complete" or "impute"
    imputations : int          completed data sets of a cohort
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
        """Whether the means are the arms' own: nothing adjusted for, nothing imputed."""
        return not self.adjust and self.baseline is None and self.missing == COMPLETE

    def columns(self, cohort: Cohort) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Cost, effect and arm (n,), the arm as its place among `arms`, -1 for none of them."""
        held = cohort.levels(str(cohort.schema.arm))
        arm = np.full(cohort.n, -1)
        for place, name in enumerate(self.arms):
            arm[held == name] = place
        return total_cost(cohort, self.costs), cohort.column(self.effect).astype(float), arm

    def of(self, cohort: Cohort, rng: np.random.Generator) -> ArmMeans:
        """The arms' means in one cohort, computed as if its rows were patients."""
        cost, effect, arm = self.columns(cohort)
        if self.plain:
            return arm_means(cost, effect, arm, len(self.arms))
        shared = _joined([covariate(cohort, name) for name in self.adjust], cohort.n)
        own = np.empty((cohort.n, 0)) if self.baseline is None else covariate(cohort, self.baseline)
        if self.missing == COMPLETE:
            return adjusted_means(cost, effect, arm, len(self.arms), shared, np.column_stack([shared, own]))
        self._require_known_levels(cohort)
        return imputed_means(
            cost, effect, arm, len(self.arms), shared, rng, baseline=own, imputations=self.imputations
        )  # fmt: skip

    def require(self, cohort: Cohort) -> None:
        """Refuse what cannot be adjusted for, and unknown words.

        Raises
        ------
        RoleError      a covariate that is not there, or that is the arm, a cost or the effect itself
        """
        if self.missing not in MISSING:
            raise RoleError("economic evaluation", Problem("missing", f"{self.missing!r}", f"one of {MISSING}"))
        taken = {cohort.schema.arm, cohort.schema.id, self.effect, *self.costs}
        taken |= {part for total in self.costs for part in cohort.schema.totals.get(total, ())}
        names = [str(name) for name in cohort.rows.columns]
        problems = []
        for role, name in [*(("adjust", one) for one in self.adjust), *(("baseline", one) for one in self._baseline)]:
            if name not in names:
                problems.append(Problem(role, f"no column {name!r}", nearest(name, names)))
            elif name in taken:
                problems.append(Problem(role, f"{name!r} is what is compared", "name what was known before treatment"))
        problems += [
            Problem("baseline", f"{name!r} is no number", "give the utility measured at baseline")
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
            fix = "make missing a level of its own, or leave the column out"
            raise NotEstimableError("imputation", Problem(", ".join(gaps), "a level is missing in some patients", fix))


def covariate(cohort: Cohort, name: str) -> np.ndarray:
    """A column as numbers (n, k): itself, or an indicator for each level but the first; NaN where missing."""
    column = cohort.rows[name]
    if types.is_numeric_dtype(column) and not types.is_bool_dtype(column):
        return column.to_numpy(float, na_value=np.nan)[:, None]
    text = as_text(column)
    levels = sorted(set(text.dropna()))[1:]
    found = _joined([(text == level).to_numpy(float, na_value=np.nan)[:, None] for level in levels], cohort.n)
    found[text.isna().to_numpy()] = np.nan
    return found


def _joined(parts: list[np.ndarray], n: int) -> np.ndarray:
    return np.column_stack(parts) if parts else np.empty((n, 0))
