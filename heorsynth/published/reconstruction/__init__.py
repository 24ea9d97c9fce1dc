"""Patients reconstructed from a published Kaplan-Meier curve, as an ensemble that shows what the curve leaves open."""

__all__ = ("cleaning", "cohorts", "estimands", "guyot", "joined", "reconstruct")
