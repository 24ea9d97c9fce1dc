"""Rows in memory with their roles, and what a cohort is refused for."""

__all__ = ("arrays", "cohort", "declared", "domain", "follow_up", "level_checks", "packed", "source_checks", "visits")
