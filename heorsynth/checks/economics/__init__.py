"""Checks of the economic evaluation, its decision and its precision."""

__all__ = ("arms", "check", "decisions", "estimands", "precision")
