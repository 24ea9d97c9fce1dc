"""One fact of a paper as a question: what is printed, what the cohorts give, and the margin of their difference."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from heorsynth.checks.core.estimand import SUFFICIENT, Estimand
from heorsynth.checks.core.finding import LEVEL, Finding
from heorsynth.checks.core.groups import ARM, Group
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.question import Question
from heorsynth.checks.core.refusals import reason_of
from heorsynth.checks.core.scalar import Measured, Numbers, half_width, share_with_interval, t_quantile
from heorsynth.checks.planning.plan import Plan
from heorsynth.core.errors import HorizonError, NotEstimableError
from heorsynth.core.estimate import significant
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.published.covariates.published_cohorts import PublishedCohorts
from heorsynth.published.schema.facts import Fact
from heorsynth.published.trial.trial import PublishedTrial

_Estimator = Callable[[Cohort], float]
"""Cohort -> a number; raises NotEstimableError or HorizonError."""


@dataclass(frozen=True)
class Stated:
    """A printed number as the reference of a finding.

    Attributes
    ----------
    value : float         as printed, or read from the curve
    rounding : float      half a unit of the last printed digit; the margin is never narrower
    fact : str            its name; a fact among the trial's constraints is `constructed`
    place : str           where the paper states it
    """

    value: float
    rounding: float
    fact: str
    place: str

    @classmethod
    def of(cls, fact: Fact) -> Stated:
        """Return the number of a fact."""
        half = 0.0 if math.isnan(fact.rounding) else fact.rounding
        return cls(fact.value, half, fact.fact, f"{fact.place} ({fact.citation})")

    def margin(self, declared: Margin) -> Margin:
        """Return a margin of the published value that is no narrower than the rounding of the printed number."""
        declared = replace(declared, of="the published value") if declared.of == "the real value" else declared
        if not math.isfinite(self.value) or not self.rounding:
            return declared
        own = self.rounding if declared.scale == "absolute" else self.rounding / abs(self.value) if self.value else 0.0
        if declared.scale == "ratio":
            own = math.log1p(own)
        return replace(declared, width=max(declared.width, own))


@dataclass(frozen=True, eq=False)
class Asking:
    """What every question to the cohorts of a paper needs: the trial, the m cohorts and the plan."""

    trial: PublishedTrial
    cohorts: Sequence[Cohort]
    plan: Plan

    def margin(self, estimand: Estimand, endpoint: str = "") -> Margin | None:
        """Return the margin of an estimand, or None if it is not asked, or asked of another endpoint."""
        margin = self.plan.margins.get(estimand.key)
        named = None if margin is None else margin.settings.get("endpoint")
        return None if named is not None and endpoint not in ("", named) else margin

    def patients(self, *arms: str) -> int:
        """Return the patients of these arms."""
        return sum(self.trial.paper.document.arms[arm].n for arm in arms)

    def question(
        self, estimand: Estimand, label: str, group: tuple[str, str], margin: Margin, place: str, **facts: object
    ) -> Question:
        """Return a question about the cohorts in a group (its label and kind); its reason begins with the place."""
        constructed = facts.pop("constructed", False)
        facts.setdefault("n_real", self.trial.n)
        standing = replace(
            self.plan.standing(frozenset({estimand.key}) if constructed else frozenset()),
            before=(place,) if place else (),
        )
        where: Group = Group(group[0], group[1], None, tuple(self.cohorts))
        return Question(estimand, label, where, margin, standing, **facts)  # type: ignore[arg-type]

    def faithful(
        self,
        estimand: Estimand,
        label: str,
        group: tuple[str, str],
        stated: Stated,
        estimate: _Estimator,
        margin: Margin,
        **facts: object,
    ) -> Finding:
        """Return the finding on a printed number: what the cohorts give minus what is printed."""
        question = self.question(
            estimand, label, group, stated.margin(margin), stated.place,
            constructed=stated.fact in self.trial.constraints, **facts,
        )  # fmt: skip
        values, refusal = self.values(estimate)
        if refusal:
            return question.refuse(refusal, real=stated.value)
        unknown = [math.nan] * len(values)
        return question.compare(Measured(stated.value, 0.0, values, unknown), source=stated.value, floor=math.nan)

    def distance(
        self, estimand: Estimand, label: str, group: tuple[str, str], stated: Stated, estimate: _Estimator,
        margin: Margin, **facts: object,
    ) -> Finding:  # fmt: skip
        """Return the finding on a distance from what is printed, which is 0 where they agree."""
        question = self.question(
            estimand, label, group, margin, stated.place, constructed=stated.fact in self.trial.constraints, **facts
        )
        values, refusal = self.values(estimate)
        if refusal:
            return question.refuse(refusal)
        mean, half = float(np.mean(values)), half_width(np.array(values), self.plan.level)
        return question.answer(Numbers.of_distance(mean, max(mean - half, 0.0), mean + half, math.nan, values))

    def agreement(
        self, estimand: Estimand, label: str, group: tuple[str, str], stated: Stated,
        holds: Callable[[Cohort], bool], margin: Margin, **facts: object,
    ) -> Finding:  # fmt: skip
        """Return the finding on a statement that a cohort keeps or not: the share of the m cohorts that keep it."""
        question = self.question(
            estimand, label, group, margin, stated.place, constructed=stated.fact in self.trial.constraints, **facts
        )
        kept = sum(holds(cohort) for cohort in self.cohorts)
        share, low, high = share_with_interval(kept, len(self.cohorts), self.plan.level)
        return question.answer(Numbers.of_agreement(share, low, high, math.nan))

    def sufficient(
        self, estimand: Estimand, label: str, group: tuple[str, str], estimate: _Estimator, margin: Margin,
        **facts: object,
    ) -> Finding:  # fmt: skip
        """Return the finding on whether the paper determines a quantity: its reconstruction interval in the margin.

        Notes
        -----
        The m estimates and that of the trial's own patients are draws of one law. So the interval of the latter is
        mean ± t(m - 1) · sd · √(1 + 1/m), as in `ReconstructedCohorts.interval`, at the level of the findings. More
        cohorts do not make it narrower: only a paper that states more does. Where the cohorts have characteristics, the
        reason gives the share of the interval that is the prior's (`PublishedCohorts.share_of_prior`).
        """
        question = self.question(estimand, label, group, margin, "", **facts)
        values, refusal = self.values(estimate)
        if refusal:
            return replace(question.refuse(refusal), question=SUFFICIENT)
        drawn = np.log(values) if margin.scale == "ratio" else np.array(values)
        mean, m = float(drawn.mean()), len(drawn)
        half = t_quantile(m, LEVEL) * float(drawn.std(ddof=1)) * math.sqrt(1 + 1 / m) if m > 1 else math.nan
        unit = abs(mean) if margin.scale == "relative" else 1.0
        low, high, middle = (
            math.exp(one) if margin.scale == "ratio" else one for one in (mean - half, mean + half, mean)
        )
        numbers = Numbers(middle, middle, 0.0, -half / unit, half / unit, math.nan, real_lower=low, real_upper=high)
        told = f"reconstruction interval {significant(low)} to {significant(high)}{self._of_prior(estimate)}"
        shown = replace(margin, of="the estimate")
        wide = "no wider than" if half / unit <= margin.width else "wider than"
        return replace(question.answer(numbers, reason=f"{told}: {wide} the margin {shown}"), question=SUFFICIENT)

    def _of_prior(self, estimate: _Estimator) -> str:
        """The share of a reconstruction interval that is the prior's; "" where nothing was drawn from one."""
        if not isinstance(self.cohorts, PublishedCohorts):
            return ""
        return f", {self.cohorts.share_of_prior(estimate):.0%} of it the prior's"

    def values(self, estimate: _Estimator) -> tuple[list[float], str]:
        """Return the estimate in each cohort, and why it does not exist in some; "" if it does in all."""
        found, refusals = [], []
        for cohort in self.cohorts:
            try:
                found.append(float(estimate(cohort)))
            except (NotEstimableError, HorizonError) as error:
                refusals.append(reason_of(error))
        if refusals:
            return found, f"in {len(refusals)} of {len(self.cohorts)} cohorts: {refusals[0]}"
        return found, "" if np.isfinite(found).all() else "not finite in some cohort"


def of_arm(arm: str) -> tuple[str, str]:
    """Return label and kind of the group of an arm."""
    return f"arm={arm}", ARM
