"""The picture of disclosure: how often each attack works on the source's patients, beside people never seen."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from heorsynth.checks.core.finding import LEVEL
from heorsynth.core.display import counted
from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.evidence.evidence import Evidence
from heorsynth.report.figures.evidence import LOOK
from heorsynth.report.figures.style import GREY, Picture, bars, canvas, lines, row_labels, style, watermark

_BAND = "#EAEAEA"
WIDTH, LABELS, ROW = 8.6, 4.3, 0.3
"""Inches: the figure, the names of the attacks, and one row."""


def disclosure_risk(evidence: Evidence) -> Picture:
    """Return a figure of the success of each attack, on training patients and on the hold-out, with the margin.

    Parameters
    ----------
    evidence : Evidence      of a purpose that attacks the rows, such as "data-sharing"

    Returns
    -------
    Picture      `frame`: attack, group, control, success, lower, upper (of success, over the control), margin, verdict

    Raises
    ------
    NotEstimableError    no attack could be judged: there was no hold-out, or the purpose asks for none

    See Also
    --------
    forest : All findings in units of their margins.
    heorsynth.validate : Takes the hold-out that the attacks need.

    Examples
    --------
    >>> import heorsynth as hs
    >>> cohort, _ = hs.datasets.simulated_trial(60, seed=1)
    >>> synthetic = hs.generators.create("marginals").fit(cohort, seed=1).sample(m=2, seed=1)
    >>> evidence = hs.validate(cohort, synthetic, purpose="software-testing", seed=1)
    >>> frame = disclosure_risk(evidence).frame
    >>> frame["attack"].tolist(), list(frame.columns[2:6])
    (['rows equal to a patient'], ['control', 'success', 'lower', 'upper'])
    """
    found = [f for f in evidence.findings if f.check == "disclosure" and f.synthetic == f.synthetic]
    if not found:
        fix = "use the purpose data-sharing, with holdout= (people the generator never saw)"
        raise NotEstimableError("disclosure_risk", Problem("findings", "no attack was judged", fix))
    keys = list(dict.fromkeys(f.key for f in found))
    found.sort(key=lambda finding: (keys.index(finding.key), finding.group != "all", finding.group))
    frame = pd.DataFrame(
        {
            "attack": [f.estimand for f in found],
            "group": [f.group for f in found],
            "control": [f.real for f in found],
            "success": [f.synthetic for f in found],
            "lower": [f.real + f.lower for f in found],
            "upper": [f.real + f.upper for f in found],
            "margin": [f.margin for f in found],
            "verdict": [f.verdict for f in found],
        }
    )
    height = 1.4 + ROW * len(frame)
    with style():
        figure = canvas(WIDTH, height)
        axes = figure.add_axes((LABELS / WIDTH, 0.6 / height, (WIDTH - LABELS - 0.2) / WIDTH, 1 - 1.4 / height))
        y = np.arange(len(frame))
        bars(axes, y, 0.7, frame["control"], frame["control"] + frame["margin"], color=_BAND, linewidth=0, zorder=0)
        lines(axes, frame["control"], y - 0.35, frame["control"], y + 0.35, color=GREY, linewidth=1.6, zorder=1)
        for verdict, (marker, fill, edge) in LOOK.items():
            its = frame["verdict"] == verdict
            low, high = frame["lower"][its].clip(lower=0), frame["upper"][its].clip(upper=1)
            lines(axes, low, y[its], high, y[its], color=edge, linewidth=1.5, zorder=2)
            look: dict[str, Any] = {"markerfacecolor": fill, "markeredgecolor": edge, "markersize": 6, "zorder": 3}
            axes.plot(frame["success"][its], y[its], marker, **look)
        labels = [row["attack"] if row["group"] == "all" else f"{row['attack']} · {row['group']}"
                  for row in frame.to_dict("records")]  # fmt: skip
        axes.set(
            xlim=(-0.02, 1.02),
            ylim=(len(frame) - 0.4, -0.6),
            xlabel="Share of rows or attempts, or area under the curve",
        )
        row_labels(axes, y, [textwrap.fill(label, 62) for label in labels], 7)
        shown = [Line2D([], [], color=GREY, marker="|", markersize=9, markeredgewidth=1.6, linestyle="none",
                        label="people never seen"), Patch(color=_BAND, label="margin")]  # fmt: skip
        shown += [
            Line2D([], [], marker=marker, markerfacecolor=fill, markeredgecolor=edge, color=edge, label=verdict)
            for verdict, (marker, fill, edge) in LOOK.items()
            if (frame["verdict"] == verdict).any()
        ]
        figure.text(0.1 / WIDTH, 1 - 0.22 / height, "What attacks on the rows achieve", weight="bold", fontsize=10)
        figure.legend(handles=shown, loc="center", ncols=5, bbox_to_anchor=(0.6, 1 - 0.55 / height))
        watermark(figure)
    worst = frame.assign(excess=frame["success"] - frame["control"]).nlargest(1, "excess").iloc[0]
    counts = ", ".join(f"{int((frame['verdict'] == verdict).sum())} {verdict}" for verdict in LOOK)
    return Picture(
        axes,
        frame,
        f"{counted(len(frame), 'attack')}: {counts}. Most beyond its control: {worst['attack']}, {worst['group']}, "
        f"{worst['success']:.2f} against {worst['control']:.2f}.",
        f"The marker is an attack's success on patients of the source, with its {LEVEL:.0%} interval; the tick is its "
        "success on people the generator never saw. The grey band is the margin.",
    )
