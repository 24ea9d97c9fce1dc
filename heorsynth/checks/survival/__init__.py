"""Checks of survival and follow-up."""

__all__ = ("check", "estimands", "horizon", "together")
