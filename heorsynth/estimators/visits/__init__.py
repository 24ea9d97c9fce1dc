"""Values measured at visits: profiles, correlation over time, dropout, areas, mixed models and imputation."""

__all__ = ("correlation", "imputation", "repeated_measures", "summaries", "trajectories")
