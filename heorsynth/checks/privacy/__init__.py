"""Attacks on the synthetic rows."""

__all__ = ("check", "estimands", "releases")
