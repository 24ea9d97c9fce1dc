"""Checks of distributions, associations and subgroups."""

__all__ = ("characteristics", "check", "columns", "estimands", "panel", "subgroups")
