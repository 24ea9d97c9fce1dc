"""Indirect comparisons between own patients and a published trial."""

__all__ = ("compare",)
