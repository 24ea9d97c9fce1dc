"""Arrays in, an `Estimate` out; knows nothing of cohorts, margins or generators."""

__all__ = ("association", "attacks", "propensity", "proportions", "separation", "shrinkage", "ties")
