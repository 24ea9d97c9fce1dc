"""Pictures of differences against their margin: curves over time, groups beside each other, and how costs gather."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from heorsynth.checks.core.finding import LEVEL
from heorsynth.checks.survival.horizon import outcome
from heorsynth.core.display import counted
from heorsynth.core.errors import NotEstimableError, Problem, unknown_name
from heorsynth.core.estimate import normal_quantile, significant
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.survival.estimates import at_risk_counts, kaplan_meier
from heorsynth.evidence.evidence import Evidence
from heorsynth.report.figures.groups import declared_cost
from heorsynth.report.figures.style import (
    BLUE,
    DASHED,
    GREY,
    ORANGE,
    REAL,
    SYNTHETIC,
    Picture,
    bars,
    canvas,
    lines,
    row_labels,
    style,
    watermark,
)
from heorsynth.report.figures.survival import published_curve

MIN_AT_RISK, GRID = 10, 200
"""Curves end where fewer are at risk, and stand on so many equally spaced times: no step is a patient's own day."""

_TAIL = 10
"""A share of patients is drawn where at least this many lie below and above it."""

_BAND = "#EAEAEA"


def km_difference(cohort: Cohort, synthetic: Sequence[Cohort], endpoint: str, margin: float = 0.10) -> Picture:
    """Return a figure of the event-free share over time, synthetic minus real, with 90% interval and margin.

    Parameters
    ----------
    cohort : Cohort                  the real patients
    synthetic : sequence of Cohort   the m synthetic cohorts
    endpoint : str                   cause 1 is the event; other causes censor
    margin : float                   half-width of the band, as of `survival.km_gap`

    Returns
    -------
    Picture      `frame`: time, difference, lower, upper (pointwise, over the real patients' sampling and the synthesis)

    Raises
    ------
    UnknownNameError     no such endpoint
    NotEstimableError    fewer than ten patients at risk at the first time

    See Also
    --------
    km_overlay : The curves themselves, with the numbers at risk.

    Examples
    --------
    >>> import heorsynth as hs
    >>> cohort, _ = hs.datasets.simulated_trial(60, seed=1)
    >>> synthetic = hs.generators.create("marginals").fit(cohort, seed=1).sample(m=2, seed=1)
    >>> list(km_difference(cohort, synthetic, "os").frame.columns)
    ['time', 'difference', 'lower', 'upper']
    """
    if endpoint not in cohort.schema.endpoints:
        raise unknown_name("endpoint", endpoint, cohort.schema.endpoints)
    if cohort.n < MIN_AT_RISK:
        raise NotEstimableError("difference of curves", Problem(endpoint, f"fewer than {MIN_AT_RISK} patients"))
    time, event, entry = outcome(cohort, endpoint)
    points = np.linspace(0, float(np.nanmax(time)), GRID + 1)
    at_risk = at_risk_counts(time, event, points, entry)[:, 0]
    end = points[np.flatnonzero(at_risk >= MIN_AT_RISK)[-1]]
    end = min(end, *(kaplan_meier(*outcome(drawn, endpoint)).reach for drawn in synthetic))
    grid = np.linspace(0, float(end), GRID + 1)
    real = kaplan_meier(time, event, entry)
    curves = [kaplan_meier(*outcome(drawn, endpoint)) for drawn in synthetic]
    each = np.array([curve.at(grid) for curve in curves])
    within = np.mean([curve.se_at(grid) ** 2 for curve in curves], axis=0)
    between = each.var(axis=0, ddof=1) if len(each) > 1 else within
    error = np.sqrt(real.se_at(grid) ** 2 + np.maximum(within, between) / len(each))
    difference = each.mean(axis=0) - published_curve(real.at(grid), real.se_at(grid))
    half = normal_quantile(LEVEL) * error
    frame = pd.DataFrame(
        {"time": grid, "difference": difference, "lower": difference - half, "upper": difference + half}
    )
    with style():
        axes = _difference_axes(frame, margin, cohort, endpoint)
    farthest = int(np.abs(difference).argmax())
    inside = float(((frame["lower"] >= -margin) & (frame["upper"] <= margin)).mean())
    unit = cohort.schema.unit
    return Picture(
        axes,
        frame,
        f"Difference of the event-free share of {endpoint}, synthetic less real, to {significant(float(end))} {unit}. "
        f"Farthest from 0: {difference[farthest]:+.3f} at {significant(float(grid[farthest]), 2)} {unit}. The "
        f"interval lies within the margin of {margin:g} over {inside:.0%} of the time.",
        f"Line: mean of {counted(len(synthetic), 'synthetic curve')} less the real one. "
        f"Shade: pointwise {LEVEL:.0%} interval. "
        "Grey band: the margin. It ends where fewer than ten real patients are at risk.",
    )


def _difference_axes(frame: pd.DataFrame, margin: float, cohort: Cohort, endpoint: str) -> Axes:
    figure = canvas(8.0, 3.4)
    axes = figure.add_axes((0.1, 0.16, 0.86, 0.7))
    axes.axhspan(-margin, margin, color=_BAND, zorder=0, linewidth=0)
    axes.axhline(0, color=GREY, linewidth=0.8)
    for edge in (-margin, margin):
        axes.axhline(edge, color=GREY, linewidth=0.8, linestyle=":")
    axes.fill_between(frame["time"], frame["lower"], frame["upper"], color=SYNTHETIC, alpha=0.25, linewidth=0)
    axes.plot(frame["time"], frame["difference"], color=SYNTHETIC)
    top = 1.1 * max(margin, float(frame[["lower", "upper"]].abs().max().max()))
    axes.set(xlim=(0, float(frame["time"].iloc[-1])), ylim=(-top, top))
    axes.set(xlabel=f"Time ({cohort.schema.unit}s)", ylabel="Synthetic less real")
    axes.set_title(f"{endpoint}: how far the synthetic curve is from the real one")
    watermark(figure)
    return axes


def subgroup_forest(evidence: Evidence, key: str) -> Picture:
    """Return a forest plot of one estimand in every subgroup level, unpooled and partially pooled.

    Parameters
    ----------
    evidence : Evidence      what was found
    key : str                of an estimand, such as "survival.rmst"

    Returns
    -------
    Picture      `frame`: the rows of `Evidence.subgroups` for that estimand

    Raises
    ------
    NotEstimableError        no finding on it in a subgroup

    See Also
    --------
    forest : All findings in units of their margins.
    heorsynth.evidence.evidence.Evidence.subgroups : The same numbers as a frame.

    Examples
    --------
    >>> import heorsynth as hs
    >>> cohort, _ = hs.datasets.simulated_trial(60, seed=1)
    >>> synthetic = hs.generators.create("marginals").fit(cohort, seed=1).sample(m=2, seed=1)
    >>> evidence = hs.validate(cohort, synthetic, purpose="software-testing", seed=1)
    >>> subgroup_forest(evidence, "costs.zero_share").frame["group"].tolist()
    ['sex=f', 'sex=m', 'stage=I', 'stage=II', 'stage=III', 'stage=IV']
    """
    frame = evidence.subgroups()
    frame = frame[frame["key"] == key].reset_index(drop=True)
    if frame.empty:
        raise NotEstimableError("forest of subgroups", Problem(key, "no finding in any subgroup level"))
    scale = next(one.scale for one in evidence.findings if one.key == key)
    with style():
        axes = _subgroup_axes(frame, scale)
    told = "; ".join(
        f"{row['group']} {row['difference']:+.3g}"
        + (
            ""
            if np.isnan(row["lower"])
            else f" ({row['lower']:.3g} to {row['upper']:.3g}), pooled {row['pooled']:+.3g}"
        )
        for row in frame.to_dict("records")
    )
    return Picture(
        axes,
        frame,
        f"Differences by subgroup, {frame['estimand'].iloc[0]}, margin {frame['margin'].iloc[0]:.3g}: {told}.",
        f"Filled circle: the level's own difference with its {LEVEL:.0%} interval, on which its verdict rests. Open "
        "diamond, thin line: the partially pooled difference. Grey band: the margin.",
    )


_ON_SCALE = {
    "absolute": "Difference, synthetic less real",
    "relative": "Difference, synthetic less real, in % of the real value",
    "ratio": "Ratio, synthetic ÷ real",
}


def _subgroup_axes(frame: pd.DataFrame, scale: str) -> Axes:
    height = 1.2 + 0.42 * len(frame)
    figure = canvas(8.0, height)
    axes = figure.add_axes((0.27, 0.55 / height, 0.7, 1 - 1.05 / height))
    estimands = frame["estimand"].nunique() > 1
    y = np.arange(len(frame))
    alone, pooled = y - 0.13, y + 0.15
    bars(axes, y, 1, -frame["margin"], frame["margin"], color=_BAND, zorder=0, linewidth=0)
    lines(axes, frame["lower"], alone, frame["upper"], alone, color=BLUE)
    (own,) = axes.plot(frame["difference"], alone, marker="o", color=BLUE, linestyle="none", markersize=5)
    lines(axes, frame["pooled_lower"], pooled, frame["pooled_upper"], pooled, color=ORANGE, linewidth=0.9)
    (joint,) = axes.plot(frame["pooled"], pooled, marker="D", color=ORANGE, markerfacecolor="white", linestyle="none")
    axes.axvline(0, color=GREY, linewidth=0.8, zorder=1)
    axes.set(ylim=(len(frame) - 0.4, -0.6), xlabel=_ON_SCALE[scale])
    if scale == "relative":
        axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.3g}%")
    elif scale == "ratio":
        axes.xaxis.set_major_formatter(lambda value, _: f"{np.exp(value):.3g}")
    figure.legend([own, joint], ["alone", "levels together"], loc="center right", ncols=2,
                  bbox_to_anchor=(0.98, 1 - 0.34 / height))  # fmt: skip
    names = frame["estimand"] + ", " + frame["group"] if estimands else frame["group"]
    row_labels(axes, y, list(names))
    axes.set_title(f"By subgroup: {frame['estimand'].iloc[0]}" if not estimands else "By subgroup")
    watermark(figure)
    return axes


def lorenz(cohort: Cohort, synthetic: Sequence[Cohort], cost: str | None = None) -> Picture:
    """Return Lorenz curves of a cost: the share of total cost of the least expensive share of patients.

    Parameters
    ----------
    cohort : Cohort                  the real patients
    synthetic : sequence of Cohort   the m synthetic cohorts
    cost : str, optional             the cost column; the first declared by default

    Returns
    -------
    Picture      `frame`: share (of patients), real, synthetic, synthetic_low, synthetic_high (part of all cost)

    Raises
    ------
    UnknownNameError     a cost the cohort does not declare
    NotEstimableError    no cost, or fewer than twenty patients with one known, or no cost above 0

    See Also
    --------
    cost_quantiles : The quantiles of the same cost.

    References
    ----------
    Lorenz (1905) Publ Am Stat Assoc 9:209.

    Examples
    --------
    >>> import heorsynth as hs
    >>> cohort, _ = hs.datasets.simulated_trial(60, seed=1)
    >>> synthetic = hs.generators.create("marginals").fit(cohort, seed=1).sample(m=2, seed=1)
    >>> frame = lorenz(cohort, synthetic).frame
    >>> frame["share"].iloc[[0, -1]].tolist(), frame["real"].round(6).iloc[[0, -1]].tolist()
    ([0.0, 1.0], [0.0, 1.0])
    """
    name = declared_cost(cohort, cost, "Lorenz curve")
    real, *drawn = (one.column(name)[np.isfinite(one.column(name))] for one in (cohort, *synthetic))
    if len(real) <= 2 * _TAIL or min(float(values.sum()) if len(values) else 0.0 for values in (real, *drawn)) <= 0:
        raise NotEstimableError(
            "Lorenz curve", Problem(name, f"known for {counted(len(real), 'patient')}, or never above 0")
        )
    edge = _TAIL / len(real)
    shares = np.concatenate([[0.0], np.linspace(edge, 1 - edge, 100), [1.0]])
    each = np.array([_lorenz(values, shares) for values in drawn])
    low, high = np.quantile(each, [0.05, 0.95], axis=0)
    frame = pd.DataFrame(
        {"share": shares, "real": np.round(_lorenz(real, shares), 2), "synthetic": each.mean(axis=0),
         "synthetic_low": low, "synthetic_high": high}
    )  # fmt: skip
    with style():
        axes = _lorenz_axes(frame, name)
    ninth = frame.iloc[int(np.abs(shares - 0.9).argmin())]
    return Picture(
        axes,
        frame,
        f"Lorenz curves of {name}: the least expensive {ninth['share']:.0%} of patients bear {ninth['real']:.0%} of "
        f"all cost in the real cohort and {ninth['synthetic']:.0%} in the synthetic ones.",
        f"Solid: real. Dashed: mean of {counted(len(synthetic), 'synthetic cohort')}, with their 5th to 95th "
        "percentile. "
        "Straight line: equal costs. Between the last ten patients and the corner the curve is drawn straight.",
    )


def _lorenz(values: np.ndarray, shares: np.ndarray) -> np.ndarray:
    ordered = np.sort(values.astype(float))
    borne = np.concatenate([[0.0], np.cumsum(ordered)]) / ordered.sum()
    return np.interp(shares, np.linspace(0, 1, len(borne)), borne)


def _lorenz_axes(frame: pd.DataFrame, name: str) -> Axes:
    figure = canvas(5.2, 5.0)
    axes = figure.add_axes((0.14, 0.12, 0.82, 0.78))
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8)
    axes.fill_between(frame["share"], frame["synthetic_low"], frame["synthetic_high"], color=SYNTHETIC, alpha=0.2)
    axes.plot(frame["share"], frame["real"], color=REAL, label="real")
    axes.plot(frame["share"], frame["synthetic"], color=SYNTHETIC, linestyle=DASHED, label="synthetic")
    axes.set(xlim=(0, 1), ylim=(min(0.0, float(frame["real"].min())), 1), xlabel="Share of patients")
    axes.set_ylabel("Part of all cost")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.set_title(f"How {name} concentrates")
    axes.legend(loc="upper left")
    watermark(figure)
    return axes
