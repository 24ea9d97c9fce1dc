"""A question: one estimand asked of one group of patients, with its margin. It judges itself and gives the finding."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast

import numpy as np

from heorsynth.checks.core.estimand import Estimand
from heorsynth.checks.core.finding import (
    CONSTRUCTED,
    INCONCLUSIVE,
    NOT_ESTIMABLE,
    TESTED,
    Finding,
    decide,
    interval_sentence,
)
from heorsynth.checks.core.groups import ALL, INTERSECTION, Group, groups_of
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.observed import Observed
from heorsynth.checks.core.scalar import Measured, Numbers, cap_margin_at_effect, compared
from heorsynth.core.errors import HeorsynthError, HorizonError, NotEstimableError, Problem
from heorsynth.core.estimate import Estimate
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.levels import SMALL_COUNT

Estimator = Callable[[Any], Estimate]
"""An estimate with its standard error from a cohort or a tally; NotEstimableError or HorizonError if there is none."""

Doubt = Callable[[str], str]
"""Given a verdict, the reason why it must be withheld, or ""."""

Made = TypeVar("Made")

MIN_PATIENTS = 2


@dataclass(frozen=True)
class Standing:
    """What the purpose and the lineage of the rows say about every finding of a check.

    Attributes
    ----------
    decisive : frozenset or None    keys that the purpose's verdict rests on; None without a purpose: all
    by_subgroup : frozenset         keys that decide within subgroup levels too
    constructed : frozenset         keys that the generator set equal to the source's
    before, after : tuple of str    said of every finding, such as that it rests on a sample
    """

    decisive: frozenset[str] | None = None
    by_subgroup: frozenset[str] = frozenset()
    constructed: frozenset[str] = frozenset()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()

    def decides(self, key: str, *, counts: bool) -> bool:
        """Whether the verdict rests on a finding: `counts` is whether its group is one that may decide."""
        return (counts or key in self.by_subgroup) and (self.decisive is None or key in self.decisive)


@dataclass(frozen=True, eq=False)
class Scope:
    """What a check is given.

    Attributes
    ----------
    real, synthetic        the patients and the m synthetic cohorts: all rows, or all tallies of folders
    asked : tuple          the estimands it is asked, each with its margin
    rng : Generator        the check's own random stream
    holdout                people the generator never saw, or None
    standing : Standing    what purpose and lineage say about every finding
    """

    real: Any
    synthetic: Sequence[Any]
    asked: tuple[tuple[Estimand, Margin], ...]
    rng: np.random.Generator
    holdout: Cohort | None = None
    standing: Standing = field(default_factory=Standing)
    _made: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    def shared(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What several estimands of a check need, made once: model fits, or the comparison of two arms."""
        if key not in self._made:
            self._made[key] = make()
        return cast(Made, self._made[key])

    @property
    def everyone(self) -> Group:
        """All patients, and all rows."""
        return Group("all", ALL, self.real, tuple(self.synthetic))

    def groups(self, least: int | None = None) -> Iterator[Group]:
        """Everyone, each arm, each subgroup level; with `least`, also two levels that so many patients have."""
        return groups_of(self.real, self.synthetic, least)

    def asks(self) -> list[Ask]:
        """Each estimand, asked of everyone."""
        return [Ask(estimand, margin, self, self.everyone) for estimand, margin in self.asked]

    @property
    def fewest(self) -> int | None:
        """The fewest patients of an intersection that any estimand is asked of; None if none is."""
        least = [size for ask in self.asks() if (size := ask.fewest) is not None]
        return min(least, default=None)


@dataclass(frozen=True, eq=False)
class Ask:
    """What an estimand's `answer` is given: the estimand, its margin, and the patients it is asked of."""

    estimand: Estimand
    margin: Margin
    scope: Scope
    group: Group
    endpoint: str = ""
    column: str = ""

    @property
    def rng(self) -> np.random.Generator:
        """The check's random stream."""
        return self.scope.rng

    @property
    def fewest(self) -> int | None:
        """The fewest patients of an intersection it is asked of; None if it is asked of none."""
        least = self.margin.settings.get("intersections")
        return None if least is None else int(least)  # type: ignore[call-overload]

    def of(self, group: Group) -> bool:
        """Whether a group is one it is asked of: an intersection must have patients enough."""
        return group.kind != INTERSECTION or (self.fewest is not None and group.real.n >= self.fewest)

    def names(self, setting: str, name: str) -> bool:
        """Whether its margin is about this endpoint, cost or utility: it names this one or none."""
        return self.margin.settings.get(setting) in (None, name)

    def question(self, label: str, group: Group | None = None, margin: Margin | None = None, **facts: Any) -> Question:
        """The question about its group, or another one; `facts` are further attributes of `Question`."""
        return Question(
            self.estimand,
            label,
            self.group if group is None else group,
            self.margin if margin is None else margin,
            self.scope.standing,
            **{"endpoint": self.endpoint, "column": self.column, **facts},
        )


@dataclass(frozen=True, eq=False)
class Question:
    """One estimand, asked of one group, with the margin that its answer is held to.

    Attributes
    ----------
    estimand, label        what is estimated, and its name for a reader: "rmst of os to 3650 day"
    group, margin          of whom, and how far off the synthetic cohorts may be
    standing : Standing    what purpose and lineage say about every finding
    unit : str             of the estimates
    endpoint, column       what it is about
    threshold, per         willingness to pay (NaN: none), and for what
    n_real : int           real patients it rests on; None: those of the group
    supports : bool        it never decides, whatever its group
    """

    estimand: Estimand
    label: str
    group: Group
    margin: Margin
    standing: Standing = field(default_factory=Standing)
    unit: str = ""
    endpoint: str = ""
    column: str = ""
    threshold: float = math.nan
    per: str = ""
    n_real: int | None = None
    supports: bool = False

    def judge(
        self,
        estimate: Estimator,
        *,
        log: bool = False,
        effect: bool = False,
        after: Callable[[Numbers], str] | None = None,
        doubt: Doubt | None = None,
    ) -> Finding:
        """The finding for a scalar estimand.

        Parameters
        ----------
        estimate : callable    Cohort or Tally -> Estimate, whichever the group holds
        log : bool             the estimate is a logarithm, and the margin a ratio
        effect : bool          it is the effect of an arm, 0 if there is none: see `cap_margin_at_effect`
        after : callable       what to add to the reason, given the numbers
        doubt : callable       why a verdict must be withheld

        Notes
        -----
        Not estimable in any synthetic cohort means not estimable: to average over the others would select the
        cohorts that behave.
        """
        if few := too_few(self.group.real):
            return self.refuse(few)
        if self.margin.width == 0:
            return self.refuse("the margin is a share of a reference that is 0 or unknown: give it in absolute terms")
        try:
            real, variance = _estimated(estimate, self.group.real)
        except (NotEstimableError, HorizonError) as error:
            return self.refuse(f"in the real cohort: {reason_of(error)}")
        if variance == 0:
            return self.refuse("in the real cohort: no variation to judge its sampling by")
        values, variances, refusals = [], [], []
        for cohort in self.group.synthetic:
            try:
                value, its_variance = _estimated(estimate, cohort)
            except (NotEstimableError, HorizonError) as error:
                refusals.append(reason_of(error))
                continue
            values.append(value)
            variances.append(its_variance)
        if refusals:
            return self.refuse(f"in {len(refusals)} of {len(self.group.synthetic)} synthetic cohorts: {refusals[0]}")
        margin = cap_margin_at_effect(self.margin, real, variance) if effect else self.margin
        capped = "" if margin is self.margin else f", the real effect itself; declared {self.margin}"
        return replace(self, margin=margin).compare(
            Measured(real, variance, values, variances),
            log=log,
            after=lambda numbers: capped + ("" if after is None else after(numbers)),
            doubt=doubt,
        )

    def compare(
        self,
        measured: Measured,
        *,
        log: bool = False,
        before: str = "",
        after: Callable[[Numbers], str] | None = None,
        doubt: Doubt | None = None,
        source: float | None = None,
        floor: float | None = None,
    ) -> Finding:
        """The finding on values with their variances; of logarithms it is told in ratios.

        `source` and `floor` stand for the real estimate and the floor where `measured` holds something else, such as
        a target population, as what the cohorts are held against.
        """
        scale = replace(self.margin, scale="absolute") if log else self.margin
        try:
            numbers = compared(measured, scale)
        except NotEstimableError as refusal:
            return self.refuse(reason_of(refusal), real=measured.real)
        if log:
            numbers = replace(numbers, real=math.exp(numbers.real), synthetic=math.exp(numbers.synthetic))
        told = "" if after is None else after(numbers)
        numbers = replace(
            numbers,
            real=numbers.real if source is None else source,
            floor=numbers.floor if floor is None else floor,
        )
        return self.answer(numbers, before=before, after=told, doubt=doubt)

    def answer(
        self, numbers: Numbers, *, before: str = "", after: str = "", doubt: Doubt | None = None, reason: str = ""
    ) -> Finding:
        """The finding on numbers that are ready: the verdict by their interval, and why.

        `before` and `after` are added to the sentence on the interval, for which `reason` can stand; a `doubt` turns
        the verdict into "inconclusive".
        """
        low, high = self.estimand.span
        lower, upper = (min(max(end, low), high) for end in (numbers.lower, numbers.upper))
        verdict = decide(lower, upper, self.margin.width)
        sentence = reason or interval_sentence(verdict, lower, upper, self.margin)
        if doubt is not None and (withheld := doubt(verdict)):
            verdict, after = INCONCLUSIVE, f"{after}, but {withheld}"
        standing = self.standing
        because = "; ".join([*standing.before, *filter(None, [before]), sentence + after, *standing.after])
        remarks = [*standing.before, before, after.lstrip(",; "), *standing.after]
        remark = because if reason else "; ".join(filter(None, remarks))
        return self._finding(numbers, verdict, because, remark)

    def refuse(self, reason: str, *, real: float = math.nan, obstacle: str = "") -> Finding:
        """The finding if the data cannot answer, with the reason; it never counts as a pass."""
        because = "; ".join([*self.standing.before, reason, *self.standing.after])
        nan = math.nan
        numbers = Numbers(real, nan, nan, nan, nan, nan)
        return self._finding(numbers, NOT_ESTIMABLE, because, because, obstacle)

    def _finding(self, numbers: Numbers, verdict: str, because: str, remark: str, obstacle: str = "") -> Finding:
        key, standing, group = self.estimand.key, self.standing, self.group
        return Finding(
            key=key,
            estimand=self.label,
            group=group.label,
            real=numbers.real,
            synthetic=numbers.synthetic,
            difference=numbers.difference,
            lower=numbers.lower,
            upper=numbers.upper,
            margin=self.margin.width,
            floor=numbers.floor,
            verdict=verdict,
            because=because,
            scale=self.margin.scale,
            unit=self.unit,
            n_real=group.real.n if self.n_real is None else self.n_real,
            decisive=not self.supports and standing.decides(key, counts=group.decisive),
            basis=CONSTRUCTED if key in standing.constructed else TESTED,
            question=self.estimand.question,
            kind=group.kind,
            endpoint=self.endpoint,
            column=self.column,
            threshold=self.threshold,
            per=self.per,
            remark=remark,
            obstacle=obstacle,
            overlap=numbers.overlap,
            standardised=numbers.standardised,
        )


def too_few(real: Observed) -> str:
    """Why nothing is estimated in so small a group of real patients, or "": it would show what one of them had."""
    return f"fewer than {SMALL_COUNT} real patients: not shown" if real.n < SMALL_COUNT else ""


def _estimated(estimate: Estimator, cohort: Observed) -> tuple[float, float]:
    if cohort.n < MIN_PATIENTS:
        raise NotEstimableError(f"{cohort.n} patients of this group")
    found = estimate(cohort)
    value, variance = float(found.value), float(found.se) ** 2
    if not (math.isfinite(value) and math.isfinite(variance)):
        raise NotEstimableError("too few patients, or too few events, for an estimate with a standard error")
    return value, variance


def reason_of(error: HeorsynthError) -> str:
    """Why an estimate was refused, in one line."""
    return "; ".join([_line(problem) for problem in error.problems]) or error.subject


def _line(problem: Problem) -> str:
    return f"{problem.where}: {problem.found}" if problem.where else problem.found
