"""Two arms of a group, or all of its arms, in each cohort, and the questions about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from heorsynth.checks.core.finding import NO_THRESHOLD, Finding
from heorsynth.checks.core.groups import Group
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.observed import joint
from heorsynth.checks.core.question import Ask, Question
from heorsynth.checks.core.refusals import too_few
from heorsynth.checks.core.strata import Observed, at_level, patients
from heorsynth.checks.economics.analysis import FEWEST_IMPUTATIONS, Analysis, rows_of
from heorsynth.checks.economics.arms import Evaluation
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.random import stream
from heorsynth.estimators.economics.arms import ArmMeans, arm_means_of
from heorsynth.estimators.economics.increments import Increments


def imputation_seed(rng: np.random.Generator) -> int:
    """Return a seed for imputation from the seed of a stream, whatever was drawn from the stream before.

    Examples
    --------
    >>> rng = np.random.default_rng(7)
    >>> first, _ = imputation_seed(rng), rng.normal()
    >>> first == imputation_seed(rng)
    True
    """
    return int(rng.bit_generator.seed_seq.generate_state(1)[0])


@dataclass(frozen=True, eq=False)
class Adjusted:
    """The adjusted means of all arms of a group, in the real and in each synthetic cohort; each estimated once.

    Attributes
    ----------
    group, analysis     the patients, and covariates, imputation and clusters
    seed : int          of the imputation; each cohort has its own stream
    """

    group: Group
    analysis: Analysis
    seed: int
    _held: dict[int, ArmMeans] = field(default_factory=dict)

    def of(self, cohort: Observed) -> ArmMeans:
        """Return the means in a cohort of the group."""
        if id(cohort) not in self._held:
            places = [place for place, one in enumerate(self.group.synthetic) if one is cohort]
            analysis = self.analysis
            if places:
                analysis = replace(analysis, imputations=min(analysis.imputations, FEWEST_IMPUTATIONS))
            rng = stream(self.seed, "impute", self.group.label, places[0] if places else "patients")
            self._held[id(cohort)] = analysis.of(rows_of(cohort), rng)
        return self._held[id(cohort)]


@dataclass(frozen=True, eq=False)
class Compared:
    """Two arms of a group, in the real and in each synthetic cohort; `adjusted` if the evaluation is adjusted."""

    group: Group
    evaluation: Evaluation
    adjusted: Adjusted | None = None
    _held: dict[int, Increments] = field(default_factory=dict)

    def of(self, cohort: Observed) -> Increments:
        """Return incremental cost and effect in a cohort of the group; computed once for each cohort."""
        if id(cohort) not in self._held:
            self._held[id(cohort)] = self._estimated(cohort)
        return self._held[id(cohort)]

    def _estimated(self, cohort: Observed) -> Increments:
        if self.adjusted is None:
            return self.evaluation.increments(cohort)
        place = self.adjusted.analysis.arms.index(self.evaluation.treatment)
        return self.adjusted.of(cohort).increments(place)

    @property
    def real(self) -> Increments:
        """Incremental cost and effect in the real cohort; NotEstimableError for fewer than five patients."""
        if few := too_few(self.group.real):
            raise NotEstimableError(few)
        return self.of(self.group.real)

    @property
    def synthetic(self) -> list[Increments]:
        """Incremental cost and effect in each synthetic cohort."""
        return [self.of(cohort) for cohort in self.group.synthetic]


@dataclass(frozen=True, eq=False)
class Options:
    """All arms of a group, in the real and in each synthetic cohort, with the comparator first."""

    group: Group
    arms: tuple[str, ...]
    real: ArmMeans
    synthetic: tuple[ArmMeans, ...]

    @classmethod
    def of(cls, group: Group, evaluations: Sequence[Evaluation], adjusted: Adjusted | None = None) -> Options:
        """Return the arms of the pairwise evaluations, or of the adjusted evaluation of all arms.

        Raises
        ------
        NotEstimableError      fewer than five patients, or fewer than two with known outcomes in an arm
        """
        if few := too_few(group.real):
            raise NotEstimableError(few)
        first = evaluations[0]
        arms = (first.comparator, *(one.treatment for one in evaluations))

        def means(data: Observed) -> ArmMeans:
            if adjusted is not None:
                return adjusted.of(data)
            chosen = [at_level(data, str(data.schema.arm), name) for name in arms]
            joints = [joint(data, rows, first.costs, first.effect) for rows in chosen]
            return arm_means_of(joints, sum(patients(data, rows) for rows in chosen))

        return cls(group, arms, means(group.real), tuple(means(data) for data in group.synthetic))


DECLARE_THRESHOLD = "no willingness-to-pay threshold is declared: give economics={'wtp': [20000]}"


@dataclass(frozen=True, eq=False, kw_only=True)
class _Priced(Ask):
    """An economic question; `per` is the denominator of a threshold: QALY, or a unit of the effect.

    `how` says in the label of each finding how the evaluation is adjusted.
    """

    per: str
    how: str = ""

    def question(self, label: str, group: Group | None = None, margin: Margin | None = None, **facts: Any) -> Question:
        """Return the question, with the adjustment in its label."""
        return super().question(f"{label}, {self.how}" if self.how else label, group, margin, **facts)

    def at(self, wtp: float, label: str, margin: Margin | None = None, **facts: Any) -> Question:
        """Return the question at one threshold."""
        return self.question(label, margin=margin, threshold=wtp, per=self.per, **facts)

    def without_threshold(self, name: str) -> Finding:
        """Return the finding "not estimable" for a missing threshold."""
        return self.question(name).refuse(DECLARE_THRESHOLD, obstacle=NO_THRESHOLD)


@dataclass(frozen=True, eq=False, kw_only=True)
class Pair(_Priced):
    """A question about one treatment compared with the comparator."""

    compared: Compared


@dataclass(frozen=True, eq=False, kw_only=True)
class AllArms(_Priced):
    """A question about the choice between three arms or more."""

    pairs: tuple[Evaluation, ...]
    adjusted: Adjusted | None = None
