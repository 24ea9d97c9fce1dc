"""Covariates for reconstructed patients: Table 1, subgroup effects and correlations exact, the rest from a prior."""

__all__ = ("characteristics", "cohorts", "columns", "prior", "published_cohorts", "threshold")
