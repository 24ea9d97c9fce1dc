"""The small-cohort generator of this project; imports no other generator."""

__all__ = ("law", "recipe", "subsample")
