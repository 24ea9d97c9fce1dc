"""Survival estimators: curves, hazard ratios, competing risks, parametric models."""

__all__ = (
    "aalen_johansen",
    "counts",
    "cox",
    "cox_two_arms",
    "curve",
    "estimates",
    "fine_gray",
    "kaplan_meier",
    "parametric",
    "parametric_families",
    "pseudo_values",
    "summaries",
)
