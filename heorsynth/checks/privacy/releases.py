"""Releases without one patient each: fitted again on the engine, and kept as means only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from heorsynth.checks.privacy.coordinates import Space
from heorsynth.core.errors import CohortError, GeneratorError, Problem, RoleError
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.engine.engine import Engine
from heorsynth.estimators.attacks.differencing import Releases

Refit = Callable[[Cohort], Sequence[Cohort]]
"""Fits the generator to a cohort and draws the cohorts of a release, with the seeds of the release."""

EXTREME, AT_RANDOM = 10, 10
"""Patients left out one at a time: the farthest from the centre, and others at random."""

FITS, LEAST_PATIENTS = 1 + EXTREME + AT_RANDOM, EXTREME + AT_RANDOM + 5
"""How often the generator is fitted, and the smallest cohort from which so many are left out one at a time."""

_FEWEST_COHORTS = 2


@dataclass(frozen=True, repr=False)
class _Source:
    """The input of all refits."""

    cohort: Cohort
    space: Space
    refit: Refit


def releases(cohort: Cohort, refit: Refit, rng: np.random.Generator, engine: Engine) -> Releases | str:
    """Return the means of the release of all patients and of 20 releases without one patient each.

    A release that the generator refuses without a patient is left out; if most are, the reason why nothing is measured
    is returned.

    Raises
    ------
    RoleError      fewer than 25 patients, or releases with fewer than 2 cohorts or with different numbers of them
    EngineError    a refit failed twice
    """
    if cohort.n < LEAST_PATIENTS:
        problem = Problem("refit", f"the cohort has {cohort.n} patients", f"leave out one of {LEAST_PATIENTS} or more")
        raise RoleError("validate", problem)
    space = Space.of(cohort, [], None)
    points = space.of_cohort(cohort)
    order = np.argsort(-np.linalg.norm(points.points, axis=1), kind="stable")
    left_out = np.concatenate([order[:EXTREME], rng.permutation(order[EXTREME:])[:AT_RANDOM]])
    tasks = [-1, *map(int, left_out)]
    made = list(engine.map(_means, tasks, _Source(cohort, space, refit), what="refitting", named=_named))
    kept = np.array([one is not None for one in made[1:]])
    extreme = (np.arange(len(left_out)) < EXTREME)[kept]
    if made[0] is None or extreme.sum() < EXTREME // 2:
        return f"{FITS - 1 - kept.sum()} of {FITS - 1} releases without one patient were refused by the generator"
    left_out, means = left_out[kept], [one for one in made if one is not None]
    if len({len(one) for one in means}) > 1 or len(means[0]) < _FEWEST_COHORTS:
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
        extreme,
    )


def _kinds(space: Space) -> list[tuple[str, bool]]:
    """Return the column of each coordinate, and whether the coordinate tells that the column is missing."""
    last = {owner: place for place, owner in enumerate(space.owners)}
    return [(owner, owner in space.gaps and last[owner] == place) for place, owner in enumerate(space.owners)]


def _named(task: int) -> str:
    return "release of all patients" if task < 0 else "release without one patient"


def _means(source: _Source, left_out: int) -> np.ndarray | None:
    """Return the mean of each coordinate (m, k) in each cohort of a release; None if the generator refuses it."""
    cohort = source.cohort
    try:
        if left_out >= 0:
            rows = cohort.frame.drop(index=cohort.frame.index[left_out]).reset_index(drop=True)
            cohort = Cohort.derive(cohort.schema, rows, label=cohort.label)
        return np.array([source.space.of_cohort(drawn).points.mean(axis=0) for drawn in source.refit(cohort)])
    except (CohortError, GeneratorError):
        return None
