"""Covariates for reconstructed patients: Table 1, subgroup effects and correlations exact, the rest from a prior."""

__all__ = ("cohorts", "prior", "published_cohorts")
