"""Subgroup levels: are all of them present, in their real proportions?"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
from scipy import special

from heorsynth.checks.core.finding import Finding, Held
from heorsynth.checks.core.groups import names_of
from heorsynth.checks.core.question import Ask, Scope
from heorsynth.checks.core.scalar import Measured, Numbers
from heorsynth.checks.core.strata import Observed, at_level, levels_in, patients, patients_by
from heorsynth.data.columns.levels import SMALL_COUNT

_FALSE_ALARM = 0.05
"""Probability, over all levels of a column, of a false alarm for a faithful generator."""


def check(scope: Scope) -> list[Finding]:
    """Return the findings on retention, representation, intersections, targets and disparities."""
    return [finding for ask in scope.asks() for finding in ask.estimand.answer(ask)]


def retention(ask: Ask) -> list[Finding]:
    """Return the number of lost and invented levels, for the arm and each subgroup."""
    schema = ask.scope.real.schema
    return [_retention(ask, name) for name in (schema.arm, *schema.subgroups) if name is not None]


def shares(ask: Ask) -> list[Finding]:
    """Return the share of each subgroup level, synthetic divided by real."""
    names = ask.scope.real.schema.subgroups
    return [finding for name in names for finding in _representation(ask, (name,), 1)]


def shares_of_two(ask: Ask) -> list[Finding]:
    """Return the share of two levels together, synthetic divided by real, if enough real patients have both."""
    least = int(cast(int, ask.margin.settings["min_count"]))
    pairs = itertools.combinations(ask.scope.real.schema.subgroups, 2)
    return [finding for pair in pairs for finding in _representation(ask, pair, least)]


def _retention(ask: Ask, name: str) -> Finding:
    """Return the finding on lost and invented levels of a column.

    Notes
    -----
    Let k of n real patients have a level, and let p be the lower Clopper-Pearson bound of its share. A faithful cohort
    of N rows lacks the level with probability at most (1 - p)^N. The level is lost if it is absent from so many of the
    m cohorts that this is improbable. The bound p can be wrong, and an improbable absence can happen; each error gets
    half of the 5%, divided by the number of levels. A level that the real cohort does not have is invented, however
    rare it is. One lost or invented level fails, so the count is compared with 1/2.
    """
    real, synthetic = ask.scope.real, ask.scope.synthetic
    levels = levels_in(real, name)
    drawn = [set(levels_in(cohort, name)) for cohort in synthetic]
    invented = set().union(*drawn) - set(levels)
    lost, perhaps, alarm = 0, 0, _FALSE_ALARM / 2 / max(len(levels), 1)
    for level in levels:
        absent = sum(level not in present for present in drawn)
        chance = _absence_by_chance(patients(real, at_level(real, name, level)), real.n, absent, synthetic, alarm)
        if absent and chance < alarm:
            lost += 1
        elif absent == len(drawn):
            perhaps += 1
    wrong = lost + len(invented)
    low, high = float(wrong), float(wrong + perhaps)
    kept = float(np.mean([len(present & set(levels)) for present in drawn]))
    parts = [
        f"{count} {word}"
        for count, word in ((lost, "lost"), (len(invented), "invented"), (perhaps, "absent, possibly by chance"))
        if count
    ]
    reason = f"of {len(levels)} levels, {', '.join(parts) or 'all are kept and none is invented'}"
    question = ask.question(f"levels of {name} lost or invented", unit="levels", column=name)
    return question.answer(Numbers(float(len(levels)), kept, low, low, high, 0.0), reason=reason)


def _absence_by_chance(
    count: int,
    n: int,
    absent: int,
    synthetic: Sequence[Observed],
    alarm: float,
) -> float:
    """Return the probability that `absent` or more cohorts lack a level that `count` of `n` real patients have."""
    share = float(special.betaincinv(count, n - count + 1, alarm))
    missing = (1 - share) ** float(np.mean([cohort.n for cohort in synthetic]))
    return float(special.bdtrc(absent - 1, len(synthetic), missing))


def _representation(ask: Ask, names: tuple[str, ...], min_count: int) -> list[Finding]:
    """Return the share of each level, or of each pair of levels, synthetic divided by real.

    Notes
    -----
    If no synthetic row has the level, half a row over all cohorts is used, with variance 2 on the log scale. The ratio
    is then defined and far outside every margin. Nothing is shown for a cell with fewer than five real patients;
    `retention` reports whether such a level is present.
    """
    findings, group = [], ask.group
    shown = {name: names_of(group.real, name) for name in names}
    what = "share of patients" if len(names) == 1 else "share of patients with both"
    for cell, count in _cells(group.real, names, min_count):
        label = ", ".join(f"{name}={shown[name][level]}" for name, level in zip(names, cell, strict=True))
        held = Held(count=count, of=group.real.n)
        question = ask.question(what, replace(group, label=label), n_real=count, held=held)
        if count < SMALL_COUNT:
            findings.append(question.refuse(f"fewer than {SMALL_COUNT} real patients: not shown"))
            continue
        drawn = [_count(cohort, names, cell) for cohort in group.synthetic]
        sizes = [cohort.n for cohort in group.synthetic]
        parts = [part / n for part, n in zip(drawn, sizes, strict=True)]
        variances = [share * (1 - share) / n for share, n in zip(parts, sizes, strict=True)]
        if not any(drawn):
            half = 0.5 / sum(sizes)
            parts, variances = [half] * len(sizes), [2 * len(sizes) * half**2] * len(sizes)
        share = count / group.real.n
        measured = Measured(share, share * (1 - share) / group.real.n, parts, variances)
        findings.append(question.compare(measured))
    return findings


def _cells(real: Observed, names: tuple[str, ...], min_count: int) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield the combinations of levels with at least `min_count` real patients, without missing levels."""
    counts = patients_by(real, names)
    for cell in sorted(counts):
        if "" not in cell and min_count <= counts[cell] < real.n:
            yield cell, counts[cell]


def _count(cohort: Observed, names: tuple[str, ...], cell: tuple[str, ...]) -> int:
    chosen = [at_level(cohort, name, level) for name, level in zip(names, cell, strict=True)]
    return patients(cohort, np.logical_and.reduce(chosen))
