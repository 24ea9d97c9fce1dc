"""Two arms of a group, or all of its arms, evaluated once in each cohort, and the questions about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from heorsynth.checks.core.finding import NO_THRESHOLD, Finding
from heorsynth.checks.core.groups import Group
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.observed import Observed, joint, patients
from heorsynth.checks.core.question import Ask, Question, too_few
from heorsynth.checks.economics.arms import Evaluation
from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators.economics.arms import ArmMeans, arm_means_of
from heorsynth.estimators.economics.increments import Increments


@dataclass(frozen=True, eq=False)
class Compared:
    """A pair of arms in the real and in each synthetic cohort of a group."""

    group: Group
    evaluation: Evaluation
    _held: dict[int, Increments] = field(default_factory=dict)

    def of(self, cohort: Observed) -> Increments:
        """Incremental cost and effect in a cohort of the group."""
        if id(cohort) not in self._held:
            self._held[id(cohort)] = self.evaluation.increments(cohort)
        return self._held[id(cohort)]

    @property
    def real(self) -> Increments:
        """In the patients; NotEstimableError where there are too few to be shown."""
        if few := too_few(self.group.real):
            raise NotEstimableError(few)
        return self.of(self.group.real)

    @property
    def synthetic(self) -> list[Increments]:
        """In each synthetic cohort."""
        return [self.of(cohort) for cohort in self.group.synthetic]


@dataclass(frozen=True, eq=False)
class Options:
    """All arms in the real and in each synthetic cohort of a group, the comparator first."""

    group: Group
    arms: tuple[str, ...]
    real: ArmMeans
    synthetic: tuple[ArmMeans, ...]

    @classmethod
    def of(cls, group: Group, evaluations: Sequence[Evaluation]) -> Options:
        """The arms that the pairwise evaluations compare.

        Raises
        ------
        NotEstimableError      too few patients to be shown, or an arm with fewer than two whose outcomes are known
        """
        if few := too_few(group.real):
            raise NotEstimableError(few)
        first = evaluations[0]
        arms = (first.comparator, *(one.treatment for one in evaluations))

        def means(data: Observed) -> ArmMeans:
            held = data.levels(str(data.schema.arm))
            joints = [joint(data, held == name, first.costs, first.effect) for name in arms]
            return arm_means_of(joints, sum(patients(data, held == name) for name in arms))

        return cls(group, arms, means(group.real), tuple(means(data) for data in group.synthetic))


DECLARE_THRESHOLD = "no willingness-to-pay threshold is declared: give economics={'wtp': [20000]}"


@dataclass(frozen=True, eq=False, kw_only=True)
class Priced(Ask):
    """An economic question; a threshold is money for `per`: a QALY, or a unit of the effect."""

    per: str

    def at(self, wtp: float, label: str, margin: Margin | None = None, **facts: Any) -> Question:
        """The question at one threshold."""
        return self.question(label, margin=margin, threshold=wtp, per=self.per, **facts)

    def without_threshold(self, name: str) -> Finding:
        """The finding if no threshold is declared."""
        return self.question(name).refuse(DECLARE_THRESHOLD, obstacle=NO_THRESHOLD)


@dataclass(frozen=True, eq=False, kw_only=True)
class Pair(Priced):
    """A question about one treatment against the comparator."""

    compared: Compared


@dataclass(frozen=True, eq=False, kw_only=True)
class AllArms(Priced):
    """A question about the choice among three arms or more."""

    pairs: tuple[Evaluation, ...]
