"""Increments, decisions between options, pooling over cohorts."""

__all__ = ("agreement", "arms", "frontier", "increments", "options", "pooling", "regression")
