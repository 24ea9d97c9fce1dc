"""The pictures of an economic evaluation: the cost-effectiveness plane and the acceptability curve."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from heorsynth.core.display import counted
from heorsynth.core.estimate import significant
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.economics.increments import Increments
from heorsynth.evaluation.evaluate import declared, evaluate
from heorsynth.report.figures.style import BLACK, DASHED, GREY, REAL, SYNTHETIC, Picture, canvas, style, watermark

_POINTS = 181
_RADIUS = math.sqrt(-2 * math.log(0.05))
"""Of the ellipse that holds 95% of a normal law in the plane."""

_BAND = (0.05, 0.95)


def ce_plane(
    cohort: Cohort,
    synthetic: Sequence[Cohort],
    wtp: float | None = None,
    arm: str | None = None,
    economics: Mapping[str, object] | None = None,
) -> Picture:
    """Return the cost-effectiveness plane of the patients, of each synthetic cohort, and of these pooled.

    Parameters
    ----------
    cohort : Cohort                  the real patients
    synthetic : sequence of Cohort   the m synthetic cohorts
    wtp : float, optional            threshold drawn as a line through the origin, in money per unit of effect
    arm : str, optional              compared with the comparator; the first other arm by default
    economics : Mapping              the `economics` block: comparator, cost, effect, and how it is adjusted

    Returns
    -------
    Picture      `frame`: who (patients, synthetic pooled, or a cohort's number), effect, cost

    See Also
    --------
    acceptability : The probability of being cost-effective, by threshold.
    heorsynth.evaluate : The increments as numbers.

    Examples
    --------
    >>> import heorsynth as hs
    >>> cohort, _ = hs.datasets.simulated_trial(60, seed=1)
    >>> synthetic = hs.generators.create("marginals").fit(cohort, seed=1).sample(m=2, seed=1)
    >>> ce_plane(cohort, synthetic, wtp=20_000).frame["who"].tolist()
    ['patients', 'synthetic, pooled', 'cohort 0', 'cohort 1']
    """
    real, pooled, single = _evaluated(cohort, synthetic, arm, economics or {})
    rows = [("patients", real.effect, real.cost), ("synthetic, pooled", pooled.effect, pooled.cost)]
    rows += [(f"cohort {part}", one.effect, one.cost) for part, one in enumerate(single)]
    frame = pd.DataFrame(rows, columns=["who", "effect", "cost"])
    with style():
        figure = canvas(6.4, 4.6)
        axes = figure.add_axes((0.14, 0.13, 0.82, 0.76))
        axes.axhline(0, color=GREY, linewidth=0.6)
        axes.axvline(0, color=GREY, linewidth=0.6)
        axes.plot(frame["effect"][2:], frame["cost"][2:], ".", color=SYNTHETIC, alpha=0.45, markersize=4,
                  label=f"each of {counted(len(single), 'synthetic cohort')}")  # fmt: skip
        for found, dash, colour, marker, name in (
            (real, "-", REAL, "o", "patients, 95% region"),
            (pooled, DASHED, SYNTHETIC, "s", "synthetic, pooled, 95% region"),
        ):
            effect, cost = _ellipse(found)
            axes.plot(effect, cost, linestyle=dash, color=colour, label=name)
            axes.plot([found.effect], [found.cost], marker, color=colour, markersize=6)
        if wtp is not None:
            _through_origin(axes, wtp)
        axes.set(xlabel="Incremental effect per patient", ylabel=f"Incremental cost per patient ({_money(cohort)})",
                 title="Cost-effectiveness plane")  # fmt: skip
        axes.legend(loc="best", frameon=True, framealpha=1.0, edgecolor="none")
        watermark(figure)
    return Picture(
        axes,
        frame,
        f"Cost-effectiveness plane. Patients: {significant(real.cost)} more for {significant(real.effect)} of effect, "
        f"{real.icer()}. Pooled synthetic cohorts: {significant(pooled.cost)} for {significant(pooled.effect)}, "
        f"{pooled.icer()}.",
        "Solid: patients. Dashed: the synthetic cohorts pooled, so that their region claims no more than the patients. "
        "Dots: single synthetic cohorts; their scatter is the noise of drawing, not the uncertainty of the estimate."
        + ("" if wtp is None else f" Below the grey line the new arm is worth {significant(wtp)} a unit."),
    )


def acceptability(
    cohort: Cohort,
    synthetic: Sequence[Cohort],
    to: float,
    arm: str | None = None,
    economics: Mapping[str, object] | None = None,
) -> Picture:
    """Return acceptability curves, by threshold: patients, pooled cohorts and single cohorts.

    Parameters
    ----------
    cohort : Cohort                  the real patients
    synthetic : sequence of Cohort   the m synthetic cohorts
    to : float                       largest threshold, in money per unit of effect
    arm : str, optional              compared with the comparator; the first other arm by default
    economics : Mapping              the `economics` block: comparator, cost, effect, and how it is adjusted

    Returns
    -------
    Picture      `frame`: wtp, patients, pooled, lower, upper (5th and 95th percentile of the cohorts)

    See Also
    --------
    ce_plane : Incremental cost and effect in the plane.
    heorsynth.evaluate : The curve as numbers.

    Examples
    --------
    >>> import heorsynth as hs
    >>> cohort, _ = hs.datasets.simulated_trial(60, seed=1)
    >>> synthetic = hs.generators.create("marginals").fit(cohort, seed=1).sample(m=2, seed=1)
    >>> axes, frame = acceptability(cohort, synthetic, to=50_000)
    >>> list(frame.columns)
    ['wtp', 'patients', 'pooled', 'lower', 'upper']
    """
    real, pooled, single = _evaluated(cohort, synthetic, arm, economics or {})
    grid = np.linspace(0.0, to, _POINTS)
    curves = np.array([one.ceac(grid) for one in single])
    lower, upper = np.quantile(curves, _BAND, axis=0)
    frame = pd.DataFrame({
        "wtp": grid, "patients": real.ceac(grid), "pooled": pooled.ceac(grid), "lower": lower, "upper": upper,
    })  # fmt: skip
    with style():
        figure = canvas(6.4, 4.2)
        axes = figure.add_axes((0.11, 0.14, 0.85, 0.74))
        axes.fill_between(grid, lower, upper, color=SYNTHETIC, alpha=0.18, linewidth=0, label="nine in ten cohorts")
        axes.plot(grid, frame["patients"], color=REAL, label="patients")
        axes.plot(grid, frame["pooled"], linestyle=DASHED, color=SYNTHETIC, label="synthetic, pooled")
        axes.axhline(0.5, color=GREY, linewidth=0.6)
        axes.set(xlim=(0, to), ylim=(0, 1), xlabel=f"Threshold ({_money(cohort)} per unit of effect)",
                 ylabel="Probability of being cost-effective", title="Acceptability curve")  # fmt: skip
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.legend(loc="best", frameon=True, framealpha=1.0, edgecolor="none")
        watermark(figure)
    gap = (frame["pooled"] - frame["patients"]).abs()
    widest = int(gap.to_numpy().argmax())
    return Picture(
        axes,
        frame,
        f"Acceptability curves to {significant(to)}. There, patients {frame['patients'].iloc[-1]:.0%}, pooled "
        f"synthetic cohorts {frame['pooled'].iloc[-1]:.0%}; largest gap {gap.max():.2f} at "
        f"{significant(float(grid[widest]))}.",
        "Solid: patients. Dashed: the synthetic cohorts pooled. The band holds nine in ten single cohorts' curves.",
    )


def _evaluated(
    cohort: Cohort, synthetic: Sequence[Cohort], arm: str | None, economics: Mapping[str, object]
) -> tuple[Increments, Increments, list[Increments]]:
    real = evaluate(cohort, **declared(economics))
    name = real.arms[1] if arm is None else arm
    how = declared(economics, synthetic=True)
    single = [evaluate([one], **how).increments(name) for one in synthetic]
    pooled = evaluate(synthetic, **how).increments(name)
    return real.increments(name).published, pooled.published, single


def _ellipse(found: Increments) -> tuple[np.ndarray, np.ndarray]:
    """Effect and cost (p,) along the region that holds 95% of the normal law."""
    angle = np.linspace(0, 2 * np.pi, _POINTS)
    values, vectors = np.linalg.eigh(found.covariance)
    around = vectors @ (np.sqrt(np.maximum(values, 0))[:, None] * np.vstack([np.cos(angle), np.sin(angle)])) * _RADIUS
    return found.effect + around[1], found.cost + around[0]


def _through_origin(axes: Axes, wtp: float) -> None:
    """The line on which the net benefit is 0, without moving the limits of what is drawn."""
    limits = axes.get_xlim(), axes.get_ylim()
    ends = np.array(limits[0])
    axes.plot(ends, wtp * ends, color=BLACK, linewidth=0.8, alpha=0.6)
    axes.set(xlim=limits[0], ylim=limits[1])
    axes.annotate(f"{significant(wtp)}", (limits[0][1], min(wtp * ends[1], limits[1][1])), ha="right", va="bottom",
                  fontsize=8, color=GREY)  # fmt: skip


def _money(cohort: Cohort) -> str:
    return cohort.schema.money or "money"
