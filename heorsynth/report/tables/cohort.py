"""Table 1: the real and the synthetic cohorts, column by column."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from pandas.api import types

from heorsynth.core.disclosure import RULES, is_exact, shown_counts, small
from heorsynth.core.display import Card, counted
from heorsynth.core.estimate import significant
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.levels import SMALL_COUNT, shown_names
from heorsynth.report.tables.ordered import ordered_levels
from heorsynth.report.tables.table import FOOTNOTE, Table

IMBALANCE = 0.1
"""An absolute standardised difference above this is named in the table (Austin 2009 Stat Med 28:3083)."""

FEWEST = 10
"""A mean and standard deviation of fewer real patients is not given."""

_FEW_VALUES = 6
"""A number of no more distinct values than this is counted by level, such as a stage."""

_SHOWN_LEVELS = 20
"""A column with more levels than this is counted and not listed."""

COLUMNS = ("variable", "level", "real", "synthetic", "smd", "note")


def table_one(cohort: Cohort, synthetic: Sequence[Cohort]) -> Table:
    """Return Table 1: every column, real and synthetic, with standardised differences and lost levels.

    Parameters
    ----------
    cohort : Cohort                  the real patients
    synthetic : sequence of Cohort   the m synthetic cohorts

    Returns
    -------
    Table      `frame`: variable, level, real, synthetic (text: "count (share)" or "mean (SD)"; synthetic are means
               over the cohorts), smd (synthetic less real; NaN where there is none), note

    See Also
    --------
    verdict_table : The findings, with their margins.
    heorsynth.report.figures.level_retention : The share of each level as a figure.

    Notes
    -----
    For numbers SMD = (mean_s - mean_r) / sqrt((SD_s² + SD_r²) / 2); for each level
    (p_s - p_r) / sqrt((p_s(1 - p_s) + p_r(1 - p_r)) / 2). A level that every cohort lost, or that one invented,
    has a note instead of an SMD: there the formula says "balanced" or nothing. Follow-up times are censored, so
    their mean is not a patient's time: their median stands for the length of follow-up. Real counts below 5, and
    counts that would give one away, are not shown, nor is their SMD. Real means are rounded by their standard error,
    real SDs are within 10%, a real median is the mean of five patients, and a column of which one patient has most of
    the sum has none of them (`heorsynth.core.disclosure`).

    References
    ----------
    Austin (2009) Stat Med 28:3083, doi:10.1002/sim.3697.  Yang & Dalton (2012) SAS Global Forum 335.

    Examples
    --------
    >>> import heorsynth as hs
    >>> cohort, _ = hs.datasets.simulated_trial(60, seed=1)
    >>> synthetic = hs.generators.create("marginals").fit(cohort, seed=1).sample(m=2, seed=1)
    >>> table = table_one(cohort, synthetic)
    >>> table.to_frame()[["variable", "level", "real"]].head(3).values.tolist()
    [['patients or rows', '', '60'], ['arm', 'usual', '30 (50.0%)'], ['arm', 'new', '30 (50.0%)']]
    """
    rows: list[tuple[str, str, str, str, float, str]] = [
        ("patients or rows", "", f"{cohort.n:,}", f"{np.mean([one.n for one in synthetic]):,.0f}", math.nan, "")
    ]
    for name in _names(cohort):
        measured = is_measured(cohort, synthetic, name)
        rows += _number(cohort, synthetic, name) if measured else _levels(cohort, synthetic, name)
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    shown = tuple((row[0], row[1], row[2], row[3], signed(row[4]), row[5]) for row in rows)
    note = (
        f"Synthetic: means over {counted(len(synthetic), 'cohort')}. SMD: standardised difference, "
        "synthetic minus real; absolute values "
        f"above {IMBALANCE:g} are marked. Synthetic rows add no patients, so no test is shown. {FOOTNOTE}"
    )
    header = ("variable", "level", f"real (n = {cohort.n:,})", f"synthetic (m = {len(synthetic)})", "SMD", "note")
    return Table(Card("Table 1. Real beside synthetic", header, shown, note), frame)


def signed(smd: float) -> str:
    """A standardised difference with its sign; what rounds to nothing has none."""
    return "" if math.isnan(smd) else "0.00" if abs(smd) < 0.005 else f"{smd:+.2f}"


def _names(cohort: Cohort) -> list[str]:
    """The columns in a reader's order: arm, subgroups, covariates, outcomes, utilities, costs; never the id."""
    schema = cohort.schema
    first = [name for name in (schema.arm, *schema.subgroups) if name is not None]
    entry = [] if schema.entry is None else [schema.entry]
    return list(
        dict.fromkeys(
            [*first, *cohort.covariates, *entry, *schema.times, *schema.events, *schema.utilities, *schema.costs]
        )
    )


def is_measured(cohort: Cohort, synthetic: Sequence[Cohort], name: str) -> bool:
    """Measured rather than a level: numeric, of no role with levels, and of more than a few values."""
    if cohort.schema.holds_levels(name):
        return False
    column = cohort.rows[name]
    if not types.is_numeric_dtype(column) or types.is_bool_dtype(column):
        return False
    if name in (*cohort.schema.times, *cohort.schema.costs, *cohort.schema.utilities):
        return True
    return column.nunique() > _FEW_VALUES or any(
        len(np.unique(known_numbers(one, name))) > _SHOWN_LEVELS for one in synthetic
    )


def known_numbers(cohort: Cohort, name: str) -> np.ndarray:
    """The numbers of a column that are known; none if there is no such column. A frame of all columns takes longer."""
    values = cohort.numbers(name) if cohort.has(name) else np.empty(0)
    return values[~np.isnan(values)]


def _mean(values: Sequence[float]) -> float:
    """The mean of the known ones; NaN where there is none."""
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan


def _number(cohort: Cohort, synthetic: Sequence[Cohort], name: str) -> list[tuple[str, str, str, str, float, str]]:
    real, *drawn = (known_numbers(one, name) for one in (cohort, *synthetic))
    role = _role(cohort, name)
    if name in cohort.schema.times:
        shown = significant(RULES.quantile(real, 0.5)) if len(real) >= FEWEST else "fewer than 10"
        middle = _mean([float(np.median(values)) if len(values) else math.nan for values in drawn])
        rows = [(role, "median follow-up", shown, significant(middle, 3), math.nan, "")]
    else:
        rows = [(role, "mean (SD)", *_moments(real, drawn))]
    if name in cohort.schema.costs:
        counts = [int((real == 0).sum()), int((real != 0).sum())]
        zero = _mean([float((values == 0).mean()) if len(values) else math.nan for values in drawn])
        text = shown_counts(counts)[0]
        share = f" ({counts[0] / len(real):.1%})" if is_exact(text) and len(real) else ""
        rows.append((role, "no cost", text + share, _percent(zero), math.nan, ""))
    return rows + _missing(cohort, synthetic, name, role)


def _moments(real: np.ndarray, drawn: Sequence[np.ndarray]) -> tuple[str, str, float, str]:
    """Real and synthetic "mean (SD)", their SMD, and what to note."""
    enough = [values for values in drawn if len(values) > 1]
    mean, sd = (
        _mean([float(values.mean()) for values in enough]),
        _mean([float(values.std(ddof=1)) for values in enough]),
    )
    text = f"{significant(mean, 3)} ({significant(sd, 3)})" if enough else "none known"
    if len(real) < FEWEST:
        return f"fewer than {FEWEST}", text, math.nan, "too few real patients"
    centre, own = RULES.moments(real)
    if math.isnan(centre):
        return "not shown", text, math.nan, "one or two real patients make most of the sum"
    pooled = math.sqrt((own**2 + sd**2) / 2) if enough else 0.0
    smd = (mean - centre) / pooled if pooled > 0 else math.nan
    note = "lost: none known in any cohort" if not enough else _imbalance(smd)
    return f"{significant(centre)} ({significant(own)})", text, smd, note


def _imbalance(smd: float) -> str:
    return f"|SMD| > {IMBALANCE:g}" if abs(smd) > IMBALANCE else ""


def _role(cohort: Cohort, name: str) -> str:
    schema = cohort.schema
    if name in schema.times or name == schema.entry:
        return f"{name} ({schema.unit}s)"
    return f"{name} ({schema.money})" if name in schema.costs and schema.money else name


def _missing(
    cohort: Cohort,
    synthetic: Sequence[Cohort],
    name: str,
    role: str,
) -> list[tuple[str, str, str, str, float, str]]:
    count = int(cohort.rows[name].isna().sum())
    share = float(np.mean([float(one.missing(name).mean()) if one.has(name) else 1.0 for one in synthetic]))
    if not count and not share:
        return []
    note = "missing only in synthetic" if not count else "never missing in synthetic" if not share else ""
    text = small(count) + (f" ({count / cohort.n:.1%})" if is_exact(small(count)) else "")
    return [(role, "missing", text, _percent(share), math.nan, note)]


def _levels(cohort: Cohort, synthetic: Sequence[Cohort], name: str) -> list[tuple[str, str, str, str, float, str]]:
    held = cohort.levels(name)
    drawn = [one.levels(name) if one.has(name) else np.full(one.n, "") for one in synthetic]
    every = set(held.tolist()).union(*(set(one.tolist()) for one in drawn))
    if len(every) > _SHOWN_LEVELS and name not in (cohort.schema.arm, *cohort.schema.subgroups):
        return [
            (name, f"{len(set(held.tolist())):,} levels", "not listed", "not listed", math.nan, "free text or a code")
        ]
    if name not in (cohort.schema.arm, *cohort.schema.subgroups, *cohort.schema.events):
        held, drawn = _rare_together(held, drawn)
        every = set(held.tolist()).union(*(set(one.tolist()) for one in drawn))
    levels = ordered_levels(cohort, name, every)
    counts = [int((held == level).sum()) for level in levels]
    shown = shown_names(dict(zip(levels, counts, strict=True)))
    rows = []
    for level, count, text in zip(levels, counts, shown_counts(counts), strict=True):
        shares = [float((one == level).mean()) for one in drawn]
        rows.append(_level(cohort, name, shown[level] if name in cohort.schema.strata else level, count, text, shares))
    return rows


def _rare_together(held: np.ndarray, drawn: Sequence[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    """The levels with those of fewer than five real patients as one, which is counted and not named."""
    levels, counts = np.unique(held[held != ""], return_counts=True)
    rare = levels[counts < SMALL_COUNT]
    label = counted(len(rare), "rare level")
    merged = [np.where(np.isin(one, rare), label, one.astype(object)) for one in (held, *drawn)]
    return merged[0], merged[1:]


def _level(
    cohort: Cohort,
    name: str,
    level: str,
    count: int,
    text: str,
    shares: Sequence[float],
) -> tuple[str, str, str, str, float, str]:
    real, synthetic = count / cohort.n, float(np.mean(shares))
    absent = sum(share == 0 for share in shares)
    spread = math.sqrt((real * (1 - real) + synthetic * (1 - synthetic)) / 2)
    smd = (synthetic - real) / spread if spread > 0 and count and synthetic and is_exact(text) else math.nan
    if not count:
        note = "invented: no real patient has it"
    elif absent == len(shares):
        note = "lost: in none of the cohorts"
    elif absent and level:
        note = f"lost in {absent} of {len(shares)} cohorts"
    else:
        note = _imbalance(smd)
    return (
        name,
        _level_name(cohort, name, level),
        text + (f" ({real:.1%})" if is_exact(text) else ""),
        _percent(synthetic) if is_exact(text) else f"{synthetic:.0%}",
        smd,
        note,
    )


def _level_name(cohort: Cohort, name: str, level: str) -> str:
    """A level's text; an event code with its cause."""
    if level == "":
        return "missing"
    causes = next((point.causes for point in cohort.schema.endpoints.values() if point.event == name), None)
    if causes is None or not level.isdigit():
        return level
    return "censored" if int(level) == 0 else causes.get(int(level), f"cause {level}")


def _percent(share: float) -> str:
    return "not estimable" if math.isnan(share) else f"{share:.1%}"
