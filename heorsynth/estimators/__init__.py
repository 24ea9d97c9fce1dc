"""Arrays in, an `Estimate` out; knows nothing of cohorts, margins or generators."""

__all__ = ("association", "least_squares", "plateau", "propensity", "proportions", "separation", "shrinkage", "ties")
