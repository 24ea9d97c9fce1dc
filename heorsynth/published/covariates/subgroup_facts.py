"""What a forest plot states: hazard ratios and events of subgroups, and how far patients are from them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from heorsynth.core.errors import NotEstimableError, Problem, nearest
from heorsynth.estimators.survival.cox_two_arms import ArmCounts, expected_events, hazard_ratio_of_rows
from heorsynth.published.covariates.columns import Column
from heorsynth.published.covariates.threshold import above_or_below, is_threshold
from heorsynth.published.schema.document import Document, RatioSection
from heorsynth.published.schema.facts import ratio_name


@dataclass(frozen=True)
class SubgroupFact:
    """A hazard ratio of a subgroup, and its events by arm.

    Attributes
    ----------
    fact, arm, reference : str
    group : tuple of (int, str)    places of columns and their levels
    value, half : float            the ratio as printed, and half a unit of its last digit
    events : dict                  arm to events
    """

    fact: str
    arm: str
    reference: str
    group: tuple[tuple[int, str], ...]
    value: float
    half: float
    events: Mapping[str, int]

    def members(self, values: np.ndarray, columns: Sequence[Column]) -> np.ndarray:
        """Return True (n,) for patients of the subgroup."""
        held = np.ones(len(values), dtype=bool)
        for place, level in self.group:
            column, own = columns[place], values[:, place]
            held &= own == column.levels.index(level) if column.levels else above_or_below(level, own)
        return held

    def text(self, columns: Sequence[Column]) -> str:
        """Return the subgroup in words."""
        return ", ".join(f"{columns[place].name} = {level}" for place, level in self.group)


@dataclass(frozen=True)
class FollowUps:
    """Follow-up of one endpoint and arm indicator of two arms; both sorted by time.

    Attributes
    ----------
    time, event, treated : array (n,)
    """

    time: np.ndarray
    event: np.ndarray
    treated: np.ndarray


def subgroup_facts(
    document: Document, endpoint: str, columns: Sequence[Column]
) -> tuple[tuple[SubgroupFact, ...], list[Problem]]:
    """Return the hazard ratios of subgroups of an endpoint, and names that are no column or level."""
    names, found, problems = [one.name for one in columns], [], []
    for one in document.endpoints[endpoint].hazard_ratios:
        if not one.subgroup:
            continue
        wrong = list(_unknown(one, columns, names, ratio_name(endpoint, one)))
        problems += wrong
        if not wrong:
            group = tuple((names.index(name), level) for name, level in one.subgroup.items())
            found.append(
                SubgroupFact(
                    ratio_name(endpoint, one),
                    one.arm,
                    one.reference,
                    group,
                    one.value.value,
                    one.value.half,
                    one.events,
                )
            )
    return tuple(found), problems


def _unknown(one: RatioSection, columns: Sequence[Column], names: Sequence[str], fact: str) -> Iterator[Problem]:
    for name, level in one.subgroup.items():
        if name not in names:
            fix = "state it in Table 1, or give the numbers of patients of each level"
            yield Problem(fact, f"{name!r} is no characteristic", fix)
            continue
        column = columns[names.index(name)]
        if column.levels and level not in column.levels:
            yield Problem(fact, f"{name!r} has no level {level!r}", nearest(level, column.levels))
        elif not column.levels and not is_threshold(level):
            yield Problem(fact, f"{name!r} is a number, and {level!r} no cut", "write, for example, {age: <65}")


def log_ratio(follow: FollowUps, members: np.ndarray) -> float:
    """Return the Cox log hazard ratio within a subgroup; NaN where it is not estimable."""
    try:
        return hazard_ratio_of_rows(follow.time[members], follow.event[members], follow.treated[members]).value
    except NotEstimableError:
        return math.nan


def error_and_moves(follow: FollowUps, members: np.ndarray, target: float) -> tuple[float, np.ndarray]:
    """Return how far a subgroup's log hazard ratio is above a target, and what each patient adds to it as a member.

    Notes
    -----
    With U and I the Efron score and information at the target, the error is U / I: Newton's step, exact at 0. The
    second is the score residual over I, event (z - p) - sum over earlier events of (z - p) exp(target z) dH (Breslow),
    of every patient as if he belonged to the subgroup: the influence of one patient on the estimate.

    Examples
    --------
    >>> time, arm = np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, False, True, False])
    >>> error, moves = error_and_moves(FollowUps(time, np.ones(4, bool), arm), np.ones(4, bool), 0.9406)
    >>> round(error, 3) + 0.0, bool(moves[0] > 0)
    (0.0, True)
    """
    inside_event = members & follow.event
    times = np.unique(follow.time[inside_event])
    if not len(times):
        return 0.0, np.zeros(len(members))
    events, at_risk = np.zeros((2, len(times))), np.zeros((2, len(times)))
    for row, own in enumerate((follow.treated, ~follow.treated)):
        events[row] = np.bincount(np.searchsorted(times, follow.time[own & inside_event]), minlength=len(times))
        at_risk[row] = (own & members).sum() - np.searchsorted(follow.time[own & members], times, side="left")
    expected, information = expected_events(ArmCounts(times, events, at_risk), target)
    information = max(information, 0.25)
    ratio = math.exp(target)
    weight = ratio * at_risk[0] + at_risk[1]
    share, hazard = ratio * at_risk[0] / weight, events.sum(axis=0) / weight
    upto = np.searchsorted(times, follow.time, side="right")
    past, past_share = (np.r_[0.0, np.cumsum(one)][upto] for one in (hazard, hazard * share))
    z = follow.treated.astype(float)
    here = share[np.minimum(np.searchsorted(times, follow.time, side="left"), len(times) - 1)]
    moves = follow.event * (z - here) - np.where(follow.treated, ratio, 1.0) * (z * past - past_share)
    return (float(events[0].sum()) - expected) / information, moves / information
