"""Survival estimates of many cohorts in one pass, one cohort a row. The formulas are those of `survival`."""

__all__ = ("arms", "counts", "curves")
