"""Are all groups still there, and in their real proportions?"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
from scipy import stats

from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.groups import names_of
from heorsynth.checks.core.observed import Observed, patients, patients_by
from heorsynth.checks.core.question import Ask, Scope
from heorsynth.checks.core.scalar import Measured, Numbers
from heorsynth.data.columns.levels import SMALL_COUNT

FALSE_ALARM = 0.05
"""Chance, over all levels of a column, of calling a level lost that a faithful generator missed by luck."""


def check(scope: Scope) -> list[Finding]:
    """Findings on retention, representation, intersections, targets and disparities, as far as they are asked."""
    return [finding for ask in scope.asks() for finding in ask.estimand.answer(ask)]


def retention(ask: Ask) -> list[Finding]:
    """Whether every level of the arm and of each subgroup is still there and none was invented."""
    schema = ask.scope.real.schema
    return [_retention(ask, name) for name in (schema.arm, *schema.subgroups) if name is not None]


def shares(ask: Ask) -> list[Finding]:
    """The share of each level of each subgroup, synthetic over real."""
    names = ask.scope.real.schema.subgroups
    return [found for name in names for found in _representation(ask, (name,), 1)]


def shares_of_two(ask: Ask) -> list[Finding]:
    """The share of two levels together, synthetic over real, if enough real patients have both."""
    least = int(cast(int, ask.margin.settings["min_count"]))
    pairs = itertools.combinations(ask.scope.real.schema.subgroups, 2)
    return [found for pair in pairs for found in _representation(ask, pair, least)]


def _retention(ask: Ask, name: str) -> Finding:
    """Whether every level of a column is still there and none was invented.

    Notes
    -----
    A level held by k of n real patients is missing from a faithful cohort of N rows with probability at most
    (1 - p)^N, where p is the lower Clopper-Pearson bound of its share. It is lost if it is missing from so many
    of the m cohorts that this chance, over all levels of the column, is small. The bound may be wrong and the
    chance may come true, so each has half of the 5% there are, over the number of levels. A level the real
    cohort does not have is an invented one, however rare. One level is a finding: the count is compared with 1/2.
    """
    real, synthetic = ask.scope.real, ask.scope.synthetic
    held = real.levels(name)
    levels = sorted(set(held.tolist()) - {""})
    drawn = [set(cohort.levels(name).tolist()) - {""} for cohort in synthetic]
    invented = set().union(*drawn) - set(levels)
    lost, perhaps, alarm = 0, 0, FALSE_ALARM / 2 / max(len(levels), 1)
    for level in levels:
        absent = sum(level not in present for present in drawn)
        chance = _absence_by_chance(patients(real, held == level), real.n, absent, synthetic, alarm)
        if absent and chance < alarm:
            lost += 1
        elif absent == len(drawn):
            perhaps += 1
    wrong = lost + len(invented)
    low, high = float(wrong), float(wrong + perhaps)
    kept = float(np.mean([len(present & set(levels)) for present in drawn]))
    parts = [
        f"{count} {word}"
        for count, word in ((lost, "lost"), (len(invented), "invented"), (perhaps, "missing, perhaps by chance"))
        if count
    ]
    reason = f"of {len(levels)} levels {', '.join(parts) or 'all are kept and none is invented'}"
    question = ask.question(f"levels of {name} lost or invented", unit="levels", column=name)
    return question.answer(Numbers(float(len(levels)), kept, low, low, high, 0.0), reason=reason)


def _absence_by_chance(
    count: int,
    n: int,
    absent: int,
    synthetic: Sequence[Observed],
    alarm: float,
) -> float:
    """The chance that at least `absent` of the cohorts lack a level that `count` of `n` real patients have."""
    share = float(stats.beta.ppf(alarm, count, n - count + 1))
    missing = (1 - share) ** float(np.mean([cohort.n for cohort in synthetic]))
    return float(stats.binom.sf(absent - 1, len(synthetic), missing))


def _representation(ask: Ask, names: tuple[str, ...], min_count: int) -> list[Finding]:
    """The share of each level (or of each pair of levels), synthetic over real, with its interval.

    Notes
    -----
    Where no synthetic row has the level, half a row is counted over all cohorts, with variance 2 on the log
    scale, so that a lost level is far outside every margin instead of having no ratio. Of a cell that fewer
    than five real patients have, nothing is shown; whether a level is still there, `retention` says.
    """
    found, group = [], ask.group
    shown = {name: names_of(group.real, name) for name in names}
    what = "share of patients" if len(names) == 1 else "share of patients with both"
    for cell, count in _cells(group.real, names, min_count):
        label = ", ".join(f"{name}={shown[name][level]}" for name, level in zip(names, cell, strict=True))
        question = ask.question(what, replace(group, label=label), n_real=count)
        if count < SMALL_COUNT:
            found.append(question.refuse(f"fewer than {SMALL_COUNT} real patients: not shown"))
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
        found.append(question.compare(measured))
    return found


def _cells(real: Observed, names: tuple[str, ...], min_count: int) -> Iterator[tuple[tuple[str, ...], int]]:
    """The combinations of levels that at least `min_count` real patients have, missing left out."""
    counts = patients_by(real, names)
    for cell in sorted(counts):
        if "" not in cell and min_count <= counts[cell] < real.n:
            yield cell, counts[cell]


def _count(cohort: Observed, names: tuple[str, ...], cell: tuple[str, ...]) -> int:
    chosen = [cohort.levels(name) == level for name, level in zip(names, cell, strict=True)]
    return patients(cohort, np.logical_and.reduce(chosen))
