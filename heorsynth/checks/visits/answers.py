"""The answers of the estimands of visits, each for one measure in one group of patients."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from heorsynth.checks.core.distance import Gaps, largest
from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.groups import comparisons, two_levels
from heorsynth.checks.core.question import Ask, Question
from heorsynth.checks.core.refusals import reason_of, too_few
from heorsynth.checks.visits.measured import contradicts, outcome, trajectories
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.estimate import Estimate
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.levels import SMALL_COUNT
from heorsynth.estimators.basics.proportions import proportion
from heorsynth.estimators.visits.correlation import over_time, resampled_over_time
from heorsynth.estimators.visits.repeated_measures import change_from_baseline
from heorsynth.estimators.visits.summaries import PATTERNS, attending_at, mean_at, mean_outcome, pattern_share
from heorsynth.estimators.visits.trajectories import Trajectories

DRAWS = 200
"""Bootstrap draws of the patients behind the floor of a distance, and draws behind its interval."""

_Numbers = Callable[[Cohort], np.ndarray]


def profile(ask: Ask) -> list[Finding]:
    """Return the mean at each visit, over the living patients who were measured."""
    schema, measure = ask.scope.real.schema, ask.column
    unit = schema.money if measure in schema.schedule.periods else ""
    known = trajectories(ask.group.real, measure).known.sum(axis=0)
    found = []
    for visit, (time, _) in enumerate(schema.visits[measure]):
        question = ask.question(_at(ask, "mean", time), unit=unit, n_real=int(known[visit]))
        if known[visit] < SMALL_COUNT:
            found.append(question.refuse("too few real patients to show"))
        else:
            found.append(question.judge(partial(_mean, measure=measure, visit=visit)))
    return found


def _mean(data: Cohort, measure: str, visit: int) -> Estimate:
    return mean_at(trajectories(data, measure), visit)


def _at(ask: Ask, what: str, time: float) -> str:
    return f"{what} of {ask.column} at {time:g} {ask.scope.real.schema.visit_unit}"


def correlation(ask: Ask) -> list[Finding]:
    """Return the largest distance between rank correlations of two visits, over all pairs of visits."""
    question = ask.question(f"correlation over time of {ask.column} (largest distance)")

    def rows(data: Cohort) -> np.ndarray:
        return trajectories(data, ask.column).living_values

    def noise(data: Cohort) -> np.ndarray:
        return resampled_over_time(rows(data), DRAWS, ask.rng)

    return [_distance(ask, question, lambda data: over_time(rows(data)), noise)]


def dropout(ask: Ask) -> list[Finding]:
    """Return the largest distance between the shares of living patients who still attend, over all visits."""
    question = ask.question(f"share still attending for {ask.column} (largest distance)")

    def noise(data: Cohort) -> np.ndarray:
        seen = trajectories(data, ask.column)
        drawn = ask.rng.multinomial(seen.n, np.full(seen.n, 1 / seen.n), size=DRAWS)
        alive = drawn @ seen.alive
        return np.asarray((drawn @ (seen.attending & seen.alive)) / np.maximum(alive, 1))

    return [_distance(ask, question, lambda data: _attending(trajectories(data, ask.column)), noise)]


def _attending(seen: Trajectories) -> np.ndarray:
    return np.array([attending_at(seen, visit).value for visit in range(len(seen.times))])


def _distance(ask: Ask, question: Question, measure: _Numbers, noise: _Numbers) -> Finding:
    """Return the largest distance of several numbers of a cohort; `noise` draws those of resampled patients."""
    group = ask.group
    if few := too_few(group.real):
        return question.refuse(few)
    try:
        real, drawn = measure(group.real), noise(group.real)
        each = np.array([measure(cohort) for cohort in group.synthetic])
    except NotEstimableError as error:
        return question.refuse(reason_of(error))
    return question.answer(largest(Gaps.of(each - real, drawn - real, ask.rng, *ask.scope.standing.for_gaps)))


def pattern(ask: Ask) -> list[Finding]:
    """Return the shares of patients with a monotone and with an intermittent missing pattern."""
    return [
        ask.question(f"{name} missing pattern of {ask.column}").judge(partial(_share, measure=ask.column, pattern=name))
        for name in PATTERNS
    ]


def _share(data: Cohort, measure: str, pattern: str) -> Estimate:
    return pattern_share(trajectories(data, measure), pattern)


def change(ask: Ask) -> list[Finding]:
    """Return the effect of each arm on the change from baseline to the last visit, given the baseline.

    A relative margin is a share of the standard deviation at baseline. A measure whose first visit is after the start
    has no baseline.
    """
    real, measure = ask.scope.real, ask.column
    schema = real.schema
    visits = schema.visits[measure]
    if visits[0][0] > 0:
        return []
    column, usual = str(schema.arm), real.arm_levels[0]
    baseline = trajectories(real, measure).living_values[:, 0]
    known = baseline[np.isfinite(baseline)]
    margin = ask.margin.resolved(float(known.std(ddof=1)) if len(known) > 1 else 0.0, own=True)
    label = _at(ask, "effect on the change from baseline", visits[-1][0])
    return [
        ask.question(label, ask.group.against(column, arm, usual), margin).judge(
            partial(_change, measure=measure, column=column, arm=arm, usual=usual), effect=True
        )
        for arm in comparisons(real, usual)
    ]


def _change(data: Cohort, measure: str, column: str, arm: str, usual: str) -> Estimate:
    both, treated = two_levels(data, column, arm, usual)
    return change_from_baseline(trajectories(both, measure).living_values, treated)


def contradictions(ask: Ask) -> list[Finding]:
    """Return the share of rows that contradict the visits of a measure."""
    question = ask.question(f"rows that contradict the visits of {ask.column}")
    return [question.judge(lambda data: proportion(int(contradicts(data, ask.column).sum()), data.n))]


def area(ask: Ask) -> list[Finding]:
    """Return the mean of each derived column from the means at visits: QALYs under utilities, total of costs."""
    schema = ask.scope.real.schema
    return [
        ask.question(f"mean {name} from the visits of {ask.column}", unit=schema.unit_of(name)).judge(
            partial(_mean_derived, name=name)
        )
        for name, one in schema.derived.items()
        if one.measure == ask.column
    ]


def _mean_derived(data: Cohort, name: str) -> Estimate:
    return mean_outcome(outcome(data, name))
