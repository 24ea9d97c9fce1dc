"""Cost-effectiveness of any cohort, and how a generator behaves as cohorts shrink."""

__all__ = ("economics", "evaluate", "stability")
