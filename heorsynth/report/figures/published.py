"""Published points over the band of the reconstructed cohorts, with the numbers at risk of both beneath."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib import transforms
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from heorsynth.core.display import counted
from heorsynth.core.errors import unknown_name
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.survival.estimates import at_risk_counts, kaplan_meier
from heorsynth.published.trial.reference import ClickedCurve
from heorsynth.published.trial.trial import PublishedTrial
from heorsynth.report.figures.style import GREY, GROUP_COLOURS, GROUP_MARKERS, Picture, canvas, style, watermark

WIDTH, LEFT, RIGHT, TOP, PLOT, AXIS, ROW, FOOT = 8.0, 1.35, 0.35, 0.5, 3.9, 0.62, 0.19, 0.12
"""Inches: the figure, its margins, the curves, the time axis, a row of the table, and below it."""

_GRID = 300


@dataclass(frozen=True)
class _ArmShown:
    """One arm: its points, the cohorts' curves on the grid, and numbers at risk, published and of the cohorts."""

    name: str
    points: ClickedCurve
    grid: np.ndarray
    curves: np.ndarray
    risk: pd.DataFrame


def published_curves(trial: PublishedTrial, cohorts: Sequence[Cohort], endpoint: str) -> Picture:
    """Return the clicked points of a paper over the Kaplan-Meier curves of the cohorts that were made from it.

    Parameters
    ----------
    trial : PublishedTrial          of the paper, such as `Run.cohort` of a run on one
    cohorts : sequence of Cohort    its m cohorts
    endpoint : str

    Returns
    -------
    Picture      `frame`: arm, time, cohorts (mean survival), low, high (smallest and largest of the m);
                 `tables["points"]`: arm, time, survival as clicked; `tables["at_risk"]`: arm, time, published, cohorts
                 (mean)

    Raises
    ------
    UnknownNameError      no such endpoint in the cohorts

    See Also
    --------
    km_overlay : Real beside synthetic curves, where there are patients.
    """
    if endpoint not in trial.options.endpoints:
        raise unknown_name("endpoint", endpoint, trial.options.endpoints)
    arms = list(_arms(trial, cohorts, endpoint))
    with style():
        axes = _drawn(arms, trial, endpoint, len(cohorts))
    frame = pd.concat(
        [
            pd.DataFrame({"arm": one.name, "time": one.grid, "cohorts": one.curves.mean(axis=0),
                          "low": one.curves.min(axis=0), "high": one.curves.max(axis=0)})
            for one in arms
        ],
        ignore_index=True,
    )  # fmt: skip
    points = pd.concat(
        [pd.DataFrame({"arm": one.name, "time": one.points.time, "survival": one.points.survival}) for one in arms],
        ignore_index=True,
    )
    risk = pd.concat([one.risk for one in arms], ignore_index=True)
    caption = (
        f"Dots: points of the published curve. Lines: mean of {counted(len(cohorts), 'reconstructed cohort')}; band: "
        "the smallest to the largest of them at each time, which is what the figure leaves open and no sampling error. "
        "Below: numbers at risk as printed / in the cohorts on average."
    )
    return Picture(axes, frame, _alt(arms, endpoint), caption, {"points": points, "at_risk": risk})


def _arms(trial: PublishedTrial, cohorts: Sequence[Cohort], endpoint: str) -> Iterator[_ArmShown]:
    table = trial.paper.data[endpoint].at_risk
    for arm, points in trial.clicked(endpoint).items():
        grid = np.linspace(0, points.last, _GRID + 1)
        printed = table[table["arm"] == arm]
        times = printed["time"].to_numpy(float)
        curves, counts = [], []
        for cohort in cohorts:
            time, event, _ = cohort.outcome(endpoint)
            own = cohort.frame["arm"].astype(str).to_numpy() == arm
            curves.append(kaplan_meier(time[own], event[own]).at(np.minimum(grid, float(time[own].max()))))
            counts.append(at_risk_counts(time[own], event[own] == 1, times)[:, 0] if len(times) else np.zeros(0))
        mean = np.rint(np.mean(counts, axis=0)).astype(int)
        published = printed["at_risk"].to_numpy().astype(int)
        risk = pd.DataFrame({"arm": arm, "time": times, "published": published, "cohorts": mean})
        yield _ArmShown(arm, points, grid, np.array(curves), risk)


def _drawn(arms: Sequence[_ArmShown], trial: PublishedTrial, endpoint: str, m: int) -> Axes:
    table = (1 + len(arms)) * ROW + FOOT
    height = TOP + PLOT + AXIS + table
    figure = canvas(WIDTH, height)
    axes = figure.add_axes((LEFT / WIDTH, (AXIS + table) / height, (WIDTH - LEFT - RIGHT) / WIDTH, PLOT / height))
    for one, colour, marker in zip(arms, GROUP_COLOURS, GROUP_MARKERS, strict=False):
        low, high = one.curves.min(axis=0), one.curves.max(axis=0)
        axes.fill_between(one.grid, low, high, step="post", color=colour, alpha=0.25, linewidth=0)
        axes.step(one.grid, one.curves.mean(axis=0), where="post", color=colour, linewidth=1.0)
        axes.plot(one.points.time, one.points.survival, marker, color=colour, markersize=2.5, markerfacecolor="white",
                  markeredgewidth=0.6)  # fmt: skip
    last = max(one.points.last for one in arms)
    unit = trial.schema.unit
    axes.set(xlim=(0, last * 1.02), ylim=(0, 1.02), xlabel=f"Time ({unit}s)", ylabel=f"Share without {endpoint}")
    axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.set_title(f"{endpoint}: published points over {m} reconstructed cohorts")
    axes.legend(
        handles=[
            Line2D([], [], color=colour, marker=marker, markersize=5, markerfacecolor="white", label=one.name)
            for one, colour, marker in zip(arms, GROUP_COLOURS, GROUP_MARKERS, strict=False)
        ],
        loc="upper right",
    )
    across = transforms.blended_transform_factory(axes.transData, figure.transFigure)
    y, edge = ((1 + len(arms)) * ROW + FOOT) / height, 0.1 / WIDTH
    figure.text(edge, y, "At risk: published / cohorts", fontsize=8, va="center", color=GREY)
    for one, colour in zip(arms, GROUP_COLOURS, strict=False):
        y -= ROW / height
        figure.text(edge, y, one.name, fontsize=8, va="center", weight="bold", color=colour)
        for time, printed, drawn in zip(one.risk["time"], one.risk["published"], one.risk["cohorts"], strict=True):
            if time <= last * 1.02:
                axes.text(time, y, f"{printed} / {drawn}", transform=across, fontsize=7, ha="center", va="center")
    watermark(figure)
    return axes


def _alt(arms: Sequence[_ArmShown], endpoint: str) -> str:
    parts = []
    for one in arms:
        widest = float((one.curves.max(axis=0) - one.curves.min(axis=0)).max())
        end = float(one.curves.mean(axis=0)[-1])
        parts.append(
            f"{one.name}: {len(one.points.time)} points, the cohorts end at {end:.0%}, widest band {widest:.3f}"
        )
    return f"Published points of {endpoint} over reconstructed Kaplan-Meier curves. " + ". ".join(parts) + "."
