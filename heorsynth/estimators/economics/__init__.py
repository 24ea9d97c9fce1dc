"""Increments, decisions between options, pooling over cohorts."""
