"""Checks of the economic evaluation, its decision and its precision."""
