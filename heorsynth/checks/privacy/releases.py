"""Releases without one patient each: fitted again on the engine, and kept as means only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from heorsynth.checks.privacy.coordinates import Space
from heorsynth.core.errors import Problem, RoleError
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.engine.engine import Engine
from heorsynth.estimators.attacks.differencing import Releases

Refit = Callable[[Cohort], Sequence[Cohort]]
"""Fits the generator to a cohort and draws the cohorts of a release, with the seeds of the release."""

EXTREME, AT_RANDOM = 10, 10
"""Patients left out one at a time: the farthest from the centre, and others at random."""

_MOST_COHORTS = 2


@dataclass(frozen=True, repr=False)
class _Source:
    """The input of all refits."""

    cohort: Cohort
    space: Space
    refit: Refit


def releases(cohort: Cohort, refit: Refit, rng: np.random.Generator, engine: Engine) -> Releases:
    """Return the means of the release of all patients and of 20 releases without one patient each.

    Raises
    ------
    RoleError      fewer than 25 patients, or releases with fewer than 2 cohorts or with different numbers of them
    EngineError    a refit failed twice
    """
    least = EXTREME + AT_RANDOM + 5
    if cohort.n < least:
        problem = Problem("refit", f"the cohort has {cohort.n} patients", f"leave out one of {least} or more")
        raise RoleError("validate", problem)
    space = Space.of(cohort, [], None)
    points = space.of_cohort(cohort)
    order = np.argsort(-np.linalg.norm(points.points, axis=1), kind="stable")
    left_out = np.concatenate([order[:EXTREME], rng.permutation(order[EXTREME:])[:AT_RANDOM]])
    tasks = [-1, *map(int, left_out)]
    means = list(engine.map(_means, tasks, _Source(cohort, space, refit), what="refitting", named=_named))
    if len({len(one) for one in means}) > 1 or len(means[0]) < _MOST_COHORTS:
        problem = Problem("refit", "a release has another number of cohorts, or only one", "draw m=2 or more in each")
        raise RoleError("validate", problem)
    numeric = np.array([owner not in space.levels and not gap for owner, gap in _kinds(space)])
    patients = points.points[left_out]
    for place in np.flatnonzero(numeric):
        patients[np.isnan(points.codes[left_out, space.names.index(space.owners[place])]), place] = np.nan
    vary = ~np.isnan(space.scale)
    return Releases(
        cohort.n,
        means[0][:, vary],
        np.stack(means[1:])[:, :, vary],
        patients[:, vary],
        numeric[vary],
        ((0.5 - space.centre) / space.scale)[vary],
        space.centre[vary] > 0.5,
        np.arange(len(left_out)) < EXTREME,
    )


def _kinds(space: Space) -> list[tuple[str, bool]]:
    """Return the column of each coordinate, and whether the coordinate tells that the column is missing."""
    last = {owner: place for place, owner in enumerate(space.owners)}
    return [(owner, owner in space.gaps and last[owner] == place) for place, owner in enumerate(space.owners)]


def _named(task: int) -> str:
    return "release of all patients" if task < 0 else "release without one patient"


def _means(source: _Source, left_out: int) -> np.ndarray:
    """Return the mean of each coordinate (m, k) in each cohort of a release."""
    cohort = source.cohort
    if left_out >= 0:
        rows = cohort.frame.drop(index=cohort.frame.index[left_out]).reset_index(drop=True)
        cohort = Cohort.derive(cohort.schema, rows, label=cohort.label)
    return np.array([source.space.of_cohort(drawn).points.mean(axis=0) for drawn in source.refit(cohort)])
