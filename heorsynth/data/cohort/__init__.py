"""Rows in memory with their roles, and what a cohort is refused for."""
