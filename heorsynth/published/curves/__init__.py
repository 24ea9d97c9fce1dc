"""Curves in: clicked coordinates and vector figures as a frame of arm, time and survival."""

__all__ = ("points", "vector")
