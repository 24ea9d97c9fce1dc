"""Patients in clusters: which rows share one, and what they then have in common. Arrays in, arrays out."""

__all__ = ("calibration", "law", "placing")
