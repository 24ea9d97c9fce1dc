"""The `Question`: one estimand in one group of patients with its margin. Its methods return the finding."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast

import numpy as np

from heorsynth.checks.core.estimand import FAITHFUL, Estimand
from heorsynth.checks.core.finding import (
    CONSTRUCTED,
    FAIL,
    INCONCLUSIVE,
    LEVEL,
    NOT_ESTIMABLE,
    SINGLE,
    TESTED,
    Finding,
    Held,
    decide,
    decide_single,
    interval_sentence,
    single_sentence,
)
from heorsynth.checks.core.groups import ALL, INTERSECTION, Group, groups_of
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.refusals import reason_of, too_few
from heorsynth.checks.core.scalar import Measured, Numbers, cap_margin_at_effect, compared, share_with_interval
from heorsynth.checks.core.standing import Standing
from heorsynth.checks.core.strata import Observed
from heorsynth.core.display import counted
from heorsynth.core.errors import HorizonError, NotEstimableError
from heorsynth.core.estimate import Estimate
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.folders.tally import Tally

Estimator = Callable[[Any], Estimate]
"""Cohort or tally -> an estimate with its standard error; raises NotEstimableError or HorizonError."""

_Doubt = Callable[[str], str]
"""Verdict -> the reason to replace it by "inconclusive", or ""."""

_Made = TypeVar("_Made")

_NOTHING = Held()

_MIN_PATIENTS = 2

_MOST_HELD = 1_000_000
"""With more rows in all cohorts than this, the groups of a check are made again for each estimand, to save memory."""


@dataclass(frozen=True, eq=False)
class Scope:
    """The input of a check.

    Attributes
    ----------
    real, synthetic        the real and the m synthetic cohorts: all in rows, or all as tallies of folders
    asked : tuple          the estimands, each with its margin
    rng : Generator        the random stream of the check
    holdout                patients kept out of training, or None
    standing : Standing    what applies to every finding
    releases               means of releases without one patient each (`Releases`), why there are none, or None
    """

    real: Any
    synthetic: Sequence[Any]
    asked: tuple[tuple[Estimand, Margin], ...]
    rng: np.random.Generator
    holdout: Cohort | None = None
    standing: Standing = field(default_factory=Standing)
    releases: Any = None
    _made: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    def shared(self, key: Hashable, make: Callable[[], _Made]) -> _Made:
        """Return a result that several estimands share, such as a model fit; it is computed once."""
        if key not in self._made:
            self._made[key] = make()
        return cast(_Made, self._made[key])

    @property
    def everyone(self) -> Group:
        """The group of all patients and all rows."""
        return Group("all", ALL, self.real, tuple(self.synthetic))

    @property
    def holds_groups(self) -> bool:
        """Whether the rows are few enough to hold those of every group for all estimands of the check."""
        return isinstance(self.real, Tally) or (1 + len(self.synthetic)) * int(self.real.n) <= _MOST_HELD

    def groups(self, least: int | None = None) -> Iterator[Group]:
        """Yield everyone, each arm, each subgroup level and, with `least`, intersections (`groups_of`)."""
        if not self.holds_groups:
            return groups_of(self.real, self.synthetic, least)
        return iter(self.shared(("groups", least), lambda: list(groups_of(self.real, self.synthetic, least))))

    def asks(self) -> list[Ask]:
        """Return one `Ask` an estimand, for all patients."""
        return [Ask(estimand, margin, self, self.everyone) for estimand, margin in self.asked]

    @property
    def fewest(self) -> int | None:
        """The smallest `intersections` setting of all margins; None if no margin has one."""
        least = [size for ask in self.asks() if (size := ask.fewest) is not None]
        return min(least, default=None)


@dataclass(frozen=True, eq=False)
class Ask:
    """The input of `Estimand.answer`: the estimand, its margin and the group of patients."""

    estimand: Estimand
    margin: Margin
    scope: Scope
    group: Group
    endpoint: str = ""
    column: str = ""

    @property
    def rng(self) -> np.random.Generator:
        """The random stream of the check."""
        return self.scope.rng

    @property
    def fewest(self) -> int | None:
        """The minimum number of patients in an intersection; None if intersections are not requested."""
        least = self.margin.settings.get("intersections")
        return None if least is None else int(cast(int, least))

    def of(self, group: Group) -> bool:
        """Return whether a group is included: an intersection needs at least `fewest` patients."""
        return group.kind != INTERSECTION or (self.fewest is not None and group.real.n >= self.fewest)

    def names(self, setting: str, name: str) -> bool:
        """Return whether the margin applies to this endpoint, cost or utility: it names this one, or none."""
        return self.margin.settings.get(setting) in (None, name)

    def question(self, label: str, group: Group | None = None, margin: Margin | None = None, **facts: Any) -> Question:
        """Return the question for this group or another one; `facts` are further attributes of `Question`."""
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
    """One estimand in one group, with its margin.

    Attributes
    ----------
    estimand, label        the estimand, and its name for a reader: "rmst of os to 3650 day"
    group, margin          the patients, and the largest acceptable difference
    standing : Standing    what applies to every finding
    unit : str             unit of the estimates
    endpoint, column       the endpoint or column, if there is one
    threshold, per         willingness to pay (NaN: none), and its denominator
    n_real : int           number of real patients; None: those of the group
    supports : bool        True if the finding is never decisive
    held : Held            facts that no file holds
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
    held: Held = _NOTHING

    def judge(
        self,
        estimate: Estimator,
        *,
        log: bool = False,
        effect: bool = False,
        after: Callable[[Numbers], str] | None = None,
        doubt: _Doubt | None = None,
        around: Callable[[Any], tuple[float, float]] | None = None,
    ) -> Finding:
        """Return the finding for a scalar estimand.

        Parameters
        ----------
        estimate : callable    Cohort or Tally -> Estimate
        log : bool             True if the estimate is a logarithm and the margin a ratio
        effect : bool          True if the estimate is the effect of an arm, 0 for no effect: see `cap_margin_at_effect`
        after : callable       Numbers -> text to add to the reason
        doubt : callable       verdict -> the reason to replace it by "inconclusive", or ""
        around : callable      Cohort or Tally -> mean and error of five order statistics, for one patient's value

        Notes
        -----
        If the estimate fails in one synthetic cohort, the finding is not estimable. A mean over the other cohorts would
        select those in which it can be estimated.
        """
        if few := too_few(self.group.real):
            return self.refuse(few)
        if self.margin.width == 0:
            return self.refuse("the margin is relative to a reference that is 0 or unknown: declare an absolute margin")
        try:
            real, variance, held = _estimated(estimate, self.group.real)
        except (NotEstimableError, HorizonError) as error:
            return self.refuse(f"in the real cohort: {reason_of(error)}")
        found, refusals = [], []
        for cohort in self.group.synthetic:
            try:
                found.append(_estimated(estimate, cohort))
            except (NotEstimableError, HorizonError) as error:
                refusals.append(reason_of(error))
        if refusals:
            return self.refuse(f"in {len(refusals)} of {len(self.group.synthetic)} synthetic cohorts: {refusals[0]}")
        margin = cap_margin_at_effect(self.margin, real, variance) if effect else self.margin
        capped = "" if margin is self.margin else f", capped at the real effect; declared {self.margin}"
        if around is not None:
            own, drawn = around(self.group.real), [around(cohort)[0] for cohort in self.group.synthetic]
            held = replace(held, real=own[0], error=own[1], synthetic=float(np.mean(drawn)))
        plain = margin is self.margin and held is _NOTHING
        asked = self if plain else replace(self, margin=margin, held=held)
        return asked.compare(
            Measured(real, variance, [one[0] for one in found], [one[1] for one in found]),
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
        doubt: _Doubt | None = None,
        source: float | None = None,
        floor: float | None = None,
    ) -> Finding:
        """Return the finding from estimates with their variances; logarithms are shown as ratios.

        `source` and `floor` replace the real estimate and the floor if `measured.real` is not the real cohort, e.g. a
        target population. The patients then have no interval of their own: the target is not estimated from them.
        """
        scale = replace(self.margin, scale="absolute") if log else self.margin
        try:
            numbers = compared(measured, scale, self.standing.unsampled, self.standing.level)
        except NotEstimableError as refusal:
            return self.refuse(reason_of(refusal), real=measured.real)
        if log:
            numbers = replace(
                numbers,
                real=_exponential(numbers.real),
                synthetic=_exponential(numbers.synthetic),
                real_lower=_exponential(numbers.real_lower),
                real_upper=_exponential(numbers.real_upper),
            )
        addition = "" if after is None else after(numbers)
        if source is not None:
            numbers = replace(numbers, real=source, real_lower=math.nan, real_upper=math.nan)
        if floor is not None:
            numbers = replace(numbers, floor=floor)
        return self.answer(numbers, before=before, after=addition, doubt=doubt)

    def answer(
        self,
        numbers: Numbers,
        *,
        before: str = "",
        after: str = "",
        doubt: _Doubt | None = None,
        reason: str = "",
        worst: str = "",
    ) -> Finding:
        """Return the finding from ready numbers: the verdict of the interval, and its reason.

        `before` and `after` are added to the sentence on the interval; `reason` replaces that sentence. A `doubt` turns
        the verdict into "inconclusive". `worst` names the members of a share that differ most.
        """
        low, high = self.estimand.span
        lower, upper = (end if math.isnan(end) else min(max(end, low), high) for end in (numbers.lower, numbers.upper))
        verdict = decide(lower, upper, self.margin.width)
        sentence = reason or interval_sentence(verdict, lower, upper, self.margin, self._level)
        alone = self._single(numbers)
        if alone and self.standing.use == SINGLE and self.estimand.question == FAITHFUL:
            verdict = decide_single(alone[1], alone[2])
            m = len(numbers.single)
            sentence = single_sentence(round(alone[0] * m), m, alone[1], alone[2], self._level)
        if doubt is not None and (withheld := doubt(verdict)):
            verdict, after = INCONCLUSIVE, f"{after}, but {withheld}"
        standing = self.standing
        last = [f"worst: {worst}"] if worst else []
        because = "; ".join([*standing.before, *filter(None, [before]), sentence + after, *standing.after, *last])
        remarks = [*standing.before, before, after.lstrip(",; "), *standing.after]
        remark = because if reason else "; ".join(filter(None, remarks))
        return self._finding(numbers, verdict, because, remark, alone=alone, worst=worst)

    @property
    def _level(self) -> float:
        """The level of the interval; attacks keep theirs, as more cohorts do not narrow it."""
        return self.standing.level if self.estimand.question == FAITHFUL else LEVEL

    def _single(self, numbers: Numbers) -> tuple[float, float, float] | None:
        """Return the share of single cohorts within the margin with its interval; None if it has no meaning."""
        if not numbers.single:
            return None
        low, high = self.estimand.span
        within = sum(abs(min(max(one, low), high)) <= self.margin.width for one in numbers.single)
        return share_with_interval(within, len(numbers.single), self.standing.level)

    def refuse(self, reason: str, *, real: float = math.nan, obstacle: str = "") -> Finding:
        """Return the finding "not estimable" with its reason; it never counts as a pass."""
        because = "; ".join([*self.standing.before, reason, *self.standing.after])
        numbers = Numbers(real, nan := math.nan, nan, nan, nan, nan)
        return self._finding(numbers, NOT_ESTIMABLE, because, because, obstacle)

    def _finding(
        self,
        numbers: Numbers,
        verdict: str,
        because: str,
        remark: str,
        obstacle: str = "",
        alone: tuple[float, float, float] | None = None,
        worst: str = "",
    ) -> Finding:
        key, standing, group = self.estimand.key, self.standing, self.group
        single = alone or (math.nan, math.nan, math.nan)
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
            decisive=not self.supports and standing.decides(key, counts=group.decisive, fails=verdict == FAIL),
            basis=CONSTRUCTED if standing.constructed & {key, f"{key}:{self.column}"} else TESTED,
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
            real_lower=numbers.real_lower,
            real_upper=numbers.real_upper,
            m=len(group.synthetic),
            single=single[0],
            single_lower=single[1],
            single_upper=single[2],
            use=standing.use,
            level=self._level,
            for_many=numbers.for_many,
            worst=worst,
            own_margin=self.margin.own,
            held=self.held,
        )


def _exponential(logarithm: float) -> float:
    """Return a ratio from its logarithm; infinite if a float cannot hold it."""
    with np.errstate(over="ignore"):
        return float(np.exp(logarithm))


def _estimated(estimate: Estimator, cohort: Observed) -> tuple[float, float, Held]:
    if cohort.n < _MIN_PATIENTS:
        raise NotEstimableError(f"{counted(cohort.n, 'patient')} in this group")
    estimated = estimate(cohort)
    value, variance = float(estimated.value), float(estimated.se) ** 2
    if not (math.isfinite(value) and math.isfinite(variance)):
        raise NotEstimableError("too few patients, or too few events, for an estimate with a standard error")
    return value, variance, Held(count=estimated.count, of=estimated.n_used) if estimated.count >= 0 else _NOTHING
