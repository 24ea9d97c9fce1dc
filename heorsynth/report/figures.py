"""The figures of a run: each returns a `Picture`, which is the Axes, the frame it drew, and its words."""

from __future__ import annotations

from heorsynth.report.figures_differences import km_difference, lorenz, subgroup_forest
from heorsynth.report.figures_disclosure import disclosure_risk
from heorsynth.report.figures_economics import acceptability, ce_plane
from heorsynth.report.figures_evidence import forest
from heorsynth.report.figures_groups import cost_quantiles, level_retention
from heorsynth.report.figures_stability import collapse_curves
from heorsynth.report.figures_survival import km_overlay
from heorsynth.report.picture import Picture

__all__ = [
    "Picture",
    "acceptability",
    "ce_plane",
    "collapse_curves",
    "cost_quantiles",
    "disclosure_risk",
    "forest",
    "km_difference",
    "km_overlay",
    "level_retention",
    "lorenz",
    "subgroup_forest",
]
