"""What a purpose asks, fixed before any result is seen."""

__all__ = ("catalogue", "plain", "plan", "purposes", "registry", "run_checks")
