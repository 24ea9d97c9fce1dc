"""Checks of the economic evaluation, its decision and its precision."""

__all__ = ("analysis", "arms", "balance", "check", "compared", "decisions", "estimands", "precision")
