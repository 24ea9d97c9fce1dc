"""Cost-effectiveness of any cohort, and how a generator behaves as cohorts shrink or grow."""

__all__ = ("economics", "evaluate", "scaling", "stability")
