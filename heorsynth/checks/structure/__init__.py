"""Checks of distributions, associations and subgroups."""

__all__ = ("check", "columns", "estimands", "panel", "subgroups")
