"""Checks of costs and utilities."""
