"""Patients in clusters: the variance between clusters, and how arms lie in them."""

__all__ = ("arms", "cox", "effects", "variance", "weibull")
