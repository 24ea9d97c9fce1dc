"""Patients reconstructed from a published Kaplan-Meier curve, as an ensemble that shows what the curve leaves open."""

__all__ = ("cohorts", "estimands", "guyot", "joined", "reconstruct")
