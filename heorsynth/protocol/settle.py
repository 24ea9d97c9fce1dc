"""Draws more synthetic cohorts until the decisive findings are settled."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from heorsynth.checks.core.finding import LATER_LEVEL, NOT_SHOWN
from heorsynth.checks.planning.plan import Plan
from heorsynth.evidence.answers import cohorts_needed
from heorsynth.evidence.evidence import Evidence
from heorsynth.generators.sampling.cohorts import SyntheticCohorts
from heorsynth.protocol.synthetic import Displayed, Synthetic

_STRICTER = 2.5
"""A 99% interval is as narrow as a 90% interval with this many times the cohorts: (2.576/1.645)² = 2.45."""

_SPARE = 1.25
"""The predicted number of cohorts is multiplied by this: the prediction is as often too small as too large."""

_FEWEST = 20
"""Number of cohorts after a single one, from which nothing can be predicted."""

_LATER_LOOKS = 2
"""How often the number of cohorts is increased at most."""


def settled(
    synthetic: Synthetic,
    most: int,
    plan: Plan,
    drawn: Callable[[int], Synthetic],
    shown: Callable[[Synthetic], Displayed],
    judged: Callable[[Plan, Synthetic, Displayed], Evidence],
) -> tuple[Synthetic, Displayed, Evidence]:
    """Return cohorts, their displayed rows and their evidence; more cohorts are drawn while fidelity is "not shown".

    More cohorts make the interval of each difference narrower, so they settle every finding that is not exactly on its
    margin. Intermediate numbers of cohorts are judged on the decisive estimands only.

    Parameters
    ----------
    synthetic : Synthetic     the cohorts drawn first
    most : int                the largest number of cohorts
    drawn : callable          number of cohorts -> cohorts; the first ones have the same rows
    shown : callable          cohorts -> the rows to display; called once for each number of cohorts
    judged : callable         (plan, cohorts, rows to display) -> evidence

    Notes
    -----
    A finding that is tested again has another chance to pass. At the first look a wrong pass has a probability of at
    most 5%. The later looks use 99% intervals, so each adds at most 0.5%; with two of them the sum is at most 6%.
    The first later look has the predicted number of cohorts, the second the largest. Folders are not drawn again: their
    cohorts have so many rows that a few settle everything.
    """
    rows, first = shown(synthetic), len(synthetic)
    evidence = judged(plan, synthetic, rows)
    strict = replace(plan, level=LATER_LEVEL)
    for look in range(1, _LATER_LOOKS + 1):
        here = len(synthetic)
        needed = cohorts_needed(evidence.decisive) or (_FEWEST if here < 2 else 0)
        open_ = evidence.answers["faithful"] == NOT_SHOWN and needed > 0
        if not isinstance(synthetic, SyntheticCohorts) or not open_ or here >= most:
            break
        predicted = max(2 * here, math.ceil(_SPARE * needed * (_STRICTER if look == 1 else 1)))
        synthetic = drawn(most if look == _LATER_LOOKS else min(most, predicted))
        rows = shown(synthetic)
        evidence = judged(strict.deciding, synthetic, rows)
    return synthetic, rows, evidence if evidence.m == first else judged(strict, synthetic, rows)
