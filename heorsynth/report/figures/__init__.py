"""The figures of a run: each returns a `Picture`, which is the Axes, the frame it drew, and its words."""

from __future__ import annotations

from heorsynth.report.figures.differences import km_difference, lorenz, subgroup_forest
from heorsynth.report.figures.disclosure import disclosure_risk
from heorsynth.report.figures.economics import acceptability, ce_plane
from heorsynth.report.figures.evidence import forest
from heorsynth.report.figures.groups import cost_quantiles, level_retention
from heorsynth.report.figures.published import published_curves
from heorsynth.report.figures.replications import analyses
from heorsynth.report.figures.selection import attrition
from heorsynth.report.figures.stability import collapse_curves
from heorsynth.report.figures.style import Picture
from heorsynth.report.figures.survival import km_overlay

__all__ = (
    "Picture",
    "acceptability",
    "analyses",
    "attrition",
    "ce_plane",
    "collapse_curves",
    "cost_quantiles",
    "disclosure_risk",
    "forest",
    "km_difference",
    "km_overlay",
    "level_retention",
    "lorenz",
    "published_curves",
    "style",
    "subgroup_forest",
)
