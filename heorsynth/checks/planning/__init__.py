"""Purposes, their estimands and margins: fixed before any result is seen."""

__all__ = ("catalogue", "plain", "plan", "purposes", "registry", "run_checks")
