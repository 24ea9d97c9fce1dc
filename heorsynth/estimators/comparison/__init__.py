"""Indirect comparisons: Bucher, matching weights, weighted hazard ratios, and pooling over reconstructed cohorts."""

__all__ = ("bucher", "ensemble", "matching", "weighted_cox")
