"""Checks of what is measured at visits: profiles, correlation over time, changes, dropout, gaps and areas."""

__all__ = ("check", "estimands", "measured")
