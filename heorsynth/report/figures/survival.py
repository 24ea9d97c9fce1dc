"""Kaplan-Meier curves, real beside synthetic, with the numbers at risk beneath."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import transforms
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from heorsynth.core.disclosure import RULES, small
from heorsynth.core.display import counted
from heorsynth.core.errors import HorizonError, NotEstimableError, Problem, unknown_name
from heorsynth.core.estimate import significant
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.levels import shown_names
from heorsynth.estimators.survival.estimates import at_risk_counts, kaplan_meier
from heorsynth.report.figures.style import (
    BLACK,
    DASHED,
    GREY,
    GROUP_COLOURS,
    GROUP_MARKERS,
    SYNTHETIC,
    Picture,
    canvas,
    style,
    watermark,
)
from heorsynth.report.tables.ordered import ordered_levels

_WIDTH_OF_LEGEND = 0.3
"""Of the time axis, at most."""

_APART = 24
"""Points of the grid between two markers on a curve."""

MIN_AT_RISK = 10
"""A curve ends where fewer are at risk: beyond that, a step can identify one person."""

GRID = 200
"""Points a curve is drawn at: equally spaced, so that no step stands at a patient's own day."""

WIDTH, LEFT, RIGHT, TOP, PLOT, AXIS, ROW, FOOT = 8.0, 1.05, 0.35, 0.5, 3.9, 0.62, 0.19, 0.12
"""Inches: the figure, its margins, the curves, the time axis, a row of the table, and below it."""


@dataclass(frozen=True)
class Curves:
    """One group's curves on the grid (g,), NaN past the point where too few are at risk; tables at the ticks."""

    label: str
    real: np.ndarray
    synthetic: np.ndarray
    low: np.ndarray
    high: np.ndarray
    risk: pd.DataFrame


def km_overlay(
    cohort: Cohort,
    synthetic: Sequence[Cohort],
    endpoint: str,
    by: str | None = None,
    horizon: float | None = None,
) -> Picture:
    """Return Kaplan-Meier curves of the real (solid) and the synthetic cohorts (dashed), with numbers at risk.

    Parameters
    ----------
    cohort : Cohort                  the real patients
    synthetic : sequence of Cohort   the m synthetic cohorts
    endpoint : str                   cause 1 is the event; other causes censor
    by : str, optional               "arm", or the arm column, or a subgroup: one pair of curves a level
    horizon : float, optional        end of the time axis in the cohort's unit; by default the last time at which
                                     ten real patients of some group are at risk

    Returns
    -------
    Picture      `frame`: group, time, real, synthetic (mean over the cohorts), synthetic_low, synthetic_high (5th
                 and 95th percentile over them), shares; `tables["at_risk"]`: group, time and, real and synthetic,
                 at risk, censored, events (KMunicate form; synthetic are means over the cohorts)

    Raises
    ------
    UnknownNameError     no such endpoint or group
    HorizonError         a horizon that is not above 0
    NotEstimableError    no group with ten patients

    See Also
    --------
    km_difference : The difference of the curves, with its interval and margin.

    Notes
    -----
    Curves stand on 200 equally spaced times and end where fewer than ten are at risk; the real one is rounded to a
    part of its standard error. Real counts below five are not given; where there is one, in any group, the other real
    counts at that time are rounded down to fives, so that none can be worked out. The numbers at risk are those with
    T ≥ t, as R's ``summary(survfit(...), times = t)`` prints.

    References
    ----------
    Morris et al. (2019) BMJ Open 9:e030215, doi:10.1136/bmjopen-2019-030215.

    Examples
    --------
    >>> import heorsynth as hs
    >>> cohort, _ = hs.datasets.simulated_trial(60, seed=1)
    >>> synthetic = hs.generators.create("marginals").fit(cohort, seed=1).sample(m=2, seed=1)
    >>> picture = km_overlay(cohort, synthetic, "os", by="arm")
    >>> picture.frame["group"].unique().tolist(), list(picture.tables)
    (['usual', 'new'], ['at_risk'])
    """
    column = _column(cohort, by)
    every = list(_groups(cohort, synthetic, column))
    groups = [group for group in every if group[1].n >= MIN_AT_RISK][: len(GROUP_COLOURS)]
    if not groups:
        raise NotEstimableError(
            "Kaplan-Meier figure",
            Problem(by or "all", f"no group of at least {MIN_AT_RISK} patients", "take a coarser subgroup"),
        )
    end = _end([real for _, real, _ in groups], endpoint) if horizon is None else float(horizon)
    if not end > 0:
        raise HorizonError("horizon", Problem("", "not a time above 0", "give a positive number in the cohort's unit"))
    grid = np.linspace(0, end, GRID + 1)
    ticks = np.array(
        [tick for tick in MaxNLocator(9, steps=[1, 2, 2.5, 5, 10]).tick_values(0, end) if 0 <= tick <= end]
    )
    few = _few(cohort, [real for _, real, _ in every], endpoint, ticks)
    curves = [_curves(label, real, drawn, endpoint, grid, ticks, few) for label, real, drawn in groups]
    with style():
        axes = _drawn(curves, grid, ticks, cohort, endpoint, len(synthetic), column)
    frame = pd.concat([_as_frame(curve, grid) for curve in curves], ignore_index=True)
    risk = pd.concat([curve.risk for curve in curves], ignore_index=True)
    caption = _caption(cohort, endpoint, len(synthetic), len(every) - len(groups))
    return Picture(axes, frame, _alt(curves, grid, cohort, endpoint, column), caption, {"at_risk": risk})


def _column(cohort: Cohort, by: str | None) -> str | None:
    if by is None:
        return None
    names = [name for name in (cohort.schema.arm, *cohort.schema.subgroups) if name is not None]
    name = cohort.schema.arm if by == "arm" and cohort.schema.arm is not None else by
    if name not in names:
        raise unknown_name("group", by, [*names, "arm"] if cohort.schema.arm else names)
    return name


def _groups(
    cohort: Cohort,
    synthetic: Sequence[Cohort],
    column: str | None,
) -> Iterator[tuple[str, Cohort, list[Cohort]]]:
    if column is None:
        yield "all", cohort, list(synthetic)
        return
    held, drawn = cohort.levels(column), [one.levels(column) for one in synthetic]
    levels = ordered_levels(cohort, column, set(held.tolist()) - {""})
    names = shown_names({level: int((held == level).sum()) for level in levels})
    for level in levels:
        yield (
            names[level],
            cohort.take(held == level),
            [one.take(rows == level) for one, rows in zip(synthetic, drawn, strict=True)],
        )


def _end(groups: Sequence[Cohort], endpoint: str) -> float:
    """The last round time at which ten real patients of some group are at risk."""
    times = []
    for group in groups:
        time, _, entry = group.outcome(endpoint)
        points = np.linspace(0, float(np.max(time)), GRID + 1)
        at_risk = at_risk_counts(time, np.zeros(group.n, bool), points, entry)[:, 0]
        times.append(points[np.flatnonzero(at_risk >= MIN_AT_RISK)[-1]])
    return float(f"{max(times):.2g}") if max(times) > 0 else 1.0


def _survival(
    cohort: Cohort, endpoint: str, grid: np.ndarray, at_risk: np.ndarray, least: int, *, exact: bool = True
) -> np.ndarray:
    """Kaplan-Meier on the grid (g,), NaN after the last time at which `least` are at risk."""
    found = np.full(len(grid), np.nan)
    if (at_risk >= least).any():
        time, cause, entry = cohort.outcome(endpoint)
        upto = np.flatnonzero(at_risk >= least)[-1] + 1
        curve = kaplan_meier(time, cause == 1, entry)
        found[:upto] = curve.at(grid[:upto])
        if not exact:
            found[:upto] = published_curve(found[:upto], curve.se_at(grid[:upto]))
    return found


def published_curve(curve: np.ndarray, error: np.ndarray) -> np.ndarray:
    """The curve of the patients (g,) as it is drawn: rounded to a step that its largest standard error justifies.

    An exact curve of everybody and one of all but a few patients would give the curve of these few.
    """
    step = RULES.step(RULES.spread(float(np.max(error))))
    return np.asarray(np.round(np.round(curve / step, 6)) * step) if step else curve


def _risk(cohort: Cohort, endpoint: str, at: np.ndarray) -> np.ndarray:
    """At risk, censored and events (k, 3) at these times; zeros for a group without anyone."""
    if not cohort.n:
        return np.zeros((len(at), 3))
    time, cause, entry = cohort.outcome(endpoint)
    return at_risk_counts(time, cause == 1, at, entry).astype(float)


def _few(cohort: Cohort, groups: Sequence[Cohort], endpoint: str, ticks: np.ndarray) -> np.ndarray:
    """Whether to round the numbers at risk, censored and of events (k, 3) at each tick down to fives.

    They are where one of them is 1 to 4 in a group, drawn or not, or among patients of no group. The number at risk is
    exact, unless it is such a count itself, or gives one away because few have ended follow-up.
    """
    held = [_risk(one, endpoint, ticks) for one in groups]
    counts = np.stack([*held, _risk(cohort, endpoint, ticks) - np.sum(held, axis=0)])
    small_ones = (counts > 0) & (counts < RULES.smallest)
    ended = counts[..., 1:].sum(axis=-1)
    at_risk = small_ones[..., 0] | (small_ones[..., 1:].any(axis=-1) & (ended < 2 * RULES.smallest))
    others = small_ones.any(axis=(0, 2))
    return np.column_stack([at_risk.any(axis=0), others, others])


def _text(count: int, down: bool) -> str:
    """A real count; rounded down to fives where another count at its time is small and would follow from it."""
    return small(count) if count < RULES.smallest or not down else f"{RULES.floor(count):,}"


def _curves(
    label: str,
    real: Cohort,
    synthetic: Sequence[Cohort],
    endpoint: str,
    grid: np.ndarray,
    ticks: np.ndarray,
    few: np.ndarray,
) -> Curves:
    g = len(grid)
    counts, *drawn = (_risk(cohort, endpoint, np.concatenate([grid, ticks])) for cohort in (real, *synthetic))
    pairs = zip(synthetic, drawn, strict=True)
    each = np.array([_survival(cohort, endpoint, grid, risk[:g, 0], 1) for cohort, risk in pairs])
    mean_at_risk, mean = np.mean(drawn, axis=0)[:g, 0], np.mean(drawn, axis=0)[g:]
    known = np.isfinite(each).all(axis=0) & (mean_at_risk >= MIN_AT_RISK)
    middle, low, high = (
        np.where(known, values, np.nan)
        for values in (each.mean(axis=0), *np.quantile(np.nan_to_num(each), [0.05, 0.95], axis=0))
    )
    texts = np.vectorize(_text, otypes=[object])(counts[g:].astype(int), few)
    risk = pd.DataFrame({"group": label, "time": ticks})
    for place, name in enumerate(("at_risk", "censored", "events")):
        risk[f"real_{name}"], risk[f"synthetic_{name}"] = texts[:, place], np.rint(mean[:, place]).astype(int)
    curve = _survival(real, endpoint, grid, counts[:g, 0], MIN_AT_RISK, exact=False)
    return Curves(label, curve, middle, low, high, risk)


def _as_frame(curve: Curves, grid: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "group": curve.label,
            "time": grid,
            "real": curve.real,
            "synthetic": curve.synthetic,
            "synthetic_low": curve.low,
            "synthetic_high": curve.high,
        }
    )


def _drawn(
    curves: Sequence[Curves],
    grid: np.ndarray,
    ticks: np.ndarray,
    cohort: Cohort,
    endpoint: str,
    m: int,
    column: str | None,
) -> Axes:
    table = (1 + 4 * len(curves)) * ROW + FOOT
    height = TOP + PLOT + AXIS + table
    figure = canvas(WIDTH, height)
    axes = figure.add_axes((LEFT / WIDTH, (AXIS + table) / height, (WIDTH - LEFT - RIGHT) / WIDTH, PLOT / height))
    colours = [BLACK] if column is None else list(GROUP_COLOURS)
    for curve, colour, look in zip(curves, colours, _markers(column), strict=False):
        drawn = SYNTHETIC if column is None else colour
        axes.fill_between(grid, curve.low, curve.high, step="post", color=drawn, alpha=0.13, linewidth=0)
        axes.step(grid, curve.real, where="post", color=colour, linestyle="-", **look)
        axes.step(grid, curve.synthetic, where="post", color=drawn, linestyle=DASHED, **look)
    event = cohort.schema.endpoints[endpoint].causes.get(1, "the event")
    axes.set(
        xlim=(0, grid[-1]),
        ylim=(0, 1.02),
        xticks=ticks,
        xlabel=f"Time ({cohort.schema.unit}s)",
        ylabel=f"Share without {event}",
    )
    axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.set_title(f"{endpoint}: real beside synthetic" + (f", by {column}" if column else ""))
    _legend(axes, curves, grid, colours, column)
    _table(figure, axes, curves, colours, ticks, m)
    watermark(figure)
    return axes


def _markers(column: str | None) -> list[dict[str, Any]]:
    """What tells the groups' lines apart without colour: a marker here and there; none where there is one group."""
    if column is None:
        return [{}]
    return [
        {"marker": marker, "markersize": 4, "markevery": (3 + 2 * place, _APART)}
        for place, marker in enumerate(GROUP_MARKERS)
    ]


def _legend(axes: Axes, curves: Sequence[Curves], grid: np.ndarray, colours: Sequence[str], column: str | None) -> None:
    """The legend at the lower left, unless a curve passes there."""
    lines = [
        Line2D([], [], color=BLACK, linestyle="-", label="real"),
        Line2D([], [], color=SYNTHETIC if column is None else BLACK, linestyle=DASHED, label="synthetic"),
    ]
    if column is not None:
        lines += [
            Line2D([], [], color=colour, linewidth=5, marker=marker, markersize=9, label=curve.label)
            for curve, colour, marker in zip(curves, colours, GROUP_MARKERS, strict=False)
        ]
    early = grid <= _WIDTH_OF_LEGEND * grid[-1]
    lowest = min(float(np.nanmin(np.append(values[early], 1.0)))
                 for curve in curves for values in (curve.real, curve.synthetic))  # fmt: skip
    axes.legend(handles=lines, loc="lower left" if lowest > 0.08 + 0.055 * len(lines) else "upper right")


def _table(
    figure: Figure,
    axes: Axes,
    curves: Sequence[Curves],
    colours: Sequence[str],
    ticks: np.ndarray,
    m: int,
) -> None:
    """The counts, each column centred under its tick."""
    height = figure.get_size_inches()[1]
    across = transforms.blended_transform_factory(axes.transData, figure.transFigure)
    y = ((1 + 4 * len(curves)) * ROW + FOOT) / height
    edge = 0.1 / WIDTH
    figure.text(edge, y, f"Real / synthetic (mean of {m})", fontsize=8, va="center", color=GREY)
    for curve, colour in zip(curves, colours, strict=False):
        y -= ROW / height
        figure.text(edge, y, curve.label, fontsize=8, va="center", weight="bold", color=colour)
        for name, title in (("at_risk", "At risk"), ("censored", "Censored"), ("events", "Events")):
            y -= ROW / height
            figure.text(edge, y, title, fontsize=8, va="center")
            pairs = zip(ticks, curve.risk[f"real_{name}"], curve.risk[f"synthetic_{name}"], strict=True)
            for tick, real, synthetic in pairs:
                axes.text(tick, y, f"{real} / {synthetic}", transform=across, fontsize=8, ha="center", va="center")


def _alt(curves: Sequence[Curves], grid: np.ndarray, cohort: Cohort, endpoint: str, column: str | None) -> str:
    unit = cohort.schema.unit + "s"
    groups = f" by {column}" if column else ""
    parts = []
    for curve in curves:
        both = np.flatnonzero(np.isfinite(curve.real) & np.isfinite(curve.synthetic))
        if not len(both):
            parts.append(f"{curve.label}: no time at which ten real and ten synthetic patients are at risk")
            continue
        last, middle = both[-1], both[len(both) // 2]
        gap = float(np.nanmax(np.abs(curve.real[both] - curve.synthetic[both])))
        points = "; ".join(
            f"at {significant(float(grid[i]), 3)} {unit} real {curve.real[i]:.0%}, synthetic {curve.synthetic[i]:.0%}"
            for i in (middle, last)
        )
        parts.append(f"{curve.label}: {points}; largest gap {gap:.3f}")
    return f"Kaplan-Meier curves of {endpoint}{groups}, real solid and synthetic dashed. " + ". ".join(parts) + "."


def _caption(cohort: Cohort, endpoint: str, m: int, left_out: int) -> str:
    causes = cohort.schema.endpoints[endpoint].causes
    rest = [name for code, name in sorted(causes.items()) if code > 1]
    event = f"The event is {causes[1]}" if 1 in causes else "Cause 1 is the event"
    others = f"; {', '.join(rest)} counts as censored" if rest else ""
    told = f" Groups not drawn, as too small or too many: {left_out}." if left_out else ""
    return (
        f"{event}{others}. Solid: real patients. Dashed: mean of {counted(m, 'synthetic cohort')}, with their "
        "5th to 95th percentile as band: the noise of drawing, not the uncertainty of few patients. Curves end where "
        f"fewer than {MIN_AT_RISK} are at risk. Real counts below 5 are not given, and the others at that time are "
        "rounded down to fives."
        f"{told}"
    )
