"""Reconstructions that agree with a printed hazard ratio and printed medians, to the printed digit."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import numpy as np

from heorsynth.core.errors import NotEstimableError, Problem, nearest
from heorsynth.core.random import stream
from heorsynth.estimators.survival.cox_two_arms import hazard_ratio_of_rows
from heorsynth.estimators.survival.kaplan_meier import kaplan_meier
from heorsynth.estimators.survival.summaries import curve_quantile
from heorsynth.published.reconstruction.arm import Arm, ArmPatients
from heorsynth.published.reconstruction.cleaning import refuse
from heorsynth.published.reconstruction.ensemble import ensemble
from heorsynth.published.reconstruction.facts import Printed


class RepeatedCohorts(UserWarning):
    """Fewer reconstructions than cohorts agree with a printed number: cohorts repeat, and intervals are too narrow."""


_CANDIDATES = 4
"""Reconstructions of an arm drawn for each that is kept, where a printed number chooses among them."""


def agreeing_arms(
    arms: Sequence[Arm],
    m: int,
    seed: int,
    hazard_ratio: str | float | None = None,
    reference: str | None = None,
    medians: Mapping[str, str | float] | None = None,
) -> list[tuple[ArmPatients, ...]]:
    """Return m sets of patients, one for each arm, that agree with everything printed.

    Parameters
    ----------
    arms, m, seed, hazard_ratio, reference, medians    as in `reconstruct`

    Raises
    ------
    CurveError    a printed number is none, names no arm, or lies outside what the curves allow

    Notes
    -----
    Arms are drawn independently, so every reconstruction of one arm may stand beside every one of the other. The pairs
    whose hazard ratio is printed alike are the ensemble given that number: rejection sampling, which keeps its law.
    """
    printed, ratio = _printed(arms, hazard_ratio, reference, medians or {})
    drawn = []
    for place, arm in enumerate(arms):
        chooses = ratio is not None or arm.name in printed
        found = list(ensemble(arm, _CANDIDATES * m if chooses else m, stream(seed, "reconstruct", place)))
        if arm.name in printed:
            found = _of_median(arm, found, printed[arm.name])
        drawn.append(found)
    if ratio is None:
        agree = min(map(len, drawn))
        chosen = [tuple(one[part % len(one)] for one in drawn) for part in range(m)]
    else:
        first = 1 if reference == arms[1].name else 0
        pairs = _pairs(drawn[first], drawn[1 - first], ratio, m, stream(seed, "hazard ratio"))
        agree = len(pairs)
        chosen = [pairs[part % agree] if first == 0 else pairs[part % agree][::-1] for part in range(m)]
    if agree < m:
        told = f"only {agree} of the reconstructions drawn agree with the printed numbers, so cohorts repeat them"
        warnings.warn(f"{told} and intervals are too narrow: check these numbers", RepeatedCohorts, stacklevel=3)
    return chosen


def _printed(
    arms: Sequence[Arm], hazard_ratio: str | float | None, reference: str | None, medians: Mapping[str, str | float]
) -> tuple[dict[str, Printed], Printed | None]:
    names, problems, found, ratio = [arm.name for arm in arms], [], {}, None
    for name, value in medians.items():
        if name not in names:
            problems.append(Problem("medians", f"{name!r} has no curve", nearest(name, names)))
            continue
        try:
            found[name] = Printed.of(value)
        except ValueError as error:
            problems.append(Problem(f"medians, arm {name!r}", str(error), "give it as printed, such as '12.4'"))
    if reference is not None and reference not in names:
        problems.append(Problem("reference", f"{reference!r} has no curve", nearest(reference, names)))
    if hazard_ratio is not None:
        try:
            ratio = Printed.of(hazard_ratio)
        except ValueError as error:
            problems.append(Problem("hazard_ratio", str(error), "give it as printed, such as '0.80'"))
        if len(arms) != 2:
            problems.append(
                Problem("hazard_ratio", f"{len(arms)} arms", "give the curves of the two arms that it compares")
            )
    refuse(problems)
    return found, ratio


def _of_median(arm: Arm, drawn: Sequence[ArmPatients], printed: Printed) -> list[ArmPatients]:
    medians = np.array([median(one) for one in drawn])
    kept = [one for one, is_alike in zip(drawn, printed.holds(medians), strict=True) if is_alike]
    if not kept:
        known = medians[np.isfinite(medians)]
        reach = f"gives {known.min():.4g} to {known.max():.4g}" if len(known) else "does not reach one half"
        found = f"the printed median is {printed.value:g}, and the curve {reach}"
        refuse([Problem(f"medians, arm {arm.name!r}", found, "check the axes, the unit and the printed number")])
    return kept


def median(drawn: ArmPatients) -> float:
    """Return the Kaplan-Meier median; infinite if it is not reached."""
    try:
        return curve_quantile(kaplan_meier(drawn.time, drawn.event), 0.5).value
    except NotEstimableError:
        return np.inf


def _pairs(
    reference: Sequence[ArmPatients], other: Sequence[ArmPatients], ratio: Printed, m: int, rng: np.random.Generator
) -> list[tuple[ArmPatients, ArmPatients]]:
    """Up to m pairs with the printed hazard ratio; each reconstruction is used as seldom as possible."""
    kept: list[tuple[ArmPatients, ArmPatients]] = []
    seen: list[float] = []
    for _ in range(2 * _CANDIDATES):
        rows, columns = rng.permutation(len(reference)), rng.permutation(len(other))
        for place in range(min(len(rows), len(columns))):
            pair = reference[rows[place]], other[columns[place]]
            seen.append(_hazard_ratio_of_pair(*pair))
            if ratio.holds(np.array(seen[-1:]))[0]:
                kept.append(pair)
            if len(kept) == m:
                return kept
    if not kept:
        found = f"the printed ratio is {ratio.value:g}, and the curves give {min(seen):.4g} to {max(seen):.4g}"
        fix = "check which arm is the reference; an adjusted or stratified ratio is no constraint on the curves"
        refuse([Problem("hazard_ratio", found, fix)])
    return kept


def _hazard_ratio_of_pair(reference: ArmPatients, other: ArmPatients) -> float:
    """Return the Cox hazard ratio of the other arm to the reference."""
    time, event = (np.concatenate([getattr(arm, name) for arm in (reference, other)]) for name in ("time", "event"))
    treated = np.repeat([False, True], [len(reference.time), len(other.time)])
    return float(np.exp(hazard_ratio_of_rows(time, event, treated).value))
