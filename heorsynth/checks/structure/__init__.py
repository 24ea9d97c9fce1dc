"""Checks of distributions, associations and subgroups."""
