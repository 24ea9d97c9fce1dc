"""Two arms of a group, or all of its arms, evaluated once in each cohort however many questions are asked of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from heorsynth.checks.core.groups import Group
from heorsynth.checks.core.observed import Observed, joint, patients
from heorsynth.checks.core.scalar import too_few
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
    def per(self) -> str:
        """What a threshold is money for: a QALY, or a unit of the effect's column."""
        return self.evaluation.per(self.group.real.schema)

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
