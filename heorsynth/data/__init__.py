"""Patients and synthetic rows: read, checked, labelled and held."""

__all__ = ("inspect",)
