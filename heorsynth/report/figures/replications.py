"""Forest plot of analyses: the patients' estimates and the pooled ones, side by side."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes

from heorsynth.checks.analyses.replicate import Replication
from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.core.estimate import significant
from heorsynth.report.figures.style import GREY, REAL, SYNTHETIC, Picture, canvas, row_labels, style, watermark

_LOOK = (("real", -0.14, REAL, "o", "-"), ("synthetic", 0.14, SYNTHETIC, "D", "--"))
"""Each side with its place in a row, colour, marker and line."""


def analyses(replications: Replication | Sequence[Replication]) -> Picture:
    """Return a forest plot of the patients' estimates and of the pooled synthetic ones, with their intervals.

    Parameters
    ----------
    replications : Replication or sequence of them      from `heorsynth.replicate`

    Returns
    -------
    Picture      `frame`: analysis, and the columns of `Replication.to_frame`, of the estimates that are estimable. The
                 axis is in standard errors of the patients' estimate, from 0, so that analyses can stand together

    Raises
    ------
    NotEstimableError    no estimate to draw
    """
    listed = [replications] if isinstance(replications, Replication) else list(replications)
    frames = [one.to_frame().assign(analysis=one.name) for one in listed]
    frame = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame({"real": []})
    frame = frame[frame["real"].notna()].reset_index(drop=True)
    if frame.empty:
        raise NotEstimableError("forest of analyses", Problem("estimates", "none that is estimable"))
    with style():
        axes = _drawn(frame)
    told = "; ".join(
        f"{row['analysis']}, {row['estimate']}: real {significant(row['real'], 3)}, synthetic "
        f"{significant(row['synthetic'], 3)}, {row['difference_se']:+.2f} SE apart"
        for row in frame.to_dict("records")
    )
    return Picture(
        axes,
        frame,
        f"Estimates of {len(listed)} analyses on the patients and on the synthetic cohorts: {told}.",
        "Circle, solid: the patients' estimate with its interval. Diamond, dashed: pooled over the synthetic cohorts, "
        "with the interval of the combining rule. In standard errors of the patients' estimate; 0 is no effect.",
    )


def _drawn(frame: pd.DataFrame) -> Axes:
    height = 1.3 + 0.42 * len(frame)
    figure = canvas(8.0, height)
    axes = figure.add_axes((0.34, 0.6 / height, 0.63, 1 - 1.15 / height))
    axes.axvline(0, color=GREY, linewidth=0.8, zorder=0)
    for y, row in enumerate(frame.to_dict("records")):
        se = row["real_se"]
        for part, shift, colour, marker, line in _LOOK:
            ends = [row[f"{part}_lower"] / se, row[f"{part}_upper"] / se]
            axes.plot(ends, [y + shift] * 2, color=colour, linestyle=line, linewidth=1.4)
            axes.plot(row[part] / se, y + shift, marker=marker, color=colour, linestyle="none", markersize=5,
                      label=part if y == 0 else None)  # fmt: skip
    axes.set(ylim=(len(frame) - 0.4, -0.6))
    axes.set_xlabel("Estimate, in standard errors of the real one")
    row_labels(axes, range(len(frame)), [f"{row.analysis}: {row.estimate}" for row in frame.itertuples()])
    axes.set_title("Analyses of patients and of synthetic cohorts")
    axes.legend(loc="best")
    watermark(figure)
    return axes
