"""The trial behind a paper: its roles, and m cohorts that agree with the facts that are their constraints."""

__all__ = ("reference", "trial")
