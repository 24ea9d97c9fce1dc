"""Table 1 by arm: every covariate in each arm, with its balance, real beside synthetic."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from heorsynth.checks.core.groups import names_of
from heorsynth.core.disclosure import RULES, determined, is_exact, shown_counts
from heorsynth.core.display import Card
from heorsynth.core.estimate import significant
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.levels import SMALL_COUNT
from heorsynth.report.tables.cohort import FEWEST, IMBALANCE, is_measured, signed
from heorsynth.report.tables.ordered import ordered_levels
from heorsynth.report.tables.table import FOOTNOTE, Table

_MOST_LEVELS = 20
"""A column with more levels than this has no rows by arm."""

_HIDDEN = "not shown"

_Row = tuple[str, str, list[str], list[str], list[float], list[float]]
"""Variable, level, real and synthetic text of each arm, real and synthetic difference of each other arm."""

_Masks = list[np.ndarray]
"""True (n,) for the rows of each arm."""


def table_one_by_arm(cohort: Cohort, synthetic: Sequence[Cohort]) -> Table:
    """Return Table 1 by arm: columns for each arm, real and synthetic, and standardised differences between the arms.

    Parameters
    ----------
    cohort : Cohort                  the real patients; they need an arm
    synthetic : sequence of Cohort   the m synthetic cohorts

    Returns
    -------
    Table      `frame`: variable, level; real and synthetic text for each arm ("mean (SD)" or "count (share)", synthetic
               a mean over the cohorts); the SMD of each other arm against the first one, real and synthetic

    Notes
    -----
    SMD = (mean_a - mean_1) / sqrt((SD_a² + SD_1²) / 2) within the patients, and within each cohort, averaged over the
    cohorts. For a level, p and sqrt(p(1 - p)) replace mean and SD. Real counts below 5, and counts that would give one
    away, are not shown, nor is the SMD of their level; a mean of fewer than 10 patients, or of a sum that one patient
    dominates, hides the whole row. Real means and SDs are rounded as in `table_one`. Costs,
    utilities and times are outcomes, not covariates: they are left out.

    References
    ----------
    Austin (2009) Stat Med 28:3083, doi:10.1002/sim.3697.
    """
    schema, arms = cohort.schema, list(cohort.arm_levels)
    shown = names_of(cohort, str(schema.arm))
    rows = [_patients(cohort, synthetic, arms)]
    members = [[held == arm for arm in arms] for held in map(_arm, (cohort, *synthetic))]
    for name in dict.fromkeys([*schema.subgroups, *cohort.covariates]):
        rows += (
            [_number(cohort, synthetic, name, members)]
            if is_measured(cohort, synthetic, name)
            else _levels(cohort, synthetic, name, members)
        )
    named = [shown[arm] for arm in arms]
    columns = ["variable", "level", *(f"real {arm}" for arm in named), *(f"synthetic {arm}" for arm in named)]
    pairs = [f"{arm} vs {named[0]}" for arm in named[1:]]
    columns += [*(f"SMD {pair}, real" for pair in pairs), *(f"SMD {pair}, synthetic" for pair in pairs)]
    frame = pd.DataFrame([[one[0], one[1], *one[2], *one[3], *one[4], *one[5]] for one in rows], columns=columns)
    cells = tuple((*one[:2], *one[2], *one[3], *map(signed, one[4]), *map(signed, one[5])) for one in rows)
    note = (
        f"SMD: standardised difference between the arms; above {IMBALANCE:g} in absolute value is an imbalance. "
        f"Synthetic: means over {len(synthetic)} cohorts. {FOOTNOTE}"
    )
    return Table(Card("Table 1 by arm", tuple(columns), cells, note), frame)


def _patients(cohort: Cohort, synthetic: Sequence[Cohort], arms: list[str]) -> _Row:
    counts = [int((_arm(cohort) == arm).sum()) for arm in arms]
    drawn = [f"{np.mean([(_arm(one) == arm).sum() for one in synthetic]):,.0f}" for arm in arms]
    none = [math.nan] * (len(arms) - 1)
    return "patients or rows", "", shown_counts(counts), drawn, none, none


def _number(cohort: Cohort, synthetic: Sequence[Cohort], name: str, members: list[_Masks]) -> _Row:
    real, *drawn = ([_known(one, name, arm) for arm in arms]
                    for one, arms in zip((cohort, *synthetic), members, strict=True))  # fmt: skip
    texts, differences = [_HIDDEN] * len(real), [math.nan] * (len(real) - 1)
    own = [RULES.moments(one) for one in real]
    if min(map(len, real)) >= FEWEST and not np.isnan(own).any():
        texts = [f"{significant(mean)} ({significant(sd)})" for mean, sd in own]
        differences = [_of_means(one, own[0]) for one in own[1:]]
    copies = []
    for place in range(len(real)):
        enough = [one[place] for one in drawn if len(one[place]) > 1]
        mean, sd = np.mean([_mean_sd(one) for one in enough], axis=0) if enough else (math.nan, math.nan)
        copies.append(f"{significant(float(mean), 3)} ({significant(float(sd), 3)})" if enough else "none known")
    apart = [
        _averaged([_of_means(_mean_sd(one[place]), _mean_sd(one[0])) for one in drawn]) for place in range(1, len(real))
    ]
    return name, "mean (SD)", texts, copies, differences, apart


def _levels(cohort: Cohort, synthetic: Sequence[Cohort], name: str, members: list[_Masks]) -> list[_Row]:
    """One row a level that five or more patients have; other levels are one row."""
    held = cohort.levels(name)
    levels = ordered_levels(cohort, name, set(held.tolist()))
    if len(levels) > _MOST_LEVELS:
        return []
    rare = [level for level in levels if 0 < int((held == level).sum()) < SMALL_COUNT]
    parts = [[level] for level in levels if level not in rare] + ([rare] if rare else [])
    masks = [[np.isin(_held(one, name), part) for part in parts] for one in (cohort, *synthetic)]
    counts = [[int((mask & arm).sum()) for mask in masks[0]] for arm in members[0]]
    texts = _suppressed(counts)
    sizes = [max(sum(one), 1) for one in counts]
    rows = []
    for place, part in enumerate(parts):
        shares = [one[place] / size for one, size in zip(counts, sizes, strict=True)]
        drawn = [
            [float(np.mean(mask[place][arm])) if arm.any() else 0.0 for arm in arms]
            for arms, mask in zip(members[1:], masks[1:], strict=True)
        ]
        exact = all(is_exact(one[place]) for one in texts)
        pairs = zip([one[place] for one in texts], shares, strict=True)
        own = [f"{text} ({share:.1%})" if is_exact(text) else text for text, share in pairs]
        means = [float(np.mean([one[at] for one in drawn])) for at in range(len(counts))]
        copies = [f"{mean:.1%}" if exact else f"{mean:.0%}" for mean in means]
        label = f"{len(part)} rare levels" if part is rare else part[0] or "missing"
        differences = [_of_shares(share, shares[0]) if exact else math.nan for share in shares[1:]]
        apart = [_averaged([_of_shares(one[at], one[0]) for one in drawn]) for at in range(1, len(counts))]
        rows.append((name, label, own, copies, differences, apart))
    return rows


def _suppressed(counts: list[list[int]]) -> list[list[str]]:
    """Counts by arm and level as text, so that no small one can be worked out from totals over levels or over arms."""
    texts = [shown_counts(one) for one in counts]
    for _ in range(sum(map(len, counts))):
        before = [list(one) for one in texts]
        for line in [[(arm, level) for level in range(len(counts[0]))] for arm in range(len(counts))] + [
            [(arm, level) for arm in range(len(counts))] for level in range(len(counts[0]))
        ]:
            hidden = [at for at in line if not is_exact(texts[at[0]][at[1]])]
            shown = [at for at in line if at not in hidden]
            if hidden and shown and determined([counts[at[0]][at[1]] for at in hidden]):
                arm, level = min(shown, key=lambda at: (counts[at[0]][at[1]], at))
                texts[arm][level] = f"≥{SMALL_COUNT}" if counts[arm][level] >= SMALL_COUNT else f"<{SMALL_COUNT}"
        if texts == before:
            return texts
    return texts


def _arm(cohort: Cohort) -> np.ndarray:
    return cohort.levels(str(cohort.schema.arm))


def _held(cohort: Cohort, name: str) -> np.ndarray:
    return cohort.levels(name) if cohort.has(name) else np.full(cohort.n, "")


def _known(cohort: Cohort, name: str, arm: np.ndarray) -> np.ndarray:
    if not cohort.has(name):
        return np.empty(0)
    values = cohort.numbers(name)
    return values[arm & ~np.isnan(values)]


def _mean_sd(values: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation; NaN for fewer than two values."""
    return (float(values.mean()), float(values.std(ddof=1))) if len(values) > 1 else (math.nan, math.nan)


def _of_means(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Standardised difference of two means, each given with its standard deviation."""
    spread = math.sqrt((one[1] ** 2 + other[1] ** 2) / 2)
    return (one[0] - other[0]) / spread if spread > 0 else math.nan


def _of_shares(one: float, other: float) -> float:
    spread = math.sqrt((one * (1 - one) + other * (1 - other)) / 2)
    return (one - other) / spread if spread > 0 else math.nan


def _averaged(values: list[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan
