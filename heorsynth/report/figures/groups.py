"""Pictures of who and what is in the cohorts: levels kept or lost, and the distribution of costs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from heorsynth.core.disclosure import RULES, is_exact, shown_counts
from heorsynth.core.display import counted
from heorsynth.core.errors import NotEstimableError, Problem, unknown_name
from heorsynth.core.estimate import significant
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.levels import SMALL_COUNT, shown_names
from heorsynth.report.figures.style import (
    DASHED,
    GREY,
    REAL,
    SYNTHETIC,
    Picture,
    canvas,
    lines,
    row_labels,
    style,
    watermark,
)
from heorsynth.report.tables.cohort import known_numbers
from heorsynth.report.tables.ordered import ordered_levels

WIDTH, ROW = 8.0, 0.3
_TAIL_PATIENTS = 10
"""A quantile of real costs is drawn where at least this many patients lie below and above it."""


def level_retention(cohort: Cohort, synthetic: Sequence[Cohort]) -> Picture:
    """Return a figure of the share of every level of arm and subgroups, real and synthetic.

    Parameters
    ----------
    cohort : Cohort                  the real patients
    synthetic : sequence of Cohort   the m synthetic cohorts

    Returns
    -------
    Picture      `frame`: column, level, real_count (text; below 5 not given), real, synthetic, synthetic_low,
                 synthetic_high (mean, 5th and 95th percentile of the share over the cohorts), kept_in (cohorts
                 that have the level), status: kept, lost, lost in some, invented

    Raises
    ------
    NotEstimableError    the cohort declares neither an arm nor a subgroup

    See Also
    --------
    heorsynth.report.tables.table_one : The same shares as a table.

    Examples
    --------
    >>> import heorsynth as hs
    >>> cohort, _ = hs.datasets.simulated_trial(60, seed=1)
    >>> synthetic = hs.generators.create("marginals").fit(cohort, seed=1).sample(m=2, seed=1)
    >>> frame = level_retention(cohort, synthetic).frame
    >>> frame["column"].unique().tolist(), frame["status"].unique().tolist()
    (['arm', 'sex', 'stage'], ['kept'])
    """
    names = [name for name in (cohort.schema.arm, *cohort.schema.subgroups) if name is not None]
    if not names:
        raise NotEstimableError(
            "level retention", Problem("subgroups", "none declared", "name them when making the cohort")
        )
    frame = pd.concat([_levels(cohort, synthetic, name) for name in names], ignore_index=True)
    with style():
        axes = _dots(frame)
    rows = frame.to_dict("records")
    changed = [f"{row['column']}={row['level']} {row['status']}" for row in rows if row["status"] != "kept"]
    told = "; ".join(changed) or "all kept, none invented"
    shares = "; ".join(
        f"{row['column']}={row['level']} real {_percent(row['real'])}, synthetic "
        + (f"{row['synthetic']:.0%}" if np.isnan(row["real"]) else _percent(row["synthetic"]))
        for row in rows
    )
    return Picture(
        axes,
        frame,
        f"Share of each level, real and synthetic. {counted(len(frame), 'level')}: {told}. {shares}.",
        f"Circle: share of real patients. Diamond: mean of {counted(len(synthetic), 'synthetic cohort')}, with their "
        "5th to 95th percentile. A level with fewer than 5 real patients is listed without its real share.",
    )


def _percent(share: float) -> str:
    return "not given" if np.isnan(share) else f"{share:.1%}"


def _levels(cohort: Cohort, synthetic: Sequence[Cohort], name: str) -> pd.DataFrame:
    held, drawn = cohort.levels(name), [one.levels(name) for one in synthetic]
    levels = ordered_levels(cohort, name, set(held.tolist()).union(*(set(one.tolist()) for one in drawn)))
    counts = [int((held == level).sum()) for level in levels]
    names = shown_names(dict(zip(levels, counts, strict=True)))
    rows = []
    for level, count, shown in zip(levels, counts, shown_counts(counts), strict=True):
        shares = np.array([float((one == level).mean()) for one in drawn])
        kept = int((shares > 0).sum())
        status = "invented" if not count else "lost" if not kept else "lost in some" if kept < len(drawn) else "kept"
        low, high = np.quantile(shares, [0.05, 0.95])
        rows.append(
            (
                name,
                names[level] or "(missing)",
                shown,
                count / cohort.n if is_exact(shown) else np.nan,
                float(shares.mean()),
                float(low),
                float(high),
                kept,
                status,
            )
        )
    return pd.DataFrame(
        rows,
        columns=[
            "column",
            "level",
            "real_count",
            "real",
            "synthetic",
            "synthetic_low",
            "synthetic_high",
            "kept_in",
            "status",
        ],
    )


def _dots(frame: pd.DataFrame) -> Axes:
    rows = frame.to_dict("records")
    block = frame["column"].ne(frame["column"].shift()).cumsum() - 1
    places = [index + 0.5 * int(before) for index, before in enumerate(block)]
    height = 1.25 + ROW * (max(places) + 1)
    figure = canvas(WIDTH, height)
    axes = figure.add_axes((1.9 / WIDTH, 0.6 / height, (WIDTH - 3.3) / WIDTH, 1 - 1.15 / height))
    _levels_drawn(axes, frame, np.array(places))
    top = float(frame[["real", "synthetic_high"]].max().max())
    axes.set(xlim=(-0.015, min(1.0, top * 1.08) + 0.015), ylim=(max(places) + 0.6, -0.6))
    row_labels(axes, places, [f"{row['column']} = {row['level']}" for row in rows])
    axes.set_xlabel("Share of patients or rows")
    axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    title = 1 - 0.2 / height
    figure.text(0.1 / WIDTH, title, "Are all groups still there?", weight="bold", fontsize=10, va="center")
    keys = [
        Line2D([], [], marker="o", color=REAL, linestyle="none", markersize=5, label="real"),
        Line2D([], [], marker="D", color=SYNTHETIC, markerfacecolor="none", markersize=6, label="synthetic"),
    ]
    figure.legend(handles=keys, loc="center", ncols=2, bbox_to_anchor=(0.55, title))
    watermark(figure)
    return axes


def _levels_drawn(axes: Axes, frame: pd.DataFrame, y: np.ndarray) -> None:
    """Of each level a line for the spread over the cohorts, their mean, the real share, and the real count."""
    changed = (frame["status"] != "kept").to_numpy()
    lines(axes, np.zeros(len(y)), y, np.ones(len(y)), y, color="#DDDDDD", linewidth=0.6, zorder=0)
    lines(axes, frame["synthetic_low"], y, frame["synthetic_high"], y, color=SYNTHETIC, linewidth=2.2, alpha=0.5)
    for its, marker, size in ((~changed, "D", 6), (changed, "x", 7)):
        axes.plot(frame["synthetic"][its], y[its], marker, color=SYNTHETIC, markerfacecolor="none", markersize=size,
                  markeredgewidth=1.5)  # fmt: skip
    axes.plot(frame["real"], y, "o", color=REAL, markersize=5, zorder=2)
    for at, count, status in zip(y, frame["real_count"], frame["status"], strict=True):
        told, weight = f"n = {count}" if is_exact(count) else f"n {count}", "normal"
        if status != "kept":
            told, weight = f"{told}, {status}", "bold"
        axes.text(1.03, at, told, transform=axes.get_yaxis_transform(), va="center", fontsize=8, weight=weight)


def declared_cost(cohort: Cohort, cost: str | None, what: str) -> str:
    """The cost column a picture is of: the first declared where none is named.

    Raises
    ------
    NotEstimableError     none declared
    UnknownNameError      one the cohort does not declare
    """
    if not cohort.schema.costs:
        raise NotEstimableError(what, Problem("costs", "none declared", "name them when making the cohort"))
    name = cost or cohort.schema.costs[0]
    if name not in cohort.schema.costs:
        raise unknown_name("cost", name, cohort.schema.costs)
    return name


def cost_quantiles(cohort: Cohort, synthetic: Sequence[Cohort], cost: str | None = None) -> Picture:
    """Return a figure of the quantiles of a cost, real and synthetic, with zeros and tail.

    Parameters
    ----------
    cohort : Cohort                  the real patients
    synthetic : sequence of Cohort   the m synthetic cohorts
    cost : str, optional             the cost column; the first declared by default

    Returns
    -------
    Picture      `frame`: share, real, synthetic, synthetic_low, synthetic_high: the cost that this share of the
                 patients for whom it is known does not exceed, in the cohort's currency

    Raises
    ------
    UnknownNameError     a cost the cohort does not declare
    NotEstimableError    no cost declared, or too few patients for a single quantile

    See Also
    --------
    lorenz : How the total cost is shared among the patients.
    heorsynth.report.tables.table_one : Mean and standard deviation of each cost.

    Examples
    --------
    >>> import heorsynth as hs
    >>> cohort, _ = hs.datasets.simulated_trial(60, seed=1)
    >>> synthetic = hs.generators.create("marginals").fit(cohort, seed=1).sample(m=2, seed=1)
    >>> list(cost_quantiles(cohort, synthetic).frame.columns)
    ['share', 'real', 'synthetic', 'synthetic_low', 'synthetic_high']
    """
    name = declared_cost(cohort, cost, "cost quantiles")
    real, *drawn = (known_numbers(one, name) for one in (cohort, *synthetic))
    if len(real) <= 2 * _TAIL_PATIENTS or not all(len(values) for values in drawn):
        raise NotEstimableError(
            "cost quantiles", Problem(name, f"known for {counted(len(real), 'patient')}, or lost in a synthetic cohort")
        )
    edge = _TAIL_PATIENTS / len(real)
    shares = np.arange(edge, 1.0001 - edge, max(0.01, SMALL_COUNT / len(real)))
    each = np.array([np.quantile(values, shares) for values in drawn])
    low, high = np.quantile(each, [0.05, 0.95], axis=0)
    frame = pd.DataFrame(
        {
            "share": shares,
            "real": np.maximum.accumulate([RULES.quantile(real, float(share)) for share in shares]),
            "synthetic": each.mean(axis=0),
            "synthetic_low": low,
            "synthetic_high": high,
        }
    )
    (mean, _), of_synthetic = RULES.moments(real), float(np.mean([values.mean() for values in drawn]))
    none = RULES.of_class(float((real == 0).sum()), len(real)) / len(real)
    of_zeros = float(np.mean([(values == 0).mean() for values in drawn]))
    shown = "not shown, as one patient has most of the sum" if np.isnan(mean) else significant(mean)
    with style():
        axes = _quantile_axes(frame, name, cohort.schema.money)
    alt = (
        f"Quantiles of {name}, real solid and synthetic dashed. Mean: real {shown}, synthetic "
        f"{significant(of_synthetic)}. No cost: real {none:.1%}, synthetic {of_zeros:.1%}. At the highest share "
        "drawn, "
        f"{shares[-1]:.0%}: real {significant(frame['real'].iloc[-1])}, synthetic "
        f"{significant(frame['synthetic'].iloc[-1])}."
    )
    return Picture(
        axes,
        frame,
        alt,
        f"Solid: real. Dashed: mean of {counted(len(drawn), 'synthetic cohort')}, with their 5th to 95th "
        f"percentile. Real costs are means of {RULES.around} patients around each quantile, rounded, and drawn only "
        f"where {_TAIL_PATIENTS} patients lie below and above.",
    )


def _quantile_axes(frame: pd.DataFrame, name: str, money: str) -> Axes:
    figure = canvas(WIDTH, 4.2)
    axes = figure.add_axes((0.11, 0.13, 0.85, 0.75))
    axes.fill_between(
        frame["share"], frame["synthetic_low"], frame["synthetic_high"], color=SYNTHETIC, alpha=0.15, linewidth=0
    )
    axes.plot(frame["share"], frame["real"], color=REAL, label="real")
    axes.plot(frame["share"], frame["synthetic"], color=SYNTHETIC, linestyle=DASHED, label="synthetic")
    scale = float(frame.loc[frame["real"] > 0, "real"].min()) if (frame["real"] > 0).any() else 1.0
    axes.set_yscale("symlog", linthresh=max(scale, 1e-9))
    axes.yaxis.set_major_formatter(lambda value, _: significant(float(value), 3))
    axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.set(xlabel="Share of patients with this cost or less", ylabel=f"{name} ({money})" if money else name)
    axes.set_title(f"{name}: quantiles, real beside synthetic")
    axes.grid(axis="y", color=GREY, alpha=0.2, linewidth=0.5)
    axes.legend(loc="upper left")
    watermark(figure)
    return axes
