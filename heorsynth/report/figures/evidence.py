"""Forest plot of the findings: each interval in units of its margin."""

from __future__ import annotations

import math
import textwrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from heorsynth.checks.core.finding import FAIL, INCONCLUSIVE, LEVEL, NOT_ESTIMABLE, PASS
from heorsynth.core.display import counted
from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.evidence.evidence import PAPER, PATIENTS, Evidence
from heorsynth.report.figures.style import (
    BLACK,
    GREEN,
    GREY,
    ORANGE,
    VERMILLION,
    Picture,
    canvas,
    lines,
    row_labels,
    style,
    watermark,
)

LOOK = {
    PASS: ("o", GREEN, GREEN),
    FAIL: ("s", VERMILLION, VERMILLION),
    INCONCLUSIVE: ("D", "white", ORANGE),
    NOT_ESTIMABLE: ("x", GREY, GREY),
}
"""Verdict to marker, fill and edge: the shapes alone tell them apart in black and white."""

REACH = 3.0
"""Half-width of the axis in margins; what lies past it ends in an arrow."""

WIDTH, LABELS, ROW = 8.6, 4.1, 0.25
"""Inches: the figure, the names of the findings, and one row."""

_BETWEEN = {PATIENTS: "synthetic and real, given the patients", PAPER: "the cohorts and what the paper prints"}
_OWN = {
    PATIENTS: f"the patients' own {LEVEL:.0%} interval around their estimate",
    PAPER: f"a {LEVEL:.0%} reconstruction interval: what the paper leaves open",
}
"""What the lines are, by what the cohorts are judged against."""


def forest(evidence: Evidence, supporting: bool = False) -> Picture:
    """Return a forest plot of the findings in units of their margins: an interval inside ±1 is a pass.

    Parameters
    ----------
    evidence : Evidence       what was found
    supporting : bool         also the findings on which the verdict does not depend

    Returns
    -------
    Picture      `frame`: check, estimand, group, ratio, lower, upper (difference and its interval given the patients,
                 over the margin; NaN where not estimable), own (half-width of the patients' own 90% interval, over
                 the margin), verdict, decisive

    Raises
    ------
    NotEstimableError    there is no finding to draw

    See Also
    --------
    subgroup_forest : One estimand in every subgroup level.
    heorsynth.report.tables.verdict_table : The same findings as a table.

    Examples
    --------
    >>> import heorsynth as hs
    >>> cohort, _ = hs.datasets.simulated_trial(60, seed=1)
    >>> synthetic = hs.generators.create("marginals").fit(cohort, seed=1).sample(m=2, seed=1)
    >>> evidence = hs.validate(cohort, synthetic, purpose="software-testing", seed=1)
    >>> picture = forest(evidence, supporting=True)
    >>> len(picture.frame) == len(evidence.findings)
    True
    """
    findings = [finding for finding in evidence.findings if finding.decisive or supporting]
    if not findings:
        raise NotEstimableError("forest", Problem("findings", "none", "run the checks with at least one margin"))
    frame = pd.DataFrame(
        {
            "check": [f.check for f in findings],
            "estimand": [f.estimand for f in findings],
            "group": [f.group for f in findings],
            "ratio": [f.difference / f.margin for f in findings],
            "lower": [f.lower / f.margin for f in findings],
            "upper": [f.upper / f.margin for f in findings],
            "own": [f.own_half_width / f.margin for f in findings],
            "verdict": [f.verdict for f in findings],
            "decisive": [f.decisive for f in findings],
        }
    )
    with style():
        axes = _drawn(frame)
    counts = ", ".join(f"{int((frame['verdict'] == verdict).sum())} {verdict}" for verdict in LOOK)
    worst = frame.dropna(subset=["ratio"]).assign(size=lambda found: found["ratio"].abs()).nlargest(1, "size")
    far = "".join(
        f" Farthest: {row.estimand}, {row.group}, {row.ratio:+.2f} margins ({row.lower:+.2f} to {row.upper:+.2f})."
        for row in worst.itertuples()
    )
    return Picture(
        axes,
        frame,
        f"{counted(len(frame), 'finding')} in units of the margin: {counts}.{far}",
        f"Each thick line is the interval of the difference between {_BETWEEN[evidence.reference]}, divided by "
        "the margin fixed beforehand. Wholly inside the grey band: pass. Wholly outside: fail. Across its edge: "
        f"inconclusive. Each thin line is {_OWN[evidence.reference]}.",
    )


def _drawn(frame: pd.DataFrame) -> Axes:
    height = 1.35 + ROW * len(frame)
    figure = canvas(WIDTH, height)
    axes = figure.add_axes((LABELS / WIDTH, 0.6 / height, (WIDTH - LABELS - 0.2) / WIDTH, 1 - 1.3 / height))
    axes.axvspan(-1, 1, color="#EAEAEA", zorder=0, linewidth=0)
    axes.axvline(0, color=GREY, linewidth=0.7, zorder=0)
    rows = frame.to_dict("records")
    y = np.arange(len(frame))
    known = np.isfinite(frame["own"])
    own = frame["own"][known].clip(upper=REACH)
    lines(axes, -own, y[known] + 0.28, own, y[known] + 0.28, color=GREY, linewidth=0.8, zorder=1)
    for verdict, (marker, fill, edge) in LOOK.items():
        its = (frame["verdict"] == verdict) & frame["ratio"].notna()
        low, high = (frame[end][its].clip(-REACH, REACH) for end in ("lower", "upper"))
        lines(axes, low, y[its], high, y[its], color=edge, linewidth=1.5, zorder=1)
        near = its & (frame["ratio"].abs() <= REACH)
        look: dict[str, Any] = {
            "markerfacecolor": fill,
            "markeredgecolor": edge,
            "markersize": 6,
            "markeredgewidth": 1.4,
            "zorder": 2,
        }
        axes.plot(frame["ratio"][near], y[near], marker, **look)
    for place, row in enumerate(rows):
        _far(axes, place, row["ratio"], row["lower"], row["upper"], row["verdict"])
    axes.set(
        ylim=(len(frame) - 0.4, -0.6),
        xlim=(-REACH - 0.15, REACH + 0.15),
        xticks=range(-3, 4),
        xlabel="Difference, in units of the margin",
    )
    row_labels(axes, y, [_label(row["estimand"], row["group"]) for row in rows], 7.5)
    shown = [
        Line2D(
            [], [], marker=marker, markerfacecolor=fill, markeredgecolor=edge, color=edge, markersize=6, label=verdict
        )
        for verdict, (marker, fill, edge) in LOOK.items()
        if (frame["verdict"] == verdict).any()
    ]
    figure.text(
        0.1 / WIDTH, 1 - 0.22 / height, "Findings against their margins", weight="bold", fontsize=10, va="center"
    )
    figure.legend(handles=shown, loc="center", ncols=4, bbox_to_anchor=(0.72, 1 - 0.5 / height))
    watermark(figure)
    return axes


def _far(axes: Axes, y: int, ratio: float, lower: float, upper: float, verdict: str) -> None:
    """Draw what cannot be shown to scale: a finding that is not estimable, and what lies beyond the axis."""
    marker, _, edge = LOOK[verdict]
    if math.isnan(ratio):
        axes.plot(0, y, marker=marker, color=edge, markersize=6, linestyle="none")
        axes.text(0.15, y, NOT_ESTIMABLE, va="center", fontsize=7, color=BLACK)
        return
    for end in (lower, upper):
        if abs(end) > REACH:
            arrow = ">" if end > 0 else "<"
            axes.plot(math.copysign(REACH, end), y, marker=arrow, color=edge, markersize=5, linestyle="none", zorder=1)
    if abs(ratio) > REACH:
        side = math.copysign(REACH - 0.05, ratio)
        axes.text(side, y, f"{ratio:+.1f}", ha="right" if side > 0 else "left", va="bottom", fontsize=7)


def _label(estimand: str, group: str) -> str:
    text = estimand if group == "all" else f"{estimand} · {group}"
    return textwrap.shorten(text, 70, placeholder="…")
