"""Points of a published curve over the ensemble reconstructed from them, and both numbers at risk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import transforms
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from heorsynth.core.display import counted
from heorsynth.core.errors import NotEstimableError, Problem, unknown_name
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.schema import Endpoint
from heorsynth.estimators.survival.estimates import at_risk_counts, kaplan_meier
from heorsynth.published.paper.paper import Paper
from heorsynth.report.figures.style import (
    BLACK,
    GREY,
    GROUP_COLOURS,
    GROUP_MARKERS,
    Picture,
    canvas,
    style,
    watermark,
)
from heorsynth.report.figures.survival import GRID, LEFT, RIGHT, ROW, TOP, WIDTH

_CURVES, _BETWEEN, _DIFFERENCES, _AXIS, _FOOT = 3.6, 0.32, 1.15, 0.62, 0.12
"""Inches: curves, space, differences, time axis, below the table."""

_MOST_COLUMNS = 14
"""Times of the table at most: beyond, every second one is left out, and so on."""

_PIXELS = 600
"""Of the time axis: a point beside a step is compared with the curve within one of them."""


@dataclass(frozen=True, eq=False)
class _Arm:
    """Points and band of one arm; the band is on the grid, NaN past the end of follow-up."""

    name: str
    points: pd.DataFrame
    band: pd.DataFrame
    risk: pd.DataFrame


def published_curves(
    published: Paper | pd.DataFrame,
    cohorts: Sequence[Cohort],
    endpoint: str | None = None,
    at_risk: pd.DataFrame | None = None,
) -> Picture:
    """Return the published points over the reconstructed curves, with published and reconstructed numbers at risk.

    Parameters
    ----------
    published : Paper or DataFrame    a paper; or its curves: arm, time, survival (share or percent)
    cohorts : sequence of Cohort      the m reconstructions
    endpoint : str, optional          of the cohorts; by default their first
    at_risk : DataFrame, optional     arm, time, at_risk; of a paper, its own

    Returns
    -------
    Picture      `frame`: arm, time, published, reconstructed (mean over the cohorts), low, high (2.5th and 97.5th
                 percentile over them), difference (0 within the step that stands at a point); `tables["band"]`: the
                 curves on a grid; `tables["at_risk"]`: arm, time, published, reconstructed (mean), lowest, highest

    Raises
    ------
    NotEstimableError    no cohort has patients of a published arm
    UnknownNameError     no such endpoint in the cohorts

    Notes
    -----
    Numbers at risk are those with T ≥ t.

    Examples
    --------
    >>> import heorsynth as hs
    >>> curve = pd.DataFrame({"arm": "a", "time": [1.0, 1.0, 2.0, 2.0, 3.0], "survival": [1.0, 0.8, 0.8, 0.6, 0.6]})
    >>> risk = pd.DataFrame({"arm": "a", "time": [0, 2], "at_risk": [5, 4]})
    >>> picture = published_curves(curve, hs.published.reconstruct(curve, risk, m=3), at_risk=risk)
    >>> picture.tables["at_risk"][["time", "published", "reconstructed"]].values.tolist()
    [[0.0, 5.0, 5.0], [2.0, 4.0, 4.0]]
    """
    declared = cohorts[0].schema.endpoints
    if endpoint is not None and endpoint not in declared:
        raise unknown_name("endpoint", endpoint, declared)
    outcome = declared[endpoint] if endpoint is not None else next(iter(declared.values()))
    if isinstance(published, Paper):
        risk = published.data[outcome.name].at_risk
        at_risk = (None if risk.empty else risk) if at_risk is None else at_risk
        published = published.curves(outcome.name)
    survival = published["survival"].to_numpy(float)
    points = published.assign(survival=survival / 100 if survival.max() > 1.5 else survival)
    arm_column = cohorts[0].schema.arm or "arm"
    known = set(cohorts[0].rows[arm_column].astype(str))
    names = [name for name in dict.fromkeys(points["arm"].astype(str)) if name in known][: len(GROUP_COLOURS)]
    if not names:
        fix = f"the cohorts have {', '.join(sorted(known))}"
        raise NotEstimableError("figure of published curves", Problem("arm", "no published arm has patients", fix))
    follow = {name: [_follow_up(one, arm_column, name, outcome) for one in cohorts] for name in names}
    end = max(points["time"].max(), *(time.max() for each in follow.values() for time, _ in each))
    times = _times(at_risk, names, float(end))
    arms = [_arm(name, points[points["arm"] == name], follow[name], float(end), times, at_risk) for name in names]
    with style():
        axes = _drawn(arms, float(end), times, outcome.name, cohorts[0].schema.unit, outcome.causes.get(1, "the event"))
    frame = pd.concat([arm.points for arm in arms], ignore_index=True)
    tables = {key: pd.concat([getattr(arm, part) for arm in arms], ignore_index=True)
              for key, part in (("band", "band"), ("at_risk", "risk"))}  # fmt: skip
    return Picture(axes, frame, _alt(arms, outcome.name), _caption(len(cohorts), at_risk is not None), tables)


def _follow_up(cohort: Cohort, arm_column: str, name: str, endpoint: Endpoint) -> tuple[np.ndarray, np.ndarray]:
    """Times and events of one arm."""
    rows = cohort.rows[(cohort.rows[arm_column].astype(str) == name).to_numpy()]
    return rows[endpoint.time].to_numpy(float), rows[endpoint.event].to_numpy(float)


def _times(at_risk: pd.DataFrame | None, names: Sequence[str], end: float) -> np.ndarray:
    """Columns of the table: the published times, or round ones."""
    if at_risk is not None and len(at_risk):
        times = np.unique(at_risk.loc[at_risk["arm"].astype(str).isin(names), "time"].to_numpy(float))
        return times[:: -(-len(times) // _MOST_COLUMNS)]
    ticks = np.asarray(MaxNLocator(8, steps=[1, 2, 2.5, 5, 10]).tick_values(0, end))
    return ticks[(ticks >= 0) & (ticks <= end)]


def _arm(
    name: str,
    points: pd.DataFrame,
    follow: Sequence[tuple[np.ndarray, np.ndarray]],
    end: float,
    times: np.ndarray,
    at_risk: pd.DataFrame | None,
) -> _Arm:
    curves = [kaplan_meier(time, event > 0) for time, event in follow]
    last = min(float(time.max()) for time, _ in follow)

    def band(at: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        each = np.array([curve.at(np.minimum(at, time.max())) for curve, (time, _) in zip(curves, follow, strict=True)])
        low, high = np.quantile(each, [0.025, 0.975], axis=0)
        return each.mean(axis=0), low, high

    points = points.sort_values(["time", "survival"], ascending=[True, False])
    time, survival = points["time"].to_numpy(float), points["survival"].to_numpy(float)
    middle, low, high = band(np.maximum(time, 0.0))
    beside = [band(np.maximum(time + step * end / _PIXELS, 0.0))[0] for step in (1, -1)]
    shown = pd.DataFrame({"arm": name, "time": time, "published": survival, "reconstructed": middle, "low": low,
                          "high": high, "difference": survival - np.clip(survival, *beside)})  # fmt: skip
    grid = np.linspace(0, last, 3 * GRID + 1)
    middle, low, high = band(grid)
    lines = pd.DataFrame({"arm": name, "time": grid, "reconstructed": middle, "low": low, "high": high})
    counts = np.array([at_risk_counts(time, event > 0, times, None)[:, 0] for time, event in follow])
    risk = pd.DataFrame({"arm": name, "time": times})
    stated = pd.Series(np.nan, index=times)
    if at_risk is not None:
        own = at_risk[at_risk["arm"].astype(str) == name]
        stated.update(pd.Series(own["at_risk"].to_numpy(float), index=own["time"].to_numpy(float)))
    risk["published"] = stated.to_numpy()
    risk["reconstructed"], risk["lowest"], risk["highest"] = counts.mean(axis=0), counts.min(axis=0), counts.max(axis=0)
    return _Arm(name, shown, lines, risk)


def _drawn(arms: Sequence[_Arm], end: float, times: np.ndarray, endpoint: str, unit: str, event: str) -> Axes:
    table = (1 + 3 * len(arms)) * ROW + _FOOT
    height = TOP + _CURVES + _BETWEEN + _DIFFERENCES + _AXIS + table
    figure = canvas(WIDTH, height)
    across = LEFT / WIDTH, (WIDTH - LEFT - RIGHT) / WIDTH
    foot = (_AXIS + table) / height
    below = figure.add_axes((across[0], foot, across[1], _DIFFERENCES / height))
    axes = figure.add_axes(
        (across[0], foot + (_DIFFERENCES + _BETWEEN) / height, across[1], _CURVES / height), sharex=below
    )
    for arm, colour, marker in zip(arms, GROUP_COLOURS, GROUP_MARKERS, strict=False):
        time, middle = arm.band["time"], arm.band["reconstructed"]
        look: dict[str, Any] = {"marker": marker, "linestyle": "none", "markersize": 2.6, "markerfacecolor": "white",
                "markeredgewidth": 0.6, "color": colour}  # fmt: skip
        for on, shift, times_of in ((axes, 0.0, 1.0), (below, middle, 100.0)):
            low, high = (times_of * (arm.band[edge] - shift) for edge in ("low", "high"))
            on.fill_between(time, low, high, step="post", color=colour, alpha=0.22, linewidth=0)
        axes.step(time, middle, where="post", color=colour, linewidth=1.1)
        axes.plot(arm.points["time"], arm.points["published"], **look)
        below.plot(arm.points["time"], 100 * arm.points["difference"], **look)
    largest = max(float(np.abs(100 * arm.points["difference"]).max()) for arm in arms)
    widest = max(float(np.abs(100 * (arm.band[edge] - arm.band["reconstructed"])).max())
                 for arm in arms for edge in ("low", "high"))  # fmt: skip
    reach = max(1.15 * largest, 1.15 * widest, 0.5)
    below.axhline(0, color=BLACK, linewidth=0.6)
    below.set(
        xlim=(0, end * 1.01),
        ylim=(-reach, reach),
        xlabel=f"Time ({unit}s)",
        ylabel="Published −\nreconstructed\n(% points)",
    )
    axes.set(ylim=(0, 1.02), ylabel=f"Share without {event}")
    axes.tick_params(labelbottom=False)
    axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    if len(times) > 1:
        below.set_xticks(times)
        below.set_xticklabels([f"{time:g}" for time in np.round(times, 2)])
    axes.set_title(f"{endpoint}: published points over the reconstructed curves")
    _legend(axes, arms, end)
    _table(figure, below, arms, times)
    watermark(figure)
    return axes


def _legend(axes: Axes, arms: Sequence[_Arm], end: float) -> None:
    """What points, line and band are, and which arm has which colour; where no curve passes."""
    handles = [
        Line2D(
            [], [], color=GREY, linestyle="none", marker="o", markersize=4, markerfacecolor="white", label="published"
        ),
        Line2D([], [], color=GREY, linewidth=1.1, label="reconstructed, mean"),
        Patch(color=GREY, alpha=0.3, linewidth=0, label="95% of the reconstructions"),
    ]
    handles += [
        Line2D([], [], color=colour, linewidth=5, marker=marker, markersize=8, markerfacecolor="white", label=arm.name)
        for arm, colour, marker in zip(arms, GROUP_COLOURS, GROUP_MARKERS, strict=False)
    ]
    early = [arm.band.loc[arm.band["time"] <= 0.4 * end, "reconstructed"].min() for arm in arms]
    axes.legend(handles=handles, loc="lower left" if min(early) > 0.1 + 0.062 * len(handles) else "upper right")


def _table(figure: Figure, axes: Axes, arms: Sequence[_Arm], times: np.ndarray) -> None:
    """Published and reconstructed numbers at risk, each column centred under its time."""
    height = figure.get_size_inches()[1]
    across = transforms.blended_transform_factory(axes.transData, figure.transFigure)
    y, edge = ((1 + 3 * len(arms)) * ROW + _FOOT - ROW / 2) / height, 0.1 / WIDTH
    figure.text(edge, y, "Number at risk", fontsize=8, va="center", color=GREY)
    for arm, colour in zip(arms, GROUP_COLOURS, strict=False):
        y -= ROW / height
        figure.text(edge, y, arm.name, fontsize=8, va="center", weight="bold", color=colour)
        for title, texts in _rows(arm.risk):
            y -= ROW / height
            figure.text(edge, y, title, fontsize=8, va="center")
            for time, text in zip(times, texts, strict=True):
                axes.text(time, y, text, transform=across, fontsize=8, ha="center", va="center")


def _rows(risk: pd.DataFrame) -> list[tuple[str, list[str]]]:
    """Texts of an arm's rows; a reconstructed number that differs between cohorts has its range."""
    published = ["–" if np.isnan(n) else f"{n:,.0f}" for n in risk["published"]]
    ranges = zip(risk["lowest"], risk["highest"], strict=True)
    return [("Published", published), ("Rebuilt", [f"{a:,.0f}" if a == b else f"{a:,.0f}–{b:,.0f}" for a, b in ranges])]


def _alt(arms: Sequence[_Arm], endpoint: str) -> str:
    parts = []
    for arm in arms:
        largest = float(arm.points["difference"].abs().max())
        widest = float((arm.band["high"] - arm.band["low"]).max())
        off = (arm.risk["published"] - arm.risk["reconstructed"]).abs()
        told = f"; numbers at risk differ by at most {off.max():.2g}" if off.notna().any() else ""
        parts.append(
            f"{arm.name}: {len(arm.points)} points, at most {100 * largest:.2g} percentage points from the mean "
            f"curve; the band is at most {100 * widest:.2g} points wide{told}"
        )
    return f"Published Kaplan-Meier points of {endpoint} over the reconstructed curves. " + ". ".join(parts) + "."


def _caption(m: int, has_risk: bool) -> str:
    table = (
        "The table shows published and reconstructed numbers at risk, with their range where reconstructions differ."
        if has_risk
        else "The paper shows no numbers at risk; those of the reconstructions have their range."
    )
    return (
        f"Points: as clicked in the figure. Line and band: mean and 95% of {counted(m, 'reconstruction')}. The band is "
        "what the figure leaves open, not the sampling error of the patients. Below: points minus the mean curve; a "
        f"point on a step, within one of {_PIXELS} parts of the time axis, has no difference. Spikes of the band are "
        f"steps, whose time is known within the clicking error. {table}"
    )
