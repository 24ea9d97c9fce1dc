"""Checks of costs and utilities."""

__all__ = ("check", "estimands", "references")
