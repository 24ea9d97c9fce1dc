"""The user's own analyses, on the patients and on every synthetic cohort: estimates, decisions and their agreement."""

__all__ = ("analysis", "check", "estimands", "problems", "replicate")
